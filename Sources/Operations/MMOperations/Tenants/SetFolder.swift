import Glibc
import MMCore

/// The state on disk of a call for several connections: the call itself, and the rows of each connection that is done.
/// Every file is private and replaced atomically, so that a killed process leaves only complete parts.
struct SetFolder: Sendable {
    /// The name with which the call is resumed, such as `set_k3J…`.
    let name: String
    private let path: String
    /// The time in seconds for which an unfinished call is kept.
    private static let lifetime: Int = 86_400
    private static let longestRows = 64 << 20

    /// A connection of the call.
    struct Member: Sendable, Hashable {
        let name: String
        /// The connection's tenant when the call began; rows of another tenant must not be added under its name later.
        let tenant: String
        /// The partner, if it is a partner's customer.
        var partner: String?
    }

    /// The call.
    struct Call: Sendable {
        let operation: String
        let arguments: JSONObject
        let members: [Member]
        /// The caller, if it signed in to this server; `nil` for the local user.
        var principal: String?
        /// The call's id in the audit log and the journal.
        var call: String?
    }

    /// The end of the call to a connection.
    struct End: Sendable {
        /// The number of files with its rows.
        var parts = 0
        var rows = 0
        var notes: [String] = []
        var exitStatus: Int32 = 0
        /// The errors that did not end it.
        var errors: [ReportedError] = []
        /// Whether other people wrote its rows, where these don't show that.
        var isForeign = false
    }

    private static func root(_ paths: StatePaths) -> String { "\(paths.stateDirectory)/connection-sets" }

    /// Creates the folder of a new call.
    /// - Throws: file errors.
    init(_ call: Call, in paths: StatePaths) throws(MMError) {
        Self.sweep(paths)
        name = "set_" + RandomBytes.text(bytes: 9)
        path = "\(Self.root(paths))/\(name)"
        let members = call.members.map { member -> JSONValue in
            var value: JSONObject = ["name": .string(member.name), "tenant": .string(member.tenant)]
            value["partner"] = member.partner.map { .string($0) }
            return .object(value)
        }
        var value: JSONObject = [
            "operation": .string(call.operation), "arguments": .object(call.arguments), "members": .array(members),
        ]
        value["principal"] = call.principal.map { .string($0) }
        value["call"] = call.call.map { .string($0) }
        try ProtectedFile.replace("\(path)/call.json", with: JSONWriter.bytes(.object(value)))
    }

    /// Opens the folder of a call that was begun.
    /// - Throws: `notFound` for a call that is unknown, finished or too old.
    init(resuming name: String, in paths: StatePaths) throws(MMError) {
        self.name = name
        path = "\(Self.root(paths))/\(name)"
        guard Self.isName(name), try ProtectedFile.read("\(path)/call.json") != nil else {
            throw Self.nothing(name)
        }
    }

    private static func nothing(_ name: String) -> MMError {
        MMError(
            .notFound, "There is no unfinished call '\(name.prefix(40))'.",
            hint: "Unfinished calls are kept for a day. Make a new call.",
            details: ["field": "resume"])
    }

