import Glibc
import MMCore
import Testing

@testable import MMServing

@Suite("Registering the server with clients", .timeLimit(.minutes(5)))
struct ClientListTests {
    private let home: ServingHome
    private let entry = ServerEntry(
        name: "mm", way: .command("/opt/mm/mm-mcp", arguments: ["--read-only"], environment: ["MM_STATE_DIR": "/s"]))

    init() throws { home = try ServingHome() }

    private func list(_ client: AIClient) throws -> ClientList {
        ClientList(client: client, path: try #require(client.file(["HOME": home.path])))
    }

    private static let written: [AIClient] = AIClient.allCases.filter {
        if case .json = $0.form { $0.file(["HOME": "/h"]) != nil } else { false }
    }

    @Test(
        "a client without a file gets a private one, and repeating it changes nothing",
        arguments: written)
    func fresh(client: AIClient) throws {
        let list = try list(client)
        #expect(try list.servers().isEmpty)
        #expect(try list.put(entry, replacing: false))
        let found = try #require(try list.servers().first)
        #expect(found.name == "mm")
        #expect(found.command == "/opt/mm/mm-mcp")
        #expect(found.arguments == ["--read-only"])
        var status = stat()
        #expect(lstat(list.path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        let before = try ProtectedFile.read(list.path)
        #expect(try !list.put(entry, replacing: false))
        #expect(try ProtectedFile.read(list.path) == before)
        #expect(access(list.path + ".bak", F_OK) != 0)
    }

    @Test("each client gets its own format")
    func forms() throws {
        for client in Self.written { #expect(try list(client).put(entry, replacing: false)) }
        func server(_ client: AIClient, _ member: String) throws -> JSONValue? {
            try JSONParser.parse(try #require(try ProtectedFile.read(try list(client).path)))[member]?["mm"]
        }
        let plain: JSONObject = ["command": "/opt/mm/mm-mcp", "args": ["--read-only"], "env": ["MM_STATE_DIR": "/s"]]
        var typed = plain
        typed["type"] = "stdio"
        #expect(try server(.claudeCode, "mcpServers") == .object(typed))
        #expect(try server(.vscode, "servers") == .object(typed))
        #expect(try server(.cursor, "mcpServers") == .object(plain))
        typed["type"] = "local"
        typed["tools"] = ["*"]
        #expect(try server(.copilot, "mcpServers") == .object(typed))
        #expect(try server(.gemini, "mcpServers") == .object(plain))
        #expect(try server(.windsurf, "mcpServers") == .object(plain))
        var custom = plain
        custom["source"] = "custom"
        #expect(try server(.zed, "context_servers") == .object(custom))
        let local: JSONValue = [
            "type": "local", "command": ["/opt/mm/mm-mcp", "--read-only"], "environment": ["MM_STATE_DIR": "/s"],
            "enabled": true,
        ]
        #expect(try server(.opencode, "mcp") == local)
    }

    @Test(
        "an address is written where each client looks for it, and its secret as a reference",
        arguments: [
            (AIClient.gemini, "httpUrl", "Bearer ${MM_T}"), (.windsurf, "serverUrl", "Bearer ${env:MM_T}"),
            (.opencode, "url", "Bearer {env:MM_T}"),
        ])
    func addresses(client: AIClient, member: String, header: String) throws {
        let url = "https://mm.example.com/mcp"
        let entry = ServerEntry(name: "mm", way: .url(url), secret: .variable("MM_T")).json(for: client)
        #expect(entry[member]?.string == url && entry["headers"]?["Authorization"]?.string == header, "\(entry)")
    }

    @Test("the rest of a JSON file stays: members, order, numbers, mode; a backup is kept")
    func keepsJSON() throws {
        let text = """
            {
                "zoom": 1.0,
                "mcpServers": {
                    "other": {"command": "npx", "args": ["-y"], "timeout": 12345678901234567890},
                    "mm": {"command": "/old/mm-mcp", "disabled": true, "env": {"LANG": "C", "MM_STATE_DIR": "/old"}}
                },
                "alpha": [null, {"x": "é"}]
            }
            """
        try home.write(".cursor/mcp.json", text)
        #expect(chmod(home[".cursor/mcp.json"], 0o644) == 0)
        #expect(try list(.cursor).put(entry, replacing: false))
        let new = try #require(try home.text(".cursor/mcp.json"))
        var wanted = try #require(try JSONParser.parse(text).object)
        var servers = try #require(wanted["mcpServers"]?.object)
        servers["mm"] = [
            "command": "/opt/mm/mm-mcp", "disabled": true, "env": ["LANG": "C", "MM_STATE_DIR": "/s"],
            "args": ["--read-only"],
        ]
        wanted["mcpServers"] = .object(servers)
        #expect(try JSONParser.parse(new).object == wanted)
        #expect(try JSONParser.parse(new).object?.keys == ["zoom", "mcpServers", "alpha"])
        #expect(new.contains("\n    \"zoom\": 1.0,"))
        #expect(new.contains("12345678901234567890"))
        #expect(try home.text(".cursor/mcp.json.bak") == text)
        var status = stat()
        #expect(stat(home[".cursor/mcp.json"], &status) == 0 && status.st_mode & 0o777 == 0o644)
    }

    @Test("another program's server of the same name stays unless replacing is requested", arguments: written)
    func conflict(client: AIClient) throws {
        let list = try list(client)
        let other = ServerEntry(name: "mm", way: .command("/usr/bin/mailman", arguments: [], environment: [:]))
        #expect(try list.put(other, replacing: false))
        let error = try #require(throws: MMError.self) { try list.put(entry, replacing: false) }
        #expect(error.code == .conflict)
        #expect(try list.servers().first?.command == "/usr/bin/mailman")
        #expect(try list.put(entry, replacing: true))
        #expect(try list.servers().first?.command == "/opt/mm/mm-mcp")
    }

    @Test(
        "an unreadable file isn't changed",
        arguments: [
            (AIClient.vscode, "{ // mine\n \"servers\": {, }"), (.vscode, "{ /* mine"), (.cursor, "[]"),
            (.cursor, "{\"mcpServers\": []}"),
            (.claudeCode, "{"),
        ] as [(AIClient, String)])
    func unreadable(client: AIClient, text: String) throws {
        let list = try list(client)
        try ProtectedFile.replace(list.path, with: Array(text.utf8))
        let error = try #require(throws: MMError.self) { try list.put(entry, replacing: true) }
        #expect(error.hint != nil)
        #expect(try ProtectedFile.read(list.path) == Array(text.utf8))
    }

    @Test("an address can replace a program, and back", arguments: written)
    func address(client: AIClient) throws {
        let list = try list(client)
        #expect(try list.put(entry, replacing: false))
        let there = ServerEntry(name: "mm", way: .url("http://127.0.0.1:8365/mcp"))
        #expect(try list.put(there, replacing: false))
        let found = try #require(try list.servers().first)
        #expect(found.url == "http://127.0.0.1:8365/mcp" && found.command == nil && found.arguments.isEmpty)
        #expect(try !list.put(there, replacing: false))
        #expect(try list.put(entry, replacing: true))
        #expect(try list.servers().first?.url == nil)
    }

    @Test("a link instead of the file isn't followed")
    func links() throws {
        try home.write("elsewhere.json", "{}")
        try home.write(".cursor/x", "")
        #expect(symlink(home["elsewhere.json"], home[".cursor/mcp.json"]) == 0)
        #expect(throws: MMError.self) { try list(.cursor).put(entry, replacing: false) }
        #expect(try home.text("elsewhere.json") == "{}")
    }

    @Test("the files are where each client looks, including variables that move them")
    func places() {
        let environment = ["HOME": "/h", "XDG_CONFIG_HOME": "/c", "CODEX_HOME": "/x", "CLAUDE_CONFIG_DIR": "/d"]
        #expect(AIClient.claudeCode.file(["HOME": "/h"]) == "/h/.claude.json")
        #expect(AIClient.claudeCode.file(environment) == "/d/.claude.json")
        #expect(AIClient.claudeDesktop.file(["HOME": "/h"]) == nil)
        #expect(AIClient.copilot.file(["HOME": "/h"]) == "/h/.copilot/mcp-config.json")
        #expect(AIClient.copilot.file(["HOME": "/h", "COPILOT_HOME": "/p"]) == "/p/mcp-config.json")
        #expect(AIClient.vscode.file(environment) == "/c/Code/User/mcp.json")
        #expect(AIClient.codex.file(environment) == "/x/config.toml")
        #expect(AIClient.claudeCode.file(environment, project: "/p") == "/p/.mcp.json")
        #expect(AIClient.claudeDesktop.file(environment, project: "/p") == nil)
        #expect(AIClient.gateway.file(environment) == nil)
        #expect(AIClient.gemini.file(environment) == "/h/.gemini/settings.json")
        #expect(AIClient.opencode.file(environment) == "/c/opencode/opencode.json")
        #expect(AIClient.zed.file(environment) == "/c/zed/settings.json")
        #expect(AIClient.windsurf.file(environment) == "/h/.codeium/windsurf/mcp_config.json")
        #expect(AIClient.zed.file(environment, project: "/p") == "/p/.zed/settings.json")
    }

    @Test("the survey reports installed servers, for this folder or everywhere, broken or unreadable")
    func survey() async throws {
        let environment = ["HOME": home.path, "PATH": home["bin"]]
        let real = ServerEntry(name: "mm", way: .command("/bin/true", arguments: ["a", ""], environment: [:]))
        #expect(try list(.claudeCode).put(real, replacing: false))
        try home.write(".codex/config.toml", "model = \"o3\"")
        try home.write(".cursor/mcp.json", "{")
        try home.write(
            "p/.vscode/mcp.json", "{\"servers\": {\"mm\": {\"type\": \"http\", \"url\": \"http://127.0.0.1:1/mcp\"}}}")
        let rows = await ClientSurvey.rows(environment, project: home["p"])
        let states = Dictionary(
            rows.map { ($0["client"]?.string ?? "", $0["state"]?.string ?? "") },
            uniquingKeysWith: { first, _ in first })
        #expect(states["claude-code"] == "installed")
        #expect(states["codex"] == "unknown: codex is not in PATH")
        #expect(states["vscode"] == "installed for this folder")
        #expect(states["copilot"] == "not installed" && states["claude-desktop"] == nil)
        #expect(states["cursor"]?.hasPrefix("unreadable") == true)
        #expect(rows.first { $0["client"] == "claude-code" }?["runs"] == "/bin/true a ''")
    }

    @Test("the printed text is what would be written", arguments: written)
    func printed(client: AIClient) throws {
        let list = try list(client)
        #expect(try list.put(entry, replacing: false))
        #expect(try ProtectedFile.read(list.path) == ClientConfiguration.text(of: entry, for: client))
    }

    // MARK: Taking it out

    @Test("removing leaves everything else as it was", arguments: written)
    func takenOut(client: AIClient) throws {
        let list = try list(client)
        let other = ServerEntry(name: "other", way: .command("npx", arguments: ["-y"], environment: [:]))
        #expect(try list.put(other, replacing: false))
        let before = try ProtectedFile.read(list.path)
        #expect(try list.put(entry, replacing: false))
        let between = try ProtectedFile.read(list.path)
        #expect(try list.take("mm", url: nil))
        #expect(try ProtectedFile.read(list.path) == before)
        #expect(try ProtectedFile.read(list.path + ".bak") == between)
        #expect(try !list.take("mm", url: nil))
    }

    @Test("another program's server isn't removed, nor an address under an unknown name")
    func others() throws {
        let list = try list(.cursor)
        for (name, way) in [
            ("mm", ServerEntry.Way.command("/usr/bin/mailman", arguments: [], environment: [:])),
            ("team", .url("https://mm.example.com/mcp")),
        ] {
            #expect(try list.put(ServerEntry(name: name, way: way), replacing: true))
            let error = try #require(throws: MMError.self) { try list.take(name, url: nil) }
            #expect(error.code == .conflict && error.hint != nil)
        }
        #expect(try list.take("team", url: "https://mm.example.com/mcp"))
        #expect(try list.servers().map(\.name) == ["mm"])
    }

    @Test("a file without our server, or a missing one, isn't changed")
    func nothingThere() throws {
        let list = try list(.vscode)
        #expect(try !list.take("mm", url: nil))
        #expect(access(list.path, F_OK) != 0)
    }

    // MARK: Secrets

    @Test("each client gets a reference to a secret, never the secret itself")
    func secrets() throws {
        let url = ServerEntry.Way.url("https://mm.example.com/mcp")
        for (client, header) in [
            (AIClient.claudeCode, "Bearer ${MM_T}"), (.copilot, "Bearer ${MM_T}"), (.cursor, "Bearer ${env:MM_T}"),
            (.vscode, "Bearer ${env:MM_T}"),
        ] {
            let list = try list(client)
            #expect(try list.put(ServerEntry(name: "mm", way: url, secret: .variable("MM_T")), replacing: false))
            let text = String(decoding: try #require(try ProtectedFile.read(list.path)), as: UTF8.self)
            #expect(text.contains("\"Authorization\": \"\(header)\""), "\(text)")
            // A server that the client starts has no headers.
            #expect(try list.put(entry, replacing: true))
            #expect(try !String(decoding: ProtectedFile.read(list.path) ?? [], as: UTF8.self).contains("Bearer"))
        }
        let codex = ServerEntry(name: "mm", way: url, secret: .variable("MM_T"))
        #expect(CodexTable.text(of: codex).contains("bearer_token_env_var = \"MM_T\""))
        #expect(CodexCommand.adding(codex).suffix(2) == ["--bearer-token-env-var", "MM_T"])
    }

    @Test("Visual Studio Code asks for a secret once, and the question is removed with the server")
    func question() throws {
        let list = try list(.vscode)
        let text = "{\"servers\": {}, \"inputs\": [{\"id\": \"mine\", \"type\": \"promptString\"}]}"
        try ProtectedFile.replace(list.path, with: Array(text.utf8))
        let asking = ServerEntry(name: "mm", way: .url("https://mm.example.com/mcp"), secret: .prompt)
        #expect(try list.put(asking, replacing: false))
        #expect(try !list.put(asking, replacing: false))
        func document() throws -> JSONValue { try JSONParser.parse(try #require(try ProtectedFile.read(list.path))) }
        #expect(try document()["inputs"]?.array?.compactMap { $0["id"]?.string } == ["mine", "mm-secret"])
        #expect(
            try document()["servers"]?["mm"]?["headers"]?["Authorization"]?.string == "Bearer ${input:mm-secret}")
        #expect(try list.take("mm", url: nil))
        #expect(try JSONParser.parse(text) == document())
    }

    @Test(
        "a value that may be the secret itself is refused, and not shown",
        arguments: ["s3cr3t-value", "Bearer abc", "", "abc", "1ABC"])
    func secretInClear(text: String) throws {
        let error = try #require(throws: MMError.self) { try ClientSecret(text, for: .cursor) }
        #expect(error.code == .invalidInput)
        if !text.isEmpty, text != "abc" { #expect(!"\(error.message) \(error.hint ?? "")".contains(text)) }
        #expect(throws: MMError.self) { try ClientSecret("prompt", for: .cursor) }
        #expect(throws: MMError.self) { try ClientSecret("MM_T", for: .gateway) }
    }

    // MARK: Windows

    @Test("a server in WSL that a client of Windows starts is recognised as ours")
    func windows() {
        let words = ["-d", "Debian", "--", "env", "MM_STATE_DIR=/s", "/usr/local/bin/mm-mcp", "--read-only"]
        #expect(ServerEntry.isOurs(command: "wsl.exe", arguments: words))
        #expect(ServerEntry.isOurs(command: #"C:\Windows\System32\wsl.exe"#, arguments: words))
        #expect(!ServerEntry.isOurs(command: "wsl.exe", arguments: ["-d", "Debian", "--", "npx"]))
        #expect(!ServerEntry.isOurs(command: "npx", arguments: ["mm-mcp"]))
    }

    @Test("a gateway keeps one process for its calls")
    func gateway() throws {
        let text = try JSONParser.parse(ClientConfiguration.text(of: entry, for: .gateway))
        #expect(text["session_mode"]?.string == "stateful")
    }
}
