import Glibc
import MMCore

/// The list of servers in a client's file: reads it, and adds a server without changing anything else.
struct ClientList: Sendable {
    /// A server in a list.
    struct Found: Sendable, Hashable {
        let name: String
        let command: String?
        let arguments: [String]
        let url: String?

        /// Whether the server is this product's, recognized by its program, or by the name that `mm mcp install` gives
        /// to an address.
        var isOurs: Bool {
            ServerEntry.isOurs(command: command, arguments: arguments) || url != nil && name == ServerEntry.usualName
        }

        /// Throws for another program's server, which must not be removed.
        /// - Parameters:
        ///   - url: an address that the person declared to be this product's.
        ///   - place: the list, for the message.
        func checkOurs(url named: String?, in place: String) throws(MMError) {
            guard !isOurs, named == nil || named != url else { return }
            throw MMError(
                .conflict, "\(name) in \(place) belongs to another program and was not removed.",
                hint: url == nil
                    ? "`mm mcp list` shows mm's servers; choose one with --name."
                    : "If this address is a server of mm, give it exactly: --url ADDRESS.")
        }
    }

    /// The client whose list it is.
    let client: AIClient
    /// The file.
    let path: String

    /// The servers in the file; empty when there is no file.
    /// - Throws: `MMError.invalidInput` if the file has another form than expected.
    func servers() throws(MMError) -> [Found] {
        guard let bytes = try ProtectedFile.read(path, limit: Self.limit) else { return [] }
        switch client.form {
        case .json(let member):
            return (try document(try file(bytes))[member]?.object ?? [:]).map { name, value in
                // OpenCode has the program and its arguments in one list.
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
    ///   - replacing: whether another program's server of the same name may be replaced.
    ///   - replacing: whether another program's server of the same name may go.
    /// - Returns: whether anything had to be changed.
    /// - Throws: `conflict` for another program's server of the same name; `invalidInput` if the file has another form
    ///   than expected, in which case it is left alone.
    func put(_ entry: ServerEntry, replacing: Bool) throws(MMError) -> Bool {
        let bytes = try ProtectedFile.read(path, limit: Self.limit)
        if !replacing, let old = try servers().first(where: { $0.name == entry.name }) { try check(old, entry) }
        guard case .json(let member) = client.form else {
            throw MMError(.unsupported, "\(client.title) has no configuration file that mm can write.")
        }
        let changed = try put(entry, into: bytes ?? [], member)
        guard changed != bytes else { return false }
        try ProtectedFile.replace(path, with: changed, keepingMode: true, backup: true)
        return true
    }

    /// Removes a server from the file and changes nothing else. The old file stays beside it as `.bak`.
    /// - Parameters:
    ///   - name: the server's name.
    ///   - url: the address of a server that is this product's although its name is not `mm`.
    /// - Returns: whether it was there.
    /// - Throws: `conflict` for another program's server; `invalidInput` if the file has another form than expected.
    func take(_ name: String, url: String?) throws(MMError) -> Bool {
        guard case .json(let member) = client.form else {
            throw MMError(.unsupported, "\(client.title) has no configuration file that mm can write.")
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
                .conflict, "\(path) already has another server named \(entry.name).",
                hint: "Use another name (--name mm2), or add --replace.")
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
        // An equal entry may be written in any form, so the file stays unchanged.
        guard old != new || !asks else { return bytes }
        servers[entry.name] = new
        document[member] = .object(servers)
        if !asks { document["inputs"] = .array(inputs + [ClientSecret.input(of: entry.name)]) }
        return try text(of: document, in: file)
    }

    /// Parses the file, which may contain comments.
    private func file(_ bytes: [UInt8]) throws(MMError) -> CommentedJSON {
        let isEmpty = bytes.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
        do throws(JSONError) {
            return try CommentedJSON(isEmpty ? Array("{}\n".utf8) : bytes)
        } catch {
            throw MMError(
                .invalidInput, "\(path) isn't JSON (\(error)), so it was not changed.",
                hint:
                    "Correct it, or add the entry manually: `mm mcp install \(client.rawValue) --print` shows it."
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
                .invalidInput, "\(path) can't be changed without losing part of its content, so it was not changed.",
                hint: "Change it manually: `mm mcp install \(client.rawValue) --print` shows the entry.")
        }
        return text
    }
}

/// The way in which a client reaches this server: it starts `mm-mcp`, or calls an address.
struct ServerEntry: Sendable, Hashable {
    /// The two ways.
    enum Way: Sendable, Hashable {
        /// The client starts a program.
        case command(String, arguments: [String], environment: [String: String])
        /// The client calls an address.
        case url(String)
    }

    /// The default name of a server.
    static let usualName = "mm"

    /// The name in the client's list.
    let name: String
    /// The way in which the client reaches the server.
    let way: Way
    /// The source of the secret for an address.
    var secret: ClientSecret?

    /// Returns the entry for a client's JSON file, based on the old one, so that members that others added stay.
    func json(for client: AIClient, over old: JSONObject = [:]) -> JSONObject {
        var entry = old
        switch way {
        case .command(let command, let arguments, let environment):
            for member in ["url", "httpUrl", "serverUrl", "headers"] { entry.remove(member) }
            entry.setType([.copilot, .opencode].contains(client) ? "local" : "stdio", for: client)
            let variablesMember = client == .opencode ? "environment" : "env"
            if client == .opencode {
                entry["command"] = .array(([command] + arguments).map { .string($0) })
            } else {
                entry["command"] = .string(command)
                entry["args"] = .array(arguments.map { .string($0) })
            }
            var variables = entry[variablesMember]?.object ?? [:]
            for (key, value) in environment.sorted(by: { $0.key < $1.key }) { variables[key] = .string(value) }
            if !variables.isEmpty { entry[variablesMember] = .object(variables) }
        case .url(let url):
            for member in ["command", "args", "env", "environment"] { entry.remove(member) }
            entry.setType(client == .opencode ? "remote" : "http", for: client)
            entry[client.addressMember] = .string(url)
            if let header = secret?.header(for: client, server: name) {
                var headers = entry["headers"]?.object ?? [:]
                headers["Authorization"] = .string(header)
                entry["headers"] = .object(headers)
            }
        }
        // Zed's own list also contains the servers of its extensions.
        if client == .zed { entry["source"] = "custom" }
        if client == .opencode, entry["enabled"] == nil { entry["enabled"] = true }
        // Copilot offers no tools of a server unless they are listed.
        if client == .copilot, entry["tools"] == nil { entry["tools"] = ["*"] }
        return entry
    }

    /// Returns whether an entry is this product's, by the program that it starts, either on this system or by `wsl.exe`
    /// from Windows.
    static func isOurs(command: String?, arguments: [String]) -> Bool {
        func isOurs(_ word: String) -> Bool { word.split(separator: "/").last == "mm-mcp" }
        guard let command else { return false }
        if isOurs(command) { return true }
        guard command.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last?.lowercased() == "wsl.exe" else {
            return false
        }
        return arguments.contains(where: isOurs)
    }
}

extension JSONObject {
    /// Sets the member by which some clients distinguish programs from addresses; removes it for others.
    fileprivate mutating func setType(_ type: String, for client: AIClient) {
        if [.claudeCode, .vscode, .copilot, .opencode].contains(client) {
            self["type"] = .string(type)
        } else {
            remove("type")
        }
    }
}

extension AIClient {
    /// The member of an entry that holds an address.
    var addressMember: String {
        switch self {
        case .gemini: "httpUrl"
        case .windsurf: "serverUrl"
        default: "url"
        }
    }
}

/// The source from which a client takes the secret of a server at an address. The secret itself is never written into a
/// client's file.
enum ClientSecret: Sendable, Hashable {
    /// A variable of the client's environment.
    case variable(String)
    /// The person, whom the client asks once; the client then keeps the secret.
    case prompt

    /// Reads the value of `--token-from`.
    /// - Throws: `MMError.invalidInput`, whose text doesn't repeat the value, since it may be a secret given by
    ///   mistake.
    init(_ text: String, for client: AIClient) throws(MMError) {
        guard client.takesSecrets else {
            throw MMError(
                .unsupported, "\(client.title) can't read a secret from another place.", hint: client.secretHint)
        }
        if text == "prompt" {
            guard client == .vscode else {
                throw MMError(
                    .unsupported, "\(client.title) can't ask for secrets.",
                    hint: "Use an environment variable: --token-from MM_MCP_TOKEN.")
            }
            self = .prompt
            return
        }
        let isName =
            (1...64).contains(text.utf8.count) && !(text.utf8.first.map { (0x30...0x39).contains($0) } ?? true)
            && text.utf8.allSatisfy { (0x41...0x5A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
        guard isName else {
            throw MMError(
                .invalidInput, "--token-from is neither `prompt` nor the name of an environment variable.",
                hint: "For example --token-from MM_MCP_TOKEN. Never put the secret itself into a client's file.")
        }
        self = .variable(text)
    }

    /// Returns the header field for the client's file; `nil` if the client has a separate member for the secret.
    func header(for client: AIClient, server: String) -> String? {
        switch (self, client) {
        case (.prompt, _): "Bearer ${input:\(Self.inputID(of: server))}"
        case (.variable(let name), .vscode), (.variable(let name), .cursor): "Bearer ${env:\(name)}"
        case (.variable(let name), .windsurf): "Bearer ${env:\(name)}"
        case (.variable(let name), .claudeCode), (.variable(let name), .copilot), (.variable(let name), .gemini):
            "Bearer ${\(name)}"
        case (.variable(let name), .opencode): "Bearer {env:\(name)}"
        case (.variable, _): nil
        }
    }

    /// Returns the id of the input by which Visual Studio Code asks for a server's secret.
    static func inputID(of server: String) -> String { "\(server)-secret" }

    /// Returns the definition of that input.
    static func input(of server: String) -> JSONValue {
        [
            "type": "promptString", "id": .string(inputID(of: server)), "password": true,
            "description": .string("The secret of the MCP server \(server)"),
        ]
    }
}

extension AIClient {
    /// Whether the client's file can refer to a secret that is kept elsewhere.
    fileprivate var takesSecrets: Bool {
        switch self {
        case .claudeCode, .vscode, .cursor, .copilot, .codex, .gemini, .opencode, .windsurf: true
        case .zed, .claudeDesktop, .openwebui, .gateway: false
        }
    }

    fileprivate var secretHint: String {
        switch self {
        case .openwebui: "Enter it in Open WebUI, as the key of the server."
        case .gateway: "Give it to `mcpjungle register` with --bearer-token."
        default: "Leave out --token-from."
        }
    }
}

/// Finds out in which clients this server is installed.
enum ClientSurvey {
    /// Returns one row for every list that contains the server, and one for every client without it.
    /// - Parameters:
    ///   - environment: `HOME`, and variables that move a client's files.
    ///   - project: the folder whose lists are examined, too.
    static func rows(_ environment: [String: String], project: String) async -> [JSONValue] {
        var rows: [JSONValue] = []
        for client in AIClient.allCases {
            guard let own = client.file(environment) else { continue }
            var files = [own]
            if let other = client.file(environment, project: project), other != own, client.form != .ownCommand {
                files.append(other)
            }
            var found: [JSONValue] = []
            for (number, file) in files.enumerated() {
                found += await Self.rows(ClientList(client: client, path: file), environment, isProject: number > 0)
            }
            rows += found.isEmpty ? [row(client, own, "not installed")] : found
        }
        return rows
    }

    private static func rows(_ list: ClientList, _ environment: [String: String], isProject: Bool) async -> [JSONValue]
    {
        var servers: [ClientList.Found] = []
        do throws(MMError) {
            if list.client.form != .ownCommand {
                servers = try list.servers()
            } else if let codex = CodexCommand(environment) {
                servers = try await codex.servers()
            } else if access(list.path, F_OK) == 0 {
                return [row(list.client, list.path, "unknown: codex is not in PATH")]
            }
        } catch {
            return [row(list.client, list.path, "unreadable: \(error.message)")]
        }
        return servers.filter { $0.isOurs || $0.name == ServerEntry.usualName }.map { server in
            let isThere = server.command.map { !$0.hasPrefix("/") || access($0, X_OK) == 0 } ?? (server.url != nil)
            let state =
                isThere ? (isProject ? "installed for this folder" : "installed") : "broken: the program is missing"
            return row(list.client, list.path, state, server)
        }
    }

    private static func row(_ client: AIClient, _ file: String, _ state: String, _ server: ClientList.Found? = nil)
        -> JSONValue
    {
        var row: JSONObject = ["client": .string(client.rawValue), "state": .string(state)]
        if let server {
            row["name"] = .string(server.name)
            let words = [server.command ?? server.url ?? ""] + server.arguments.map { $0.isEmpty ? "''" : $0 }
            row["runs"] = .string(words.joined(separator: " "))
        }
        row["file"] = .string(file)
        return .object(row)
    }
}

/// The configuration of a client as a text to copy.
enum ClientConfiguration {
    /// Returns the configuration in the form of the client's own file.
    static func text(of entry: ServerEntry, for client: AIClient) -> [UInt8] {
        switch client.form {
        case .json(let member):
            var document: JSONObject = [member: [entry.name: .object(entry.json(for: client))]]
            if entry.secret == .prompt { document["inputs"] = [ClientSecret.input(of: entry.name)] }
            return pretty(.object(document))
        case .ownCommand: return Array(CodexTable.text(of: entry).utf8)
        case .shown: return pretty(client == .openwebui ? openWebUI(entry) : gateway(entry))
        }
    }

    /// Returns instructions for the text if they are needed.
    /// - Parameter file: the client's own file, if it has one.
    static func note(for client: AIClient, _ file: String?) -> String? {
        switch client {
        case .codex:
            "Add it to \(file ?? "config.toml"). If `codex` is in PATH, `mm mcp install codex` adds it with `codex mcp add`."
        case .openwebui:
            """
            Open WebUI (0.6.31 or later) calls servers at an address. If both run in a closed network of containers:
              mm-mcp --http 0.0.0.0:8365 --trust-network --allow-host NAME   (NAME: the server's name in that network)
            Otherwise: mm-mcp --http 127.0.0.1:8365 --token-file FILE, "auth_type": "bearer" and "key": the file's content.
            Set the text above as the variable TOOL_SERVER_CONNECTIONS, with the address at which Open WebUI reaches it; or enter \
            it under Admin Settings, External Tools, type MCP (Streamable HTTP). Once servers have been saved there, the \
            variable no longer counts. Only administrators see the server until they give others access to it.
            """
        case .gateway: "Register it with: mcpjungle register --conf FILE"
        default: client.filesElsewhere.map { "Its configuration: \(file.map { "\($0); " } ?? "")\($0)." }
        }
    }

    private static func openWebUI(_ entry: ServerEntry) -> JSONValue {
        var url = ""
        if case .url(let given) = entry.way { url = given }
        return [
            [
                "type": "mcp", "url": .string(url), "path": "", "auth_type": "none", "key": "",
                "config": ["enable": true],
                "info": [
                    "id": .string(entry.name), "name": "Microsoft Master",
                    "description": "Microsoft 365 through signed-in, guarded connections",
                ],
            ]
        ]
    }

    private static func gateway(_ entry: ServerEntry) -> JSONValue {
        var object: JSONObject = ["name": .string(entry.name)]
        let description: JSONValue = "Microsoft 365 through signed-in, guarded connections"
        switch entry.way {
        case .command(let command, let arguments, let environment):
            object["transport"] = "stdio"
            object["description"] = description
            // Without this, it starts a process for each call, and everything that outlives a call would be lost.
            object["session_mode"] = "stateful"
            object["command"] = .string(command)
            object["args"] = .array(arguments.map { .string($0) })
            if !environment.isEmpty {
                object["env"] = .object(
                    JSONObject(environment.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
            }
        case .url(let url):
            object["transport"] = "streamable_http"
            object["description"] = description
            object["url"] = .string(url)
        }
        return .object(object)
    }

    private static func pretty(_ value: JSONValue) -> [UInt8] { JSONWriter.bytes(value, layout: .indented(2)) + [0x0A] }
}

/// A server in the form of Codex's `config.toml`: a table of its own, `[mcp_servers.NAME]`. It is only shown, because
/// Codex itself maintains this file.
enum CodexTable {
    /// Returns the table of a server.
    static func text(of entry: ServerEntry) -> String {
        let table = "[mcp_servers.\(entry.name)"
        switch entry.way {
        case .command(let command, let arguments, let environment):
            let list = arguments.map(quoted).joined(separator: ", ")
            var lines = ["\(table)]", "command = \(quoted(command))", "args = [\(list)]"]
            if !environment.isEmpty {
                lines += ["", "\(table).env]"]
                lines += environment.sorted { $0.key < $1.key }.map { "\($0.key) = \(quoted($0.value))" }
            }
            return lines.joined(separator: "\n") + "\n"
        case .url(let url):
            let secret =
                if case .variable(let name)? = entry.secret { "bearer_token_env_var = \(quoted(name))\n" } else { "" }
            return "\(table)]\nurl = \(quoted(url))\n" + secret
        }
    }

    /// Returns a basic string (TOML 1.0.0).
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let digits = String(scalar.value, radix: 16, uppercase: true)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
