import MMCore
import MMPool

/// Where one connection's pool runs. The router asks every pool in the same way, at an address; its site sees to it that
/// something answers there.
protocol PoolSite: Sendable {
    /// Asks the pool.
    var client: PoolClient { get }
    /// Whether the pool can be asked now, without anything being started.
    var isRunning: Bool { get async }
    /// Starts the pool, or waits for it, until it can be asked.
    /// - Throws: `unavailable` that says what to do when it can't.
    func bringUp() async throws(MMError)
    /// Hears that the pool could not be asked: what was known of it no longer counts.
    func wasMissed() async
    /// Takes a changed registry with this connection alone.
    func take(registry: JSONObject) async
    /// Looks after the pool, every other second.
    func watch() async
    /// What holds the pool, for `/status`.
    var holds: JSONObject { get async }
    /// Ends what the router has started.
    func close() async
}

extension PoolSite {
    func wasMissed() async {}
    func take(registry: JSONObject) async {}
    func watch() async {}
    func close() async {}
}

/// A kind of place for pools: processes of this machine, containers by their sockets, or machines by their names.
protocol PoolSites: Sendable {
    /// What keeps the pools apart, in a word or two.
    var wall: String { get }
    /// Whether the router starts the pools; others run without its doing.
    var areStarted: Bool { get }
    /// The site of a connection's pool.
    /// - Parameters:
    ///   - connection: the connection's name.
    ///   - registry: the registry with this connection alone.
    ///   - names: every name in the owner's registry.
    /// - Throws: `invalidInput` when the connection can have no pool here.
    func site(of connection: String, registry: JSONObject, among names: [String]) throws(MMError) -> any PoolSite
    /// Whether a pool had signed in sessions when it ended, which the router is to bring back.
    func hasSessions(_ connection: String) -> Bool
    /// Whether a pool has files of its own, because it has run before.
    func hasRecords(_ connection: String) -> Bool
}

extension PoolSites {
    var areStarted: Bool { false }
    func hasSessions(_ connection: String) -> Bool { false }
    func hasRecords(_ connection: String) -> Bool { true }
}
