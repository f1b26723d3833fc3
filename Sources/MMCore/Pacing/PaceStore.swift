/// A store in which senders of requests agree on when the next one may be sent, while a service has asked to slow down.
/// It is a file that the processes of one machine share, or a store that several machines share.
package protocol PaceStore: Sendable {
    /// Takes the next slot among all senders.
    /// - Parameter key: the group of requests that are counted together: a tenant's app and one service.
    /// - Returns: how long to wait before trying again; `nil` when the request may be sent now.
    func take(_ key: String) async -> Duration?

    /// Records that the service asked to slow down.
    /// - Parameters:
    ///   - wait: how long to wait.
    ///   - sent: the time at which the refused request was sent, by this machine's clock.
    /// - Returns: whether the other senders can see the record.
    @discardableResult
    func slowDown(_ key: String, for wait: Duration, sent: Timestamp) async -> Bool

    /// Records that a request sent at a given time succeeded.
    func goOn(_ key: String, sent: Timestamp) async
}
