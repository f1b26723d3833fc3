import Glibc
import MMCore

/// What is on disk of a call for several connections: the call itself, and the rows of each connection that is done. Every
/// file is private and replaced as a whole, so that whoever is killed leaves what was done, and nothing half.
struct SetFolder: Sendable {
    /// The name that goes on with it, such as `set_k3J…`.
    let name: String
    private let path: String
    /// How long it is kept where it did not come to its end.
    private static let lifetime: Int = 86_400
    private static let longestRows = 64 << 20

    /// A connection of the call.
    struct Member: Sendable, Hashable {
        let name: String
        /// The tenant that it named when the call began; nobody else's rows may come under its name later.
        let tenant: String
        /// The partner whose customer it is.
        var partner: String?
    }

    /// The call.
    struct Call: Sendable {
        let operation: String
        let arguments: JSONObject
        let members: [Member]
        /// Who made it, where they signed in to this server; `nil` for this machine's user.
        var principal: String?
        /// What names it in the audit log and the journal.
        var call: String?
    }

    /// How the call to a connection ended.
    struct End: Sendable {
        /// How many files its rows are in.
        var parts = 0
        var rows = 0
        var notes: [String] = []
        var exitStatus: Int32 = 0
        /// What was reported that did not end it.
        var errors: [ReportedError] = []
    }

    private static func root(_ paths: StatePaths) -> String { "\(paths.stateDirectory)/connection-sets" }

    /// A new call.
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

    /// A call that was begun.
    /// - Throws: `notFound` for one that is unknown, has come to its end or is too old.
    init(resuming name: String, in paths: StatePaths) throws(MMError) {
        self.name = name
        path = "\(Self.root(paths))/\(name)"
        guard Self.isName(name), try ProtectedFile.read("\(path)/call.json") != nil else {
            throw Self.nothing(name)
        }
    }

    private static func nothing(_ name: String) -> MMError {
        MMError(
            .notFound, "There is nothing to go on with under '\(name.prefix(40))'.",
            hint: "What came to its end is gone, and what broke off is kept for a day. Make the call anew.",
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

    /// The call, as it was made.
    /// - Parameter principal: who asks, where they signed in to this server: they go on with their own calls alone.
    /// - Throws: `notFound` for a call of somebody else.
    func call(for principal: String?) throws(MMError) -> Call {
        guard let bytes = try ProtectedFile.read("\(path)/call.json"),
            let value = (try? JSONParser.parse(bytes))?.object, let operation = value["operation"]?.string,
            let arguments = value["arguments"]?.object, let list = value["members"]?.array
        else { throw MMError(.invalidInput, "\(path)/call.json is broken.", hint: "Make the call anew.") }
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

    /// Takes the call for this process, until the returned value is gone.
    /// - Throws: `conflict` where another one is at it.
    func lock() throws(MMError) -> FileLock {
        guard let lock = try FileLock.tryAcquire("\(path)/call.json") else {
            throw MMError(
                .conflict, "Another process is at \(name) now.", hint: "Wait for its end, or end it, and call again.")
        }
        return lock
    }

    // MARK: Connections

    /// Says that something is sent to a connection from now on.
    func begin(_ index: Int) throws(MMError) {
        try ProtectedFile.replace("\(path)/\(index).begun", with: [], durable: false)
    }

    /// Whether something was sent to a connection, as far as is known.
    func hasBegun(_ index: Int) -> Bool { (try? ProtectedFile.read("\(path)/\(index).begun")) != nil }

    /// Says that nothing more is under way at a connection: its call failed, and the caller was told so.
    func fail(_ index: Int) { try? ProtectedFile.remove("\(path)/\(index).begun") }

    /// Keeps rows of a connection; they count when its end is there.
    func keep(_ rows: [UInt8], part: Int, of index: Int) throws(MMError) {
        try ProtectedFile.replace("\(path)/\(index)-\(part).jsonl", with: rows, durable: false)
    }

    /// The rows of a part, each the bytes of a JSON text.
    func rows(part: Int, of index: Int) throws(MMError) -> [ArraySlice<UInt8>] {
        guard let bytes = try ProtectedFile.read("\(path)/\(index)-\(part).jsonl", limit: Self.longestRows) else {
            throw MMError(.notFound, "The rows of \(name) are gone.", hint: "Make the call anew.")
        }
        return bytes.split(separator: 0x0A)
    }

    /// Says that a connection is done.
    func finish(_ index: Int, _ end: End) throws(MMError) {
        let value: JSONObject = [
            "parts": .int(Int64(end.parts)), "rows": .int(Int64(end.rows)),
            "notes": .array(end.notes.map { .string($0) }), "exit": .int(Int64(end.exitStatus)),
            "errors": .array(end.errors.map { .object($0.json) }),
        ]
        try ProtectedFile.replace("\(path)/\(index).json", with: JSONWriter.bytes(.object(value)), durable: false)
    }

    /// How the call to a connection ended; `nil` where it hasn't, or failed.
    func end(of index: Int) -> End? {
        guard let bytes = try? ProtectedFile.read("\(path)/\(index).json"),
            let value = (try? JSONParser.parse(bytes))?.object, let parts = value["parts"]?.int
        else { return nil }
        return End(
            parts: parts, rows: value["rows"]?.int ?? 0, notes: (value["notes"]?.array ?? []).compactMap(\.string),
            exitStatus: Int32(clamping: value["exit"]?.int ?? 0),
            errors: (value["errors"]?.array ?? []).compactMap { ReportedError(json: $0) })
    }

    // MARK: Clearing away

    /// Removes everything: the whole answer has been read.
    func remove() { Self.remove(path) }

    private static func remove(_ path: String) {
        // What names the call goes first: whoever is killed here leaves nothing that could be gone on with by half.
        try? ProtectedFile.remove("\(path)/call.json")
        FolderTree.remove(path)
    }

    /// Removes what is too old.
    private static func sweep(_ paths: StatePaths) {
        let root = root(paths)
        for name in (try? FolderListing.names(in: root)) ?? [] where isName(name) {
            var status = stat()
            guard lstat("\(root)/\(name)", &status) == 0, time(nil) - status.st_mtim.tv_sec > lifetime,
                FileLock.holder(of: "\(root)/\(name)/call.json") == nil
            else { continue }
            remove("\(root)/\(name)")
        }
    }
}
