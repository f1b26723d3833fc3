/// What a sign-out did.
public struct SignOutResult: Sendable, Hashable {
    /// The accounts whose tokens were removed.
    public var accounts: [String] = []
}
