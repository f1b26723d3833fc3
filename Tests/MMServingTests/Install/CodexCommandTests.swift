import Glibc
import MMCore
import Testing

@testable import MMServing

@Suite("Registering with Codex by its own command", .timeLimit(.minutes(5)))
struct CodexCommandTests {
    private let home: ServingHome
    private let entry = ServerEntry(
        name: "mm",
        way: .command("/opt/mm/mm-mcp", arguments: ["--read-only", ""], environment: ["MM_STATE_DIR": "/s t"]))

    init() throws { home = try ServingHome() }

    private var environment: [String: String] { ["HOME": home.path, "PATH": "\(home["bin"]):/usr/bin:/bin"] }

    /// A `codex` that shows the server of `mm.json`, and records the arguments for adding one per line.
    private func codex(known: String? = nil) throws -> CodexCommand {
        if let known { try home.write("mm.json", known) }
        try home.write(
            "bin/codex",
            """
            #!/bin/sh
            case "$1 $2" in
            "mcp add") for word; do printf '[%s]\\n' "$word"; done > "$HOME/added";;
            "mcp get")
              [ "$3 $4" = "mm --json" ] || exit 9
              if [ -f "$HOME/mm.json" ]; then cat "$HOME/mm.json"; else
                echo "Error: No MCP server named 'mm' found." >&2; exit 1
              fi;;
            "mcp list") [ "$3" = --json ] || exit 9; printf '['; cat "$HOME/mm.json" 2>/dev/null; printf ']';;
            *) exit 9;;
            esac
            """)
        #expect(chmod(home["bin/codex"], 0o755) == 0)
        return try #require(CodexCommand(environment))
    }

    private func added() throws -> [String]? { try home.text("added")?.split(separator: "\n").map(String.init) }

    private static let same = """
        {"name": "mm", "enabled": true, "transport": {"type": "stdio", "command": "/opt/mm/mm-mcp",
         "args": ["--read-only", ""], "env": {"MM_STATE_DIR": "/s t", "LANG": "C"}, "cwd": null}}
        """

    @Test("a server is added with its exact arguments and variables")
    func adds() async throws {
        #expect(try await codex().put(entry, replacing: false))
        #expect(
            try added() == [
                "[mcp]", "[add]", "[mm]", "[--env]", "[MM_STATE_DIR=/s t]", "[--]", "[/opt/mm/mm-mcp]", "[--read-only]",
                "[]",
            ])
    }

    @Test("an address is added as such")
    func address() async throws {
        let there = ServerEntry(name: "mm", way: .url("http://127.0.0.1:8365/mcp"))
        #expect(try await codex().put(there, replacing: false))
        #expect(try added() == ["[mcp]", "[add]", "[mm]", "[--url]", "[http://127.0.0.1:8365/mcp]"])
    }

    @Test("a server that Codex already has isn't added again, for the output of any version", arguments: [true, false])
    func again(isNested: Bool) async throws {
        let row = try JSONParser.parse(Self.same)
        let known = isNested ? Self.same : JSONWriter.string(try #require(row["transport"]))
        #expect(try await !codex(known: known).put(entry, replacing: false))
        #expect(try added() == nil)
    }

    @Test(
        "a server with another configuration stays unless replacing is requested",
        arguments: [
            #"{"transport": {"command": "/usr/bin/mailman", "args": []}}"#,
            #"{"transport": {"command": "/opt/mm/mm-mcp", "args": ["--read-only", ""], "env": null}}"#,
            #"{"transport": {"type": "streamable_http", "url": "http://127.0.0.1:1/mcp"}}"#,
        ])
    func other(known: String) async throws {
        let codex = try codex(known: known)
        let error = await #expect(throws: MMError.self) { try await codex.put(entry, replacing: false) }
        #expect(error?.code == .conflict)
        #expect(try added() == nil)
        #expect(try await codex.put(entry, replacing: true))
        #expect(try added()?.contains("[/opt/mm/mm-mcp]") == true)
    }

    @Test("errors of Codex are reported")
    func refused() async throws {
        let codex = try codex()
        try home.write("bin/codex", "#!/bin/sh\necho 'config.toml: line 3: broken' >&2; exit 1\n")
        #expect(chmod(home["bin/codex"], 0o755) == 0)
        let error = await #expect(throws: MMError.self) { try await codex.put(entry, replacing: false) }
        let message = try #require(error?.message)
        #expect(message.contains("config.toml: line 3: broken"))
        #expect(error?.hint?.contains("--print") == true)
    }

    @Test("the survey asks Codex")
    func survey() async throws {
        _ = try codex(known: Self.same)
        let rows = await ClientSurvey.rows(environment, project: home["p"])
        let row = try #require(rows.first { $0["client"] == "codex" })
        #expect(row["state"] == "broken: the program is missing")
        #expect(row["runs"] == "/opt/mm/mm-mcp --read-only ''")
    }

    @Test("without codex the lines to add are shown, and its file isn't changed")
    func shown() throws {
        #expect(CodexCommand(["HOME": home.path, "PATH": home["bin"]]) == nil)
        let text = String(decoding: ClientConfiguration.text(of: entry, for: .codex), as: UTF8.self)
        #expect(
            text == """
                [mcp_servers.mm]
                command = "/opt/mm/mm-mcp"
                args = ["--read-only", ""]

                [mcp_servers.mm.env]
                MM_STATE_DIR = "/s t"

                """)
        #expect(
            ClientConfiguration.note(for: .codex, "/h/.codex/config.toml")?.contains("/h/.codex/config.toml") == true)
    }
}
