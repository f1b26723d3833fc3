import MMCore

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
