import MMCore

/// The list of servers in a client's file: reading it, and putting a server into it without touching anything else.
struct ClientList: Sendable {
    /// A server that stands in a list.
    struct Found: Sendable, Hashable {
        let name: String
        let command: String?
        let arguments: [String]
        let url: String?
    }

    /// Whose list it is.
    let client: AIClient
    /// The file.
    let path: String

    /// The servers in the file; empty when there is no file.
    /// - Throws: `MMError.invalidInput` when it can't be read as what it should be.
    func servers() throws(MMError) -> [Found] {
        guard let bytes = try ProtectedFile.read(path, limit: Self.limit) else { return [] }
        switch client.form {
        case .json(let member):
            return (try document(bytes)[member]?.object ?? [:]).map { name, value in
                Found(
                    name: name, command: value["command"]?.string,
                    arguments: (value["args"]?.array ?? []).compactMap(\.string), url: value["url"]?.string)
            }
        case .ownCommand, .shown: return []
        }
    }

    /// Puts a server into the file. The old file stays beside it as `.bak`.
    /// - Parameters:
    ///   - entry: the server.
    ///   - replacing: whether another program's server of the same name may go.
    /// - Returns: whether anything had to be changed.
    /// - Throws: `conflict` for another program's server of the same name; `invalidInput` when the file can't be read as
    ///   what it should be: then it is left alone.
    func put(_ entry: ServerEntry, replacing: Bool) throws(MMError) -> Bool {
        let bytes = try ProtectedFile.read(path, limit: Self.limit)
        if !replacing, let old = try servers().first(where: { $0.name == entry.name }) { try check(old, entry) }
        guard case .json(let member) = client.form else {
            throw MMError(.unsupported, "\(client.title) has no file that could be written from here.")
        }
        let changed = try put(entry, into: bytes ?? [], member)
        guard changed != bytes else { return false }
        try ProtectedFile.replace(path, with: changed, keepingMode: true, backup: true)
        return true
    }

    private static let limit = 64 << 20

    private func check(_ old: Found, _ entry: ServerEntry) throws(MMError) {
        let isSame = if case .url(let url) = entry.way { old.url == url } else { false }
        guard isSame || ServerEntry.isOurs(command: old.command) else {
            throw MMError(
                .conflict, "\(path) has another server called \(entry.name) already.",
                hint: "Give this one another name (--name mm2), or add --replace.")
        }
    }

    // MARK: JSON

    private func put(_ entry: ServerEntry, into bytes: [UInt8], _ member: String) throws(MMError) -> [UInt8] {
        var document = try document(bytes)
        var servers: JSONObject = [:]
        switch document[member] {
        case nil, .null?: break
        case .object(let object)?: servers = object
        case let other?:
            throw MMError(
                .invalidInput, "`\(member)` in \(path) is \(other.kindName), not an object.",
                hint: "Correct the file first.")
        }
        let old = servers[entry.name]
        let new = JSONValue.object(entry.json(for: client, over: old?.object ?? [:]))
        // What says the same may be written in any way.
        guard old != new else { return bytes }
        servers[entry.name] = new
        document[member] = .object(servers)
        return JSONWriter.bytes(.object(document), layout: .indented(Self.indentation(of: bytes))) + [0x0A]
    }

    private func document(_ bytes: [UInt8]) throws(MMError) -> JSONObject {
        if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }) { return [:] }
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONParser.parse(bytes)
        } catch {
            throw MMError(
                .invalidInput, "\(path) isn't plain JSON (\(error)), so it is left alone.",
                hint:
                    "Where it contains comments, add the entry by hand: `mm mcp install \(client.rawValue) --print` "
                    + "shows it."
            )
        }
        guard let object = value.object else {
            throw MMError(
                .invalidInput, "\(path) contains \(value.kindName), not an object.", hint: "Correct the file first.")
        }
        return object
    }

    /// How many blanks the file's first indented line begins with.
    private static func indentation(of bytes: [UInt8]) -> Int {
        for line in bytes.split(separator: 0x0A) {
            let blanks = line.prefix { $0 == 0x20 }.count
            if blanks > 0, blanks < line.count { return min(blanks, 8) }
        }
        return 2
    }
}
