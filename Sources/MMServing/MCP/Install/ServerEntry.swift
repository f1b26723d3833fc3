import MMCore

/// How a client reaches this server: by starting `mm-mcp`, or at an address.
struct ServerEntry: Sendable, Hashable {
    /// The ways.
    enum Way: Sendable, Hashable {
        /// The client starts a program.
        case command(String, arguments: [String], environment: [String: String])
        /// The client calls an address.
        case url(String)
    }

    /// The name that a server gets unless somebody says otherwise.
    static let usualName = "mm"

    /// The name in the client's list.
    let name: String
    /// How it is reached.
    let way: Way
    /// Where the client takes the secret of an address from.
    var secret: ClientSecret?

    /// What a client's JSON file holds for it, put over what stands there: members of other people's making stay.
    func json(for client: AIClient, over old: JSONObject = [:]) -> JSONObject {
        var entry = old
        switch way {
        case .command(let command, let arguments, let environment):
            for member in ["url", "headers"] { entry.remove(member) }
            entry.setType(client == .copilot ? "local" : "stdio", for: client)
            entry["command"] = .string(command)
            entry["args"] = .array(arguments.map { .string($0) })
            var variables = entry["env"]?.object ?? [:]
            for (key, value) in environment.sorted(by: { $0.key < $1.key }) { variables[key] = .string(value) }
            if !variables.isEmpty { entry["env"] = .object(variables) }
        case .url(let url):
            for member in ["command", "args", "env"] { entry.remove(member) }
            entry.setType("http", for: client)
            entry["url"] = .string(url)
            if let header = secret?.header(for: client, server: name) {
                var headers = entry["headers"]?.object ?? [:]
                headers["Authorization"] = .string(header)
                entry["headers"] = .object(headers)
            }
        }
        // Copilot offers none of a server's tools unless they are named.
        if client == .copilot, entry["tools"] == nil { entry["tools"] = ["*"] }
        return entry
    }

    /// Whether an entry is one of ours, by the program that it starts, on this system or by `wsl.exe` from Windows.
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
    /// The member by which some clients tell programs from addresses; others have none.
    fileprivate mutating func setType(_ type: String, for client: AIClient) {
        if [.claudeCode, .vscode, .copilot].contains(client) { self["type"] = .string(type) } else { remove("type") }
    }
}
