import MMCore
import MMHTTP
import MMOperations
import MMSandbox
import TestSupport
import Testing

/// A signed-in sandbox tenant that all cases of a suite share.
private actor RecipeTenant {
    static let shared = RecipeTenant()
    private var opened: Task<LocalOperationService, any Error>?
    private var kept: (tenant: SandboxTenant, home: TestHome)?

    func service() async throws -> LocalOperationService {
        if let opened { return try await opened.value }
        let task = Task { try await open() }
        opened = task
        return try await task.value
    }

    private func open() async throws -> LocalOperationService {
        var options = SandboxOptions()
        options.userCount = 400
        options.pollInterval = 1
        let tenant = SandboxTenant(options: options)
        let base = try await tenant.start()
        let home = try TestHome()
        kept = (tenant, home)
        let registry = """
            {"connections": {"Demo": {
              "cloud": "sandbox", "appId": "5a4db0c5-0000-4000-8000-00000000a001", "tenant": "contoso-sandbox.example",
              "tenantId": "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01", "expectedEmail": "admin@contoso-sandbox.example"}}}
            """
        try ProtectedFile.replace(home.paths.registry, with: Array(registry.utf8))
        var environment = home.environment
        environment["MM_SANDBOX_URL"] = base
        let service = LocalOperationService(services: OperationServices(environment: environment))
        let client = HTTPClient(configuration: HTTPClientConfiguration(environment: [:]))
        let secret = await tenant.controlSecret
        let context = CallContext(caller: Caller(surface: .terminal, name: "test", server: nil))
        var approved: String?
        while true {
            do throws(MMError) {
                _ = try await service.call("login", ["connection": "Demo"], in: context)
                return service
            } catch {
                guard error.code == .signInNeeded, let code = error.details["userCode"]?.string else { throw error }
                guard approved != code else {
                    try await Task.sleep(for: .milliseconds(100))
                    continue
                }
                let approval = HTTPRequest(
                    method: "POST", url: base + "/sandbox/approve",
                    headers: ["X-Sandbox-Secret": secret.reveal(), "Content-Type": "application/json"],
                    body: JSONWriter.bytes(["userCode": .string(code)]), allowsPlainHTTP: true)
                guard try await client.send(approval).status == 200 else {
                    throw MMError(.internalError, "not approved")
                }
                approved = code
            }
        }
    }
}

/// A recipe on the sandbox: what is asked, and what has to be true of the answer.
struct RecipeCase: Sendable, CustomTestStringConvertible {
    let name: String
    var param: JSONObject = [:]
    /// What every row has to be; the answer must have rows.
    let holds: @Sendable (JSONValue) -> Bool
    /// What has to be true of all rows together.
    var whole: @Sendable ([JSONValue]) -> Bool = { _ in true }

    var testDescription: String { name }

    init(
        _ name: String, _ param: JSONObject = [:], whole: @escaping @Sendable ([JSONValue]) -> Bool = { _ in true },
        each holds: @escaping @Sendable (JSONValue) -> Bool
    ) {
        self.name = name
        self.param = param
        self.whole = whole
        self.holds = holds
    }

    private static func daysAgo(_ days: Int) -> String { (Timestamp.now + .seconds(-days * 86_400)).iso8601 }
    private static let own = "@contoso-sandbox.example"

    /// Whether a moment of a row lies so many days back; the first member that is there counts.
    private static func isOlder(_ row: JSONValue, _ members: [String], days: Int) -> Bool {
        guard let moment = members.lazy.compactMap({ row[$0]?.string }).first else { return false }
        return moment < daysAgo(days)
    }

    /// Whether a member is an address of the tenant.
    private static func isOwn(_ value: JSONValue?) -> Bool { value?.string?.hasSuffix(own) ?? false }

