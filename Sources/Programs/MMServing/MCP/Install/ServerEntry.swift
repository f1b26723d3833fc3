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
        // Zed's own list also holds what its extensions bring.
        if client == .zed { entry["source"] = "custom" }
        if client == .opencode, entry["enabled"] == nil { entry["enabled"] = true }
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
