/// Who a token speaks for.
struct SignedInPrincipal: Sendable {
    /// The object id: of the user, or of the app itself.
    let objectID: String
    let appID: String
    let isApp: Bool
    /// Delegated permissions, or roles of an app.
    let permissions: Set<String>
    let resource: ServedResource
    /// Tokens are numbered as they are issued, so that a revocation reaches exactly the ones before it.
    let serial: Int
    /// Whether the client said that it can answer a claims challenge.
    let answersChallenges: Bool
    /// The roles that a partner's person brings along, who has no account here; `nil` for everybody else.
    var delegatedRoles: [DirectoryRoleName]?
}
