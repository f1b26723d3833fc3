import MMCore

/// Where a client takes the secret of a server at an address from. The secret itself is never written into a client's file.
enum ClientSecret: Sendable, Hashable {
    /// From a variable of the client's environment.
    case variable(String)
    /// From the person, whom the client asks once and for whom it keeps the secret.
    case prompt

    /// Reads the value of `--token-from`.
    /// - Throws: `MMError.invalidInput` without the value, which may be a secret that somebody gave by mistake.
    init(_ text: String, for client: AIClient) throws(MMError) {
        guard client.takesSecrets else {
            throw MMError(
                .unsupported, "\(client.title) takes no secret by a reference.", hint: client.secretHint)
        }
        if text == "prompt" {
            guard client == .vscode else {
                throw MMError(
                    .unsupported, "\(client.title) asks nobody for secrets.",
                    hint: "Name a variable of its environment: --token-from MM_MCP_TOKEN.")
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
                hint: "For example --token-from MM_MCP_TOKEN. The secret itself doesn't belong into a client's file.")
        }
        self = .variable(text)
    }

    /// The header field as the client's file has it; `nil` where the client has a member of its own for the secret.
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

    /// The id of the question that Visual Studio Code asks for a server.
    static func inputID(of server: String) -> String { "\(server)-secret" }

    /// That question.
    static func input(of server: String) -> JSONValue {
        [
            "type": "promptString", "id": .string(inputID(of: server)), "password": true,
            "description": .string("The secret of the MCP server \(server)"),
        ]
    }
}

extension AIClient {
    /// Whether its file can refer to a secret that is kept elsewhere.
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
        default: "Leave --token-from out."
        }
    }
}
