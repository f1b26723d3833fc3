import MMCore
import MMHTTP
import Testing

@testable import MMSandbox

@Suite("Answers have the shape of the recorded ones", .timeLimit(.minutes(5)))
struct FixtureShapeTests {
    /// A recorded file.
    private static func fixture(_ name: String) throws -> JSONValue {
        let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2).joined(
            separator: "/")
        let bytes = try #require(try ProtectedFile.read("\(folder)/Fixtures/graph/\(name).json"), "\(name) is missing")
        return try JSONParser.parse(bytes)
    }

    /// The recorded answer: the only one of a file, or one of several.
    private static func recorded(_ name: String, _ place: Int = 0) throws -> JSONValue {
        let file = try fixture(name)
        return (file.array?[place] ?? file)["response"] ?? .null
    }

    /// What the recorded value has and ours lacks or has otherwise.
    private static func differences(_ ours: JSONValue, _ recorded: JSONValue, at path: String = "") -> [String] {
        switch (ours, recorded) {
        case (_, .null), (.null, .string), (.null, .object): []
        case (.object(let mine), .object(let theirs)):
            theirs.flatMap { member in
                mine[member.key].map { differences($0, member.value, at: "\(path)/\(member.key)") } ?? [
                    "\(path)/\(member.key) is missing"
                ]
            }
        case (.array(let mine), .array(let theirs)):
            mine.first.flatMap { one in theirs.first.map { differences(one, $0, at: "\(path)[]") } } ?? []
        case (.string, .string), (.bool, .bool), (.int, .int), (.double, .double), (.int, .double), (.double, .int): []
        default: ["\(path) is \(ours.kindName) and not \(recorded.kindName)"]
        }
    }

    private func compare(_ answer: HTTPServerResponse, _ recorded: JSONValue, ignoring: Set<String> = []) {
        #expect(answer.status == recorded["status"]?.int)
        #expect(Self.differences(answer.json, recorded["body"] ?? .null).filter { !ignoring.contains($0) } == [])
        for (name, value) in recorded["headers"]?.object ?? [:] where !["Date", "Retry-After"].contains(name) {
            #expect(answer.headers[name] != nil, "\(name) is missing")
            if name == "Content-Type" { #expect(answer.headers[name] == value.string) }
        }
    }

    @Test("sign-in")
    func signIn() async throws {
        let bench = Bench()
        let start = await bench.startDeviceCode()
        compare(start, try Self.recorded("entra-devicecode"))
        _ = await bench.control("POST", "approve", ["userCode": start.json["user_code"] ?? .null])
        let tokens = await bench.poll(start.json["device_code"]?.string ?? "")
        compare(tokens, try Self.recorded("entra-token-device-success"))
        let refreshed = await bench.refresh(
            tokens.json["refresh_token"]?.string ?? "",
            scope: "https://service.flow.microsoft.com/.default offline_access openid profile",
            more: [("client_info", "1")])
        compare(refreshed, try Self.recorded("entra-token-refresh-flow-resource"))
        let app = await bench.post(
            "\(Bench.authority)/token",
            [
                ("grant_type", "client_credentials"), ("client_id", TenantIdentity.automationApp),
                ("scope", "https://graph.microsoft.com/.default"),
                ("client_secret", TenantIdentity.automationSecret),
            ])
        compare(app, try Self.recorded("entra-token-client-credentials"))
        compare(
            await bench.send("GET", "/common/discovery/instance?api-version=1.1"),
            try Self.recorded("entra-instance-discovery"))
        let shapes = try Self.fixture("entra-id-token-claims")
        #expect(Self.differences(claims(of: tokens.json["id_token"]), shapes["member"]?["claims"] ?? .null) == [])
        let access = claims(
            of: await bench.signIn(claims: #"{"access_token":{"xms_cc":{"values":["CP1"]}}}"#)["access_token"])
        #expect(Self.differences(access, shapes["access_token_user"]?["claims"] ?? .null) == ["/xms_tcdt is missing"])
        #expect(
            Self.differences(claims(of: app.json["access_token"]), shapes["access_token_app"]?["claims"] ?? .null) == []
        )
    }

    @Test("every recorded error of the token endpoint can be had, with its status, error, number and fields")
    func tokenErrors() async throws {
        for recorded in try Self.fixture("entra-token-errors").array ?? [] {
            let body = recorded["body"] ?? .null
            guard let number = body["error_codes"]?[0]?.int, recorded["name"] != "bad_verification_code" else {
                continue
            }
            let bench = Bench()
            _ = await bench.control(
                "POST", "faults", ["kind": "tokenError", "number": .int(Int64(number)), "path": "*/token", "count": 1])
            guard number != 900_144 else { continue }
            let answer = await bench.poll("x")
            #expect(answer.status == recorded["status"]?.int, "\(number)")
            #expect(answer.json["error"] == body["error"], "\(number)")
            #expect(answer.json["suberror"] == body["suberror"], "\(number)")
            #expect(answer.number == number)
            #expect(Self.differences(answer.json, body) == [], "\(number)")
            #expect((answer.headers["Retry-After"] != nil) == (recorded["headers"]?["Retry-After"] != nil), "\(number)")
        }
    }

    @Test("Graph")
    func graph() async throws {
        let bench = Bench()
        let token = await bench.token()
        let users = await bench.graph(
            "GET", "/v1.0/users?$select=id,displayName,userPrincipalName,mail&$top=3", token: token)
        compare(users, try Self.recorded("graph-users-page1"))
        #expect(users.json["value"]?[0]?.object?.keys == ["id", "displayName", "userPrincipalName", "mail"])
        let messages = await bench.graph(
            "GET",
            "/v1.0/me/messages?$top=2&$select=id,subject,receivedDateTime,bodyPreview,isRead,hasAttachments,from,toRecipients",
            token: token,
            headers: ["Prefer": "IdType=\"ImmutableId\", outlook.body-content-type=\"text\""])
        compare(messages, try Self.recorded("graph-messages"))
        compare(await bench.graph("GET", "/v1.0/sites?search=project", token: token), try Self.recorded("graph-sites"))
        compare(
            await bench.graph("GET", "/v1.0/me/chats?$top=1", token: token), try Self.recorded("graph-teams-chat"),
            ignoring: ["/@odata.count is missing"])
        let chat =
            await bench.graph("GET", "/v1.0/me/chats?$top=1", token: token).json["value"]?[0]?["id"]?.string ?? ""
        compare(
            await bench.graph(
                "POST", "/v1.0/chats/\(chat)/messages", token: token, body: ["body": ["content": "Hello"]]),
            try Self.recorded("graph-teams-chat", 1))
        compare(
            await bench.graph(
                "POST", "/v1.0/me/drive/root:/report.bin:/createUploadSession", token: token,
                body: ["item": ["name": "report.bin"]]),
            try Self.recorded("graph-upload-session"))
        compare(
            await bench.graph("POST", "/v1.0/teams", token: token, body: ["displayName": "Chess"]),
            try Self.recorded("graph-lro-and-download", 4), ignoring: [])
    }

    @Test("errors of Graph")
    func errors() async throws {
        let bench = Bench()
        let token = await bench.token()
        compare(
            await bench.graph("GET", "/v1.0/users?$filter=endswith(mail,'@contoso.example')", token: token),
            try Self.recorded("graph-error-400-advanced-query"))
        compare(
            await bench.graph("GET", "/v1.0/users/nobody@contoso.example", token: token),
            try Self.recorded("graph-error-404")
        )
        let ordinary = await bench.token("lena.vogt@contoso-sandbox.example")
        compare(
            await bench.graph("GET", "/v1.0/auditLogs/signIns", token: ordinary), try Self.recorded("graph-error-403"))
        _ = await bench.control(
            "POST", "faults", ["kind": "throttle", "path": "/v1.0/me/messages", "retryAfter": 10, "count": 1])
        compare(
            await bench.graph("GET", "/v1.0/me/messages", token: token), try Self.recorded("graph-error-429"),
            ignoring: [])
        _ = await bench.control("POST", "faults", ["kind": "resync", "path": "/v1.0/me/drive/root/delta", "count": 1])
        #expect(
            await bench.graph("GET", "/v1.0/me/drive/root/delta?token=old", token: token).errorCode == "resyncRequired")
        bench.clock.advance(by: 5_000)
        compare(await bench.graph("GET", "/v1.0/me", token: token), try Self.recorded("graph-error-401-expired"))
    }

    @Test("Power Automate, its administration and the resource manager")
    func platform() async throws {
        let bench = Bench()
        let flow = await bench.token(scope: "https://service.flow.microsoft.com/.default")
        let root = "/providers/Microsoft.ProcessSimple/environments"
        let version = "api-version=2016-11-01"
        compare(await bench.graph("GET", "\(root)?\(version)", token: flow), try Self.recorded("flow-environments"))
        let list = "\(root)/Default-\(TenantIdentity.id)/flows"
        let flows = await bench.graph("GET", "\(list)?\(version)&$top=2", token: flow)
        compare(flows, try Self.recorded("flow-list"))
        let names =
            await bench.graph("GET", "\(list)?\(version)", token: flow).json["value"]?.array?.compactMap {
                $0["name"]?.string
            } ?? []
        var failed: HTTPServerResponse?
        for name in names where failed?.json["nextLink"] == nil {
            failed = await bench.graph(
                "GET", "\(list)/\(name)/runs?\(version)&$top=2&$filter=Status%20eq%20%27Failed%27", token: flow)
        }
        let runs = try #require(failed)
        #expect(runs.json["nextLink"] != nil)
        compare(runs, try Self.recorded("flow-runs"))
        compare(
            await bench.graph("GET", "\(list)/ffffffff-0000-4000-8000-00000000dead?\(version)", token: flow),
            try Self.recorded("flow-errors", 0))
        compare(
            await bench.graph("GET", "\(root)/no-such?\(version)", token: flow), try Self.recorded("flow-errors", 1))
        compare(await bench.graph("GET", list, token: flow), try Self.recorded("flow-errors", 2))
        compare(
            await bench.graph("GET", "\(list)?\(version)", token: await bench.token()),
            try Self.recorded("flow-errors", 3))
        let platform = await bench.token(scope: "https://service.powerapps.com/.default")
        compare(
            await bench.graph(
                "GET", "/providers/Microsoft.BusinessAppPlatform/scopes/admin/environments?api-version=2020-10-01",
                token: platform),
            try Self.recorded("bap-environments-admin"))
        let arm = await bench.token(scope: "https://management.azure.com/.default")
        compare(
            await bench.graph("GET", "/subscriptions?api-version=2022-12-01", token: arm),
            try Self.recorded("arm-subscriptions-and-errors"), ignoring: [])
    }
}
