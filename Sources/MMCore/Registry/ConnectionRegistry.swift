import Glibc

/// The connection registry: a JSON file that the owner maintains. It is reread when it changes, and written only by the
/// owner's own commands.
public final class ConnectionRegistry: Sendable {
    /// The path of the registry file.
    public let path: String

    private struct Cached {
        var mark: FileStamp
        var snapshot: RegistrySnapshot
    }

    private let cached = Mutex<Cached?>(nil)
    private let revisions = Mutex(0)
    private let implied = Mutex<[ExactKey: Connection]>([:])
    private let sharePointHosts = Mutex<[ExactKey: String]>([:])
    private static let sizeLimit = 32 << 20

    /// Creates a registry for a file, which need not exist yet.
    /// - Parameter path: the path of the file; by default the user's (``StatePaths/registry``).
    public init(path: String = StatePaths().registry) {
        self.path = path
    }

    /// Returns the current registry; empty when there is no file.
    ///
    /// The result is cached until the file changes, so calls are cheap. The file is never modified.
    /// - Throws: an error when the file is malformed (with line, column and remedy), unreadable, or not a regular file
    ///   of this user or root.
    public func snapshot() throws(MMError) -> RegistrySnapshot {
        var snapshot = try written()
        snapshot.implied = implied.withLock { $0 }
        snapshot.sharePointHosts = sharePointHosts.withLock { $0 }
        return snapshot
    }

    /// Makes a connection that isn't in the file available by name for the lifetime of this process. It is never
    /// listed, and an entry of that name in the file takes precedence.
    package func imply(_ connection: Connection) {
        implied.withLock { $0[ExactKey(connection.name)] = connection }
    }

    /// Sets the SharePoint host of a connection whose entry names none, for the lifetime of this process.
    /// - Parameter isLast: whether to replace a host that was set before.
    package func give(sharePointHost: String, to name: String, isLast: Bool) {
        sharePointHosts.withLock { hosts in
            if isLast || hosts[ExactKey(name)] == nil { hosts[ExactKey(name)] = sharePointHost }
        }
    }

    private func written() throws(MMError) -> RegistrySnapshot {
        if case .file(let mark) = FileStamp.lookUp(path), let known = cached.withLock({ $0 }), known.mark == mark {
            return known.snapshot
        }
        let mark = try FileStamp.of(path)
        guard let mark else { return .empty }
        if let known = cached.withLock({ $0 }), known.mark == mark { return known.snapshot }
        guard let document = try load() else { return .empty }
        var snapshot = try RegistrySnapshot(document: document, path: path)
        snapshot.revision = revisions.withLock { count in
            count += 1
            return count
        }
        // A file written within the last tick of the file system's clock may change again without its mark changing.
        if mark.isStable { cached.withLock { $0 = Cached(mark: mark, snapshot: snapshot) } }
        return snapshot
    }

    /// Edits the registry under a lock: reads the current file, applies the change and replaces the file atomically,
    /// keeping one backup (`.bak`). Blocks the thread while another process edits it.
    ///
    /// Unknown keys, their order and the file's mode are preserved. Nothing is written when nothing changed.
    /// - Parameter change: edits the whole document, or throws to leave everything as it is.
    /// - Throws: what `change` throws; an error when the file is malformed or can't be replaced (it is then unchanged).
    public func edit(_ change: (inout JSONObject) throws(MMError) -> Void) throws(MMError) {
        let lock = try FileLock(waitingFor: path)
        try replace(change)
        _ = consume lock
    }

    /// Edits the registry as `edit` does, but suspends instead of blocking the thread while another process edits it.
    package func editWhenFree(_ change: (inout JSONObject) throws(MMError) -> Void) async throws(MMError) {
        let lock = try await FileLock(awaiting: path)
        try replace(change)
        _ = consume lock
    }

    private func replace(_ change: (inout JSONObject) throws(MMError) -> Void) throws(MMError) {
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
    }

    /// Returns the registry before and after a change without writing it, for steps that must precede the change.
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

    /// Loads the document; returns `nil` when there is no file.
    func load(duplicateKeys: JSONLimits.DuplicateKeys = .keepLast) throws(MMError) -> JSONObject? {
        guard let bytes = try ProtectedFile.read(path, limit: Self.sizeLimit) else { return nil }
        return try document(of: bytes, limits: JSONLimits(duplicateKeys: duplicateKeys))
    }

