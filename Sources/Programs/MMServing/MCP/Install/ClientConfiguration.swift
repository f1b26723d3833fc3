import MMCore

/// What a client is to be told, as a text to copy.
enum ClientConfiguration {
    /// The configuration, in the form of the client's own file.
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

    /// What to do with it, where that is not plain.
    /// - Parameter file: the client's own, where it has one.
    static func note(for client: AIClient, _ file: String?) -> String? {
        switch client {
        case .codex:
            "Add it to \(file ?? "config.toml"). Where `codex` is in PATH, `mm mcp install codex` does so by `codex mcp add`."
        case .openwebui:
            """
            Open WebUI (0.6.31 or later) calls servers at an address. Where both run in a closed network of containers:
              mm-mcp --http 0.0.0.0:8365 --trust-network --allow-host NAME   (NAME: the server's name in that network)
            Elsewhere: mm-mcp --http 127.0.0.1:8365 --token-file FILE, "auth_type": "bearer" and "key": the file's content.
            Set the text above as the variable TOOL_SERVER_CONNECTIONS, with the address that Open WebUI reaches; or enter \
            it under Admin Settings, External Tools, type MCP (Streamable HTTP).
            """
        case .gateway: "Register it with: mcpjungle register --conf FILE"
        default: client.filesElsewhere.map { "Its list: \(file.map { "\($0); " } ?? "")\($0)." }
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
            // Without this it starts a process for each call, which would lose what takes longer than one.
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

/// A server as Codex's `config.toml` has it: a table of its own, `[mcp_servers.NAME]`. It is shown, never written: Codex keeps
/// this file itself.
enum CodexTable {
    /// The table of a server.
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

    /// A basic string (TOML 1.0.0).
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
