import MMCore

/// A program that uses servers of the Model Context Protocol, and the place of its list of servers.
enum AIClient: String, CaseIterable, Sendable {
    case claudeCode = "claude-code"
    case claudeDesktop = "claude-desktop"
    case vscode
    case cursor
    case copilot
    case codex
    case gemini
    case opencode
    case zed
    case windsurf
    case openwebui
    case gateway

    /// The form of the list.
    enum Form: Sendable, Hashable {
        /// A JSON object; the servers are members of the named member.
        case json(member: String)
        /// A list that only the client's own command changes.
        case ownCommand
        /// A list that can't be written from here: a person has to make the entry.
        case shown
    }

    /// The client's name for people.
    var title: String {
        switch self {
        case .claudeCode: "Claude Code"
        case .claudeDesktop: "Claude Desktop"
        case .vscode: "Visual Studio Code"
        case .cursor: "Cursor"
        case .copilot: "GitHub Copilot CLI"
        case .codex: "Codex"
        case .gemini: "Gemini CLI"
        case .opencode: "opencode"
        case .zed: "Zed"
        case .windsurf: "Windsurf"
        case .openwebui: "Open WebUI"
        case .gateway: "a gateway (MCPJungle)"
        }
    }

    /// The form of the client's list.
    var form: Form {
        switch self {
        case .claudeCode, .claudeDesktop, .cursor, .copilot, .gemini, .windsurf: .json(member: "mcpServers")
        case .opencode: .json(member: "mcp")
        case .zed: .json(member: "context_servers")
        case .vscode: .json(member: "servers")
        case .codex: .ownCommand
        case .openwebui, .gateway: .shown
        }
    }

    /// Returns the file of the person's own list.
    /// - Parameters:
    ///   - environment: `HOME`, and variables that move a program's files.
    ///   - project: a project's folder, to return the list that belongs to it.
    /// - Returns: `nil` if there is none: Claude Desktop doesn't exist for Linux.
    func file(_ environment: [String: String], project: String? = nil) -> String? {
        if let project { return projectFile.map { "\(project)/\($0)" } }
        let home = StatePaths(environment: environment).home
        func folder(_ variable: String, _ usual: String) -> String {
            // Relative paths in these variables are ignored (XDG Base Directory Specification).
            environment[variable].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "\(home)/\(usual)"
        }
        switch self {
        case .claudeCode:
            return environment["CLAUDE_CONFIG_DIR"].flatMap { $0.hasPrefix("/") ? "\($0)/.claude.json" : nil }
                ?? "\(home)/.claude.json"
        case .vscode: return folder("XDG_CONFIG_HOME", ".config") + "/Code/User/mcp.json"
        case .cursor: return "\(home)/.cursor/mcp.json"
        case .copilot: return folder("COPILOT_HOME", ".copilot") + "/mcp-config.json"
        case .codex: return folder("CODEX_HOME", ".codex") + "/config.toml"
        case .gemini: return "\(home)/.gemini/settings.json"
        case .opencode: return folder("XDG_CONFIG_HOME", ".config") + "/opencode/opencode.json"
        case .zed: return folder("XDG_CONFIG_HOME", ".config") + "/zed/settings.json"
        case .windsurf: return "\(home)/.codeium/windsurf/mcp_config.json"
        case .claudeDesktop, .openwebui, .gateway: return nil
        }
    }

    private var projectFile: String? {
        switch self {
        case .claudeCode: ".mcp.json"
        case .vscode: ".vscode/mcp.json"
        case .cursor: ".cursor/mcp.json"
        case .codex: ".codex/config.toml"
        case .gemini: ".gemini/settings.json"
        case .opencode: "opencode.json"
        case .zed: ".zed/settings.json"
        case .claudeDesktop, .copilot, .windsurf, .openwebui, .gateway: nil
        }
    }

    /// The path of the list on the other systems that the client runs on, for people.
    var filesElsewhere: String? {
        switch self {
        case .claudeCode: #"%USERPROFILE%\.claude.json on Windows"#
        case .claudeDesktop:
            #"~/Library/Application Support/Claude/claude_desktop_config.json on macOS, "#
                + #"%APPDATA%\Claude\claude_desktop_config.json on Windows"#
        case .vscode: #"%APPDATA%\Code\User\mcp.json on Windows"#
        case .cursor: #"%USERPROFILE%\.cursor\mcp.json on Windows"#
        case .copilot: #"%USERPROFILE%\.copilot\mcp-config.json on Windows"#
        case .codex: #"%USERPROFILE%\.codex\config.toml on Windows"#
        case .gemini: #"%USERPROFILE%\.gemini\settings.json on Windows"#
        case .opencode: #"%USERPROFILE%\.config\opencode\opencode.json on Windows"#
        case .zed: #"%APPDATA%\Zed\settings.json on Windows"#
        case .windsurf: #"%USERPROFILE%\.codeium\windsurf\mcp_config.json on Windows"#
        case .openwebui, .gateway: nil
        }
    }
}
