import Glibc
import MMCore
import Testing

@testable import MMServing

@Suite("Telling clients of the server", .timeLimit(.minutes(5)))
struct ClientListTests {
    private let home: ServingHome
    private let entry = ServerEntry(
        name: "mm", way: .command("/opt/mm/mm-mcp", arguments: ["--read-only"], environment: ["MM_STATE_DIR": "/s"]))

    init() throws { home = try ServingHome() }

    private func list(_ client: AIClient) throws -> ClientList {
        ClientList(client: client, path: try #require(client.file(["HOME": home.path])))
    }

    private static let written: [AIClient] = AIClient.allCases.filter {
        if case .json = $0.form { true } else { false }
    }

    @Test(
        "a client without a file gets one, readable by nobody else, and a second time changes nothing",
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

    @Test("each client has its own form")
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
        #expect(try server(.claudeDesktop, "mcpServers") == .object(plain))
    }

    @Test("what else is in a JSON file stays: members, order, numbers, mode; the old file stays beside it")
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

    @Test("another program's server of the same name stays unless somebody says otherwise", arguments: written)
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
        "what can't be read is left alone",
        arguments: [
            (AIClient.vscode, "{ // mine\n \"servers\": {} }"), (.cursor, "[]"), (.cursor, "{\"mcpServers\": []}"),
            (.claudeCode, "{"),
        ] as [(AIClient, String)])
    func unreadable(client: AIClient, text: String) throws {
        let list = try list(client)
        try ProtectedFile.replace(list.path, with: Array(text.utf8))
        let error = try #require(throws: MMError.self) { try list.put(entry, replacing: true) }
        #expect(error.hint != nil)
        #expect(try ProtectedFile.read(list.path) == Array(text.utf8))
    }

    @Test("an address in place of a program, and back", arguments: written.filter { $0 != .claudeDesktop })
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

    @Test("a link in the file's place is not followed")
    func links() throws {
        try home.write("elsewhere.json", "{}")
        try home.write(".cursor/x", "")
        #expect(symlink(home["elsewhere.json"], home[".cursor/mcp.json"]) == 0)
        #expect(throws: MMError.self) { try list(.cursor).put(entry, replacing: false) }
        #expect(try home.text("elsewhere.json") == "{}")
    }

    @Test("the files are where each client looks, also where variables move them")
    func places() {
        let environment = ["HOME": "/h", "XDG_CONFIG_HOME": "/c", "CODEX_HOME": "/x", "CLAUDE_CONFIG_DIR": "/d"]
        #expect(AIClient.claudeCode.file(["HOME": "/h"]) == "/h/.claude.json")
        #expect(AIClient.claudeCode.file(environment) == "/d/.claude.json")
        #expect(AIClient.claudeDesktop.file(["HOME": "/h"]) == "/h/.config/Claude/claude_desktop_config.json")
        #expect(AIClient.vscode.file(environment) == "/c/Code/User/mcp.json")
        #expect(AIClient.codex.file(environment) == "/x/config.toml")
        #expect(AIClient.claudeCode.file(environment, project: "/p") == "/p/.mcp.json")
        #expect(AIClient.claudeDesktop.file(environment, project: "/p") == nil)
        #expect(AIClient.gateway.file(environment) == nil)
    }

    @Test("the survey tells what is installed, for this folder or everywhere, broken or unreadable")
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
        #expect(states["claude-desktop"] == "not installed")
        #expect(states["cursor"]?.hasPrefix("unreadable") == true)
        #expect(rows.first { $0["client"] == "claude-code" }?["runs"] == "/bin/true a ''")
    }

    @Test("what is printed is what would be written", arguments: written)
    func printed(client: AIClient) throws {
        let list = try list(client)
        #expect(try list.put(entry, replacing: false))
        #expect(try ProtectedFile.read(list.path) == ClientConfiguration.text(of: entry, for: client))
    }
}
