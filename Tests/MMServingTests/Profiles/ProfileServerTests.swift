import MMCore
import MMHTTP
import MMLegacy
import MMMCP
import MMOperations
import Testing

@testable import MMServing

@Suite("Tool profiles", .timeLimit(.minutes(10)))
struct ProfileServerTests {
    private let home: ServingHome

    init() throws { home = try ServingHome() }

    /// One request to the server of a profile.
    private func ask(_ profile: ToolProfile, _ method: String, _ params: JSONObject = [:], words: [String] = [])
        async throws -> JSONValue
    {
        let options = try #require(try MCPFaceOptions(words: ["--http", "127.0.0.1:0"]).http)
        let server = try ProfileServer(
            profile, services: home.services, options: MCPFaceOptions(words: words), principals: PrincipalTable()
        ).server()
        let face = try HTTPFace.start(server, options, secret: nil, gate: nil, log: .off)
        let caller = HTTPCaller(face)
        let answer = try await caller.call(try await caller.initialize(), method, params)
        await face.stop(graceful: .zero)
        return answer
    }

    private func names(_ profile: ToolProfile, words: [String] = []) async throws -> [String] {
        try await ask(profile, "tools/list", words: words)["tools"]?.array?.compactMap { $0["name"]?.string } ?? []
    }

    /// A profile with two tools, one of which names the caller.
    private let sample = ToolProfile(
        name: "sample", title: "Sample", instructions: "None.",
        tools: [
            ProfileTool(
                name: "who", description: "Says who called.", inputSchema: ["type": "object"],
                effects: .init(readOnly: true)
            ) { (_, call, _) async throws(MMError) in
                ProfileAnswer(
                    "\(call.caller.server ?? "-") \(!call.guardAllowances.isEmpty)", structured: ["server": "x"])
            },
            ProfileTool(
                name: "fail", description: "Fails.", inputSchema: ["type": "object"], effects: .init(readOnly: false)
            ) { (_, _, _) async throws(MMError) in throw MMError(.notFound, "Nothing there.", hint: "Look elsewhere.")
            },
        ], serverName: "sample-server")

    @Test("exactly the profile's tools are offered, without a prefix unless one is requested")
    func exactNames() async throws {
        #expect(try await names(sample) == ["who", "fail"])
        #expect(try await names(sample, words: ["--toolsets", "m365"]) == ["who", "fail"])
        #expect(try await names(sample, words: ["--tool-prefix", "x__"]) == ["x__who", "x__fail"])
        #expect(try await names(sample, words: ["--read-only"]) == ["who"])
    }

    @Test("a tool knows the caller's server, and the guard judges its call as a pool would")
    func caller() async throws {
        let call: JSONObject = ["name": "who", "arguments": [:]]
        let plain = try await ask(sample, "tools/call", call)
        #expect(plain["content"]?[0]?["text"] == "sample-server false")
        #expect(plain["structuredContent"] == ["server": "x"])
        let named = try await ask(sample, "tools/call", call, words: ["--server-name", "mine"])
        #expect(named["content"]?[0]?["text"] == "mine false")
    }

    @Test(
        "a tool takes numbers and switches as texts, as the earlier servers did",
        arguments: [
            (["limit": "5", "all": "true"], "5 true"), (["limit": 5, "all": false], "5 false"),
            (["limit": "five"], "limit: must be an integer, not a string"),
        ] as [(JSONObject, String)])
    func texts(arguments: JSONObject, says: String) async throws {
        let profile = ToolProfile(
            name: "sample", title: "Sample", instructions: "None.",
            tools: [
                ProfileTool(
                    name: "echo", description: "Says its arguments.",
                    inputSchema: [
                        "type": "object",
                        "properties": ["limit": ["type": "integer"], "all": ["type": "boolean"]],
                    ], effects: .init(readOnly: true)
                ) { (given, _, _) async throws(MMError) in
                    ProfileAnswer("\(given["limit"] ?? .null) \(given["all"] ?? .null)")
                }
            ])
        let answer = try await ask(profile, "tools/call", ["name": "echo", "arguments": .object(arguments)])
        #expect(answer["content"]?[0]?["text"]?.string?.contains(says) == true, "\(answer)")
    }