    private static func isName(_ text: String) -> Bool {
        text.hasPrefix("set_") && text.utf8.count < 40
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "-"): true
                default: false
                }
            }
    }

    /// Reads the call.
    /// - Parameter principal: the caller, if it signed in to this server: it can resume only its own calls.
    /// - Throws: `notFound` for a call of another caller.
    func call(for principal: String?) throws(MMError) -> Call {
        guard let bytes = try ProtectedFile.read("\(path)/call.json"),
            let value = (try? JSONParser.parse(bytes))?.object, let operation = value["operation"]?.string,
            let arguments = value["arguments"]?.object, let list = value["members"]?.array
        else { throw MMError(.invalidInput, "\(path)/call.json is broken.", hint: "Make a new call.") }
        let members = list.map { item in
            Member(
                name: item["name"]?.string ?? "", tenant: item["tenant"]?.string ?? "",
                partner: item["partner"]?.string)
        }
        let owner = value["principal"]?.string
        guard principal == nil || principal == owner else { throw Self.nothing(name) }
        return Call(
            operation: operation, arguments: arguments, members: members, principal: owner,
            call: value["call"]?.string)
    }

    /// Locks the call for this process, for the lifetime of the returned value.
    /// - Throws: `conflict` where another process holds the lock, `notFound` where one has removed the call.
    func lock() throws(MMError) -> FileLock {
        guard let lock = try FileLock.tryAcquire("\(path)/call.json") else {
            throw MMError(
                .conflict, "Another process is running \(name).",
                hint: "Wait until it ends, or end it, then repeat the call.")
        }
        // It may have ended, or become too old, since its folder was opened.
        guard FileStamp.mayExist("\(path)/call.json") else { throw Self.nothing(name) }
        return lock
    }

    // MARK: Connections

    /// Records that a change is about to be sent to a connection.
    func begin(_ index: Int) throws(MMError) {
        try ProtectedFile.replace("\(path)/\(index).begun", with: [])
    }

    /// Whether a change may have been sent to a connection.
    func hasBegun(_ index: Int) -> Bool { FileStamp.mayExist("\(path)/\(index).begun") }

    /// Records that no change of a connection is unresolved: its call failed, and the caller gets the error.
    func fail(_ index: Int) { try? ProtectedFile.remove("\(path)/\(index).begun") }

    /// Stores rows of a connection; they are valid once its end is stored.
    func keep(_ rows: [UInt8], part: Int, of index: Int) throws(MMError) {
        try ProtectedFile.replace("\(path)/\(index)-\(part).jsonl", with: rows, durable: false)
    }

    /// Reads the rows of a part, each the bytes of a JSON text.
    func rows(part: Int, of index: Int) throws(MMError) -> [ArraySlice<UInt8>] {
        guard let bytes = try ProtectedFile.read("\(path)/\(index)-\(part).jsonl", limit: Self.longestRows) else {
            throw MMError(.notFound, "The rows of \(name) no longer exist.", hint: "Make a new call.")
        }
        return bytes.split(separator: 0x0A)
    }

    /// Records that a connection is done.
    func finish(_ index: Int, _ end: End) throws(MMError) {
        let value: JSONObject = [
            "parts": .int(Int64(end.parts)), "rows": .int(Int64(end.rows)),
            "notes": .array(end.notes.map { .string($0) }), "exit": .int(Int64(end.exitStatus)),
            "errors": .array(end.errors.map { .object($0.json) }), "foreign": .bool(end.isForeign),
        ]
        try ProtectedFile.replace("\(path)/\(index).json", with: JSONWriter.bytes(.object(value)), durable: false)
    }

    /// Returns the end of the call to a connection; `nil` where it hasn't ended, or failed.
    func end(of index: Int) -> End? {
        guard let bytes = try? ProtectedFile.read("\(path)/\(index).json"),
            let value = (try? JSONParser.parse(bytes))?.object, let parts = value["parts"]?.int
        else { return nil }
        return End(
            parts: parts, rows: value["rows"]?.int ?? 0, notes: (value["notes"]?.array ?? []).compactMap(\.string),
            exitStatus: Int32(clamping: value["exit"]?.int ?? 0),
            errors: (value["errors"]?.array ?? []).compactMap { ReportedError(json: $0) },
            isForeign: value["foreign"] == true)
    }

    // MARK: Clearing away

    /// Removes the folder, after the whole answer has been read.
    func remove() { Self.remove(path) }

    private static func remove(_ path: String) {
        // The call's own file is removed first, so that a killed process leaves nothing that could be resumed
        // partially.
        try? ProtectedFile.remove("\(path)/call.json")
        FolderTree.remove(path)
    }

    /// Removes the folders that are too old, each under its lock, so that nobody resumes a call meanwhile.
    private static func sweep(_ paths: StatePaths) {
        let root = root(paths)
        for name in (try? FolderListing.names(in: root)) ?? [] where isName(name) && isOld("\(root)/\(name)") {
            try? sweep("\(root)/\(name)")
        }
    }

    private static func sweep(_ path: String) throws(MMError) {
        guard let lock = try FileLock.tryAcquire("\(path)/call.json") else { return }
        // Another process may have gone on with it before it was locked.
        if isOld(path) { remove(path) }
        _ = consume lock
    }

    private static func isOld(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && time(nil) - status.st_mtim.tv_sec > lifetime
    }
}
