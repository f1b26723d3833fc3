import MMCore
import MMMCP
import MMOperations
import Testing

@testable import MMServing

@Suite("Recipes and tools called by a model", .timeLimit(.minutes(10)))
struct ReadyToolTests {
    private let home: ServingHome

    init() throws { home = try ServingHome() }

    private func ready(_ words: [String] = []) throws -> ReadyTool {
        ReadyTool(home.services, try MCPFaceOptions(words: words))
    }

    private func call(_ arguments: JSONObject, _ words: [String] = []) throws -> (name: String, arguments: JSONObject)?
    {
        guard case .call(let operation, let given) = try ready(words).meaning(of: arguments) else { return nil }
        return (operation.declaration.name, given)
    }

    private func answer(_ arguments: JSONObject, _ words: [String] = []) throws -> JSONValue? {
        guard case .answer(let answer) = try ready(words).meaning(of: arguments), case .value(let value) = answer.body
        else {
            return nil
        }
        return value
    }

    @Test("a recipe, an owner's tool and a built-in action are called by name")
    func calls() throws {
        try home.write(
            ".config/mm/tools/people.yaml",
            "description: People.\nparameters:\n  city: {description: Where.}\nsteps:\n  - get: /users\n")
        let recipe = try #require(
            try call(["name": "mail_forwarding", "connection": "Contoso", "parameters": ["rules": true]]))
        #expect(recipe.name == "recipe")
        #expect(recipe.arguments == ["tool": "mail-forwarding", "connection": "Contoso", "param": ["rules": true]])
        let own = try #require(try call(["name": "people", "connection": "Contoso", "dryRun": true]))
        #expect(own.name == "do" && own.arguments == ["tool": "people", "connection": "Contoso", "dryRun": true])
        let leaver = try #require(
            try call(["name": "leaver", "connection": "Contoso", "parameters": ["user": "a@b.c"], "apply": true]))
        #expect(leaver.arguments["apply"] == true && leaver.arguments["param"] == ["user": "a@b.c"])
        let undo = try #require(try call(["name": "undo", "connection": "Contoso", "parameters": ["id": "chg_1"]]))
        #expect(undo.name == "undo" && undo.arguments == ["id": "chg_1", "connection": "Contoso"])
        let calls: JSONValue = [["tool": "graph_request", "arguments": [:]]]
        #expect(try call(["name": "plan", "parameters": ["calls": calls]])?.arguments == ["calls": calls])
        #expect(try call(["name": "apply", "parameters": ["plan": "pln_1"]])?.arguments == ["plan": "pln_1"])
        #expect(try call(["name": "snapshot", "connection": "Contoso"])?.name == "snapshot_take")
        #expect(try call(["name": "mm__drift", "connection": "Contoso"])?.name == "drift")
        #expect(try call(["name": "audit"])?.name == "audit_mine")
        #expect(try call(["name": "undo list"])?.name == "undo_list")
    }

    @Test(
        "a task's value that was given as an argument is sent to the parameters; a misspelled argument is none",
        arguments: [
            ("user", true), ("days", true), ("forwardTo", true), ("conection", false), ("aply", false),
            ("recipe", false), ("task", false),
        ])
    func misplaced(name: String, isValue: Bool) {
        #expect((ReadyTool.remark(name)?.contains("{\"parameters\": {\"\(name)\": …}}") == true) == isValue)
    }

    @Test("without a name all are listed, one per line; without a connection one shows its parameters")
    func looks() throws {
        let list = try #require(try answer([:])?.object)
        #expect(list.count > 45 && list["leaver"]?.string?.hasPrefix("changes; ") == true)
        #expect(list["users-without-mfa"]?.string?.contains("changes") == false)
        for name in ["undo", "history", "drift", "snapshot_take", "audit_mine"] {
            #expect(list[name] != nil, "\(name)")
        }
        #expect(JSONWriter.string(.object(list)).utf8.count < 6_000)
        let sheet = try #require(try answer(["name": "leaver"]))
        #expect(sheet["changes"] == true && sheet["plan"] != nil)
        #expect(sheet["parameters"]?["user"]?.string?.hasPrefix("string, required: ") == true)
        #expect(sheet["parameters"]?["freeLicences"]?.string?.hasPrefix("boolean, default true: ") == true)
        #expect(try answer(["name": "history"])?["parameters"]?["object"]?.string?.hasPrefix("required; ") == true)
    }

    @Test("a search lists the tasks that match, or all if none does")
    func search() throws {
        let found = try #require(try answer(["search": "who forwards mail outside"])?.object)
        #expect(found["mail-forwarding"] != nil && found.count < 20, "\(found)")
        #expect(try answer(["search": "zzqqxx"]) == answer([:]))
        #expect(InputField.schema(of: ReadyTool.fields)["properties"]?["search"] == nil)
    }

    @Test(
        "a task says whether it needs a connection, be it a recipe or an operation",
        arguments: [("licence-counts", true), ("drift", true), ("snapshot_take", true), ("history", false)])
    func needs(name: String, isNeeded: Bool) throws {
        #expect(try answer(["name": .string(name)])?["needs"] == (isNeeded ? "connection" : nil))
    }

    @Test(
        "an unknown name gets similar ones suggested",
        arguments: [("offboard a user", "leaver"), ("mail-forwardin", "mail-forwarding"), ("undo_lst", "undo_list")])
    func unknown(name: String, meant: String) throws {
        let error = try #require(throws: MMError.self) { try ready().meaning(of: ["name": .string(name)]) }
        #expect(error.code == .notFound && error.hint?.contains(meant) == true, "\(error)")
    }

    @Test(
        "the name of a tool leads to it, and that of a command for people to their terminal, not to similar names",
        arguments: [
            ("login", "Call the tool mm__login."), ("mm__graph_request", "Call the tool mm__graph_request."),
            ("connect", "`mm connect` does that."), ("connections-add", "`mm connections add` does that."),
        ])
    func notATask(name: String, hint: String) throws {
        let error = try #require(throws: MMError.self) { try ready().meaning(of: ["name": .string(name)]) }
        #expect(error.code == .notFound && error.hint == hint, "\(error)")
    }

    @Test("a tool that the server doesn't offer isn't recommended", arguments: ["shell_run", "ssh_run"])
    func notOffered(name: String) throws {
        let error = try #require(throws: MMError.self) { try ready().meaning(of: ["name": .string(name)]) }
        #expect(error.code == .notFound && error.hint?.contains("mm__" + name) == false, "\(error)")
    }

    @Test(
        "a held call whose changes can be planned says how one yes does for several, and no other call says so",
        arguments: [
            (
                "graph_request", ["connection": "Contoso", "endpoint": "/me/sendMail", "method": "POST", "body": [:]],
                true
            ),
            ("shell_run", ["command": "rm -rf /srv/old"], false),
        ] as [(String, JSONObject, Bool)])
    func planned(tool: String, arguments: JSONObject, isPlannable: Bool) async throws {
        let options = try #require(try MCPFaceOptions(words: ["--http", "127.0.0.1:0"]).http)
        let face = try HTTPFace.start(
            try home.server(["--toolsets", "m365,shell"]), options, secret: nil, gate: nil, log: .off)
        let caller = HTTPCaller(face)
        let answer = try await caller.call(
            try await caller.initialize(), "tools/call",
            ["name": .string("mm__" + tool), "arguments": .object(arguments)])
        await face.stop(graceful: .zero)
        let text = answer["content"]?.array?.compactMap { $0["text"]?.string }.joined() ?? ""
        #expect(text.contains("mm confirm"), "\(answer)")
        #expect(text.contains(#"mm__recipe {"name": "plan""#) == isPlannable, "\(text)")
    }

    @Test("a read-only server has no undo, and one for models nothing that only people may do")
    func reading() throws {
        let error = try #require(throws: MMError.self) {
            try ready(["--read-only"]).meaning(of: ["name": "undo", "parameters": ["id": "chg_1"]])
        }
        #expect(error.code == .notFound)
        for name in ["confirm", "connections_add", "audit_show"] {
            #expect(throws: MMError.self) { try ready().meaning(of: ["name": .string(name), "parameters": ["x": 1]]) }
        }
    }

    @Test(
        "an administrator's words find recipes and tools, in the answer of one search",
        arguments: [
            ("who forwards mail outside", "mail-forwarding"), ("which accounts have no MFA", "users-without-mfa"),
            ("close a leaver", "leaver"), ("offboard an employee", "leaver"), ("undo my last change", "undo"),
            ("who are the global admins", "admins-by-role"), ("idle guests", "unused-guests"),
            ("teams without owners", "groups-without-owners"),
            ("which secrets of apps expire soon", "expiring-app-secrets"),
            ("how many licences are free", "licence-counts"), ("is there an outage", "service-health"),
            ("what has changed in the tenant since the snapshot", "drift"), ("largest mailboxes", "mailbox-sizes"),
            ("who is out of office", "auto-replies"), ("failed sign-ins", "failed-sign-ins"),
            ("what was changed of this user", "history"),
        ])
    func search(question: String, name: String) async throws {
        let call = CallContext(caller: Caller(surface: .mcp, name: "test", server: "mm"))
        let service = LocalOperationService(services: home.services)
        let answer = try await service.call("graph_request", ["search": .string(question)], in: call)
        guard case .value(let value) = answer.body else {
            Issue.record("\(answer.body)")
            return
        }
        let names = value["ready"]?.array?.compactMap { $0["request"]?["name"]?.string } ?? []
        #expect(names.contains(name), "\(question): \(names)")
        #expect(value["ready"]?.array?.allSatisfy { $0["tool"] == "recipe" && $0["does"] != nil } == true)
        #expect(JSONWriter.string(value).utf8.count <= 2_000)
    }
}

