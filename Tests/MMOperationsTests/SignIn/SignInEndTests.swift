import MMCore
import MMDesk
import MMSandbox
import MMSessions
import MMSystem
import Testing

@testable import MMOperations

/// How a sign-in may end while a session uses it.
enum SignInEnding: String, CaseIterable, Sendable, CustomTestStringConvertible {
    /// The service ends all tokens: 401, and AADSTS50173 at a renewal.
    case revoked
    /// The service wants a token with other claims.
    case challenged
    /// The access token alone is refused, once.
    case refusedOnce
    /// A renewal wants another step of the person.
    case stepUp

    var testDescription: String { rawValue }

    /// Whether a person has to sign in again.
    var needsPerson: Bool { self == .revoked || self == .stepUp }

    func faults(at path: String) -> [JSONObject] {
        switch self {
        case .revoked: [["kind": "revoked"]]
        case .challenged: [["kind": "challenge", "path": .string(path)]]
        case .refusedOnce: [["kind": "expiredToken", "path": .string(path), "count": 1]]
        case .stepUp:
            [
                ["kind": "tokenError", "number": 50_076, "path": "*/oauth2/v2.0/token", "count": 1],
                ["kind": "expiredToken", "path": .string(path), "count": 1],
            ]
        }
    }
}

@Suite("A sign-in that ends", .timeLimit(.minutes(20)))
struct SignInEndTests {
    @Test(
        "of every module and way to sign in: one code where a person is needed, none where not, never stuck, never silent",
        arguments: SignInHome.commands.map(\.module), [true, false])
    func matrix(module: String, isFed: Bool) async throws {
        let path = try #require(SignInHome.commands.first { $0.module == module }?.path)
        for ending in SignInEnding.allCases {
            let home = try await SignInHome()
            let connection = isFed ? "Demo" : "Plain"
            if isFed { try await home.login() }
            let first = try await home.runSignedIn(module, on: connection)
            #expect(first.last.isAnswered, "\(first.last)")
            // The Power Platform's program takes no token: it always costs a code of its own.
            #expect(first.codes.count == (isFed && module != "powerplatform" ? 0 : 1))
            let before = try await home.signInRequests()
            for fault in ending.faults(at: path) { try await home.fault(fault) }

            let met = await home.run(module, on: connection)
            let asked = try await home.signInRequests()
            guard ending.needsPerson else {
                #expect(met.isAnswered, "\(ending): \(met)")
                #expect(asked.codes == before.codes && asked.token - before.token == 1, "\(ending)")
                await home.stop()
                continue
            }
            let code = try #require(met.code, "\(ending): \(met)")
            #expect(met.error?.code == .signInNeeded)
            #expect(met.error?.message.contains("AADSTS") == true, "\(met)")
            #expect(asked.codes - before.codes == 1, "\(ending)")
            // The same code again, at once.
            #expect(await home.run(module, on: connection).code == code)
            let rows = try await home.status(connection)
            let session = try #require(rows["\(connection)/\(module)"])
            #expect(session["state"] == "waiting for a person" && session["code"] == .string(code), "\(session)")
            try await home.approve(code)
            var last = await home.run(module, on: connection)
            // The service may not have been asked yet since the person approved.
            while last.code == code { last = await home.run(module, on: connection) }
            let again = (codes: [last.code].compactMap(\.self), last: last)
            #expect(again.last.isAnswered && again.codes.isEmpty, "\(ending): \(again)")
            await home.stop()
        }
    }

