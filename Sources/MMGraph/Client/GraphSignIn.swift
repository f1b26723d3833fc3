public import MMIdentity

/// How a client signs in when nobody is signed in yet.
public struct GraphSignIn: Sendable {
    let show: (@Sendable (SignInPrompt) async -> Void)?

    /// A code that a person enters on another page (RFC 8628). The request waits until they have, and is sent then.
    /// - Parameter show: gets each code once; `message` of it is the sign-in service's own sentence for people.
    public static func deviceCode(_ show: @escaping @Sendable (SignInPrompt) async -> Void) -> GraphSignIn {
        GraphSignIn(show: show)
    }

    /// Nobody is asked: a request answers with `.signInNeeded`, with code and address in its details, and goes through when
    /// it is repeated after the approval.
    public static let none = GraphSignIn(show: nil)
}
