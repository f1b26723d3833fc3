import Glibc

/// The connection registry: one JSON file that the owner keeps, read anew when it changes, and written only by the owner's
/// own commands.
public final class ConnectionRegistry: Sendable {
    /// The file.
    public let path: String

    private struct Cached {
        var mark: FileMark
        var snapshot: RegistrySnapshot
    }

    private let cached = Mutex<Cached?>(nil)
    private let revisions = Mutex(0)
    private let implied = Mutex<[ExactKey: Connection]>([:])
    private let sharePointHosts = Mutex<[ExactKey: String]>([:])
    private static let sizeLimit = 32 << 20

    /// The registry in a file, which need not exist yet.
    public init(path: String) {
        self.path = path
    }

    /// The registry as it is now: without a file it is empty.
    ///
    /// It is kept until the file changes, so asking is cheap.
    /// - Throws: when the file is broken (with line, column and remedy), no regular file of ours, or unreadable. The file
    ///   is never touched.
    public func snapshot() throws(MMError) -> RegistrySnapshot {
        var snapshot = try written()
        snapshot.implied = implied.withLock { $0 }
        snapshot.sharePointHosts = sharePointHosts.withLock { $0 }
        return snapshot
    }

    /// Lets a connection that no file names be found by its name, for as long as this process lives. It is never listed,
    /// and an entry of the file with this name comes first.
    package func imply(_ connection: Connection) {
        implied.withLock { $0[ExactKey(connection.name)] = connection }
    }

    /// Gives a connection whose entry names no SharePoint host one, for as long as this process lives.
    /// - Parameter isLast: whether it takes the place of one that was given before.
    package func give(sharePointHost: String, to name: String, isLast: Bool) {
        sharePointHosts.withLock { hosts in
            if isLast || hosts[ExactKey(name)] == nil { hosts[ExactKey(name)] = sharePointHost }
        }
    }

    /// Forgets an implied connection.
    package func forget(implied name: String) {
        _ = implied.withLock { $0.removeValue(forKey: ExactKey(name)) }
    }

    private func written() throws(MMError) -> RegistrySnapshot {
        if case .file(let mark) = FileMark.glance(path), let known = cached.withLock({ $0 }), known.mark == mark {
            return known.snapshot
        }
        let mark = try FileMark.of(path)
        guard let mark else { return .empty }
        if let known = cached.withLock({ $0 }), known.mark == mark { return known.snapshot }
        guard let document = try load() else { return .empty }
        var snapshot = try RegistrySnapshot(document: document, path: path)
        snapshot.revision = revisions.withLock { count in
            count += 1
            return count
        }
        // What was written within the last tick of the file system's clock may change once more without a new mark.
        if mark.isSettled { cached.withLock { $0 = Cached(mark: mark, snapshot: snapshot) } }
        return snapshot
    }

    /// Changes the registry: under a lock, from what the file holds then, in one step, with one backup (`.bak`).
    ///
    /// Unknown keys, their order and the file's mode stay. Nothing is written when nothing changed.
    /// - Parameter change: changes the whole document, or throws to leave everything as it is.
    /// - Throws: what `change` throws; when the file is broken or can't be replaced (then it is as before).
    public func edit(_ change: (inout JSONObject) throws(MMError) -> Void) throws(MMError) {
        let lock = try FileLock(waitingFor: path)
        let found = try loadForWriting()
        let before = found?.document
        var document = before ?? ["connections": [:]]
        try change(&document)
        _ = try RegistrySnapshot(document: document, path: path)
        let same = before.map { $0 == document && $0.orderedKeys == document.orderedKeys } ?? false
        if !same {
            let text = (found?.style ?? JSONFileStyle()).text(of: document)
            guard text.count <= Self.sizeLimit else {
                throw MMError(.limitExceeded, "The registry would be larger than \(Self.sizeLimit) bytes.")
            }
            try ProtectedFile.replace(path, with: text, keepingMode: true, backup: true)
        }
        _ = consume lock
    }

    /// What a change would make of the registry, without writing it: for what has to happen before.
    /// - Throws: as `edit`.
    package func preview(
        _ change: (inout JSONObject) throws(MMError) -> Void
    ) throws(MMError) -> (before: JSONObject, after: JSONObject) {
        let before = try loadForWriting()?.document ?? ["connections": [:]]
        var after = before
        try change(&after)
        _ = try RegistrySnapshot(document: after, path: path)
        return (before, after)
    }

    /// The document; `nil` without a file.
    func load(duplicateKeys: JSONLimits.DuplicateKeys = .keepLast) throws(MMError) -> JSONObject? {
        guard let bytes = try ProtectedFile.read(path, limit: Self.sizeLimit) else { return nil }
        return try document(of: bytes, limits: JSONLimits(duplicateKeys: duplicateKeys))
    }

    /// The document with everything that a rewrite must keep, and how its text is written.
    private func loadForWriting() throws(MMError) -> (document: JSONObject, style: JSONFileStyle)? {
        guard let bytes = try ProtectedFile.read(path, limit: Self.sizeLimit) else { return nil }
        var limits = JSONLimits.strict
        limits.isWrittenBack = true
        return (try document(of: bytes, limits: limits), JSONFileStyle(of: bytes))
    }

    private func document(of bytes: [UInt8], limits: JSONLimits) throws(MMError) -> JSONObject {
        if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x0A || $0 == 0x0D || $0 == 0x09 }) {
            throw MMError(
                .invalidInput, "The registry \(path) is empty.",
                hint: "Remove it, or write {\"connections\": {}}. An earlier version may lie in \(path).bak.")
        }
        let value: JSONValue
        do {
            value = try JSONParser.parse(bytes, limits: limits)
        } catch {
            throw MMError(
                .invalidInput, "The registry \(path) is broken: \(error).",
                hint: "Correct line \(error.line), column \(error.column); nothing was changed. "
                    + "An earlier version may lie in \(path).bak.",
                details: ["path": .string(path), "line": .int(Int64(error.line)), "column": .int(Int64(error.column))])
        }
        guard let document = value.object else {
            throw MMError(
                .invalidInput, "The registry \(path) must hold an object, but it holds \(value.kindName).",
                hint: "It begins with {\"connections\": {. Nothing was changed.")
        }
        return document
    }
}

extension JSONObject {
    /// The order of all keys, which equality leaves aside.
    fileprivate var orderedKeys: [[String]] {
        var lists = [keys]
        for value in values { lists += value.object?.orderedKeys ?? [] }
        return lists
    }
}