    @Test("a client that reconnects finds the state that survives sessions", arguments: [true, false])
    func reconnecting(outlives: Bool) async throws {
        let profile = ToolProfile(
            name: "sample", title: "Sample", instructions: "None.",
            tools: [
                ProfileTool(
                    name: "mine", description: "Says whose shells are used.", inputSchema: ["type": "object"],
                    effects: .init(readOnly: true)
                ) { (_, call, _) async throws(MMError) in ProfileAnswer(call.shellOwner) }
            ], http: ProfileHTTP(outlivesSessions: outlives))
        let options = try #require(try MCPFaceOptions(words: ["--http", "127.0.0.1:0"]).http)
        let server = try ProfileServer(
            profile, services: home.services, options: MCPFaceOptions(), principals: PrincipalTable()
        ).server()
        let face = try HTTPFace.start(server, options, secret: nil, gate: nil, log: .off)
        let caller = HTTPCaller(face)
        var owners: Set<String> = []
        for _ in 0..<2 {
            let answer = try await caller.call(
                try await caller.initialize(), "tools/call", ["name": "mine", "arguments": [:]])
            owners.insert(try #require(answer["content"]?[0]?["text"]?.string))
        }
        #expect(owners.count == (outlives ? 1 : 2))
        await face.stop(graceful: .zero)
    }

    @Test("the persistent shell survives the sessions of its clients")
    func persistentShell() throws {
        let profile = try PersistentShellProfile.profile(environment: [:])
        #expect(profile.http.outlivesSessions && profile.http.sessionEnded == nil)
    }

    @Test("an error becomes a failed answer with its hint")
    func failure() async throws {
        let answer = try await ask(sample, "tools/call", ["name": "fail", "arguments": [:]])
        #expect(answer["isError"] == true)
        #expect(answer["content"]?[0]?["text"]?.string?.contains("Look elsewhere.") == true)
    }

    @Test("an unknown profile is refused with the known names", arguments: ["nope", "mm-desing", "Pool"])
    func unknown(name: String) throws {
        #expect {
            try MCPFaceOptions(words: ["--profile", name])
        } throws: { error in
            (error as? MMError)?.hint?.contains("mm-design") == true
        }
    }

    @Test("the default profile is the catalogue")
    func standard() throws {
        #expect(try MCPFaceOptions(words: ["--profile", "mm"]).profile == nil)
        #expect(try MCPFaceOptions(words: ["--profile", "mm-design"]).profile == "mm-design")
    }

    @Test("mm-design's sessions are in the pool; other profiles keep their own")
    func pools() throws {
        func choice(_ words: [String], _ environment: [String: String] = [:]) throws -> PoolChoice {
            try MCPFaceOptions(words: words).choice(environment)
        }
        #expect(try choice(["--profile", "mm-design"]) == .own)
        #expect(try choice(["--profile", "mm-design", "--embedded"]) == .embedded)
        let url = ["PWSH_MANAGER_URL": "http://elsewhere:5100"]
        #expect(try choice(["--profile", "pwsh-manager"], url) == .embedded)
        #expect(try choice(["--profile", "ssh-session"]) == .embedded)
        #expect(try choice([], url) == .elsewhere("http://elsewhere:5100"))
    }

    @Test("a remote session manager gets the tenant's own name, with the SharePoint host of this side")
    func managerElsewhere() async throws {
        let seen = AsyncStream.makeStream(of: JSONObject.self)
        let listener = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0)) { request in
            if let body = (try? JSONParser.parse(request.body))?.object { seen.continuation.yield(body) }
            return .json(JSONWriter.bytes(["success": true, "connected": true]))
        }
        let services = OperationServices(environment: [
            "HOME": home.path, "PWSH_MANAGER_URL": "http://127.0.0.1:\(listener.port)",
            "PWSH_TENANT_ALIASES": "contoso=contoso.com", "PWSH_SHAREPOINT_TENANTS": "contoso.com=contosoltd",
        ])
        let profile = try #require(
            try ToolProfiles.make("pwsh-manager", LocalOperationService(services: services), services))
        for name in ["pwsh_login", "pwsh_status"] {
            _ = try await ask(
                profile, "tools/call", ["name": .string(name), "arguments": ["tenant": "Contoso", "module": "pnp"]])
        }
        var bodies = seen.stream.makeAsyncIterator()
        let login = try #require(await bodies.next())
        #expect(login["tenant"] == "contoso.com" && login["sharepoint_tenant"] == "contosoltd")
        let status = try #require(await bodies.next())
        #expect(status["tenant"] == "contoso.com" && status["sharepoint_tenant"] == nil)
        await listener.stop(graceful: .zero)
        await services.close()
    }

    @Test("mm-design offers its three tools with their parameters, and nothing else")
    func design() async throws {
        let service = LocalOperationService(services: home.services)
        let profile = try #require(try ToolProfiles.make("mm-design", service, home.services))
        let tools = try await ask(profile, "tools/list")["tools"]?.array ?? []
        #expect(tools.compactMap { $0["name"]?.string } == ["mm_run", "mm_status", "mm_disconnect"])
        #expect(tools[0]["inputSchema"]?["properties"]?.object?.keys == ["connection", "module", "command"])
        #expect(tools[0]["inputSchema"]?["required"] == ["connection", "module", "command"])
        #expect(tools[1]["inputSchema"]?["properties"]?.object?.keys == [])
        #expect(tools[2]["inputSchema"]?["properties"]?.object?.keys == ["connection", "module"])
        let status = try await ask(profile, "tools/call", ["name": "mm_status", "arguments": [:]])
        #expect(status["content"]?[0]?["text"] == "[]")
        let ended = try await ask(
            profile, "tools/call", ["name": "mm_disconnect", "arguments": ["connection": "Contoso", "module": "exo"]])
        #expect(ended["structuredContent"]?["success"] == true)
        let unknown = try await ask(
            profile, "tools/call",
            ["name": "mm_run", "arguments": ["connection": "Nope", "module": "exo", "command": "Get-Date"]])
        #expect(unknown["isError"] == true)
        #expect(unknown["content"]?[0]?["text"]?.string?.contains("Contoso") == true)
    }
}
