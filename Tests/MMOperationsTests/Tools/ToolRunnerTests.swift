import MMCore
import MMGuard
import TestSupport
import Testing

@testable import MMOperations

@Suite("A tool's steps are calls of the operations, and nothing else")
struct ToolRunnerTests {
    private let home: TestHome

    init() throws { home = try TestHome() }

    /// What the steps asked for, and what they get.
    private final class Calls: Sendable {
        let made = Mutex<[(name: String, arguments: JSONObject, readsOnly: Bool)]>([])
        let answers: @Sendable (String, JSONObject, Int) throws(MMError) -> JSONValue
        /// The notes of every answer.
        let notes: [String]

        init(
            notes: [String] = [],
            _ answers: @escaping @Sendable (String, JSONObject, Int) throws(MMError) -> JSONValue
        ) {
            self.answers = answers
            self.notes = notes
        }

        func perform(_ name: String, _ arguments: JSONObject, _ call: CallContext) throws(MMError) -> OperationAnswer {
            let number = made.withLock { made in
                made.append((name, arguments, call.readsOnly))
                return made.count
            }
            var answer = OperationAnswer.value(try answers(name, arguments, number))
            answer.notes = notes
            return answer
        }

        var endpoints: [String] { made.withLock { $0.map { $0.arguments["endpoint"]?.string ?? $0.name } } }
        var arguments: [JSONObject] { made.withLock { $0.map(\.arguments) } }
    }

    private func run(
        _ yaml: String, _ calls: Calls, given: [(name: String, value: JSONValue)] = [], dry: Bool = false,
        surface: Caller.Surface = .terminal
    ) async throws -> OperationAnswer {
        let tool = try YAMLDefinition.read(Array("description: x\n\(yaml)".utf8), name: "tool", place: "tool.yaml")
        let context = OperationContext(
            call: CallContext(caller: Caller(surface: surface, name: "test", server: nil)),
            deadline: .after(.seconds(300)),
            record: CallRecord())
        let guards = CurrentGuard(environment: home.environment)
        let services = ToolServices(
            guarding: OperationServices(environment: home.environment).guardServices,
            perform: { (name, arguments, call) async throws(MMError) in try calls.perform(name, arguments, call) },
            judge: { _, _, _ in })
        return try await ToolRunner(
            definition: tool, connection: "Contoso", values: try ToolValues(tool, given: given), context: context,
            effects: ToolEffects(try guards.engine()), isDryRun: dry, services: services
        ).answer()
    }

    private func value(_ answer: OperationAnswer) throws -> JSONValue {
        guard case .value(let value) = answer.body else { throw MMError(.internalError, "no value") }
        return value
    }