    @Test(
        "doesn't end while its account is disabled: nobody is asked for a code, and all works again once it is enabled",
        arguments: ["azure", "graph"], [true, false])
    func disabled(module: String, isFed: Bool) async throws {
        let path = try #require(SignInHome.commands.first { $0.module == module }?.path)
        let home = try await SignInHome()
        let connection = isFed ? "Demo" : "Plain"
        if isFed { try await home.login() }
        let first = try await home.runSignedIn(module, on: connection)
        #expect(first.last.isAnswered, "\(first.last)")
        let before = try await home.signInRequests()
        try await home.fault(["kind": "tokenError", "number": 50_057, "path": "*/oauth2/v2.0/token"])
        try await home.fault(["kind": "expiredToken", "path": .string(path)])
        for _ in 0..<2 {
            let met = await home.run(module, on: connection)
            #expect(met.error?.code == .forbidden && met.code == nil, "\(met)")
            #expect(met.error?.message.contains("AADSTS50057") == true, "\(met)")
        }
        try await home.clearFaults()
        let last = await home.run(module, on: connection)
        #expect(last.isAnswered, "\(last)")
        #expect(try await home.signInRequests().codes == before.codes)
        await home.stop()
    }

    @Test("is one row of the status, not one for each service that shares it")
    func oneRow() async throws {
        let home = try await SignInHome()
        try await home.login()
        try await home.fault(["kind": "revoked"])
        let code = try #require(await home.call("graph_request", ["connection": "Demo", "endpoint": "/me"]).code)
        let rows = try await home.status()
        #expect(rows["Demo/graph-api"]?["code"] == .string(code) && rows["Demo/flow-api"] == nil, "\(rows)")
        await home.stop()
    }

    @Test("isn't needed where only modules sign in: the status says so, and shows their sessions")
    func modulesAlone() async throws {
        let home = try await SignInHome()
        let ran = try await home.runSignedIn("azure", on: "Plain")
        #expect(ran.last.isAnswered, "\(ran.last)")
        let rows = try await home.status("Plain")
        #expect(rows["Plain/graph-api"]?["state"] == "its modules sign in", "\(rows)")
        #expect(rows["Plain/azure"]?["state"] == "ready", "\(rows)")
        await home.stop()
    }

    @Test("begins with the code that a module shows: the status and the doctor show the same one")
    func codeOfModule() async throws {
        let home = try await SignInHome(engine: "native")
        let code = try #require(await home.run("exo", on: "Demo").code)
        let rows = try await home.status()
        #expect(rows["Demo/graph-api"]?["code"] == .string(code) && rows["Demo/flow-api"] == nil, "\(rows)")
        var report = DoctorReport()
        _ = await ConnectionChecks(services: home.service.services, isOffline: true).examine(into: &report)
        let row = try #require(report.rows.first { $0.name == "sign-in Demo" })
        #expect(row.remedy?.contains(code) == true, "\(row)")
        await home.stop()
    }

    @Test(
        "that a module's code was to begin isn't asked for any more once the connection itself is signed in",
        arguments: ["azure", "teams", "graph"])
    func loginMeanwhile(module: String) async throws {
        let home = try await SignInHome()
        let code = try #require(await home.run(module).code)
        let codes = try await home.login()
        #expect(!codes.isEmpty && !codes.contains(code))
        let ran = await home.run(module)
        #expect(ran.isAnswered, "\(ran)")
        await home.stop()
    }

    @Test(
        "of a token that the service refuses when its module connects: one code of the connection's, and nothing twice",
        arguments: SignInHome.commands.map(\.module).filter { $0 != "powerplatform" })
    func atConnect(module: String) async throws {
        for ending in SignInEnding.allCases { try await atConnect(module, ending) }
    }

    private func atConnect(_ module: String, _ ending: SignInEnding) async throws {
        let path = try #require(SignInHome.commands.first { $0.module == module }?.path)
        let home = try await SignInHome()
        try await home.login()
        // Each service has given its token before: nothing is known of the end but by its refusal.
        let once = try await home.runSignedIn(module)
        #expect(once.last.isAnswered, "\(once)")
        _ = await home.call("reset", ["connection": "Demo"])
        let before = try await home.signInRequests()
        for fault in ending.faults(at: path) { try await home.fault(fault) }
        let met = try await home.runSignedIn(module)
        #expect(met.last.isAnswered, "\(ending): \(met)")
        let asked = try await home.signInRequests()
        #expect(met.codes.count == (ending.needsPerson ? 1 : 0) && asked.codes - before.codes == met.codes.count)
        if case .answered(let answer) = met.last {
            #expect(!answer.notes.contains { $0.contains("did not take") }, "\(answer.notes)")
        }
        await home.stop()
    }