    /// Each recipe once.
    static let all: [RecipeCase] = [
        RecipeCase("unused-guests", ["days": 60]) { row in
            !isOwn(row["mail"]) && isOlder(row, ["lastSignIn", "invited"], days: 60)
        },
        RecipeCase("inactive-users") { row in isOlder(row, ["lastSignIn"], days: 90) },
        RecipeCase("never-signed-in") { row in
            row["lastSignIn"] == nil && isOlder(row, ["created"], days: 30)
        },
        RecipeCase(
            "disabled-with-licences", whole: { rows in rows.contains { $0["displayName"] == "Dora Disabled" } }
        ) { row in row["licences"]?.array?.allSatisfy { $0.string?.contains("-") == false } == true },
        RecipeCase(
            "password-never-expires",
            whole: { rows in rows.contains { $0["displayName"] == "Avery Admin" } && rows.count < 60 }
        ) { row in row["lastPasswordChange"]?.string != nil },
        RecipeCase(
            "leaver", ["user": "ben.baker@contoso-sandbox.example", "forwardTo": "lena.vogt@contoso-sandbox.example"],
            whole: { rows in
                rows.map { $0["step"] } == ["block", "sessions", "mailbox", "forwarding", "freed"]
                    && rows[0]["body"] == ["accountEnabled": false]
                    && rows[3]["body"]?["forwardTo"] == "lena.vogt@contoso-sandbox.example"
                    && rows[4]["body"]?["removeLicenses"]?.array?.isEmpty == false
            }
        ) { row in row["request"]?.string != nil },
        // A guest has no mailbox and no licence.
        RecipeCase(
            "leaver",
            [
                "user": "gus.guest_fabrikam.example#EXT#@contoso-sandbox.example",
                "forwardTo": "lena.vogt@contoso-sandbox.example",
            ], whole: { rows in rows.map { $0["step"] } == ["block", "sessions"] }
        ) { row in row["request"]?.string != nil },
        // What is done already isn't planned.
        RecipeCase(
            "leaver", ["user": "dora.disabled@contoso-sandbox.example"],
            whole: { rows in rows.map { $0["step"] } == ["sessions", "mailbox", "freed"] }
        ) { row in row["request"]?.string != nil },
        RecipeCase(
            "nested-members", ["group": "Sales"], whole: { rows in Set(rows.map { $0["id"] }).count == rows.count }
        ) { row in row["group"] == "Sales" && row["kind"] == "user" },
        RecipeCase("groups-without-owners", whole: { $0.count == 1 }) { row in
            row["displayName"]?.string?.hasPrefix("Project ") == true
        },
        RecipeCase("empty-groups", whole: { $0.count == 1 }) { row in
            row["displayName"]?.string?.hasPrefix("Project ") == true
        },
        RecipeCase("teams-with-guests") { row in
            let guests = row["guests"]?.array ?? []
            return !guests.isEmpty && !guests.contains { isOwn($0) }
        },
        RecipeCase("failed-sign-ins") { row in
            row["code"]?.int != 0 && (row["count"]?.int ?? 0) > 0 && !isOlder(row, ["last"], days: 8)
        },
        RecipeCase("users-without-mfa") { row in
            row["isAdmin"]?.bool != nil && isOwn(row["userPrincipalName"])
        },
        RecipeCase(
            "admins-by-role",
            whole: { rows in
                rows.contains { $0["role"] == "Global Administrator" && $0["displayName"] == "Avery Admin" }
                    && rows.contains { $0["role"] == "Global Reader" && $0["displayName"] == "Rita Reader" }
            }
        ) { row in row["role"]?.string != nil },
        RecipeCase(
            "conditional-access-gaps",
            whole: { rows in
                rows.contains { $0["policy"] == "Block risky sign-ins" && $0["gap"] == "is switched off" }
                    && rows.contains {
                        $0["policy"] == "Require a compliant device for administrators" && $0["gap"] == "only reports"
                    }
                    && rows.contains { $0["gap"] == "nothing looks at the risk of a sign-in" }
                    && !rows.contains { $0["gap"] == "nothing blocks old protocols" }
            }
        ) { row in row["gap"]?.string != nil },
        RecipeCase("risky-users", whole: { $0.first?["riskLevel"] == "high" }) { row in row["riskLevel"] != "none" },
        RecipeCase("risky-consents", whole: { $0.count == 1 }) { row in
            row["app"] == "Visitor register" && row["forEverybody"] == true
                && row["rights"] == ["Mail.ReadWrite", "Files.Read.All"]
        },
        RecipeCase(
            "expiring-app-secrets",
            whole: { rows in rows.contains { $0["ended"] == true } && rows.contains { $0["ended"] == false } }
        ) { row in isOlder(row, ["ends"], days: -30) },
        RecipeCase("apps-without-owners", whole: { $0.count == 1 }) { row in row["displayName"] == "Device inventory" },
        RecipeCase("stale-devices") { row in isOlder(row, ["lastSyncDateTime"], days: 30) },
        RecipeCase("inbox-rules", ["user": "ben.baker@contoso-sandbox.example"]) { row in row["actions"]?.array != nil
        },
        RecipeCase("mail-forwarding") { row in
            !isOwn(row["target"]) && isOwn(row["mailbox"])
        },
        RecipeCase("shared-mailbox-rights") { row in row["who"]?.string?.isEmpty == false && row["rights"] != nil },
        RecipeCase(
            "mailbox-sizes",
            whole: { rows in
                let sizes = rows.compactMap { $0["bytes"]?.int }
                return sizes.count == rows.count && sizes == sizes.sorted(by: >)
            }
        ) { row in (row["bytes"]?.int ?? 0) > 0 },
        RecipeCase("message-trace", ["days": 5, "sender": "lena.vogt@contoso-sandbox.example"]) { row in
            row["SenderAddress"] == "lena.vogt@contoso-sandbox.example" && row["Status"]?.string != nil
        },
        RecipeCase("message-trace", ["days": 5, "recipient": "lena.vogt@contoso-sandbox.example"]) { row in
            row["RecipientAddress"] == "lena.vogt@contoso-sandbox.example" && row["Status"]?.string != nil
        },
        RecipeCase("auto-replies") { row in row["AutoReplyState"] != "Disabled" },
        RecipeCase("transport-rules") { row in row["Name"]?.string != nil },
        RecipeCase("room-mailboxes") { row in
            ["RoomMailbox", "EquipmentMailbox"].contains(row["RecipientTypeDetails"]?.string)
        },
        RecipeCase(
            "licence-counts",
            whole: { rows in rows.contains { ($0["used"]?.int ?? 0) > 0 } }
        ) { row in row["free"]?.int == (row["bought"]?.int ?? 0) - (row["used"]?.int ?? 0) },
        RecipeCase(
            "service-health",
            whole: { $0.first?["status"] == "serviceDegradation" && $0.first?["incidents"]?.array?.count == 1 }
        ) {
            row in row["service"]?.string != nil
        },
        RecipeCase("domains", ["unverified": true], whole: { $0.count == 1 }) { row in row["isVerified"] == false },
        RecipeCase("external-sharing") { row in row["setting"]?.string != nil },
        RecipeCase("flow-owners") { row in row["flow"]?.string != nil && isOwn(row["owner"]) },
        RecipeCase("dynamic-groups", whole: { rows in rows.contains { $0["displayName"] == "Sales" } }) { row in
            row["rule"]?.string?.hasPrefix("(user.") == true
        },
        RecipeCase("distribution-list-members", ["list": "newsletter@contoso-sandbox.example"]) { row in
            row["PrimarySmtpAddress"]?.string != nil
        },
    ]
}

