package import MMCore
package import MMSessions

/// The names of variables that scripts have set in sessions, in a file: the pool that restores the sessions of an
/// earlier one can tell which variables were lost with them.
package actor SavedVariableNames: SharedVariableNames {
    private struct Entry {
        var names: Set<String> = []
        var savedAt: Timestamp
    }

    private let path: String
    private let clock: WallClock
    /// What the file says, once it has been read: only this process writes it.
    private var kept: [SessionKey: Entry]?

    /// How long the names of a session are kept after they were last added to.
    private static let lifetime = Duration.seconds(30 * 86_400)
    /// The age at which the time of an entry is renewed although its names stay the same.
    private static let renewal = Duration.seconds(86_400)
    /// The maximum number of sessions, and of names for each.
    private static let most = 1000

    /// Creates the names in a file, which need not exist.
    package init(path: String, clock: WallClock = .system) {
        self.path = path
        self.clock = clock
    }

    package func known(_ names: Set<String>, of key: SessionKey) async throws(MMError) -> Set<String> {
        names.intersection(try entries()[key]?.names ?? [])
    }

    package func add(_ names: Set<String>, to key: SessionKey) async throws(MMError) {
        var entries = try entries()
        let now = clock.now
        var entry = entries[key] ?? Entry(savedAt: now)
        guard !names.isSubset(of: entry.names) || now - entry.savedAt > Self.renewal else { return }
        for name in names where entry.names.count < Self.most { entry.names.insert(name) }
        entry.savedAt = now
        entries[key] = entry
        if entries.count > Self.most, let oldest = entries.min(by: { $0.value.savedAt < $1.value.savedAt }) {
            entries[oldest.key] = nil
        }
        try write(entries)
    }

    package func forget(connection: String, module: String?, signedIn: String?) async throws(MMError) {
        let entries = try entries()
        let rest = entries.filter { !$0.key.isMeant(by: connection, module: module, signedIn: signedIn) }
        if rest.count < entries.count { try write(rest) }
    }

    // MARK: The file

    private func entries() throws(MMError) -> [SessionKey: Entry] {
        let all = if let kept { kept } else { try read() }
        kept = all
        let now = clock.now
        return all.filter { now - $0.value.savedAt <= Self.lifetime }
    }

    private func read() throws(MMError) -> [SessionKey: Entry] {
        guard let bytes = try ProtectedFile.read(path) else { return [:] }
        var entries: [SessionKey: Entry] = [:]
        for item in (try? JSONParser.parse(bytes))?.array ?? [] {
            guard let connection = item["connection_name"]?.string, let module = item["module"]?.string,
                let savedAt = item["saved_at"]?.string.flatMap({ Timestamp(iso8601: $0) })
            else { continue }
            let key = SessionKey(connection: connection, module: module, signedIn: item["signed_in"]?.string)
            let names = item["names"]?.array ?? []
            entries[key] = Entry(names: Set(names.compactMap(\.string)), savedAt: savedAt)
        }
        return entries
    }

    private func write(_ entries: [SessionKey: Entry]) throws(MMError) {
        let items = entries.sorted { $0.key < $1.key }.map { Self.json($0.key, $0.value) }
        try ProtectedFile.replace(path, with: JSONWriter.bytes(.array(items)), durable: false)
        kept = entries
    }

    private static func json(_ key: SessionKey, _ entry: Entry) -> JSONValue {
        [
            "connection_name": .string(key.connection), "module": .string(key.module),
            "signed_in": key.signedIn.map { .string($0) } ?? .null, "saved_at": .string(entry.savedAt.iso8601),
            "names": .array(entry.names.sorted().map { .string($0) }),
        ]
    }
}

extension OperationServices {
    /// Keeps the names of variables in a file from now on, beside the list of sessions that are restored.
    package func saveVariableNames() {
        let only = environment["M365_CONNECTION"].flatMap { $0.isEmpty ? nil : $0 }
        variables.share(SavedVariableNames(path: paths.variablesFile(of: only)))
    }
}
