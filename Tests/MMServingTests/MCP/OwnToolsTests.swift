import Glibc
import MMCore
import MMHTTP
import MMMCP
import MMOperations
import Testing

@testable import MMServing

@Suite("The owner's tools and the recipes for clients", .timeLimit(.minutes(10)))
struct OwnToolsTests {
    private let home: ServingHome

    init() throws { home = try ServingHome() }

    private func put(_ name: String, _ text: String) throws {
        try home.write(".config/mm/tools/\(name)", text)
    }

    private static let yaml = """
        description: People of a department. More words.
        parameters:
          department: {required: true, description: Which.}
          days: {type: integer, default: 30, minimum: 1, description: How many.}
        steps:
          - get: /users?$filter=department eq '{department}'
        """

    /// Requests to one server.
    private func ask(_ words: [String] = [], _ requests: [(String, JSONObject)]) async throws -> [JSONValue] {
        let options = try #require(try MCPFaceOptions(words: ["--http", "127.0.0.1:0"]).http)
        let face = try HTTPFace.start(try home.server(words), options, secret: nil, gate: nil, log: .off)
        let caller = HTTPCaller(face)
        let session = try await caller.initialize()
        var answers: [JSONValue] = []
        for (method, params) in requests { answers.append(try await caller.call(session, method, params)) }
        await face.stop(graceful: .zero)
        return answers
    }

    private func tools(_ words: [String] = []) async throws -> [JSONValue] {
        try await ask(words, [("tools/list", [:])])[0]["tools"]?.array ?? []
    }

    @Test(
        "a definition is a tool with a schema and hints from the guard; without any the list is unchanged")
    func listed() async throws {
        let before = try await tools()
        #expect(!before.contains { $0["name"] == "mm__do" })
        try put("people.yaml", Self.yaml)
        try put("gone.yaml", "description: Away.\nsteps:\n  - delete: /users/x\n")
        try put("broken.yaml", "description: Broken.\n")
        let after = try await tools()
        #expect(after.count == before.count + 2)
        let people = try #require(after.first { $0["name"] == "mm__people" })
        #expect(people["annotations"]?["readOnlyHint"] == true && people["title"] != nil)
        let schema = people["inputSchema"]
        #expect(schema?["required"] == ["connection", "department"])
        #expect(
            schema?["properties"]?["days"] == [
                "type": "integer", "minimum": 1, "description": "How many.", "default": 30,
            ])
        let gone = try #require(after.first { $0["name"] == "mm__gone" })
        #expect(gone["annotations"]?["readOnlyHint"] == false)
        #expect(gone["annotations"]?["destructiveHint"] != false)
        #expect(try await tools(["--read-only"]).contains { $0["name"] == "mm__people" })
        #expect(try await !tools(["--read-only"]).contains { $0["name"] == "mm__gone" })
        #expect(try await !tools(["--toolsets", "shell"]).contains { $0["name"] == "mm__people" })
    }

    @Test("a call is judged like any other, and an invalid value is refused before anything is sent")
    func called() async throws {
        try put("people.yaml", Self.yaml)
        let answers = try await ask(
            [],
            [
                ("tools/call", ["name": "mm__people", "arguments": ["connection": "Hidden", "department": "x"]]),
                (
                    "tools/call",
                    ["name": "mm__people", "arguments": ["connection": "Contoso", "department": "x", "days": 0]]
                ),
            ])
        for (answer, word) in zip(answers, ["Hidden", "days"]) {
            #expect(answer["isError"] == true || answer["error"] != nil, "\(answer)")
            #expect(answer.description.contains(word), "\(answer)")
        }
    }

    @Test("a server notices a changed folder at once, and notifies clients")
    func changed() async throws {
        let own = OwnTools(home.services)
        #expect(own.current.definitions.isEmpty)
        try put("people.yaml", Self.yaml)
        #expect(own.current.definitions.map(\.name) == ["people"])
        #expect(unlink(home[".config/mm/tools/people.yaml"]) == 0)
        #expect(own.current.definitions.isEmpty)
        let told = Mutex(false)
        let watch = Task { await own.watch { told.withLock { $0 = true } } }
        while !told.withLock({ $0 }) {
            try put("people.yaml", Self.yaml + "\n# \(RandomBytes.text(bytes: 4))\n")
            try await Task.sleep(for: .milliseconds(50))
        }
        watch.cancel()
        await watch.value
    }

    @Test("recipes and tools are prompts that name the exact calls")
    func prompts() async throws {
        try put("people.yaml", Self.yaml)
        let answers = try await ask(
            ["--tool-prefix", "x_"],
            [
                ("prompts/list", [:]),
                (
                    "prompts/get",
                    ["name": "recipe_nested-members", "arguments": ["connection": "Contoso", "group": "O'Hara"]]
                ),
                ("prompts/get", ["name": "do_people", "arguments": ["connection": "Contoso", "department": "Sales"]]),
                (
                    "prompts/get",
                    ["name": "recipe_leaver", "arguments": ["connection": "Contoso", "user": "a@contoso.example"]]
                ),
            ])
        let names = (answers[0]["prompts"]?.array ?? []).compactMap { $0["name"]?.string }
        #expect(names.count(where: { $0.hasPrefix("recipe_") }) >= 30 && names.contains("do_people"))
        func text(_ answer: JSONValue) -> String { answer["messages"]?[0]?["content"]?["text"]?.string ?? "\(answer)" }
        #expect(text(answers[1]).contains("x_graph_request {\"connection\":\"Contoso\",\"endpoint\":\"/groups\""))
        #expect(text(answers[1]).contains("displayName eq 'O''Hara'") && text(answers[1]).contains("{item.id}"))
        #expect(text(answers[2]).contains("x_people") && text(answers[2]).contains("Sales"))
        #expect(text(answers[3]).contains("/users/a@contoso.example") && text(answers[3]).contains("clear yes"))
    }

    @Test("commands about tools know them, also for help and completion; others don't read the folder")
    func commands() throws {
        try put("people.yaml", Self.yaml)
        for words in [["do"], ["help", "do"], ["complete", "--", "do", "peo"]] {
            let found = ToolCommands.operations(for: words, home.services)
            #expect(found.map(\.declaration.command) == [["do", "people"]])
            #expect(found.first?.fields.map(\.flagName) == ["connection", "department", "days", "show"])
        }
        #expect(ToolCommands.operations(for: ["recipe"], home.services).count >= 30)
        #expect(ToolCommands.operations(for: ["status"], home.services).isEmpty)
    }

    @Test("the doctor reports a broken definition with its line and the remedy")
    func doctor() throws {
        try put("broken.yaml", "description: Broken.\nsteps:\n  - gett: /me\n")
        var report = DoctorReport()
        ToolChecks(paths: home.services.paths).examine(into: &report)
        let row = try #require(report.rows.first)
        #expect(!row.isSound && row.detail.contains("broken.yaml, line 3") && row.remedy != nil)
    }
}
