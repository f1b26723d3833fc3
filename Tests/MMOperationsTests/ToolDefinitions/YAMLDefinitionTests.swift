import MMCore
import Testing

@testable import MMOperations

@Suite("Definitions in YAML")
struct YAMLDefinitionTests {
    private static func read(_ text: String) throws -> ToolDefinition {
        try YAMLDefinition.read(Array(text.utf8), name: "file-name", place: "/tools/x.yaml")
    }

    @Test("a whole definition is read as it is meant")
    func whole() throws {
        let tool = try Self.read(
            """
            description: Guests who are away. Further words.
            group: Users
            readOnly: true
            parameters:
              days: {type: integer, default: 90, minimum: 1, maximum: 365, description: Days.}
              kind: {enum: [Guest, Member], required: true, description: Which.}
            steps:
              - id: users
                get: /users?$filter=userType eq '{kind}'&$top=5
                select: [id, displayName]
              - each: users
                patch: /users/{item.id}
                body: {department: "{kind}", employeeId: 7, tags: ["a{days}b"]}
                when: days
              - run: Get-Mailbox -Identity $who -ResultSize $Days
                module: exo
                with: {who: "{users.first}"}
            answer: .users
            columns: [id]
            """)
        #expect(tool.name == "file-name" && tool.summary == "Guests who are away." && tool.group == "Users")
        #expect(tool.isReadOnly && !tool.isPlan && tool.columns == ["id"])
        #expect(tool.parameters.map(\.name) == ["days", "kind"])
        #expect(tool.parameters[0].defaultValue == 90 && tool.parameters[0].range == 1...365)
        #expect(tool.parameters[1].isRequired && tool.parameters[1].choices == ["Guest", "Member"])
        guard case .steps(let steps, let answer) = tool.work else { throw MMError(.internalError, "no steps") }
        #expect(answer == ".users" && steps.map(\.id) == ["users", "step2", "step3"])
        let scope = ToolScope(parameters: ["kind": "Guest", "days": 3])
        guard case .request(let get) = steps[0].action, case .request(let patch) = steps[1].action,
            case .command(let run) = steps[2].action
        else { throw MMError(.internalError, "other steps") }
        #expect(get.method == "GET" && get.readsAllPages && get.query.map(\.name) == ["$filter", "$top", "$select"])
        #expect(try get.query[0].value.queryValue(in: scope) == "userType eq 'Guest'")
        #expect(try patch.body?.json(in: scope) == ["department": "Guest", "employeeId": 7, "tags": ["a3b"]])
        #expect(steps[1].each?.root == "users" && steps[1].condition?.root == "days")
        // A variable that bears a parameter's name, in any case, has its value.
        #expect(run.bindings.map(\.variable) == ["who", "days"])
    }

    @Test(
        "a fault names the line, what is wrong, and what to do",
        arguments: [
            ("description: x\nsteps:\n  - get: /users\n    selct: [id]", 4, "selct"),
            ("description: x\nsteps:\n  - get: users", 3, "get"),
            ("description: x\nsteps:\n  - get: /users/{who}", 3, "who"),
            ("description: x\nsteps:\n  - get: /users\n  - id: step1\n    get: /me", 4, "id"),
            ("description: x\nsteps:\n  - get: /users\n    post: /users", 3, "one request"),
            ("description: x\nsteps:\n  - get: /users\n    body: {a: 1}", 4, "body"),
            ("description: x\nsteps:\n  - run: Get-Mailbox", 3, "module"),
            (
                "description: x\nsteps:\n  - module: exo\n    run: |\n      Get-Mailbox\n      Get-Mailbox | | x", 6,
                "parse"
            ),
            ("description: x\nsteps:\n  - module: exo\n    run: param($x) Get-Mailbox", 4, "param"),
            ("description: x\nparameters:\n  Days: {description: y}\nsteps:\n  - get: /me", 3, "Days"),
            ("description: x\nparameters:\n  days: {type: int, description: y}\nsteps:\n  - get: /me", 3, "integer"),
            (
                "description: x\nparameters:\n  days: {type: integer, default: abc, description: y}\nsteps:\n  - get: /me",
                3, "days"
            ),
            ("description: x\nname: 1abc\nsteps:\n  - get: /me", 2, "name"),
            ("description: x", 1, "steps"), ("steps:\n  - get: /me", 1, "description"),
            ("description: x\nsteps:\n  - get: /me\n    each: nothing", 4, "each"),
            ("description: [\n", 2, ""), ("", 1, "empty"),
            ("description: x\nsteps:\n  - get: /me?$top=1\n    query: {$top: 2}", 3, "$top"),
            ("description: x\nsteps:\n  - get: /me\n    resource: grpah", 4, "powerplatform"),
            ("description: x\nsteps:\n  - get: /me\n    header: ['Authorization: x']", 4, "Authorization"),
        ])
    func fault(text: String, line: Int, word: String) throws {
        let error = try #require(throws: MMError.self) { try Self.read(text) }
        #expect(error.details["line"]?.int == line, "\(error)")
        #expect(error.message.contains("/tools/x.yaml"))
        #expect(word.isEmpty || error.description.contains(word), "\(error)")
        #expect(error.hint?.isEmpty == false)
    }

