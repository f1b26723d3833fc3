import MMCore
import MMPowerShell
import MMSessions

/// Which sessions a process that lasts starts before anybody asks for them.
///
/// A PowerShell takes about a second to start and 110 MB to keep, so nothing is kept unless it is asked for: by the key
/// `keepSpares` of a connection, a list of modules, or by the variable `MM_KEEP_SPARES`: `off`, or a list such as
/// `Contoso/exo,Contoso/azure`, which then counts instead.
struct SpareSessions: Sendable {
    /// The environment of the process.
    let environment: [String: String]
    /// The connections.
    let registry: ConnectionRegistry
    /// Where faults of the setting are told.
    let log: Log
    private static let tick = Duration.seconds(30)

    /// Keeps the pool's spares as the settings want them, until the task is cancelled; changes count without a restart.
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

    /// The sessions that are wanted, and what is wrong with the settings.
    func wanted() -> (keys: Set<SessionKey>, faults: [String]) {
        var keys: Set<SessionKey> = []
        var faults: [String] = []
        guard let snapshot = try? registry.snapshot() else { return ([], []) }
        func add(_ connection: String, _ module: String, _ place: String) {
            guard let known = try? snapshot.connection(named: connection) else {
                faults.append("\(place) names the connection \(connection), which there is not.")
                return
            }
            guard let profile = try? ModuleProfiles.named(module) else {
                let names = ModuleProfiles.all.map(\.name).joined(separator: ", ")
                faults.append("\(place) names the module \(module); there are \(names).")
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