    /// Loads the document with everything that a rewrite must preserve, and the style in which its text is written.
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
                hint: "Remove it, or write {\"connections\": {}}. An earlier version may be in \(path).bak.")
        }
        let value: JSONValue
        do {
            value = try JSONParser.parse(bytes, limits: limits)
        } catch {
            throw MMError(
                .invalidInput, "The registry \(path) is broken: \(error).",
                hint: "Correct line \(error.line), column \(error.column); nothing was changed. "
                    + "An earlier version may be in \(path).bak.",
                details: ["path": .string(path), "line": .int(Int64(error.line)), "column": .int(Int64(error.column))])
        }
        guard let document = value.object else {
            throw MMError(
                .invalidInput, "The registry \(path) must contain an object, but it contains \(value.kindName).",
                hint: "It must start with {\"connections\": {. Nothing was changed.")
        }
        return document
    }
}

extension JSONObject {
    /// The order of all keys at every level, which equality ignores.
    fileprivate var orderedKeys: [[String]] {
        var lists = [keys]
        for value in values { lists += value.object?.orderedKeys ?? [] }
        return lists
    }
}

/// How the text of a JSON file is written, so that a rewrite changes only what was edited.
struct JSONFileStyle: Equatable {
    /// Whether every character beyond ASCII is escaped, as Python's `json` writes it.
    var isEscaped = false
    /// Whether the text starts with a byte order mark, as some editors on Windows write it.
    var hasByteOrderMark = false
    /// Whether lines end with a carriage return and a line feed.
    var hasCarriageReturns = false
    /// The number of spaces per level of indentation.
    var indentation = 2

    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// Creates the style of a new file.
    init() {}

    /// Determines the style of a file from its bytes.
    init(of bytes: [UInt8]) {
        hasByteOrderMark = bytes.starts(with: Self.byteOrderMark)
        isEscaped = ASCIIEscapes.areUsed(in: hasByteOrderMark ? Array(bytes.dropFirst(3)) : bytes)
        guard let lineEnd = bytes.firstIndex(of: 0x0A) else { return }
        hasCarriageReturns = lineEnd > 0 && bytes[lineEnd - 1] == 0x0D
        let blanks = bytes[(lineEnd + 1)...].prefix { $0 == 0x20 }.count
        if (1...8).contains(blanks) { indentation = blanks }
    }

    /// Returns the text of a document, followed by a line ending.
    func text(of document: JSONObject) -> [UInt8] {
        var text = JSONWriter.bytes(.object(document), layout: .indented(indentation)) + [0x0A]
        if isEscaped { text = ASCIIEscapes.applied(to: text) }
        if hasCarriageReturns {
            // Line feeds within strings are escaped, so every one found here ends a line.
            text = text.flatMap { $0 == 0x0A ? [0x0D, 0x0A] : [$0] }
        }
        return hasByteOrderMark ? Self.byteOrderMark + text : text
    }
}

/// JSON texts in which every character beyond ASCII is escaped, as Python's `json` writes them.
enum ASCIIEscapes {
    /// Returns whether a text was written that way: no byte beyond ASCII, and at least one escape for such a character.
    static func areUsed(in text: [UInt8]) -> Bool {
        var found = false
        var index = 0
        while index < text.count {
            if text[index] >= 0x80 { return false }
            if text[index] == UInt8(ascii: "\\") {
                if index + 5 < text.count, text[index + 1] == UInt8(ascii: "u"),
                    !text[(index + 2)..<(index + 4)].elementsEqual([0x30, 0x30])
                        || text[index + 4] >= UInt8(ascii: "8")
                {
                    found = true
                }
                index += 1
            }
            index += 1
        }
        return found
    }

    /// Returns a JSON text with each character beyond ASCII escaped; such characters can only occur inside strings.
    static func applied(to text: [UInt8]) -> [UInt8] {
        var escaped: [UInt8] = []
        for unit in String(decoding: text, as: UTF8.self).utf16 {
            if unit < 0x80 {
                escaped.append(UInt8(unit))
            } else {
                escaped += "\\u".utf8
                escaped += Hex.text([UInt8(unit >> 8), UInt8(unit & 0xFF)]).utf8
            }
        }
        return escaped
    }
}