    @Test(
        "of an app is made anew by itself, once, whatever becomes of its token",
        arguments: ["exo", "azure", "teams", "pnp", "graph"])
    func app(module: String) async throws {
        for connection in SignInHome.apps { try await app(module, connection) }
    }

    private func app(_ module: String, _ connection: String) async throws {
        let path = try #require(SignInHome.commands.first { $0.module == module }?.path)
        let home = try await SignInHome()
        let first = await home.run(module, on: connection)
        #expect(first.isAnswered, "\(connection): \(first)")
        // A machine's own identity takes no claims.
        for ending in connection == "Managed" ? [SignInEnding.refusedOnce] : [.refusedOnce, .challenged] {
            let before = try await home.signInRequests()
            for fault in ending.faults(at: path) { try await home.fault(fault) }
            let met = await home.run(module, on: connection)
            let asked = try await home.signInRequests()
            try await home.clearFaults()
            #expect(met.isAnswered, "\(connection) \(ending): \(met)")
            #expect(
                asked.codes == before.codes && asked.token - before.token == 1,
                "\(connection) \(ending): \(asked) \(before)")
        }
        await home.stop()
    }

    @Test(
        "of an app whose credential the service takes no more is told with its number and what helps, never with a code",
        arguments: ["exo", "azure", "teams", "pnp", "graph"])
    func appOver(module: String) async throws {
        for connection in ["Nightly", "Certified", "Federated"] { try await appOver(module, connection) }
    }

    private func appOver(_ module: String, _ connection: String) async throws {
        let path = try #require(SignInHome.commands.first { $0.module == module }?.path)
        let home = try await SignInHome()
        #expect(await home.run(module, on: connection).isAnswered)
        try await home.fault(["kind": "tokenError", "number": 7_000_222, "path": "*/oauth2/v2.0/token"])
        try await home.fault(["kind": "expiredToken", "path": .string(path)])
        for _ in 0..<2 {
            let met = await home.run(module, on: connection)
            let error = try #require(met.error, "\(met)")
            #expect(error.message.contains("AADSTS7000222") && error.hint?.isEmpty == false, "\(error)")
            #expect(met.code == nil && error.code != .signInNeeded, "\(error)")
        }
        let row = try #require(try await home.status(connection)["\(connection)/\(module)"], "silent")
        #expect(row["state"] != "ready", "\(row)")
        try await home.clearFaults()
        let mended = await home.run(module, on: connection)
        #expect(mended.isAnswered, "\(mended)")
        await home.stop()
    }

    @Test(
        "of a service that requests go to: one code where a person is needed, none where not",
        arguments: [
            ("graph", "/me", "/v1.0/me"), ("azure", "/subscriptions?api-version=2022-12-01", "/subscriptions"),
            (
                "flow", "/providers/Microsoft.ProcessSimple/environments?api-version=2016-11-01",
                "/providers/Microsoft.ProcessSimple"
            ),
        ], SignInEnding.allCases)
    func requests(_ of: (service: String, endpoint: String, path: String), ending: SignInEnding) async throws {
        let home = try await SignInHome()
        try await home.login()
        let ask: JSONObject = [
            "connection": "Demo", "resource": .string(of.service), "endpoint": .string(of.endpoint),
        ]
        let first = await home.call("graph_request", ask)
        #expect(first.isAnswered, "\(first)")
        let before = try await home.signInRequests()
        for fault in ending.faults(at: of.path) { try await home.fault(fault) }
        let met = await home.call("graph_request", ask)
        let asked = try await home.signInRequests()
        if ending.needsPerson {
            let code = try #require(met.code, "\(met)")
            #expect(met.error?.message.contains("AADSTS") == true && asked.codes - before.codes == 1, "\(met)")
            #expect(await home.call("graph_request", ask).code == code)
            try await home.approve(code)
            var last = await home.call("graph_request", ask)
            while last.code == code { last = await home.call("graph_request", ask) }
            #expect(last.isAnswered, "\(last)")
        } else {
            #expect(met.isAnswered && asked.codes == before.codes && asked.token - before.token == 1, "\(met)")
        }
        await home.stop()
    }

    @Test("of a browser's is told with the command that opens one, again and again, and never with a code")
    func browser() async throws {
        let home = try await SignInHome()
        try await home.signIn("Browsing")
        let modules = ["azure", "graph", "teams", "exo", "pnp"]
        for module in modules { #expect(await home.run(module, on: "Browsing").isAnswered, "\(module)") }
        let before = try await home.signInRequests()
        try await home.fault(["kind": "revoked"])
        for module in modules + modules {
            let error = try #require(await home.run(module, on: "Browsing").error, "\(module)")
            #expect(error.code == .signInNeeded && error.details["userCode"] == nil, "\(module): \(error)")
            #expect(error.message.contains("AADSTS50173"), "\(module): \(error)")
            #expect(error.hint?.contains("mm login Browsing") == true, "\(module): \(error)")
            let row = try #require(try await home.status("Browsing")["Browsing/\(module)"])
            #expect(row["state"] == "sign-in needed", "\(row)")
        }
        #expect(try await home.signInRequests().codes == before.codes)
        try await home.signIn("Browsing")
        for module in modules { #expect(await home.run(module, on: "Browsing").isAnswered, "\(module)") }
        await home.stop()
    }

    @Test(
        "a session that reaches the network by itself has what the person says of the way there, and nothing else of theirs"
    )
    func open() async throws {
        let theirs = ["SSL_CERT_DIR": "/etc/ssl/certs", "NO_PROXY": "a.example"]
        let home = try await SignInHome(surroundings: theirs.merging(["AWS_SECRET_ACCESS_KEY": "x"]) { $1 })
        try await home.login("Open")
        #expect(await home.run("azure", on: "Open").isAnswered)
        let key = SessionKey(connection: "Open", module: "azure")
        let session = try #require(await home.service.services.sessions.current(key))
        guard case .powerShell(let powerShell) = session.runner else { return #expect(Bool(false)) }
        let process = try #require(await powerShell.processID)
        let bytes = ProcFile.read("/proc/\(process)/environ", limit: 1 << 20) ?? []
        let seen = Set(String(decoding: bytes, as: UTF8.self).split(separator: "\0").map(String.init))
        #expect(seen.isSuperset(of: theirs.map { "\($0.key)=\($0.value)" }), "\(seen)")
        #expect(!seen.contains { $0.hasPrefix("AWS_SECRET") })
        await home.stop()
    }

    @Test("a look at Exchange's session that meets a fault of the service ends nothing")
    func brokenLook() async throws {
        let home = try await SignInHome()
        let first = try await home.runSignedIn("exo", on: "Plain")
        #expect(first.last.isAnswered, "\(first.last)")
        let set = await home.run("exo", on: "Plain", "$kept = 7")
        #expect(set.isAnswered, "\(set)")
        let before = try await home.signInRequests()
        try await home.fault(["kind": "status", "status": 503, "path": "*/basicinfo*"])
        let key = SessionKey(connection: "Plain", module: "exo")
        let session = try #require(await home.service.services.sessions.current(key))
        try await session.checkHealth()
        let state = await home.run("exo", on: "Plain", "(Get-ConnectionInformation).State")
        guard case .answered(let answer) = state else { return #expect(Bool(false), "\(state)") }
        #expect("\(answer.body)".contains("Broken"), "\(answer)")
        let kept = await home.run("exo", on: "Plain", "\"kept $kept\"")
        guard case .answered(let answer) = kept else { return #expect(Bool(false), "\(kept)") }
        #expect("\(answer.body)".contains("kept 7"), "\(answer)")
        #expect(try await home.signInRequests().codes == before.codes)
        await home.stop()
    }

    @Test("everywhere at once: status, login, sessions that nobody used meanwhile; and a new sign-in mends all of them")
    func everywhere() async throws {
        let home = try await SignInHome()
        try await home.login()
        for module in ["azure", "graph"] { #expect(await home.run(module).isAnswered) }
        try await home.fault(["kind": "revoked"])
        let asked = await home.call("graph_request", ["connection": "Demo", "endpoint": "/me"])
        #expect(asked.error?.code == .signInNeeded)
        let rows = try await home.status()
        #expect(rows["Demo/graph-api"]?["state"] == "waiting for a person")
        for module in ["azure", "graph"] {
            let row = try #require(rows["Demo/\(module)"])
            #expect(row["state"] == "sign-in needed", "\(row)")
            #expect(row["reason"]?.string?.contains("AADSTS50173") == true)
        }
        let codes = try await home.login()
        #expect(codes == [asked.code].compactMap(\.self))
        for module in ["azure", "graph"] { #expect(await home.run(module).isAnswered) }
        #expect(try await home.status()["Demo/graph-api"]?["state"] == "signed in")
        await home.stop()
    }

    @Test("a reset doesn't feed a refused token again")
    func reset() async throws {
        let home = try await SignInHome()
        try await home.login()
        #expect(await home.run("azure").isAnswered)
        try await home.fault(["kind": "revoked"])
        let met = await home.run("azure")
        #expect(met.code != nil)
        #expect(await home.call("reset", ["connection": "Demo"]).isAnswered)
        let again = await home.run("azure")
        #expect(again.code == met.code, "\(again)")
        await home.stop()
    }

    @Test("many requests that are refused at once cost one renewal")
    func oneRenewal() async throws {
        let home = try await SignInHome()
        try await home.login()
        #expect(await home.run("azure").isAnswered)
        try await home.fault(["kind": "revoked"])
        let before = try await home.signInRequests()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    _ = await home.call("graph_request", ["connection": "Demo", "endpoint": "/me"])
                }
            }
        }
        let after = try await home.signInRequests()
        // The renewal, and polls of the one code.
        #expect(after.codes - before.codes == 1)
        await home.stop()
    }

    @Test(
        "what failed after the person's part is told once, with cause and remedy", arguments: [53_003, 50_105, 530_003])
    func refusedByPolicy(number: Int) async throws {
        let home = try await SignInHome()
        let shown = await home.run("azure", on: "Plain")
        let code = try #require(shown.code)
        try await home.fault([
            "kind": "tokenError", "number": .int(Int64(number)), "path": "*/oauth2/v2.0/token", "skip": 0, "count": 1,
        ])
        try await home.approve(code)
        var told: SignInHome.Outcome
        repeat { told = await home.run("azure", on: "Plain") } while told.code == code
        let error = try #require(told.error)
        #expect(error.code == .forbidden && error.message.contains("AADSTS\(number)"), "\(error)")
        #expect(error.hint?.isEmpty == false)
        if number != 50_105 { #expect(error.hint?.contains("--browser") == true, "\(error)") }
        // Once: then there is another code.
        let next = await home.run("azure", on: "Plain")
        #expect(next.code != nil && next.code != code)
        await home.stop()
    }

    @Test("a declined code is told, and so is one that ran out, that one with the next code")
    func declined() async throws {
        let home = try await SignInHome()
        let first = try #require(await home.run("azure", on: "Plain").code)
        try await home.approve(first, decision: "decline")
        var told: SignInHome.Outcome
        repeat { told = await home.run("azure", on: "Plain") } while told.code == first
        #expect(told.error?.code == .forbidden && told.code == nil, "\(told)")
        #expect(told.error?.message.contains("declined") == true, "\(told)")
        // The connection has no app that mm login could sign in.
        let hint = try #require(told.error?.hint)
        #expect(hint.contains("The next call shows a new code.") && !hint.contains("mm login"), "\(hint)")
        let second = try #require(await home.run("azure", on: "Plain").code)
        try await home.fault(["kind": "expiredCode", "path": "*/oauth2/v2.0/token", "count": 1])
        var next: SignInHome.Outcome
        repeat { next = await home.run("azure", on: "Plain") } while next.code == second
        #expect(next.code != nil && next.error?.message.contains("AADSTS70020") == true, "\(next)")
        await home.stop()
    }

    @Test("a session that a module's own code signed in comes back after a restart of the pool, and asks nobody")
    func restored() async throws {
        let home = try await SignInHome()
        let first = try await home.runSignedIn("azure", on: "Plain")
        #expect(first.last.isAnswered)
        home.service.services.restorer.prepare()
        await home.service.services.restorer.finish()
        await home.service.services.close()
        let next = try await SignInHome(after: home)
        let before = try await next.signInRequests()
        next.service.services.restorer.prepare()
        await next.service.services.restorer.restore()
        #expect(try await next.status("Plain")["Plain/azure"]?["state"] == "ready")
        #expect(await next.run("azure", on: "Plain").isAnswered)
        #expect(try await next.signInRequests().codes == before.codes)
        await next.stop()
    }

    @Test(
        "a module's own sign-in that is refused for now names the command that replaces it",
        arguments: [53_003, 50_057])
    func refusedRenewal(number: Int) async throws {
        let home = try await SignInHome()
        #expect(try await home.runSignedIn("exo", on: "Plain").last.isAnswered)
        _ = await home.call("disconnect", ["connection": "Plain"])
        try await home.fault(["kind": "tokenError", "number": .int(Int64(number)), "path": "*/oauth2/v2.0/token"])
        let refused = await home.run("exo", on: "Plain")
        #expect(refused.error?.code == .forbidden && refused.code == nil, "\(refused)")
        let hint = try #require(refused.error?.hint)
        #expect(hint.contains("mm logout Plain") && !hint.contains("mm login"), "\(hint)")
        try await home.clearFaults()
        #expect(await home.run("exo", on: "Plain").isAnswered)
        await home.stop()
    }

    @Test("after a restart no code is asked for until somebody calls, who gets it without a wait for nobody")
    func asksNobody() async throws {
        let home = try await SignInHome()
        #expect(try await home.runSignedIn("azure", on: "Plain").last.isAnswered)
        home.service.services.restorer.prepare()
        await home.service.services.restorer.finish()
        await home.service.services.close()
        try await home.fault(["kind": "revoked"])
        let next = try await SignInHome(after: home)
        let before = try await next.signInRequests()
        next.service.services.restorer.prepare()
        await next.service.services.restorer.restore()
        #expect(try await next.signInRequests().codes == before.codes)
        #expect(try await next.status("Plain")["Plain/azure"]?["state"] == "sign-in needed")
        let asked = await next.run("azure", on: "Plain")
        #expect(asked.code != nil)
        #expect(try await next.signInRequests().codes == before.codes + 1)
        await next.stop()
    }

    @Test("an app without consent for a module's service leaves the sign-in to the module, with the reason as a note")
    func consent() async throws {
        let home = try await SignInHome()
        try await home.login()
        try await home.fault(["kind": "refusedConsent", "resource": "arm"])
        let before = try await home.signInRequests()
        let asked = await home.run("azure")
        try #require(asked.code != nil, "\(asked)")
        // The request that fails is sent once; a poll may be among the rest.
        #expect(try await home.signInRequests().token - before.token <= 2)
        let ran = try await home.runSignedIn("azure")
        guard case .answered(let answer) = ran.last else {
            Issue.record("\(ran)")
            return
        }
        #expect(answer.notes.contains { $0.contains("Azure Service Management") && $0.contains("AADSTS65001") })
        await home.stop()
    }

    @Test("where no module can sign in by itself, the error names module, API, permission and moduleApps")
    func consentOfNative() async throws {
        let home = try await SignInHome(engine: "native")
        try await home.login()
        try await home.fault(["kind": "refusedConsent", "resource": "exchange"])
        let error = try #require(await home.run("exo").error)
        #expect(error.message.contains("Office 365 Exchange Online (Exchange.Manage)"), "\(error)")
        #expect(error.message.contains("exo") && error.hint?.contains("moduleApps.exo") == true)
        await home.stop()
    }
}
