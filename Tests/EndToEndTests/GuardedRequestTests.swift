import MMCore
import MMSystem
import Testing

@Suite("Guarded requests", .timeLimit(.minutes(15)))
struct GuardedRequestTests {
    private static let mail =
        #"{"message":{"subject":"Hello","body":{"content":"Text"},"toRecipients":[{"emailAddress":{"address":"a@b.example"}}]}}"#
    private static let send = ["graph", "Demo", "/me/sendMail", "-X", "POST", "-d", mail]

    @Test("show a preview, and are sent only after a person has confirmed exactly this request, and only once")
    func confirmation() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let asked = try await tenant.mm(Self.send + ["--json"])
        #expect(asked.code == 5)
        #expect(asked.failure?["message"]?.string?.contains("a@b.example") == true)
        let token = try #require(asked.failure?["details"]?["token"]?.string)
        #expect(try await Self.sent(tenant) == 0)

        // Nobody can confirm without a terminal.
        #expect(try await tenant.mm(["confirm", token]).code == 1)
        #expect(try await tenant.mm(Self.send).code == 5)

        try await Self.confirm(token, answer: "yes", tenant)
        let other = try await tenant.mm([
            "graph", "Demo", "/me/sendMail", "-X", "POST", "-d", #"{"message":{"subject":"Other"}}"#,
        ])
        #expect(other.code == 5)
        let done = try await tenant.mm(Self.send)
        #expect(done.code == 0)
        #expect(try await Self.sent(tenant) == 1)
        #expect(try await tenant.mm(Self.send).code == 5)
    }

    @Test("show their undo to a person at a terminal, but not to a script")
    func undo() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        func write(_ title: String) -> [String] {
            [
                "graph", "Demo", "/users/lena.vogt@contoso-sandbox.example", "-X", "PATCH", "-d",
                #"{"jobTitle":"\#(title)"}"#,
            ]
        }
        let person = try await tenant.dialog(write("Head of sales"))
        #expect(person.code == 0 && person.says("undo: `mm undo chg_"), "\(person)")
        let script = try await tenant.mm(write("Head of finance"))
        #expect(script.code == 0 && !script.error.contains("undo"), "\(script)")
    }

    @Test("are not sent when the person says no")
    func refusal() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let asked = try await tenant.mm(Self.send + ["--json"])
        let token = try #require(asked.failure?["details"]?["token"]?.string)
        try await Self.confirm(token, answer: "no", tenant)
        // The refusal is reported once; the next same call asks again.
        #expect(try await tenant.mm(Self.send).code == 4)
        #expect(try await tenant.mm(Self.send).code == 5)
        #expect(try await Self.sent(tenant) == 0)
    }

    @Test("can't be confirmed from inside a session of mm")
    func insideSession() async throws {
        let tenant = try await Tenant.shared.value
        let ran = try await tenant.mm(["confirm", "ABCDEFGHJ"], extra: ["MM_SESSION": "Demo/exo"])
        #expect(ran.code == 1)
        #expect(ran.error.contains("session or a pool of mm"))
    }

    @Test(
        "can't be confirmed by what a session started, whatever it leaves behind",
        arguments: [
            "env -u MM_SESSION mm confirm TOKEN",
            "env -u MM_SESSION setsid -w script -qec 'mm confirm TOKEN' /dev/null",
            "env -i HOME=$HOME PATH=$PATH XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR TERM=xterm setsid -w script -qec 'mm confirm TOKEN' /dev/null",
        ])
    func marked(command: String) async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let asked = try await tenant.mm(Self.send + ["--json"])
        let token = try #require(asked.failure?["details"]?["token"]?.string)
        let folder = String(Programs.mm.dropLast("/mm".count))
        // As the pool marks its children: by a lowered limit, which they can't raise or drop.
        let script =
            "ulimit -x 1048576; (sleep 1; echo yes; sleep 2) | "
            + command.replacing("TOKEN", with: token)
        let environment = tenant.home.environment.merging([
            "PATH": folder + ":/usr/bin:/bin", "MM_SESSION": "Demo/exo",
        ]) { $1 }
        let ran = try await Tenant.run("/bin/bash", ["-c", script], environment)
        #expect((ran.output + ran.error).contains("session or a pool of mm"), "\(ran)")
        #expect(try await tenant.mm(Self.send).code == 5)
        #expect(try await Self.sent(tenant) == 0)
    }

    @Test("don't take a program without a terminal for a person", arguments: ["graph_request", "confirm"])
    func plainClient(operation: String) async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        #expect(try await tenant.mm(["pool", "start"]).code == 0)
        let asked = try await tenant.mm(Self.send + ["--json"])
        let token = try #require(asked.failure?["details"]?["token"]?.string)
        let socket = try #require(try await tenant.mm(["pool", "status", "--json"]).json?["socket"]?.string)
        let body: JSONValue =
            operation == "confirm"
            ? ["token": .string(token)]
            : [
                "connection": "Demo", "endpoint": "/me/sendMail", "method": "POST",
                "body": try JSONParser.parse(Self.mail),
            ]
        let ran = try await Tenant.run(
            "/usr/bin/curl",
            [
                "-s", "-m", "60", "--unix-socket", socket, "http://localhost/v1/operations/\(operation)",
                "-H", "Content-Type: application/json", "-H", "Accept: text/event-stream", "-H", "MM-Surface: terminal",
                "-H", "MM-Person: 1", "-d", JSONWriter.string(body),
            ], ["PATH": "/usr/bin:/bin"])
        #expect(ran.output.contains("has no terminal"), "\(ran)")
        #expect(try await Self.sent(tenant) == 0)
    }

    @Test("a requirement of a connection for confirmations can be removed only by fulfilling it")
    func weakening() async throws {
        let tenant = try await Tenant()
        #expect(
            try await tenant.dialog(["pin", "set"], [("New PIN", "135246\n"), ("Once more", "135246\n")]).code == 0)
        #expect(try await tenant.mm(["connections", "edit", "Demo", "person=pin"]).code == 0)
        for words in [["edit", "Demo", "person="], ["edit", "Demo", "egress=off"], ["remove", "Demo", "--yes"]] {
            let refused = try await tenant.mm(["connections"] + words + ["--json"])
            #expect(refused.code == 5 && refused.failure?["details"]?["token"] != nil, "\(refused)")
        }
        let edit = ["connections", "edit", "Demo", "person=terminal"]
        for (pin, isRight) in [("000000\n", false), ("135246\n", true)] {
            let code = try await tenant.dialog(edit, [("Type yes", "yes\n"), ("PIN", pin)]).code
            #expect((code == 0) == isRight)
            let shown = try await tenant.mm(["connections", "show", "Demo", "--json"])
            #expect(shown.json?["person"] == (isRight ? "terminal" : "pin"), "\(shown)")
        }
        let lines = try await tenant.mm(["audit", "show", "--json"])
        let weakened = lines.json?.array?.compactMap { $0["weakens"]?.array }.joined().compactMap(\.string) ?? []
        #expect(weakened.contains("person, send acts: pin, then terminal"), "\(lines)")
        await tenant.stop()
    }

    @Test(
        "need the PIN if the connection requires it",
        arguments: [("135246\n", true), ("000000\n", false), ("\n", false)])
    func pin(typed: String, isRight: Bool) async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        #expect(
            try await tenant.dialog(["pin", "set"], [("New PIN", "135246\n"), ("Once more", "135246\n")]).code == 0)
        #expect(try await tenant.mm(["connections", "edit", "Demo", "person.send=pin"]).code == 0)
        let asked = try await tenant.mm(Self.send + ["--json"])
        let token = try #require(asked.failure?["details"]?["token"]?.string)
        let code = try await tenant.dialog(["confirm", token], [("Type yes", "yes\n"), ("PIN", typed)]).code
        #expect((code == 0) == isRight)
        #expect(try await tenant.mm(Self.send).code == (isRight ? 0 : 5))
        #expect(try await Self.sent(tenant) == (isRight ? 1 : 0))
    }

    @Test("a pool doesn't inherit the environment of a session")
    func poolOfSession() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let environment = tenant.home.environment.merging([
            "MM_SESSION": "shell", "HTTPS_PROXY": "http://192.0.2.1:3128",
        ]) { $1 }
        let ran = try await Tenant.run(Programs.mm, ["run", "Demo", "exo", "Get-Mailbox"], environment)
        #expect(ran.code != 0 && ran.error.contains("can't be started from within a session"), "\(ran)")
        #expect(tenant.home.pools.isEmpty)
    }

    @Test("an AI client's form doesn't count as a person's answer if a session started the server")
    func serverInSession() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let client = try await MCPClient(
            tenant.home.environment.merging(["MM_SESSION": "shell"]) { $1 },
            arguments: ["--embedded", "--structured-output"])
        _ = try await client.initialize(["elicitation": [:]])
        let answer = try await client.call(
            1, "mm__graph_request",
            ["connection": "Demo", "endpoint": "/me/sendMail", "method": "POST", "body": ["message": ["subject": "x"]]])
        #expect(answer["structuredContent"]?["status"] == "confirmation_required", "\(answer)")
    }

    @Test("ask the person behind a client that can show forms", arguments: ["accept", "decline", "cancel"])
    func elicitation(action: String) async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let client = try await MCPClient(tenant.home.environment)
        _ = try await client.initialize(["elicitation": [:]])
        try await client.send([
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": [
                "name": "mm__graph_request",
                "arguments": [
                    "connection": "Demo", "endpoint": "/me/sendMail", "method": "POST",
                    "body": try JSONParser.parse(Self.mail),
                ],
            ],
        ])
        var question: JSONValue?
        while let message = try await client.receive() {
            if message["method"] == "elicitation/create" {
                question = message
                break
            }
        }
        let asked = try #require(question)
        #expect(asked["params"]?["message"]?.string?.contains("a@b.example") == true)
        var result: JSONObject = ["action": .string(action)]
        if action == "accept" { result["content"] = ["confirm": true] }
        try await client.send(["jsonrpc": "2.0", "id": asked["id"] ?? .null, "result": .object(result)])
        var answer: JSONValue?
        while let message = try await client.receive() {
            if message["id"]?.int == 1 {
                answer = message["result"]
                break
            }
        }
        #expect(answer?["isError"]?.bool == (action == "decline"))
        #expect(answer?.text.contains("declined") == (action == "decline"))
        #expect(answer?.text.contains("mm confirm") == (action == "cancel"))
        #expect(try await Self.sent(tenant) == (action == "accept" ? 1 : 0))
    }

    @Test(
        "a question that was answered can't be answered again, whatever the answer was",
        arguments: [
            (["action": "accept", "content": ["confirm": true]], 1),
            (["action": "accept", "content": ["confirm": false]], 0), (["action": "decline"], 0),
        ] as [(JSONValue, Int)])
    func answeredOnce(answer: JSONValue, sent: Int) async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let client = try await MCPClient(tenant.home.environment)
        let mail = try JSONParser.parse(Self.mail)
        func call(_ id: Int, _ state: JSONValue?, _ answer: JSONValue?) async throws -> JSONValue {
            var params: JSONObject = [
                "name": "mm__graph_request",
                "arguments": ["connection": "Demo", "endpoint": "/me/sendMail", "method": "POST", "body": mail],
                "_meta": [
                    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                    "io.modelcontextprotocol/clientInfo": ["name": "test", "version": "1"],
                    "io.modelcontextprotocol/clientCapabilities": ["elicitation": [:]],
                ],
            ]
            params["requestState"] = state
            params["inputResponses"] = answer.map { ["confirm": $0] }
            return try await client.request(id, "tools/call", .object(params))
        }
        let question = try await call(1, nil, nil)
        let state = try #require(question["result"]?["requestState"], "\(question)")
        _ = try await call(2, state, answer)
        #expect(try await Self.sent(tenant) == sent)
        let again = try await call(3, state, ["action": "accept", "content": ["confirm": true]])
        #expect(again["result"]?["isError"] == true && "\(again)".contains("already used"), "\(again)")
        #expect(try await Self.sent(tenant) == sent)
    }

    @Test(
        "run, wait for a person or are refused, depending on their effect",
        arguments: [
            (["/users", "-X", "POST", "-d", #"{"displayName":"X"}"#], nil, "standard"),
            (["/me/messages", "-X", "POST", "-d", #"{"subject":"draft"}"#], 0, "standard"),
            (["/users/ben.baker@contoso-sandbox.example", "-X", "DELETE"], 5, "standard"), (["/me"], 0, "readonly"),
            (["/me/messages", "-X", "POST", "-d", #"{"subject":"draft"}"#], 4, "readonly"),
            (["/me/messages", "-X", "POST", "-d", #"{"subject":"draft"}"#], 5, "strict"),
            (["/ME/SendMail", "-X", "POST", "-d", "{}"], 5, "standard"),
            (["/me/%73endMail", "-X", "POST", "-d", "{}"], 5, "standard"),
            (
                [
                    "/$batch", "-X", "POST", "-d",
                    #"{"requests":[{"id":"1","method":"POST","url":"/me/sendMail","body":{}}]}"#,
                ], 5,
                "standard"
            ),
        ] as [([String], Int32?, String)])
    func verdicts(request: [String], code: Int32?, policy: String) async throws {
        let tenant = try await Tenant()
        _ = try await tenant.mm(["connections", "edit", "Demo", "--guard", policy])
        try await tenant.signIn()
        let ran = try await tenant.mm(["graph", "Demo"] + request)
        if let code { #expect(ran.code == code, "\(ran.error)") } else { #expect(ran.code == 0 || ran.code == 5) }
    }

    /// What a person does: types an answer at the terminal.
    private static func confirm(_ token: String, answer: String, _ tenant: Tenant) async throws {
        var command = ChildCommand(Programs.mm, ["confirm", token], environment: tenant.home.environment)
        command.terminal = Terminal.Size(rows: 24, columns: 80)
        command.input = .terminal
        command.output = .terminal
        command.error = .terminal
        let child = try await ChildProcess.start(command)
        let terminal = try #require(child.terminal)
        var seen: [UInt8] = []
        while !String(decoding: seen, as: UTF8.self).contains("Type yes"), let piece = try? await terminal.output.read()
        {
            seen += piece
        }
        #expect(String(decoding: seen, as: UTF8.self).contains("sendMail"))
        try await terminal.input.write(Array("\(answer)\n".utf8))
        while let piece = try? await terminal.output.read() { seen += piece }
        #expect(await child.exit().code == 0)
    }

    private static func sent(_ tenant: Tenant) async throws -> Int {
        let file = try #require(try ProtectedFile.read("\(tenant.home.path)/.m365-state/sandbox.json"))
        let secret = try #require(try JSONParser.parse(file)["secret"]?.string)
        let ran = try await Tenant.run(
            "/usr/bin/curl", ["-s", "-H", "X-Sandbox-Secret: \(secret)", "\(tenant.base)/sandbox/outbox"],
            tenant.home.environment)
        return try #require(ran.json?["sent"]?.array).count
    }
}
