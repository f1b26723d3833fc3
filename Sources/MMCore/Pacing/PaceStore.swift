/// Where those who send requests agree on when the next one may go, while a service has asked to slow down: in a file that the
/// processes of one machine share, or in what several machines share.
package protocol PaceStore: Sendable {
    /// Takes the next slot among those who want to send.
    /// - Parameter key: whose requests are counted together: a tenant's app and one service.
    /// - Returns: how long to wait before trying again; `nil` when the request may be sent now.
    func take(_ key: String) async -> Duration?

    /// Records that the service asked to slow down.
    /// - Parameters:
    ///   - wait: how long to wait.
    ///   - sent: when the request that was refused was sent, by this machine's clock.
    /// - Returns: whether those who share the store can know of it.
    @discardableResult
    func slowDown(_ key: String, for wait: Duration, sent: Timestamp) async -> Bool

    /// Records that a request sent at a given time succeeded.
    func goOn(_ key: String, sent: Timestamp) async
}
