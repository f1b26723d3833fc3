import MMCore

/// The list of servers in a client's file: reading it, and putting a server into it without touching anything else.
struct ClientList: Sendable {
    /// A server that stands in a list.
    struct Found: Sendable, Hashable {
        let name: String
        let command: String?
        let arguments: [String]
        let url: String?

        /// Whether it is one of ours: by its program, or an address under the name that `mm mcp install` gives it.
        var isOurs: Bool {
            ServerEntry.isOurs(command: command, arguments: arguments) || url != nil && name == ServerEntry.usualName
        }

        /// Throws for another program's server, which nobody takes out from here.
        /// - Parameters:
        ///   - url: an address that the person named as ours.
        ///   - place: where it stands.
        func checkOurs(url named: String?, in place: String) throws(MMError) {
            guard !isOurs, named == nil || named != url else { return }
            throw MMError(
                .conflict, "\(name) in \(place) is another program's server: it stays.",
                hint: url == nil
                    ? "`mm mcp list` shows which servers are ours; --name names one."
                    : "If this address is ours, say so: --url ADDRESS, as it stands there.")
        }
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
            return (try document(try file(bytes))[member]?.object ?? [:]).map { name, value in
                // One client has the program and its arguments in one list.
                let line = value["command"]?.array?.compactMap(\.string) ?? []
                return Found(
                    name: name, command: value["command"]?.string ?? line.first,
                    arguments: (value["args"]?.array ?? []).compactMap(\.string) + line.dropFirst(),
                    url: value[client.addressMember]?.string)
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

    /// Takes a server out of the file, and nothing else. The old file stays beside it as `.bak`.
    /// - Parameters:
    ///   - name: its name.
    ///   - url: the address of a server that is ours although it has another name than `mm`.
    /// - Returns: whether it was there.
    /// - Throws: `conflict` for another program's server; `invalidInput` when the file can't be read as what it should be.
    func take(_ name: String, url: String?) throws(MMError) -> Bool {
        guard case .json(let member) = client.form else {
            throw MMError(.unsupported, "\(client.title) has no file that could be written from here.")
        }
        guard let bytes = try ProtectedFile.read(path, limit: Self.limit),
            let old = try servers().first(where: { $0.name == name })
        else { return false }
        try old.checkOurs(url: url, in: path)
        let file = try file(bytes)
        var document = try document(file)
        var servers = document[member]?.object ?? [:]
        servers.remove(name)
        document[member] = .object(servers)
        let question = ClientSecret.inputID(of: name)
        if let inputs = document["inputs"]?.array,
            !JSONWriter.string(.object(servers)).contains("${input:\(question)}")
        {
            let left = inputs.filter { $0["id"]?.string != question }
            if left.isEmpty { document.remove("inputs") } else { document["inputs"] = .array(left) }
        }
        try ProtectedFile.replace(path, with: try text(of: document, in: file), keepingMode: true, backup: true)
        return true
    }

    private static let limit = 64 << 20

    private func check(_ old: Found, _ entry: ServerEntry) throws(MMError) {
        let isSame = if case .url(let url) = entry.way { old.url == url } else { false }
        guard isSame || ServerEntry.isOurs(command: old.command, arguments: old.arguments) else {
            throw MMError(
                .conflict, "\(path) has another server called \(entry.name) already.",
                hint: "Give this one another name (--name mm2), or add --replace.")
        }
    }

    // MARK: JSON

    private func put(_ entry: ServerEntry, into bytes: [UInt8], _ member: String) throws(MMError) -> [UInt8] {
        let file = try file(bytes)
        var document = try document(file)
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
        let inputs = document["inputs"]?.array ?? []
        let asks =
            entry.secret != .prompt
            || inputs.contains { $0["id"]?.string == ClientSecret.inputID(of: entry.name) }
        // What says the same may be written in any way.
        guard old != new || !asks else { return bytes }
        servers[entry.name] = new
        document[member] = .object(servers)
        if !asks { document["inputs"] = .array(inputs + [ClientSecret.input(of: entry.name)]) }
        return try text(of: document, in: file)
    }

    /// The file as it is written, comments and all.
    private func file(_ bytes: [UInt8]) throws(MMError) -> CommentedJSON {
        let isEmpty = bytes.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
        do throws(JSONError) {
            return try CommentedJSON(isEmpty ? Array("{}\n".utf8) : bytes)
        } catch {
            throw MMError(
                .invalidInput, "\(path) isn't JSON (\(error)), so it is left alone.",
                hint:
                    "Correct it, or add the entry by hand: `mm mcp install \(client.rawValue) --print` shows it."
            )
        }
    }

    private func document(_ file: CommentedJSON) throws(MMError) -> JSONObject {
        guard let object = file.value.object else {
            throw MMError(
                .invalidInput, "\(path) contains \(file.value.kindName), not an object.",
                hint: "Correct the file first.")
        }
        return object
    }

    private func text(of document: JSONObject, in file: CommentedJSON) throws(MMError) -> [UInt8] {
        guard let text = file.changed(to: .object(document)) else {
            throw MMError(
                .invalidInput, "\(path) can't be changed without losing something of it, so it is left alone.",
                hint: "Change it by hand: `mm mcp install \(client.rawValue) --print` shows the entry.")
        }
        return text
    }
}
