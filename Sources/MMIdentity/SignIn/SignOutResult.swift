/// What a sign-out did.
public struct SignOutResult: Sendable, Hashable {
    /// The accounts whose tokens were removed.
    public var accounts: [String] = []
    /// Where a cache that couldn't be used was moved to.
    public var setAside: String?
}