@Suite("The recipes answer on the sandbox", .timeLimit(.minutes(15)))
struct RecipeTests {
    @Test("every recipe is tried")
    func complete() async throws {
        let service = try await RecipeTenant.shared.service()
        let context = CallContext(caller: Caller(surface: .terminal, name: "test", server: nil))
        guard case .value(let list) = try await service.call("recipe", [:], in: context).body else {
            throw MMError(.internalError, "no list")
        }
        let names = Set((list.array ?? []).compactMap { $0["name"]?.string })
        #expect(names == Set(RecipeCase.all.map(\.name)))
        #expect(names.count >= 30)
    }

    @Test("an answer means what the recipe says", arguments: RecipeCase.all)
    func meaning(recipe: RecipeCase) async throws {
        let service = try await RecipeTenant.shared.service()
        for surface in [Caller.Surface.terminal, .mcp] {
            let context = CallContext(caller: Caller(surface: surface, name: "test", server: "mm"))
            var arguments: JSONObject = ["tool": .string(recipe.name), "connection": "Demo"]
            if !recipe.param.isEmpty { arguments["param"] = .object(recipe.param) }
            let answer = try await service.call("recipe", arguments, in: context)
            guard case .value(let value) = answer.body else { throw MMError(.internalError, "no value") }
            let rows = value.array ?? [value]
            #expect(!rows.isEmpty)
            #expect(rows.allSatisfy(recipe.holds), "\(rows.first { !recipe.holds($0) } ?? .null)")
            #expect(recipe.whole(rows), "\(JSONWriter.string(.array(Array(rows.prefix(8)))))")
            let missing = answer.missing
            #expect(missing == nil)
        }
    }

    @Test("a leaver stops at a step that a person has to confirm, and a caller that only reads is denied")
    func leaver() async throws {
        let service = try await RecipeTenant.shared.service()
        let context = CallContext(caller: Caller(surface: .mcp, name: "test", server: "mm"))
        let user = "paul.policy@contoso-sandbox.example"
        let arguments: JSONObject = [
            "tool": "leaver", "connection": "Demo", "param": ["user": .string(user)], "apply": true,
        ]
        let error = await #expect(throws: MMError.self) { _ = try await service.call("recipe", arguments, in: context) }
        #expect(error?.code == .confirmationNeeded)
        var reader = context
        reader.readsOnly = true
        let denied = await #expect(throws: MMError.self) { _ = try await service.call("recipe", arguments, in: reader) }
        #expect(denied?.code == .denied)
    }
}