    @Test("the values of a command have the types of the tool's parameters, in the text that is judged and run")
    func types() throws {
        let tool = try Self.read(
            """
            description: x
            parameters:
              days: {type: integer, description: y}
            steps:
              - run: Get-Thing -Days $days
                module: exo
            """)
        guard case .steps(let steps, _) = tool.work, case .command(let command)? = steps.first?.action else {
            Issue.record("the step is no command")
            return
        }
        #expect(command.text(for: tool.parameters) == "param([int] $days)\nGet-Thing -Days $days")
    }

    @Test("every recipe is read, has examples and a group, and declares what it uses")
    func recipes() throws {
        #expect(RecipeLibrary.texts.count >= 30)
        for text in RecipeLibrary.texts {
            let tool = try YAMLDefinition.read(text.bytes, name: text.name, place: text.name)
            #expect(tool.name == text.name && tool.group != nil && !tool.examples.isEmpty)
        }
        #expect(RecipeLibrary.all.count == RecipeLibrary.texts.count)
        #expect(Set(RecipeLibrary.all.map(\.name)).count == RecipeLibrary.all.count)
    }

    @Test("what a question is held against is what the recipes say, read whole")
    func heads() {
        #expect(RecipeLibrary.heads.map(\.name) == RecipeLibrary.all.map(\.name))
        let whole = RecipeLibrary.all.map { ReadyTask.tool($0, on: .recipes).phrases }
        #expect(RecipeLibrary.heads.map(\.phrases) == whole)
        for recipe in RecipeLibrary.all {
            #expect(RecipeLibrary.recipe(named: recipe.name.uppercased())?.source == recipe.source)
        }
    }

    @Test(
        "a value is what its parameter takes, or an error that names it",
        arguments: [
            (ToolParameter.Kind.integer, JSONValue.string("12"), JSONValue.int(12)), (.integer, 3, 3),
            (.integer, "x", nil), (.integer, 1.5, nil), (.boolean, "TRUE", true), (.boolean, 1, nil),
            (.datetime, "2026-03-01", "2026-03-01T00:00:00Z"), (.datetime, "yesterday", nil), (.list, "a", ["a"]),
            (.list, ["a", 1], ["a", "1"]), (.list, [["a"]], nil), (.string, 5, "5"), (.string, ["a"], nil),
            (.number, "1.5", 1.5), (.number, "inf", nil),
        ] as [(ToolParameter.Kind, JSONValue, JSONValue?)])
    func value(kind: ToolParameter.Kind, given: JSONValue, due: JSONValue?) throws {
        let parameter = ToolParameter("amount", kind, "How much.")
        guard let due else {
            let error = try #require(throws: MMError.self) { try parameter.checked(given) }
            #expect(error.message.contains("amount"))
            return
        }
        #expect(try parameter.checked(given) == due)
    }

    @Test("bounds, choices and patterns hold")
    func rules() throws {
        var number = ToolParameter("n", .integer, "N.")
        number.range = 1...5
        let error = #expect(throws: MMError.self) { try number.checked(-6) }
        #expect(error?.message == "`n` is -6.")
        var word = ToolParameter("w", .string, "W.")
        word.choices = ["One", "Two"]
        #expect(try word.checked("two") == "Two")
        #expect(throws: MMError.self) { try word.checked("three") }
        word.choices = []
        word.pattern = "[a-z]+"
        #expect(try word.checked("abc") == "abc")
        #expect(throws: MMError.self) { try word.checked("abc\n") }
        #expect(throws: MMError.self) { try word.checked("abc1") }
    }

    @Test(
        "a pattern of cmdlets fits whole names, in any case",
        arguments: [
            ("Get-Mailbox*", "get-mailboxstatistics", true), ("Get-Mailbox", "Get-MailboxStatistics", false),
            ("*Rule", "Get-InboxRule", true), ("Get-*box*", "Get-Mailbox", true), ("*", "x", true),
            ("a*b*c", "aXbYbc", true),
            ("a*b*c", "aXbYcd", false),
        ])
    func pattern(pattern: String, name: String, fits: Bool) {
        #expect(CmdletPattern(module: "exo", pattern: pattern, limit: 1).matches(name) == fits)
    }
}
