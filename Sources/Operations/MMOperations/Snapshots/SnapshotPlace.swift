import MMCore

/// One side of a comparison: a folder, a stored snapshot (`Contoso@latest`, `Contoso@2026-11-21`), or a connection's
/// tenant in its present state.
enum SnapshotPlace {
    /// A folder, and its name in a report.
    case folder(String, title: String)
    case now(Connection)

    /// Parses the caller's text.
    /// - Throws: `notFound` with the known names; `denied` for a folder where the caller may not name one.
    init(_ text: String, in context: OperationContext, with services: RequestServices) throws(MMError) {
        let registry = services.guarding.registry
        let paths = services.guarding.paths
        let known = try registry.snapshot()
        let isPath = text.contains("/") || text.hasPrefix(".") || text.hasPrefix("~")
        if !isPath, (try? known.connection(named: text)) != nil {
            self = .now(try registry.connection(named: text, in: context))
            return
        }
        if !isPath, let mark = text.lastIndex(of: "@"), mark != text.startIndex {
            let connection = try registry.connection(named: String(text[..<mark]), in: context)
            let word = String(text[text.index(after: mark)...])
            self =
                word.lowercased() == "now"
                ? .now(connection)
                : try Self.stored(word, of: connection.name, paths)
            return
        }
        let folder = try Self.folder(text, in: context, paths)
        guard isPath || SnapshotFolder.exists(folder) else {
            // The lookup's error names the existing connections.
            self = .now(try registry.connection(named: text, in: context))
            return
        }
        self = .folder(folder, title: folder)
    }

    /// Returns a stored snapshot of a connection.
    /// - Throws: `notFound` with the existing ones.
    static func stored(
        _ word: String, of connection: String, _ paths: StatePaths
    ) throws(MMError) -> SnapshotPlace {
        let path = try SnapshotStore(paths: paths, connection: connection).find(word)
        return .folder(path, title: "\(connection)@\(path.split(separator: "/").last ?? "")")
    }

    /// Returns the folder that a caller names.
    /// - Throws: `denied` for callers other than the owner at a terminal or a program that uses the library.
    static func folder(
        _ text: String, in context: OperationContext, _ paths: StatePaths
    ) throws(MMError) -> String {
        guard [.terminal, .library].contains(context.call.caller.surface) else {
            throw MMError(
                .denied, "Only a person at a terminal can name a folder.",
                hint: "Use a connection, or a stored snapshot such as Contoso@latest.")
        }
        if text == "~" { return paths.home }
        if text.hasPrefix("~/") { return paths.home + text.dropFirst() }
        let path = context.call.path(text)
        guard !path.hasPrefix("/"), let here = CallContext.ownDirectory else { return path }
        return "\(here)/\(path)"
    }

    /// Returns the folder with the accepted deviations for comparisons with this place: the snapshot's own folder, or
    /// that of the connection's stored snapshots.
    func acceptanceFolder(_ connection: String, _ paths: StatePaths) -> String {
        let store = SnapshotStore(paths: paths, connection: connection)
        if case .folder(let path, _) = self, !store.holds(path) { return path }
        return store.folder
    }

    /// Whether it is one of a connection's stored snapshots.
    func isKept(of connection: String, _ paths: StatePaths) -> Bool {
        guard case .folder(let path, _) = self else { return false }
        return SnapshotStore(paths: paths, connection: connection).holds(path)
    }

    /// Opens the snapshot; for a tenant, takes a temporary one for the duration of `use`.
    /// - Parameter kinds: the kinds to read from a tenant.
    func open<Result: Sendable>(
        reading kinds: [SnapshotKind], in context: OperationContext, with services: RequestServices,
        _ use: (SnapshotFolder) async throws(MMError) -> Result
    ) async throws(MMError) -> Result {
        switch self {
        case .folder(let path, _): return try await use(try SnapshotFolder(path))
        case .now(let connection):
            let store = SnapshotStore(paths: services.guarding.paths, connection: connection.name)
            let place = try store.temporaryPlace()
            defer { SnapshotStore.remove(place) }
            let snapshot = ConnectionSnapshot(connection: connection, services: services, context: context)
            _ = try await snapshot.take(kinds, to: place)
            return try await use(try SnapshotFolder(place.folder))
        }
    }

    /// Its name in a report.
    var title: String {
        switch self {
        case .now(let connection): "\(connection.name) now"
        case .folder(_, let title): title
        }
    }
}
