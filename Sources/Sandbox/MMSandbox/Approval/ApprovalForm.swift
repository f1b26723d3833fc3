/// What a person is asked to approve.
struct ApprovalForm: Sendable {
    let app: RegisteredApp
    let scope: String
    /// The third fact shown: the code, or where the browser goes back to.
    let whatName: String
    let what: String
    let action: String
    let hidden: [(name: String, value: String)]
    let loginHint: String?
    /// Where the answer leads, when it leaves the sandbox.
    let redirect: String?
    let problem: String?
}
