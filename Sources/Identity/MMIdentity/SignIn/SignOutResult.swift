/// The result of a sign-out.
public struct SignOutResult: Sendable, Hashable {
    /// The accounts whose tokens were removed.
    public var accounts: [String] = []
}