@Suite("The list of tools", .timeLimit(.minutes(10)))
struct ToolListTests {
    private func ask(_ words: [String], _ method: String, _ params: JSONObject) async throws -> JSONValue {
        let home = try ServingHome()
        let options = try #require(try MCPFaceOptions(words: ["--http", "127.0.0.1:0"]).http)
        let face = try HTTPFace.start(try home.server(words), options, secret: nil, gate: nil, log: .off)
        let caller = HTTPCaller(face)
        let session = try await caller.initialize()
        let answer = try await caller.call(session, method, params)
        await face.stop(graceful: .zero)
        return answer
    }

    private func tools(_ words: [String] = []) async throws -> (tools: [JSONValue], bytes: Int) {
        let answer = try await ask(words, "tools/list", [:])
        return (answer["tools"]?.array ?? [], JSONWriter.bytes(answer).count)
    }

    @Test(
        "takes arguments as models write them: null for what is left out, text for other values",
        arguments: [
            (["name": "leaver", "connection": nil, "parameters": nil, "apply": "false"], "forwardTo"),
            (["name": "leaver", "parameters": "{\"user\": \"a@b.c\"}"], "forwardTo"),
            (["name": "leaver", "apply": "perhaps"], "apply: must be a boolean, not a string"),
            (["name": "leaver", "parameters": "{\"user\": "], "`parameters` of recipe isn't a JSON object"),
        ] as [(JSONObject, String)])
    func forms(arguments: JSONObject, says: String) async throws {
        let answer = try await ask([], "tools/call", ["name": "mm__recipe", "arguments": .object(arguments)])
        #expect(answer["content"]?[0]?["text"]?.string?.contains(says) == true, "\(answer)")
    }

