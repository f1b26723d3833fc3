internal import MMCore

/// Obtains tokens that can be renewed beside the calls that still use the old one.
protocol RenewingAcquirer: Sendable {
    /// When to give up.
    var deadline: Deadline { get set }
    /// Returns a cached token that can still be sent.
    func cached() async throws(MMError) -> UsableToken?
    /// Renews the cached token, unless another process is doing so.
    func renew() async throws(MMError)
}

/// A cached token that can still be sent.
struct UsableToken: Sendable {
    let token: AccessToken
    /// Whether a new one should be obtained beside its use.
    let isDue: Bool
}
