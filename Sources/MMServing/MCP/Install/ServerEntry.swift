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

    /// The name in the client's list.
    let name: String
    /// How it is reached.
    let way: Way

    /// What a client's JSON file holds for it, put over what stands there: members of other people's making stay.
    func json(for client: AIClient, over old: JSONObject = [:]) -> JSONObject {
        var entry = old
        switch way {
        case .command(let command, let arguments, let environment):
            entry.remove("url")
            if client == .claudeCode || client == .vscode { entry["type"] = "stdio" } else { entry.remove("type") }
            entry["command"] = .string(command)
            entry["args"] = .array(arguments.map { .string($0) })
            var variables = entry["env"]?.object ?? [:]
            for (key, value) in environment.sorted(by: { $0.key < $1.key }) { variables[key] = .string(value) }
            if !variables.isEmpty { entry["env"] = .object(variables) }
        case .url(let url):
            for member in ["command", "args", "env"] { entry.remove(member) }
            if client == .claudeCode || client == .vscode { entry["type"] = "http" } else { entry.remove("type") }
            entry["url"] = .string(url)
        }
        return entry
    }

    /// Whether an entry is one of ours, by the program that it starts.
    static func isOurs(command: String?) -> Bool {
        command?.split(separator: "/").last == "mm-mcp"
    }
}