    @Test(
        "says as data too why it refuses arguments, if data is wanted",
        arguments: [["method": "PATH"], ["filter": "x eq 1"], ["body": "{\"user\": "]] as [JSONObject])
    func refusal(arguments: JSONObject) async throws {
        let call: JSONObject = ["name": "mm__graph_request", "arguments": .object(arguments)]
        let answer = try await ask(["--structured-output"], "tools/call", call)
        let data = answer["structuredContent"]
        #expect(answer["isError"] == true && data?["code"] == "invalid_input", "\(answer)")
        #expect(data?["status"] == "error")
        let message = try #require(data?["message"]?.string)
        #expect(answer["content"]?[0]?["text"]?.string?.contains(message) == true, "\(answer)")
        #expect(try await ask([], "tools/call", call)["structuredContent"] == nil)
    }

    @Test(
        "has a title and every annotation on each tool",
        arguments: [[], ["--read-only"], ["--toolsets", "m365,shell,ssh"], ["--structured-output"]])
    func annotations(words: [String]) async throws {
        for tool in try await tools(words).tools {
            #expect(tool["title"]?.string?.isEmpty == false, "\(tool["name"] ?? .null)")
            for hint in ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"] {
                #expect(tool["annotations"]?[hint]?.bool != nil, "\(tool["name"] ?? .null): \(hint)")
            }
            if words.contains("--read-only") { #expect(tool["annotations"]?["readOnlyHint"] == true) }
            #expect((tool["outputSchema"] != nil) == words.contains("--structured-output"))
        }
    }

    @Test(
        "has only schemas that every model's service takes: one type each, and no choice between schemas",
        arguments: [[], ["--toolsets", "m365,shell,ssh"]])
    func portable(words: [String]) async throws {
        func check(_ schema: JSONValue?, _ place: String) {
            #expect(schema?["type"]?.string != nil, "\(place)")
            for keyword in ["anyOf", "oneOf", "allOf", "const", "$ref", "if"] {
                #expect(schema?[keyword] == nil, "\(place)")
            }
            if schema?["type"] == "array" { check(schema?["items"], "\(place)[]") }
            for (name, property) in schema?["properties"]?.object ?? [:] { check(property, "\(place).\(name)") }
        }
        for tool in try await tools(words).tools { check(tool["inputSchema"], tool["name"]?.string ?? "") }
    }

    @Test("takes at most 8,000 bytes, including the tool for recipes", arguments: [[], ["--structured-output"]])
    func budget(words: [String]) async throws {
        let list = try await tools(words)
        #expect(list.bytes <= 8_000, "\(list.bytes)")
        #expect(list.tools.contains { $0["name"] == "mm__recipe" })
    }
}
