import Glibc
import MMCore
import MMHTTP
import MMOperations
import MMSessions
import TestSupport
import Testing

@testable import MMLegacy

@Suite("The session manager's own routes", .timeLimit(.minutes(5)))
struct TenantRoutesTests {
    private let contoso: JSONValue = ["tenant": "contoso.onmicrosoft.com", "module": "exo"]

    @Test("/health, /modules, /watchdog and an empty /sessions")
    func looks() async throws {
        let manager = PwshManagerRoutes(try StandInHome().manager())
        #expect(try await manager.ask("GET", "/health")["status"] == "healthy")
        let modules = try await manager.ask("GET", "/modules")
        let recorded = try StandInHome.golden("manager_modules")
        #expect(modules["modules"] == recorded["modules"])
        #expect(modules["details"]?["exo"] == recorded["details"]?["exo"])
        #expect(modules["details"]?.object?.keys == ["exo", "pnp", "azure", "teams", "powerplatform"])
        #expect(try await manager.ask("GET", "/sessions").body == ["sessions": []])
        let watchdog = try await manager.ask("GET", "/watchdog")
        #expect(
            watchdog["config"] == [
                "interval_seconds": 30, "auth_pending_timeout": 300, "idle_session_timeout": 3600,
                "stuck_process_timeout": 120,
            ])
    }

    @Test("login, status, run and disconnect of a tenant of the registry, as recorded")
    func life() async throws {
        let place = try StandInHome()
        let manager = PwshManagerRoutes(place.manager())
        let early = try await manager.ask(
            "POST", "/run", ["tenant": "contoso.onmicrosoft.com", "module": "exo", "command": "Get-Mailbox"])
        #expect(early.status == 401)
        #expect(early.body == (try StandInHome.golden("manager_run_401")))

        let login = try await manager.ask("POST", "/login", contoso)
        let recorded = try StandInHome.golden("manager_login")
        #expect(login.status == 200)
        #expect(login.body.keys == recorded.keys)
        #expect(login["success"] == true)
        #expect(login["auth_pending"] == true)
        #expect(login["device_code"] == "FXK3T9QMB")
        #expect(login["auth_url"] == recorded["auth_url"])
        #expect(login["result"]?.string?.hasSuffix("code FXK3T9QMB to authenticate.") == true)

        let pending = try await manager.ask("POST", "/status", contoso)
        #expect(pending["connected"] == false)
        #expect(pending["auth_pending"] == true)
        try place.approve()
        let done = try await manager.waitForSignIn(contoso)
        let golden = try StandInHome.golden("manager_status")
        #expect(done.body.keys == golden.keys)
        for key in golden.keys where key != "auth_duration_seconds" { #expect(done[key] == golden[key], "\(key)") }
        let again = try await manager.ask("POST", "/status", contoso)
        #expect(again["was_pending"] == false)
        #expect(again["auth_duration_seconds"] == nil)

        let run = try await manager.ask(
            "POST", "/run",
            ["tenant": "contoso.onmicrosoft.com", "module": "exo", "command": "Get-Mailbox -ResultSize 1"])
        #expect(run.body.keys == ["success", "result"])
        let object = try JSONParser.parse(try #require(run["result"]?.string))
        #expect(object["PrimarySmtpAddress"] == "person1@contoso.example")
        let two = try await manager.ask(
            "POST", "/run",
            ["tenant": "contoso.onmicrosoft.com", "module": "exo", "command": "Get-Mailbox -ResultSize 2"])
        #expect(try JSONParser.parse(try #require(two["result"]?.string)).array?.count == 2)
        let empty = try await manager.ask(
            "POST", "/run",
            ["tenant": "contoso.onmicrosoft.com", "module": "exo", "command": "Get-Mailbox -ResultSize 0"])
        #expect(empty.body == ["success": true, "result": "OK"])

        let sessions = try await manager.ask("GET", "/sessions")
        let row = try #require(sessions["sessions"]?[0]?.object)
        #expect(
            row.keys == [
                "tenant", "module", "conversation_id", "authenticated", "auth_pending", "auth_pending_since",
                "auth_completed_at", "connected", "created_at", "last_used", "last_health_check", "stuck",
                "stuck_reason",
            ])
        #expect(row["connected"] == true && row["stuck"] == false && row["stuck_reason"] == .null)
        #expect(
            try await manager.ask("POST", "/disconnect", contoso).body == StandInHome.golden("manager_disconnect"))
        #expect(try await manager.ask("GET", "/sessions").body == ["sessions": []])
        await place.home.services.close()
    }

    @Test("errors that didn't end a command are returned, other output beside them isn't")
    func errorsBesideResult() async throws {
        let place = try StandInHome()
        try place.approve()
        let manager = PwshManagerRoutes(place.manager())
        _ = try await manager.ask("POST", "/login", contoso)
        _ = try await manager.waitForSignIn(contoso)
        for (command, result) in [
            ("Write-Error oops", "ERROR: oops"), ("Write-Warning careful", "WARNING: careful\nOK"),
            ("Write-Host hi", "hi\nOK"), ("\"a\"; Write-Warning careful; Write-Error oops", "\"a\"\nERROR: oops"),
            ("Write-Warning careful; 5", "5"), ("$x = 1", "OK"),
        ] {
            let answer = try await manager.ask(
                "POST", "/run", ["tenant": "contoso.onmicrosoft.com", "command": .string(command)])
            #expect(answer.body == ["success": true, "result": .string(result)], "\(command)")
        }
        await place.home.services.close()
    }

    /// A network without an exit: PnP signs in at the sign-in service itself.
    private static let nowhere = ["https_proxy": "http://127.0.0.1:9"]

    @Test("a sign-in that needs a custom app says how a tenant outside the registry gets one")
    func impliedWithoutApp() async throws {
        // An app for all connections works for it too.
        let sharing = try StandInHome(extra: Self.nowhere)
        let shared = try await PwshManagerRoutes(sharing.manager()).ask(
            "POST", "/login", ["tenant": "elsewhere.example", "module": "pnp"])
        #expect(shared["result"]?.string?.contains("appId") == false, "\(shared.body)")
        await sharing.home.services.close()
        let place = try StandInHome(registry: #"{"connections": {}}"#)
        let manager = PwshManagerRoutes(place.manager())
        let refused = try await manager.ask("POST", "/login", ["tenant": "elsewhere.example", "module": "pnp"])
        #expect(refused.status == 200)
        #expect(refused["success"] == false && refused["auth_pending"] == false)
        let words = try #require(refused["result"]?.string)
        #expect(words.hasPrefix("ERROR: ") && words.contains("appId"))
        #expect(words.contains("mm connections add NAME --tenant elsewhere.example"), "\(words)")
        #expect(!words.contains("connections edit"), "\(words)")
        await place.home.services.close()
    }

    @Test("a PowerShell that ended while unused is reported, and the watchdog removes its session")
    func deadProcess() async throws {
        let place = try StandInHome()
        try place.approve()
        try place.allowStandIn()
        let sessions = place.manager()
        let manager = PwshManagerRoutes(sessions)
        _ = try await manager.ask("POST", "/login", contoso)
        _ = try await manager.waitForSignIn(contoso)
        let run = try await manager.ask(
            "POST", "/run",
            ["tenant": "contoso.onmicrosoft.com", "command": "Invoke-StandIn process"])
        guard let text = run["result"]?.string, let inner = Int32(text),
            let process = SessionProcess.here(inner, home: place.home.path)
        else {
            throw MMError(.internalError, "\(run.body)")
        }
        kill(process, SIGKILL)
        var status = try await manager.ask("POST", "/status", contoso)
        while status["connected"] == true {
            try await Task.sleep(for: .milliseconds(20))
            status = try await manager.ask("POST", "/status", contoso)
        }
        let row = try #require(try await manager.ask("GET", "/sessions")["sessions"]?[0])
        #expect(row["connected"] == false && row["stuck"] == true)
        #expect(row["stuck_reason"] == "process died unexpectedly")
        let early = try await manager.ask(
            "POST", "/run", ["tenant": "contoso.onmicrosoft.com", "command": "Get-Mailbox -ResultSize 1"])
        #expect(early.status == 401)
        await sessions.runMaintenancePass()
        #expect(try await manager.ask("GET", "/sessions").body == ["sessions": []])
        await place.home.services.close()
    }

    @Test("without a module every route uses exo")
    func standardModule() async throws {
        let place = try StandInHome()
        let manager = PwshManagerRoutes(place.manager())
        let tenant: JSONValue = ["tenant": "elsewhere.example"]
        #expect(try await manager.ask("POST", "/login", tenant)["success"] == true)
        #expect(try await manager.ask("POST", "/status", tenant)["module"] == "exo")
        #expect(try await manager.ask("POST", "/run", ["tenant": "elsewhere.example", "command": "x"]).status == 401)
        #expect(
            try await manager.ask("POST", "/kill", tenant).body == [
                "success": true, "killed": true, "message": "Force killed elsewhere.example:exo",
            ])
        #expect(
            try await manager.ask("POST", "/kill", tenant).body == [
                "success": true, "killed": false, "message": "No session for elsewhere.example:exo",
            ])
        #expect(
            try await manager.ask("POST", "/disconnect", tenant)["message"] == "Disconnected elsewhere.example:exo")
        await place.home.services.close()
    }

    @Test("a tenant outside the registry has its own connection, which isn't listed")
    func implied() async throws {
        let place = try StandInHome(account: "somebody@elsewhere.example")
        try place.approve()
        let manager = PwshManagerRoutes(place.manager())
        let tenant: JSONValue = ["tenant": "elsewhere.example", "conversation_id": "c0ffee00"]
        _ = try await manager.ask("POST", "/login", tenant)
        let status = try await manager.waitForSignIn(tenant)
        #expect(status["conversation_id"] == "c0ffee00")
        let run = try await manager.ask(
            "POST", "/run", ["tenant": "elsewhere.example", "command": "Get-Mailbox -ResultSize 1"])
        #expect(run["success"] == true, "\(run.body)")
        #expect(try place.home.services.registry.snapshot().names.contains("elsewhere.example") == false)
        #expect(throws: MMError.self) {
            try place.home.services.registry.snapshot().connection(named: "elsewhere.example", for: "mm")
        }
        #expect(try await place.pool().ask("GET", "/status")["sessions"] == [])
        await place.home.services.close()
    }

    @Test("aliases and SharePoint hosts come from the environment and from the registry")
    func tables() async throws {
        let place = try StandInHome()
        let settings = try TenantSettings(environment: [
            "PWSH_TENANT_ALIASES": "ga=Contoso-GA, far = far.example", "PWSH_SHAREPOINT_TENANTS": "far.example=farltd",
            "PWSH_AUTH_TIMEOUT": "10", "PWSH_IDLE_TIMEOUT": "20", "PWSH_STUCK_TIMEOUT": "30",
            "PWSH_WATCHDOG_INTERVAL": "40",
        ])
        let sessions = place.manager(settings)
        let manager = PwshManagerRoutes(sessions)
        #expect(try await manager.ask("POST", "/login", ["tenant": "GA"])["device_code"] != nil)
        #expect(
            await place.home.services.sessions.state(of: SessionKey(connection: "Contoso-GA", module: "exo")) != nil)
        #expect(try await manager.ask("POST", "/login", ["tenant": "far", "module": "azure"])["device_code"] != nil)
        let far = SessionKey(connection: "far.example", module: "azure")
        #expect(await place.home.services.sessions.state(of: far) != nil)
        let connection = try place.home.services.registry.snapshot().connection(named: "far.example")
        #expect(connection.sharepointHost == "farltd")
        #expect(
            try await manager.ask("GET", "/watchdog")["config"] == [
                "interval_seconds": 40, "auth_pending_timeout": 10, "idle_session_timeout": 20,
                "stuck_process_timeout": 30,
            ])
        await place.home.services.close()
    }

    @Test("a registered tenant's SharePoint host is that of its entry, else the caller's, else that of the tables")
    func registeredHosts() async throws {
        let place = try StandInHome(
            registry: """
                {"connections": {
                    "Far": {"tenant": "far.example", "appId": "11111111-2222-3333-4444-555555555555"},
                    "Near": {"tenant": "near.example", "appId": "11111111-2222-3333-4444-555555555555"},
                    "Own": {"tenant": "own.example", "appId": "11111111-2222-3333-4444-555555555555",
                        "sharepoint_host": "ownltd"}
                 }, "_sharepointTenants": {"near.example": "nearltd", "own.example": "wrong"}}
                """, extra: Self.nowhere)
        let settings = try TenantSettings(environment: ["PWSH_SHAREPOINT_TENANTS": "far.example=farltd"])
        let manager = PwshManagerRoutes(place.manager(settings))
        func host(_ name: String) throws -> String? {
            try place.home.services.registry.snapshot().connection(named: name).sharepointHost
        }
        func login(_ tenant: String, _ host: String? = nil) async throws -> RouteAnswer {
            var body: JSONObject = ["tenant": .string(tenant), "module": "pnp"]
            body["sharepoint_tenant"] = host.map { .string($0) }
            return try await manager.ask("POST", "/login", .object(body))
        }
        _ = try await login("far.example")
        #expect(try host("Far") == "farltd")
        _ = try await login("Near")
        #expect(try host("Near") == "nearltd")
        _ = try await login("own.example")
        #expect(try host("Own") == "ownltd")
        // Another host replaces the one that was signed in to, like another account.
        _ = try await login("Near", "elsewhere")
        #expect(try host("Near") == "elsewhere")
        // The message of the sign-in stays.
        _ = try await manager.ask("POST", "/status", ["tenant": "near.example", "module": "pnp"])
        #expect(try host("Near") == "elsewhere")
        let refused = try await login("Own", "elsewhere")
        #expect(refused.status == 400 && refused["error"]?.string?.contains("ownltd") == true, "\(refused.body)")
        #expect(try await login("Far", "no.label").status == 400)
        await place.home.services.close()
    }

    @Test("a session with several names is listed once, and ending it by one name ends it for all")
    func severalNames() async throws {
        let place = try StandInHome(
            registry: #"{"connections": {"One": {"tenant": "far.example"}}, "_tenantAliases": {"f": "far.example"}}"#)
        let manager = PwshManagerRoutes(place.manager())
        for name in ["One", "far.example", "f"] {
            _ = try await manager.ask("POST", "/login", ["tenant": .string(name), "module": "azure"])
        }
        #expect(try await manager.ask("GET", "/sessions")["sessions"]?.array?.count == 1)
        _ = try await manager.ask("POST", "/disconnect", ["tenant": "far.example", "module": "azure"])
        #expect(try await manager.ask("GET", "/sessions")["sessions"] == [])
        await place.home.services.close()
    }

    @Test("an account's number chooses among a registered tenant's entries, and has no effect if there is one")
    func registeredAccounts() async throws {
        let place = try StandInHome(
            registry: """
                {"connections": {
                    "One": {"tenant": "far.example"}, "Two": {"tenant": "far.example"},
                    "Only": {"tenant": "near.example", "expectedEmail": "ann@near.example"}}}
                """)
        let manager = PwshManagerRoutes(place.manager())
        let second = try await manager.ask(
            "POST", "/login", ["tenant": "far.example", "module": "azure", "account": "2"])
        #expect(second["auth_pending"] == true, "\(second.body)")
        #expect(await place.home.services.sessions.reports().map(\.key.connection) == ["Two"])
        let refused = try await manager.ask(
            "POST", "/login", ["tenant": "near.example", "module": "azure", "account": "2"])
        #expect(refused.status == 400)
        #expect(refused["error"]?.string?.contains("mm connections add") == true, "\(refused.body)")
        await place.home.services.close()
    }

    @Test("another Azure account replaces the previous one, with its own home")
    func accounts() async throws {
        let place = try StandInHome()
        let manager = PwshManagerRoutes(place.manager())
        _ = try await manager.ask("POST", "/login", ["tenant": "far.example", "module": "azure"])
        _ = try await manager.ask("POST", "/login", ["tenant": "far.example", "module": "azure", "account": "2"])
        let keys = await place.home.services.sessions.reports().map(\.key.connection)
        #expect(keys == ["far.example (account 2)"])
        #expect(try await manager.ask("GET", "/sessions")["sessions"]?.array?.count == 1)
        await place.home.services.close()
    }

    @Test("wrong requests are 400")
    func wrong() async throws {
        let manager = PwshManagerRoutes(try StandInHome().manager())
        for path in ["/login", "/status", "/run", "/disconnect", "/kill"] {
            let answer = try await manager.ask("POST", path, [:])
            #expect(answer.status == 400)
            #expect(answer["error"] == "tenant is required")
            #expect(answer["success"] == false)
        }
        let tenant: JSONValue = ["tenant": "x.example"]
        #expect(try await manager.ask("POST", "/run", tenant)["error"] == "command is required")
        let module = try await manager.ask("POST", "/login", ["tenant": "x.example", "module": "xyz"])
        #expect(module.status == 400 && module["error"] == "Unknown module: xyz")
        for name in ["no tenant", "x", "-a.example", "a..b", "../x", "x.example;ls"] {
            #expect(try await manager.ask("POST", "/login", ["tenant": .string(name)]).status == 400, "\(name)")
        }
        #expect(
            try await manager.ask("POST", "/login", ["tenant": "x.example", "module": "azure", "account": "x"]).status
                == 400)
        #expect(try await manager.ask("GET", "/login").status == 405)
        #expect(throws: MMError.self) { try TenantSettings(environment: ["PWSH_IDLE_TIMEOUT": "-1"]) }
        #expect(throws: MMError.self) { try TenantSettings(environment: ["PWSH_MANAGER_PORT": "x"]) }
        #expect(try TenantSettings(environment: ["PWSH_MANAGER_PORT": "5150"]).port == 5150)
    }

    @Test("the watchdog ends abandoned sign-ins and idle sessions")
    func watchdog() async throws {
        let place = try StandInHome()
        let time = Mutex(Duration.zero)
        let clock = PoolClock(now: { time.withLock { $0 } }, wall: .system)
        let sessions = place.manager(clock: clock)
        let manager = PwshManagerRoutes(sessions)
        _ = try await manager.ask("POST", "/login", contoso)
        time.withLock { $0 = .seconds(299) }
        await sessions.runMaintenancePass()
        #expect(try await manager.ask("GET", "/sessions")["sessions"]?.array?.count == 1)
        time.withLock { $0 = .seconds(301) }
        let stuck = try await manager.ask("GET", "/sessions")
        #expect(stuck["sessions"]?[0]?["stuck_reason"] == "auth_pending for 301s (limit: 300s)")
        await sessions.runMaintenancePass()
        #expect(try await manager.ask("GET", "/sessions").body == ["sessions": []])
        #expect(await place.home.services.sessions.reports().isEmpty)

        try place.approve()
        _ = try await manager.ask("POST", "/login", contoso)
        _ = try await manager.waitForSignIn(contoso)
        time.withLock { $0 += .seconds(3599) }
        await sessions.runMaintenancePass()
        #expect(try await manager.ask("POST", "/status", contoso)["connected"] == true)
        time.withLock { $0 += .seconds(3700) }
        await sessions.runMaintenancePass()
        #expect(await place.home.services.sessions.reports().isEmpty)
        await place.home.services.close()
    }

    /// Answers each command with a list that is still being fetched.
    private struct Lister: OperationService {
        let failure: MMError?
        let catalogue = Catalogue.standard

        func call(
            _ operation: AnyOperation, _ arguments: JSONObject, in context: CallContext
        ) async throws(MMError) -> OperationAnswer {
            let batches = Mutex<[[ArraySlice<UInt8>]]>([[Array("1".utf8)[...]], [Array("2".utf8)[...]]])
            let end = AnswerEnd(notes: ["WARNING: slow", "ERROR: one is missing"])
            return OperationAnswer(
                .items(
                    ItemStream(end: { end }) { () async throws(MMError) in
                        let batch = batches.withLock { $0.isEmpty ? nil : $0.removeFirst() }
                        if batch == nil, let failure { throw failure }
                        return batch
                    }))
        }

        func forget(_ client: CallContext) async {}
    }

    @Test(
        "a long list is answered whole, also when it fails on the way",
        arguments: [
            (nil, true, "[\n  1,\n  2\n]\nERROR: one is missing"),
            (MMError(.remoteFailed, "The service failed."), false, "1\n2\nThe service failed."),
        ] as [(MMError?, Bool, String)])
    func longList(failure: MMError?, succeeds: Bool, result: String) async throws {
        let place = try StandInHome()
        try place.approve()
        let sessions = TenantSessions(service: Lister(failure: failure), services: place.home.services)
        let manager = PwshManagerRoutes(sessions)
        _ = try await manager.ask("POST", "/login", contoso)
        _ = try await manager.waitForSignIn(contoso)
        var body = try #require(contoso.object)
        body["command"] = "Get-Mailbox -ResultSize Unlimited"
        let answer = try await manager.ask("POST", "/run", .object(body))
        #expect(answer["success"] == .bool(succeeds))
        #expect(answer["result"] == .string(result))
        await place.home.services.close()
    }

    @Test("a session that other programs use isn't idle")
    func usedElsewhere() async throws {
        let place = try StandInHome()
        let time = Mutex(Duration.zero)
        let clock = PoolClock(now: { time.withLock { $0 } }, wall: .system)
        let sessions = place.manager(clock: clock)
        let manager = PwshManagerRoutes(sessions)
        try place.approve()
        _ = try await manager.ask("POST", "/login", contoso)
        _ = try await manager.waitForSignIn(contoso)
        let pool = place.home.services.sessions
        let key = try #require(await pool.reports().first?.key)
        for _ in 1...2 {
            time.withLock { $0 += .seconds(3000) }
            try await pool.withSession(key) { (_) async throws(MMError) in }
            await sessions.runMaintenancePass()
            #expect(await pool.reports().map(\.key) == [key])
        }
        time.withLock { $0 += .seconds(3700) }
        await sessions.runMaintenancePass()
        #expect(await pool.reports().isEmpty)
        await place.home.services.close()
    }

    @Test(
        "every module with its own code signs in", arguments: ["exo", "azure", "teams", "powerplatform"])
    func modules(module: String) async throws {
        let place = try StandInHome()
        try place.approve()
        let manager = PwshManagerRoutes(place.manager())
        let tenant: JSONValue = ["tenant": "Contoso-GA", "module": .string(module)]
        let login = try await manager.ask("POST", "/login", tenant)
        #expect(login["success"] == true, "\(login.body)")
        _ = try await manager.waitForSignIn(tenant)
        await place.home.services.close()
    }
}
