import Glibc
import MMCore
import MMOperations
import Testing

@Suite("The terminal and AI clients get the same results", .timeLimit(.minutes(15)))
struct FrontEndContractTests {
    @Test("tools have the catalogue's schemas and take at most 8,000 bytes")
    func tools() async throws {
        let tenant = try await Tenant()
        let client = try await MCPClient(tenant.home.environment)
        _ = try await client.initialize()
        let answer = try await client.request(1, "tools/list")
        #expect(JSONWriter.bytes(answer).count <= 8_000)
        let tools = try #require(answer["result"]?["tools"]?.array)
        let offered = Catalogue.standard.operations.filter {
            $0.declaration.audience == .everyone && $0.declaration.isListed && $0.declaration.toolset == .m365
        }
        #expect(
            tools.compactMap { $0["name"]?.string } == offered.map { "mm__" + $0.declaration.name } + ["mm__recipe"])
        for (tool, operation) in zip(tools, offered) {
            #expect(tool["inputSchema"]?.object == operation.inputSchema)
            // The default of the protocol is false.
            #expect((tool["annotations"]?["readOnlyHint"]?.bool ?? false) == operation.declaration.effects.readOnly)
        }
        for operation in offered {
            let help = try await tenant.mm(operation.declaration.command + ["--help"])
            #expect(help.code == 0)
            for field in operation.fields where field.placement != .absent {
                #expect(help.output.contains(field.name.uppercased()) || help.output.contains("--\(field.flagName)"))
            }
        }
    }

    @Test(
        "the same questions get the same answers, from the process itself and from the pool",
        arguments: ["embedded", "pool"])
    func answers(place: String) async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let extra = place == "embedded" ? ["MM_EMBEDDED": "1"] : [:]
        if place == "pool" { #expect(try await tenant.mm(["pool", "start"]).code == 0) }
        let client = try await MCPClient(tenant.home.environment.merging(extra) { $1 })
        _ = try await client.initialize()
        let questions: [(command: [String], tool: String, arguments: JSONObject)] = [
            (["graph", "Demo", "/me"], "mm__graph_request", ["connection": "Demo", "endpoint": "/me"]),
            (
                ["graph", "Demo", "/users", "--top", "7", "--query", "$select=id"], "mm__graph_request",
                ["connection": "Demo", "endpoint": "/users", "top": 7, "query": ["$select": "id"]]
            ),
            (
                ["graph", "Demo", "/users?$filter=startswith(displayName,'A')&$select=displayName"],
                "mm__graph_request",
                ["connection": "Demo", "endpoint": "/users?$filter=startswith(displayName,'A')&$select=displayName"]
            ),
            (["status"], "mm__status", [:]), (["login", "Demo"], "mm__login", ["connection": "Demo"]),
        ]
        for (number, question) in questions.enumerated() {
            let shown = try await tenant.mm(question.command + ["--json"], extra: extra)
            let told = try await client.call(number + 1, question.tool, question.arguments)
            #expect(shown.code == 0)
            #expect(told["isError"] == false)
            // A model gets a list of uniform rows as a table in the text, and the same JSON as structured content.
            let structure = told["structuredContent"]
            let rows = shown.json?.array == nil ? structure : structure?["value"]
            var answer = (try? JSONParser.parse(told.text)) ?? rows
            // A program gets only the rows of a list.
            if shown.json?.array != nil { answer = answer?["value"] ?? answer }
            // A model doesn't need to know where the metadata is.
            var expected = shown.json
            if var object = expected?.object {
                object["@odata.context"] = nil
                expected = .object(object)
            }
            #expect(answer == expected)
        }
    }

    @Test(
        "the same mistake gives the same error code",
        arguments: [
            (["graph", "Nope", "/me"], ["connection": "Nope", "endpoint": "/me"], "not_found"),
            (["graph", "Demo"], ["connection": "Demo"], "invalid_input"),
            (["graph", "Demo", "/me\u{1}"], ["connection": "Demo", "endpoint": "/me\u{1}"], "invalid_input"),
            (["graph", "Demo", "/users/../me"], ["connection": "Demo", "endpoint": "/users/../me"], "invalid_input"),
            (["graph", "Demo", "//me"], ["connection": "Demo", "endpoint": "//me"], "invalid_input"),
            (["graph", "Demo", "/me#x"], ["connection": "Demo", "endpoint": "/me#x"], "invalid_input"),
            (
                ["graph", "Demo", "https://evil.example/v1.0/me"],
                ["connection": "Demo", "endpoint": "https://evil.example/v1.0/me"], "invalid_input"
            ),
            (
                ["graph", "Demo", "https://u:p@graph.microsoft.com/v1.0/me"],
                ["connection": "Demo", "endpoint": "https://u:p@graph.microsoft.com/v1.0/me"], "invalid_input"
            ),
            (
                ["graph", "Demo", "/me", "-X", "POST", "-d", "[1]"],
                ["connection": "Demo", "endpoint": "/me", "method": "POST", "body": [1]], "invalid_input"
            ),
            (
                ["graph", "Demo", "/me", "-r", "graf"], ["connection": "Demo", "endpoint": "/me", "resource": "graf"],
                "invalid_input"
            ),
            (
                ["graph", "Demo", "/me", "--all", "-X", "DELETE"],
                ["connection": "Demo", "endpoint": "/me", "all": true, "method": "DELETE"], "invalid_input"
            ),
        ] as [([String], JSONObject, String)])
    func errors(command: [String], arguments: JSONObject, code: String) async throws {
        let tenant = try await Tenant.shared.value
        let shown = try await tenant.mm(command + ["--json"])
        #expect(shown.failure?["code"]?.string == code, "\(shown.error)")
        #expect(shown.code == (code == "invalid_input" ? 2 : 1))
        let client = try await MCPClient(tenant.home.environment)
        _ = try await client.initialize()
        let told = try await client.call(1, "mm__graph_request", arguments)
        #expect(told["isError"] == true)
        // The protocol refuses arguments that violate the schema, with an explanation.
        let toldCode = told["structuredContent"]?["code"]?.string
        #expect(toldCode == code || toldCode == nil && code == "invalid_input")
        if toldCode == nil { #expect(told.text.contains("body") || told.text.contains("resource"), "\(told.text)") }
    }

    @Test("a connection whose mcps list doesn't contain the server is invisible, except in the owner's terminal")
    func mcps() async throws {
        let tenant = try await Tenant.shared.value
        _ = try await tenant.mm(["connections", "add", "Hidden", "--tenant", "x.example", "--set", "mcps=[]"])
        #expect(try await tenant.mm(["connections", "list"]).output.contains("Hidden"))
        let client = try await MCPClient(tenant.home.environment)
        _ = try await client.initialize()
        #expect(!(try await client.call(1, "mm__connections")).text.contains("Hidden"))
        let asked = try await client.call(2, "mm__status", ["connection": "Hidden"])
        #expect(asked["structuredContent"]?["code"] == "not_found")
        #expect(!asked.text.replacingFirst("'Hidden'").contains("Hidden"))
    }

    @Test("names without a prefix behind a gateway, and aliases everywhere")
    func names() async throws {
        let tenant = try await Tenant.shared.value
        let client = try await MCPClient(
            tenant.home.environment, arguments: ["--tool-prefix", "", "--structured-output"])
        _ = try await client.initialize()
        let tools = try await client.request(1, "tools/list")["result"]?["tools"]?.array ?? []
        #expect(tools.prefix(2).map { $0["name"] } == ["run", "graph_request"])
        for (number, name) in ["run", "mm__run", "mm_run", "pwsh_run", "graph_request"].enumerated() {
            let answer = try await client.call(number + 2, name)
            #expect(answer["structuredContent"]?["connections"]?.array?.isEmpty == false)
        }
    }

    @Test("a read-only server offers only operations that read, and denies others whatever the connection allows")
    func readOnly() async throws {
        let tenant = try await Tenant()
        #expect(try await tenant.signIn().code == 0)
        try tenant.write("guard={\"allow\": [\"send\"]}")
        let reader = try await MCPClient(tenant.home.environment, arguments: ["--read-only"])
        _ = try await reader.initialize(["elicitation": [:]])
        let tools = try await reader.request(1, "tools/list")["result"]?["tools"]?.array ?? []
        let names = tools.compactMap { $0["name"]?.string }
        #expect(
            names.sorted() == [
                "mm__connections", "mm__graph_request", "mm__output", "mm__recipe", "mm__run", "mm__status",
            ])
        #expect(tools.allSatisfy { $0["annotations"]?["readOnlyHint"] == true }, "\(tools)")
        let hidden = try await reader.request(
            2, "tools/call", ["name": "mm__login", "arguments": ["connection": "Demo"]])
        #expect(hidden["error"]?["code"]?.int == -32602)
        let me = try await reader.call(3, "mm__graph_request", ["connection": "Demo", "endpoint": "/me"])
        #expect(me.text.contains("admin@contoso-sandbox.example"), "\(me)")
        let mailboxes: JSONObject = ["connection": "Demo", "module": "exo", "command": "Get-Mailbox -ResultSize 1"]
        #expect(try await reader.call(4, "mm__run", mailboxes)["isError"] == false)
        let writes: [(String, JSONObject)] = [
            ("mm__graph_request", ["endpoint": "/me/sendMail", "method": "POST", "body": [:], "confirmed": true]),
            ("mm__graph_request", ["endpoint": "/me", "method": "PATCH", "body": ["city": "Bern"]]),
            ("mm__run", ["module": "exo", "command": "Set-Mailbox admin -CustomAttribute1 x"]),
        ]
        for (number, (name, arguments)) in writes.enumerated() {
            var arguments = arguments
            arguments["connection"] = "Demo"
            let refused = try await reader.call(5 + number, name, arguments)
            #expect(refused["isError"] == true && refused.text.contains("--read-only"), "\(refused)")
        }
    }

    @Test("a `confirm` in a request doesn't count as confirmation on any front-end")
    func confirmedIsNoYes() async throws {
        let tenant = try await Tenant()
        #expect(try await tenant.signIn().code == 0)
        let mail: JSONObject = [
            "message": ["subject": "s", "toRecipients": [["emailAddress": ["address": "out@fabrikam.example"]]]]
        ]
        let client = try await MCPClient(tenant.home.environment)
        _ = try await client.initialize()
        let batch: JSONObject = [
            "requests": [
                [
                    "id": "1", "method": "POST", "url": "/me/sendMail", "body": .object(mail),
                    "headers": ["Content-Type": "application/json"],
                ]
            ]
        ]
        for (number, (endpoint, body)) in [("/me/sendMail", mail), ("/$batch", batch)].enumerated() {
            var body = body
            let arguments: JSONObject = [
                "connection": "Demo", "endpoint": .string(endpoint), "method": "POST", "body": .object(body),
                "confirmed": true,
            ]
            let answer = try await client.call(number + 1, "mm__graph_request", arguments)
            #expect(answer["structuredContent"]?["status"] == "confirmation_required", "\(answer)")
            body["confirmed"] = true
            let ran = try await tenant.mm(
                ["graph", "Demo", endpoint, "-X", "POST", "-d", JSONWriter.string(.object(body)), "--confirmed"])
            #expect(ran.code == 5, "\(ran)")
        }
    }

    @Test("a long answer is returned as a head, counts and a handle for pages and filters")
    func longAnswers() async throws {
        let tenant = try await Tenant.shared.value
        try await tenant.signIn()
        let client = try await MCPClient(tenant.home.environment)
        _ = try await client.initialize()
        let answer = try await client.call(
            1, "mm__graph_request", ["connection": "Demo", "endpoint": "/users", "all": true])
        #expect(answer.text.count <= 25_000)
        let handle = try #require(answer["structuredContent"]?["handle"]?.string)
        #expect(answer["structuredContent"]?["total"]?.int == 300)
        #expect(answer.text.contains(handle))
        let page = try await client.call(2, "mm__output", ["handle": .string(handle), "offset": 298])
        #expect(page.text.contains("298 to 300 of 300"))
        let filtered = try await client.call(3, "mm__output", ["handle": .string(handle), "filter": "length"])
        #expect(filtered.text == "300\n" || filtered.text == "300")
        let refused = try await client.call(
            4, "mm__output", ["handle": .string(handle), "filter": "import \"x\" as $x; ."])
        #expect(refused["structuredContent"]?["code"] == "denied")
        let shown = try await tenant.mm(["output", handle, "--filter", ".[0].id"])
        #expect(shown.code == 0)
    }
}

extension String {
    fileprivate func replacingFirst(_ text: String) -> String {
        guard let range = self.firstRange(of: text) else { return self }
        return String(self[..<range.lowerBound] + self[range.upperBound...])
    }
}

extension Tenant {
    /// A shared tenant for tests that don't change it. It and its pool end with the run.
    static let shared = Task {
        let tenant = try await Tenant()
        lasting.withLock { $0 = tenant }
        atexit { Tenant.lasting.withLock { $0?.endAtOnce() } }
        return tenant
    }

    private static let lasting = Mutex<Tenant?>(nil)
}
