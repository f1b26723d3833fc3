import MMCore
import MMPowerShell
import MMSessions

/// The spare sessions, which a long-running process starts before they are needed.
///
/// A PowerShell process takes about a second to start and 110 MB of memory, so spares are kept only on request: by a
/// connection's key `keepSpares`, a list of modules, or by the variable `MM_KEEP_SPARES`, which overrides the key:
/// `off`, or a list such as `Contoso/exo,Contoso/azure`.
struct SpareSessions: Sendable {
    /// The environment of the process.
    let environment: [String: String]
    /// The connections.
    let registry: ConnectionRegistry
    /// The log for errors in the settings.
    let log: Log
    private static let tick = Duration.seconds(30)

    /// Keeps the pool's spares as the settings ask for, until the task is cancelled. Changed settings take effect
    /// without a restart.
    func keep(in pool: SessionPool<ModuleSessionFactory>) async {
        var told: Set<String> = []
        var last: Set<SessionKey> = []
        while !Task.isCancelled {
            let (keys, faults) = wanted()
            for fault in faults where told.insert(fault).inserted { log.warning(fault) }
            if keys != last { await pool.keepSpares(for: keys) }
            last = keys
            try? await Task.sleep(for: Self.tick)
        }
    }

    /// Returns the sessions to keep, and the errors in the settings.
    func wanted() -> (keys: Set<SessionKey>, faults: [String]) {
        var keys: Set<SessionKey> = []
        var faults: [String] = []
        guard let snapshot = try? registry.snapshot() else { return ([], []) }
        func add(_ connection: String, _ module: String, _ place: String) {
            guard let known = try? snapshot.connection(named: connection) else {
                faults.append("\(place) names the connection \(connection), which does not exist.")
                return
            }
            guard let profile = try? ModuleProfiles.named(module) else {
                let names = ModuleProfiles.all.map(\.name).joined(separator: ", ")
                faults.append("\(place) names the module \(module), which does not exist. Modules: \(names).")
                return
            }
            keys.insert(SessionKey(connection: known.name, module: profile.name))
        }
        if let text = environment["MM_KEEP_SPARES"], !text.isEmpty {
            if ["0", "off", "no", "none"].contains(text.lowercased()) { return ([], []) }
            for item in text.split(separator: ",") {
                let parts = item.split(separator: "/", maxSplits: 1)
                guard parts.count == 2 else {
                    faults.append("MM_KEEP_SPARES holds \(item): write CONNECTION/MODULE, or off.")
                    continue
                }
                add(String(parts[0]), String(parts[1]), "MM_KEEP_SPARES")
            }
            return (keys, faults)
        }
        for connection in snapshot.connections {
            for module in connection.raw["keepSpares"]?.array ?? [] {
                add(connection.name, module.string ?? "?", "keepSpares of \(connection.name)")
            }
        }
        return (keys, faults)
    }
}