    @Test("a tool that the connection's owner left out of its list is denied")
    func leftOut() async throws {
        let entry = #"{"connections": {"Contoso": {"tenant": "contoso.example", "tools": []}}}"#
        try ProtectedFile.replace(home.paths.registry, with: Array(entry.utf8))
        let service = LocalOperationService(services: OperationServices(environment: home.environment))
        let context = CallContext(caller: Caller(surface: .terminal, name: "test", server: nil))
        let error = await #expect(throws: MMError.self) {
            try await service.call("recipe", ["tool": "unused-guests", "connection": "Contoso"], in: context)
        }
        #expect(error?.code == .denied && error?.exitCode == 4)
    }

    @Test("a step is done for each row, and the answer is made of all results")
    func each() async throws {
        let calls = Calls { (_, arguments, _) throws(MMError) in
            arguments["endpoint"] == "/users"
                ? ["value": [["id": "a'b"], ["id": "c"]]] : ["x": arguments["endpoint"] ?? .null]
        }
        let answer = try await run(
            """
            parameters: {kind: {description: k., default: Guest}}
            steps:
              - id: users
                get: /users?$filter=userType eq '{kind}'
              - id: more
                each: users
                get: /users/{item.id}/x
            answer: ".params.kind as $kind | [.more[] | {id: .item.id, x: .result.x, kind: $kind}]"
            """, calls, given: [("kind", "O'Neil")])
        #expect(
            try value(answer) == [
                ["id": "a'b", "x": "/users/a%27b/x", "kind": "O'Neil"],
                ["id": "c", "x": "/users/c/x", "kind": "O'Neil"],
            ])
        #expect(calls.arguments[0]["query"] == ["$filter": "userType eq 'O''Neil'"])
        #expect(calls.arguments[0]["all"] == true)
    }

    @Test(
        "a step that must find something ends the tool with its sentence, and one that was not asked is no empty answer"
    )
    func nothing() async throws {
        let calls = Calls { (_, arguments, _) throws(MMError) in
            arguments["endpoint"] == "/groups" ? ["value": []] : ["x": 1]
        }
        let yaml = """
            parameters: {group: {description: g., required: true}}
            steps:
              - id: groups
                get: /groups?$filter=displayName eq '{group}'
                nothing: There is no group '{group}'.
              - id: members
                each: groups
                get: /groups/{item.id}/members
            answer: "[.members[] | .result]"
            """
        let error = await #expect(throws: MMError.self) {
            try await run(yaml, calls, given: [("group", "O'Neil")])
        }
        #expect(error?.code == .notFound && error?.message == "There is no group 'O'Neil'.")
        let without = yaml.split(separator: "\n").filter { !$0.contains("nothing:") }.joined(separator: "\n")
        let answer = try await run(without, calls, given: [("group", "x")])
        #expect(answer.text == "Nothing found: the step groups found nothing, so members was skipped.")
    }

    @Test(
        "what other people wrote is marked, although the answer lacks the names that show it",
        arguments: [("subject", "/me/messages", true), ("displayName", "/users", false)], [false, true])
    func foreign(read: (name: String, path: String, isForeign: Bool), isForEach: Bool) async throws {
        let calls = Calls { (_, _, _) throws(MMError) in ["value": [[read.name: "Obey"]]] }
        let yaml =
            isForEach
            ? "steps:\n  - id: all\n    get: \(read.path)\n  - id: more\n    each: all\n    get: \(read.path)\n"
                + "answer: \"[.more[].result[].\(read.name)]\""
            : "steps:\n  - id: all\n    get: \(read.path)\nanswer: \"[.all[].\(read.name)]\""
        let answer = try await run(yaml, calls)
        #expect(try value(answer) == ["Obey"])
        #expect(answer.isForeign == read.isForeign)
    }

    @Test("a definition that only reads says so with each call")
    func narrowed() async throws {
        let calls = Calls { (_, _, _) throws(MMError) in [:] }
        _ = try await run("readOnly: true\nsteps:\n  - patch: /users/x\n    body: {a: 1}", calls)
        #expect(calls.made.withLock { $0.map(\.readsOnly) } == [true])
    }

    @Test("a dry run sends what reads, and shows the rest with its values")
    func dry() async throws {
        let calls = Calls { (_, _, _) throws(MMError) in ["id": "u1", "name": "O'N"] }
        let yaml = """
            parameters: {user: {description: u., required: true}}
            steps:
              - id: account
                get: /users/{user}
              - patch: /users/{account.id}
                body: {accountEnabled: false}
              - run: Set-Mailbox -Identity $Identity -Type Shared
                module: exo
                with: {Identity: "{account.name}"}
            """
        let answer = try await run(yaml, calls, given: [("user", "x")], dry: true)
        #expect(calls.endpoints == ["/users/x"])
        let rows = try #require(try value(answer).array)
        #expect(rows.map { $0["step"] } == ["step2", "step3"])
        #expect(rows[0]["request"] == "PATCH /users/u1" && rows[0]["body"] == ["accountEnabled": false])
        #expect(rows[1]["body"] == ["Identity": "O'N"])
    }

    @Test("values reach PowerShell as parameters and never as text")
    func bound() async throws {
        let calls = Calls { (_, _, _) throws(MMError) in [] }
        _ = try await run(
            """
            parameters: {who: {description: w.}, days: {type: integer, description: d.}}
            steps:
              - run: Get-Mailbox -Identity $who -ResultSize $days
                module: exo
            """, calls, given: [("who", "'; Remove-Mailbox x #"), ("days", 3)])
        let arguments = try #require(calls.arguments.first)
        #expect(arguments["command"] == "param($who, [int] $days)\nGet-Mailbox -Identity $who -ResultSize $days")
        #expect(arguments["param"] == ["who": "'; Remove-Mailbox x #", "days": 3])
    }

    @Test("a call that stopped goes on behind the changes that are done, and only the same call does")
    func goesOn() async throws {
        let yaml = """
            parameters: {user: {description: u., required: true}}
            steps:
              - id: first
                patch: /users/{user}
                body: {accountEnabled: false}
              - id: second
                post: /users/{user}/revokeSignInSessions
            answer: "[.first, .second]"
            """
        let stops = Calls { (_, _, number) throws(MMError) in
            if number == 2 { throw MMError(.confirmationNeeded, "A person has to confirm.") }
            return ["number": .int(Int64(number))]
        }
        let error = await #expect(throws: MMError.self) { _ = try await run(yaml, stops, given: [("user", "a")]) }
        #expect(error?.code == .confirmationNeeded)
        #expect(error?.hint?.contains("To continue") == true)
        // Another user's call begins at its own beginning.
        let other = Calls { (_, _, _) throws(MMError) in ["done": true] }
        _ = try await run(yaml, other, given: [("user", "b")])
        #expect(other.endpoints == ["/users/b", "/users/b/revokeSignInSessions"])
        let again = Calls { (_, _, _) throws(MMError) in ["done": true] }
        let answer = try await run(yaml, again, given: [("user", "a")])
        #expect(again.endpoints == ["/users/a/revokeSignInSessions"])
        #expect(try value(answer) == [["number": 1], ["done": true]])
        // It has come to its end: the next call is a new one.
        let anew = Calls { (_, _, _) throws(MMError) in ["done": true] }
        _ = try await run(yaml, anew, given: [("user", "a")])
        #expect(anew.endpoints.count == 2)
    }

    @Test("a step for each row goes on behind the rows that are done, also if others have joined them")
    func rowsGoOn() async throws {
        let entry = #"{"connections": {"Contoso": {"tenant": "contoso.example"}}}"#
        try ProtectedFile.replace(home.paths.registry, with: Array(entry.utf8))
        let yaml = """
            steps:
              - id: users
                get: /users
              - id: done
                each: users
                run: Set-Mailbox -Identity $who -CustomAttribute1 x
                module: exo
                with: {who: "{item.mail}"}
            answer: "[.done[].result[0].of]"
            """
        func calls(_ users: [JSONValue], failing: String? = nil) -> Calls {
            Calls { (name, arguments, _) throws(MMError) in
                guard name == "run" else { return .array(users.map { ["mail": $0] }) }
                let who = arguments["param"]?["who"] ?? .null
                if who.string == failing { throw MMError(.remoteFailed, "It failed.") }
                return [["of": who]]
            }
        }
        func asked(_ calls: Calls) -> [JSONValue?] { calls.arguments.dropFirst().map { $0["param"]?["who"] } }
        let stops = calls(["a", "b", "c"], failing: "b")
        let error = await #expect(throws: MMError.self) { _ = try await run(yaml, stops) }
        #expect(error?.hint?.contains("To continue") == true && asked(stops) == ["a", "b"])
        let again = calls(["c", "a", "b", "d"])
        let answer = try await run(yaml, again)
        #expect(asked(again) == ["c", "b", "d"])
        #expect(try value(answer) == ["c", "a", "b", "d"])
        // It has come to its end: the next call is a new one.
        let anew = calls(["a"])
        _ = try await run(yaml, anew)
        #expect(asked(anew) == ["a"])
    }

    @Test(
        "a command that changes many objects, one call for each, is asked about once and before the first",
        arguments: [
            ("Set-Mailbox -Identity $who -CustomAttribute1 x", 10, false),
            ("Set-Mailbox -Identity $who -CustomAttribute1 x", 11, true),
            ("Get-Mailbox -Identity $who", 11, false),
        ])
    func manyCommands(command: String, count: Int, asks: Bool) async throws {
        let entry = #"{"connections": {"Contoso": {"tenant": "contoso.example"}}}"#
        try ProtectedFile.replace(home.paths.registry, with: Array(entry.utf8))
        let calls = Calls { (name, _, _) throws(MMError) in
            name == "run" ? [] : .array((1...count).map { ["mail": .string("u\($0)@contoso.example")] })
        }
        let yaml = """
            steps:
              - id: users
                get: /users
              - id: done
                each: users
                run: \(command)
                module: exo
                with: {who: "{item.mail}"}
            """
        do {
            _ = try await run(yaml, calls)
            #expect(!asks)
        } catch let error as MMError {
            #expect(asks && error.code == .confirmationNeeded && error.message.contains("11 objects"), "\(error)")
        }
        #expect(calls.arguments.count == (asks ? 1 : count + 1))
    }

    @Test("a person is asked once about the commands of all rows, and the repeated call runs each of them once")
    func askedOnce() async throws {
        let home = try await ChangesHome()
        let folder = home.home.paths.toolsDirectory
        try ProtectedFile.makeDirectory(folder)
        let yaml = """
            description: Forwards mailboxes.
            parameters:
              boxes: {type: list, required: true, description: b.}
            steps:
              - each: boxes
                run: New-InboxRule -Mailbox $Box -Name Away -ForwardTo x@out.example
                module: exo
                with: {Box: "{item}"}
            """
        try ProtectedFile.replace("\(folder)/forward.yaml", with: Array(yaml.utf8))
        let boxes = ["lena.vogt@contoso-sandbox.example", "ben.baker@contoso-sandbox.example"]
        let arguments: JSONObject = [
            "tool": "forward", "connection": "Demo", "param": ["boxes": .array(boxes.map { .string($0) })],
        ]
        let error = await #expect(throws: MMError.self) {
            try await home.service.call("do", arguments, in: home.context(nil))
        }
        #expect(error?.code == .confirmationNeeded, "\(String(describing: error))")
        let ledger = home.service.services.ledger
        let waiting = try await ledger.all()
        let held = try #require(waiting.first)
        #expect(waiting.count == 1)
        let shown = held.presentation.pages.joined(separator: "\n")
        #expect(boxes.allSatisfy { shown.contains($0) }, "\(shown)")
        _ = try await ledger.approve(
            held.token, digest: held.digest, by: Approver(person: "ann", means: "terminal"))
        _ = try await home.service.call("do", arguments, in: home.context(nil))
        for box in boxes {
            let rules = try await home.run("Get-InboxRule -Mailbox \(box)").array ?? []
            #expect(rules.count { $0["Name"] == "Away" } == 1, "\(rules)")
        }
        // The consent was for one call: the next is asked about again.
        let next = await #expect(throws: MMError.self) {
            try await home.service.call("do", arguments, in: home.context(nil))
        }
        #expect(next?.code == .confirmationNeeded)
        await home.stop()
    }

    @Test("many changes are one call, each with the step's headers")
    func batch() async throws {
        let calls = Calls { (_, arguments, _) throws(MMError) in
            if arguments["batch"] == nil { return ["value": [["id": "a"], ["id": "b"]]] }
            return [["id": "1", "status": 204], ["id": "2", "status": 404]]
        }
        let answer = try await run(
            "steps:\n  - id: users\n    get: /users\n  - id: gone\n    each: users\n    delete: /users/{item.id}\n    header: ['If-Match: *']\nanswer: '[.gone[].result.status]'",
            calls)
        #expect(calls.arguments.count == 2)
        let lines = try #require(calls.arguments[1]["batch"]?.string).split(separator: "\n")
        let requests = try lines.map { try JSONParser.parse(String($0)) }
        #expect(requests.map { $0["url"] } == ["/users/a", "/users/b"])
        #expect(requests.allSatisfy { $0["headers"] == ["If-Match": "*"] })
        #expect(try value(answer) == [204, 404])
    }

    @Test("what an optional step may not have is left out and told")
    func optional() async throws {
        let calls = Calls { (_, arguments, _) throws(MMError) in
            if arguments["endpoint"] == "/users/b/x" { throw MMError(.notFound, "No mailbox.") }
            return arguments["endpoint"] == "/users" ? [["id": "a"], ["id": "b"]] : []
        }
        let yaml =
            "steps:\n  - id: users\n    get: /users\n  - id: x\n    each: users\n    get: /users/{item.id}/x\n    optional: true\n"
        let answer = try await run(yaml + "answer: '[.x[].item.id]'", calls)
        #expect(try value(answer) == ["a"])
        #expect(answer.missing?.contains("No mailbox") == true)
        let strict = yaml.replacing("    optional: true\n", with: "")
        await #expect(throws: MMError.self) { _ = try await run(strict, calls) }
    }

    @Test(
        "what a step warns of is told with the answer, once for all rows",
        arguments: [
            ("  - id: boxes\n    run: Get-Mailbox\n    module: exo\n", "WARNING: boxes: There are more results."),
            (
                "  - id: people\n    get: /users\n  - id: boxes\n    each: people\n    run: Get-Mailbox $who\n"
                    + "    module: exo\n    with: {who: '{item.id}'}\n",
                "WARNING: boxes: There are more results. (2 times)"
            ),
        ])
    func warnings(steps: String, told: String) async throws {
        let calls = Calls(notes: ["WARNING: There are more results.", "engine: native"]) { (_, _, _) throws(MMError) in
            [["id": "a"], ["id": "b"]]
        }
        let notes = try await run("steps:\n\(steps)", calls).notes
        #expect(notes.contains(told) && !notes.contains { $0.contains("engine") }, "\(notes)")
    }

    @Test("a condition leaves a step out, and a step has its limit")
    func conditions() async throws {
        let calls = Calls { (_, _, _) throws(MMError) in [["id": "a"], ["id": "b"]] }
        let yaml = """
            parameters: {more: {type: boolean, default: false, description: m.}}
            steps:
              - id: users
                get: /users
              - when: more
                each: users
                limit: 1
                get: /users/{item.id}
            """
        _ = try await run(yaml, calls)
        #expect(calls.endpoints == ["/users"])
        let error = await #expect(throws: MMError.self) { _ = try await run(yaml, calls, given: [("more", true)]) }
        #expect(error?.code == .limitExceeded && error?.message.contains("2 times") == true)
    }

    @Test("a model's request is the same as a person's")
    func star() async throws {
        let calls = Calls { (_, _, _) throws(MMError) in [] }
        _ = try await run("steps:\n  - get: /users\n  - get: /users?$select=id", calls, surface: .mcp)
        #expect(calls.arguments[0]["query"] == ["$select": "*"])
        #expect(calls.arguments[1]["query"] == ["$select": "id"])
    }

    @Test(
        "a value is checked before anything is sent",
        arguments: [("dayz", 1, "days"), ("days", "x", "days"), ("days", 0, "between 1 and 5")]
            as [(String, JSONValue, String)])
    func wrong(name: String, value: JSONValue, word: String) async throws {
        let calls = Calls { (_, _, _) throws(MMError) in [] }
        let yaml = "parameters: {days: {type: integer, minimum: 1, maximum: 5, description: d.}}\nsteps:\n  - get: /me"
        let error = try await #require(throws: MMError.self) { _ = try await run(yaml, calls, given: [(name, value)]) }
        #expect(error.description.contains(word), "\(error)")
        #expect(calls.endpoints.isEmpty)
    }
}
