import Glibc
import MMCore
import MMSandbox
import MMSessions
import MMSystem
import Testing

@testable import MMPowerShell

/// Tokens that are available, missing, or become unavailable.
final class TestFeed: TokenFeeding {
    private let state: Mutex<(answer: Answer, then: Answer?, asked: Int)>

    enum Answer: Sendable {
        case claims(TokenClaims, lasts: Duration)
        case none
        case fails(MMError)
    }

    /// A source that gives this, or this once and then another.
    init(_ answer: Answer, then: Answer? = nil) { state = Mutex((answer, then, 0)) }

    var asked: Int { state.withLock { $0.asked } }
    func change(_ answer: Answer) { state.withLock { $0.answer = answer } }

    func token(for resource: TokenResource) async throws(MMError) -> FedToken? {
        let answer = state.withLock { state in
            state.asked += 1
            defer { state.answer = state.then ?? state.answer }
            return state.answer
        }
        switch answer {
        case .none: return nil
        case .fails(let error): throw error
        case .claims(let claims, let lasts):
            return FedToken(resource, token: TestFeed.token(claims, for: resource), expiresAt: .now + lasts)
        }
    }

    /// A token in a realistic form.
    static func token(_ claims: TokenClaims, for resource: TokenResource) -> Secret {
        var body = JSONObject()
        body["aud"] =
            switch resource.service {
            case .teams: .string(TokenResource.teamsAudience)
            case .graph: "https://graph.microsoft.com"
            default: .string("https://\(resource).example")
            }
        body["upn"] = claims.account.map { .string($0) }
        body["oid"] = claims.objectID.map { .string($0) }
        body["tid"] = claims.tenantID.map { .string($0) }
        body["appid"] = claims.appID.map { .string($0) }
        if claims.isApp { body["idtyp"] = "app" }
        return Secret("e30.\(Base64.text(JSONWriter.bytes(.object(body)), alphabet: .url)).signature")
    }

    static let right = TokenClaims(
        account: "admin@contoso.example", objectID: "99999999-0000-0000-0000-000000000000",
        tenantID: "11111111-2222-3333-4444-555555555555")
}

/// Tokens that are available after a person has signed in.
final class PersonFeed: TokenFeeding {
    private let state: Mutex<(isApproved: Bool, asked: [String])>
    private let failure: MMError?

    init(_ failure: MMError? = nil) {
        state = Mutex((false, []))
        self.failure = failure
    }

    var asked: [String] { state.withLock { $0.asked } }
    func approve() { state.withLock { $0.isApproved = true } }

    func token(for resource: TokenResource) async throws(MMError) -> FedToken? {
        guard failure == nil, state.withLock({ $0.isApproved }) else { return nil }
        return FedToken(
            resource, token: TestFeed.token(TestFeed.right, for: resource), expiresAt: .now + .seconds(3600))
    }

    func signIn(
        for resource: TokenResource, show: @escaping @Sendable (DevicePrompt) async -> Void
    ) async throws(MMError) {
        state.withLock { $0.asked.append(resource.description) }
        await show(
            DevicePrompt(
                userCode: "POOLC0DE", verificationURI: "https://microsoft.com/devicelogin", message: "Enter POOLC0DE."))
        while !state.withLock({ $0.isApproved }) {
            guard (try? await Task.sleep(for: .milliseconds(5))) != nil else {
                throw MMError(.cancelled, "The sign-in was cancelled.")
            }
        }
        if let failure { throw failure }
    }
}

/// Tokens for everything except key vaults, whose API refuses the app.
struct WithoutVault: TokenFeeding {
    func token(for resource: TokenResource) async throws(MMError) -> FedToken? {
        guard resource.service != .keyVault else { throw MMError(.forbidden, "AADSTS65001: no consent") }
        return FedToken(
            resource, token: TestFeed.token(TestFeed.right, for: resource), expiresAt: .now + .seconds(3600))
    }
}

@Suite("PowerShell sessions", .timeLimit(.minutes(10)))
struct PowerShellSessionTests {
    private func session(
        _ module: String? = "exo", _ words: [String] = [], tokens: (any TokenFeeding)? = nil,
        change: (inout PowerShellSessionSettings) -> Void = { _ in }
    ) throws -> PowerShellSession {
        let profile = try module.map { try ModuleProfiles.named($0) }
        var settings = PowerShellSessionSettings(
            host: try StandIn.settings(words), profile: profile, target: try ProfileTests.target(), tokens: tokens)
        change(&settings)
        return PowerShellSession(settings)
    }

    private func run(
        _ session: PowerShellSession, _ script: String, within: Duration = .seconds(300)
    ) async throws(MMError) -> PowerShellAnswer {
        try await session.answer(PowerShellCommand(script), deadline: .after(within))
    }

    @Test("a plain session starts with its first command and keeps its process")
    func plain() async throws {
        let session = try session(nil)
        let first = try await run(session, "Invoke-StandIn process").values
        #expect(try await run(session, "Invoke-StandIn process").values == first)
        #expect(await session.report.phase == .ready)
        await session.close()
        let error = await #expect(throws: MMError.self) { try await run(session, "1") }
        #expect(error?.code == .cancelled)
    }

    @Test("a connection's session accepts cmdlets with arguments as data")
    func fewLines() async throws {
        let folder = try StandIn.folder()
        try ProtectedFile.replace(
            folder + "/registry.json",
            with: Array(#"{"connections":{"Contoso":{"tenant":"contoso.com"}}}"#.utf8))
        let environment = [
            "HOME": folder, "MM_CONNECTIONS": folder + "/registry.json", "MM_PWSH": try StandIn.program() + " pwsh",
            "XDG_RUNTIME_DIR": "/tmp",
        ]
        let session = try PowerShellSession(
            module: .exchangeOnline, connection: "Contoso",
            tokens: TestFeed(.claims(TestFeed.right, lasts: .seconds(3600))), environment: environment)
        var seen: [JSONValue] = []
        for try await record in try await session.run("Write-Output", ["InputObject": "$(1; 'not run')"]) {
            seen.append(record.value)
        }
        #expect(seen == ["$(1; 'not run')"])
        for name in ["Get-X; Remove-Y", "", "-x", "a b"] {
            let error = await #expect(throws: MMError.self) { try await session.run(name, [:]) }
            #expect(error?.code == .invalidInput)
        }
        var streams: [PowerShellRecord.Stream] = []
        for try await record in try await session.run("Get-NoSuchCmdlet") { streams.append(record.stream) }
        #expect(streams == [.error])
        await session.close()
        let unknown = #expect(throws: MMError.self) {
            try PowerShellSession(module: .teams, connection: "Contso", environment: environment)
        }
        let known = "\(unknown?.message ?? "") \(unknown?.hint ?? "")"
        #expect(known.contains("Contoso"))
    }

    @Test(
        "tokens are preferred: each module that accepts them signs in without a person",
        arguments: ["exo", "azure", "teams", "pnp", "graph"])
    func tokens(module: String) async throws {
        let session = try session(module, tokens: TestFeed(.claims(TestFeed.right, lasts: .seconds(3600))))
        let answer = try await run(session, "Write-Output here")
        #expect(answer.values == ["here"])
        let identity = try #require(await session.report.identity)
        #expect(identity.method == "token")
        #expect(identity.claims.account == "admin@contoso.example")
        #expect(identity.claims.objectID == TestFeed.right.objectID)
        try await session.checkHealth(deadline: .after(.seconds(300)))
        await session.close()
    }

    @Test(
        "without tokens each module's own code is shown at once, from any stream, and the same call later runs",
        arguments: ["exo", "azure", "teams", "powerplatform", "graph"], StandInOptions.PromptWay.allCases)
    func device(module: String, way: StandInOptions.PromptWay) async throws {
        let approval = try StandIn.folder() + "/approved"
        let session = try session(
            module, ["--prompt", way.rawValue, "--approve-when", approval], tokens: TestFeed(.none))
        let error = await #expect(throws: MMError.self) { try await run(session, "Write-Output here") }
        #expect(error?.code == .signInNeeded)
        #expect(error?.details["userCode"] == "FXK3T9QMB")
        #expect(error?.details["verificationUri"] == "https://microsoft.com/devicelogin")
        #expect(error?.details["account"] == "admin@contoso.example")
        #expect(error?.details["connection"] == "Contoso")
        #expect(error?.details["module"]?.string == module)
        #expect(error?.details["expiresAt"]?.string?.hasSuffix("Z") == true)
        // Meanwhile other callers get the same answer at once.
        let again = await #expect(throws: MMError.self) { try await run(session, "Write-Output here") }
        #expect(again?.details["userCode"] == "FXK3T9QMB")
        try ProtectedFile.replace(approval, with: [])
        try await until("the sign-in") { await session.report.phase == .ready }
        #expect(try await run(session, "Write-Output here").values == ["here"])
        await session.close()
    }

    @Test("connecting waits for the person and reports the code once")
    func connect() async throws {
        let session = try session("exo", ["--approve-after", "200"])
        let codes = Mutex<[String]>([])
        let identity = try await session.connect(deadline: .after(.seconds(300))) { error in
            codes.withLock { $0.append(error.details["userCode"]?.string ?? "") }
        }
        #expect(identity.name == "admin@contoso.example")
        #expect(codes.withLock { $0 } == ["FXK3T9QMB"])
        await session.close()
    }

    @Test("a declined sign-in is reported, also in the log, and the next call asks again")
    func declined() async throws {
        let folder = try StandIn.folder()
        let session = try session(
            "exo", ["--decline", "--approve-after", "100"],
            change: { $0.host.log = Log(LogSettings(path: folder + "/log")) })
        await #expect(throws: MMError.self) { try await run(session, "1") }
        let error = await #expect(throws: MMError.self) { try await session.connect(deadline: .after(.seconds(300))) }
        #expect(error?.message.contains("declined") == true)
        let log = String(decoding: ProcFile.read(folder + "/log", limit: 1 << 20) ?? [], as: UTF8.self)
        #expect(log.contains("The session could not be opened: ") && log.contains("declined"), "\(log)")
        let again = await #expect(throws: MMError.self) { try await run(session, "1") }
        #expect(again?.code == .signInNeeded)
        await session.close()
    }

    @Test(
        "a wrong account is signed out and named, and no command has run",
        arguments: ["exo", "azure", "teams", "graph"])
    func wrongAccount(module: String) async throws {
        let session = try session(module, ["--account", "eve@contoso.example", "--approve-after", "10"])
        let error = await #expect(throws: MMError.self) { try await session.connect(deadline: .after(.seconds(300))) }
        #expect(error?.code == .forbidden)
        #expect(error?.message.contains("eve@contoso.example") == true)
        #expect(await session.report.phase == .failed)
        #expect(await session.report.processID == nil)
        await session.close()
    }

    @Test("a wrong account's token is refused too")
    func wrongToken() async throws {
        var claims = TestFeed.right
        claims.account = "eve@contoso.example"
        claims.objectID = "8"
        let session = try session(tokens: TestFeed(.claims(claims, lasts: .seconds(3600))))
        let error = await #expect(throws: MMError.self) { try await run(session, "1") }
        #expect(error?.code == .forbidden)
        await session.close()
    }

    @Test("a missing module answers with the command that installs it", arguments: ["exo", "powerplatform"])
    func missing(module: String) async throws {
        let session = try session(module, ["--missing-module"])
        let error = await #expect(throws: MMError.self) { try await run(session, "1") }
        #expect(error?.code == .unavailable)
        #expect(error?.hint?.contains(try ModuleProfiles.named(module).requirement.installCommand) == true)
        await session.close()
    }

    @Test("a module that is too old is reported with both versions")
    func tooOld() async throws {
        let session = try session("azure", ["--module-version", "4.0.2"])
        let error = await #expect(throws: MMError.self) { try await run(session, "1") }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("4.0.2") == true && error?.message.contains("5.0.0") == true)
        #expect(error?.message.contains("too old") == true && error?.details["found"] == "4.0.2")
        #expect(error?.hint?.contains("Install-PSResource -Name Az.Accounts") == true)
        await session.close()
    }

    @Test(
        "a module without a usable code waits for the person to sign in to the connection, and then gets its token")
    func signedInByPool() async throws {
        let feed = PersonFeed()
        let session = try session("pnp", tokens: feed)
        let error = await #expect(throws: MMError.self) { try await run(session, "Write-Output here") }
        #expect(error?.code == .signInNeeded && error?.details["userCode"] == "POOLC0DE", "\(error)")
        #expect(error?.details["module"] == "pnp")
        #expect(await session.report.phase == .signingIn)
        feed.approve()
        try await until("the sign-in") { await session.report.phase == .ready }
        #expect(await session.report.identity?.method == "token")
        #expect(try await run(session, "Write-Output here").values == ["here"])
        #expect(feed.asked == ["https://contoso.sharepoint.com"])
        await session.close()
    }

    @Test(
        "if the pool's sign-in fails, so does the session, and no person is asked where that isn't allowed")
    func poolRefused() async throws {
        let feed = PersonFeed(MMError(.forbidden, "eve signed in, but the connection is for admin."))
        let session = try session("pnp", tokens: feed)
        feed.approve()
        let error = await #expect(throws: MMError.self) { try await session.connect(deadline: .after(.seconds(300))) }
        #expect(error?.code == .forbidden && error?.message.contains("eve") == true)
        await session.close()
        let app = try self.session("pnp", tokens: feed, change: { $0.mayAskPerson = false })
        let refused = await #expect(throws: MMError.self) { try await run(app, "1") }
        #expect(refused?.details["userCode"] == nil && feed.asked.count == 1)
        await app.close()
    }

    @Test("a token that only some cmdlets need is used if available, and its absence isn't an error")
    func optionalToken() async throws {
        let session = try session("azure", tokens: WithoutVault())
        #expect(try await run(session, "Write-Output here").values == ["here"])
        #expect(await session.report.identity?.method == "token")
        await session.close()
    }

    @Test("Azure's subscription can be selected by name, by id, piped and in a loop, and stays selected")
    func subscription() async throws {
        let feed = TestFeed(.claims(TestFeed.right, lasts: .seconds(3600)))
        let session = try session("azure", tokens: feed)
        _ = try await run(session, "Set-AzContext -Subscription 'Subscription 2'")
        #expect(try await run(session, "(Get-AzContext).Subscription.Name").values == ["Subscription 2"])
        _ = try await run(session, "Select-AzSubscription -SubscriptionId 00000000-0000-4000-8000-000000000003")
        #expect(try await run(session, "(Get-AzContext).Subscription.Name").values == ["Subscription 3"])
        let each = try await run(
            session,
            "foreach ($s in Get-AzSubscription) { Set-AzContext -SubscriptionId $s.Id | Out-Null; (Get-AzContext).Subscription.Name }"
        )
        #expect(each.values.count == 5 && each.values.last == "Subscription 5", "\(each)")
        let piped = try await run(
            session, "Get-AzSubscription | Where-Object Name -eq 'Subscription 4' | Set-AzContext")
        #expect(piped.values.count == 1, "\(piped)")
        #expect(try await run(session, "(Get-AzContext).Subscription.Name").values == ["Subscription 4"])
        await session.close()
    }

    @Test("the connection's subscription is part of the sign-in")
    func usualSubscription() throws {
        var target = try ProfileTests.target()
        target.subscription = "Contoso Test"
        for method in try ProfileTests.methods(of: AzureProfile()) {
            let command = try AzureProfile().connect(target, by: method)
            #expect(
                command.parameters["Subscription"] == "Contoso Test" && command.script.contains("$more.Subscription"))
        }
        target.subscription = nil
        #expect(try AzureProfile().connect(target, by: .device).parameters["Subscription"] == nil)
    }

    @Test("cmdlets of automatically loaded modules also work in constrained language")
    func constrainedModules() async throws {
        let feed = TestFeed(.claims(TestFeed.right, lasts: .seconds(3600)))
        let session = try session("azure", tokens: feed, change: { $0.isConstrained = true })
        let answer = try await run(session, "Get-AzResourceGroup")
        #expect(answer.values.count == 3, "\(answer)")
        await session.close()
    }

    @Test("an error of the sign-in service is reported; if it requires a person, a code is shown")
    func feedFails() async throws {
        let broken = try session(tokens: TestFeed(.fails(MMError(.unavailable, "the service is away"))))
        let error = await #expect(throws: MMError.self) { try await run(broken, "1") }
        #expect(error?.message == "the service is away")
        await broken.close()
        let session = try session(tokens: TestFeed(.fails(MMError(.signInNeeded, "somebody must"))))
        let asked = await #expect(throws: MMError.self) { try await run(session, "1") }
        #expect(asked?.details["userCode"] == "FXK3T9QMB")
        await session.close()
    }

    @Test("an app signs in with its certificate, and the account's address is ignored")
    func certificate() async throws {
        let session = try session(change: { $0.method = .certificate(path: "/c.pfx", password: Secret("p")) })
        _ = try await run(session, "Write-Output here")
        #expect(await session.report.identity?.method == "certificate")
        await session.close()
    }

    @Test("a lost process is reported to its caller; the session starts and signs in again, and the next command runs")
    func lost() async throws {
        let session = try session(tokens: TestFeed(.claims(TestFeed.right, lasts: .seconds(3600))))
        let first = try await run(session, "Invoke-StandIn process").values
        let dying = Task { try await run(session, "Invoke-StandIn die 3 1; Start-Sleep 1; Write-Output x") }
        try await until("the first one to run") {
            let report = await session.report
            return report.phase == .busy || report.losses > 0
        }
        let waiting = (0..<4).map { _ in Task { try await run(session, "Invoke-StandIn process") } }
        let error = await #expect(throws: MMError.self) { try await dying.value }
        #expect(error?.code == .sessionLost)
        for task in waiting {
            let values = try await task.value.values
            #expect(values.count == 1 && values != first)
        }
        let report = await session.report
        #expect(report.losses == 1)
        #expect(report.lossReason?.contains("PowerShell") == true)
        await session.close()
    }

    @Test("a process that is killed while idle is restarted automatically if no person is needed")
    func killedIdle() async throws {
        let session = try session(tokens: TestFeed(.claims(TestFeed.right, lasts: .seconds(3600))))
        _ = try await run(session, "1")
        let process = try #require(await session.report.processID)
        kill(process, SIGKILL)
        try await until("a new process") {
            let report = await session.report
            return report.phase == .ready && report.processID != process
        }
        #expect(try await run(session, "Write-Output here").values == ["here"])
        await session.close()
    }

    @Test("a command that had not been sent when the process died is sent to the next one")
    func retried() async throws {
        let session = try session(nil)
        for _ in 0..<10 {
            _ = try await run(session, "1")
            let process = try #require(await session.report.processID)
            kill(process, SIGKILL)
            // Too large for the socket's buffer, so it is being sent while the process dies.
            let script = "Write-Output here\n" + String(repeating: "# filling\n", count: 200_000)
            do {
                #expect(try await run(session, script).values == ["here"])
            } catch {
                // All of it may have been in the socket of a process that was already dead.
                #expect(error.code == .sessionLost)
            }
        }
        await session.close()
    }

    @Test("two simultaneous callers get their own answers, in order")
    func together() async throws {
        let session = try session(nil)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<20 {
                group.addTask {
                    for round in 0..<10 {
                        let text = "caller \(caller) round \(round)"
                        let answer = try await self.run(
                            session, "Write-Output '\(text)'; Invoke-StandIn console '\(text)'")
                        #expect(answer.values == [.string(text)])
                        #expect(answer.console == [ConsoleText(.stdout, text)])
                    }
                }
            }
            try await group.waitForAll()
        }
        await session.close()
    }

    @Test("the deadline includes waiting, and a command that wasn't sent never runs")
    func waitingDeadline() async throws {
        let session = try session(nil)
        _ = try await run(session, "1")
        let long = Task { try await run(session, "Start-Sleep 600") }
        try await until("the long one to run") { await session.report.phase == .busy }
        let error = await #expect(throws: MMError.self) { try await run(session, "1", within: .milliseconds(50)) }
        #expect(error?.code == .deadlineExceeded)
        #expect(error?.message.contains("not sent") == true)
        long.cancel()
        await #expect(throws: MMError.self) { try await long.value }
        #expect(try await run(session, "Write-Output here").values == ["here"])
        await session.close()
    }

    @Test("a session that is lent has no queue of its own, and keeps the turn until its command has ended")
    func lent() async throws {
        let session = try session(nil)
        let queue = TurnQueue()
        await session.lend(through: queue)
        let turn = try await queue.take(.never)
        #expect(try await run(session, "Write-Output here").values == ["here"])
        let command = try await session.run(PowerShellCommand("Start-Sleep 600"), deadline: .after(.seconds(300)))
        let next = Task { try await queue.take(.never) }
        try await until("the next one to wait") { queue.waiting == 1 }
        turn.release()
        #expect(queue.waiting == 1)
        command.stop()
        let (theirs, answer) = (try await next.value, try await run(session, "Write-Output there"))
        #expect(answer.values == ["there"])
        theirs.release()
        await session.close()
        // The session must not close the queue.
        try await queue.take(.never).release()
    }

    @Test("a health check gives way to a command")
    func healthMakesRoom() async throws {
        let session = try session(nil, change: { $0.profile = SlowHealth() })
        _ = try await session.connect(deadline: .after(.seconds(300)))
        let health = Task { try await session.checkHealth(deadline: .after(.seconds(300))) }
        try await until("the question") { await session.report.phase == .busy }
        #expect(try await run(session, "Write-Output here").values == ["here"])
        try await health.value
        await session.close()
    }

    @Test("a cancelled health check never disturbs the next command")
    func healthCalledOff() async throws {
        let session = try session(nil, change: { $0.profile = SlowHealth() })
        _ = try await session.connect(deadline: .after(.seconds(300)))
        for _ in 0..<10 {
            let health = Task { try await session.checkHealth(deadline: .after(.seconds(300))) }
            try await until("the question") { await session.report.phase == .busy }
            health.cancel()
            #expect(try await run(session, "Write-Output here").values == ["here"])
            _ = try? await health.value
        }
        #expect(await session.report.losses == 0)
        await session.close()
    }

    @Test("a deadline in the past sends nothing")
    func passedDeadline() async throws {
        let session = try session(nil)
        _ = try await run(session, "1")
        let error = await #expect(throws: MMError.self) { try await run(session, "1", within: .zero) }
        #expect(error?.code == .deadlineExceeded)
        #expect(error?.message.contains("not sent") == true)
        await session.close()
    }

    @Test("a module's program is found where the user has it, and only its folder is added to the path")
    func program() throws {
        let folder = try StandIn.folder()
        let pac = folder + "/pac"
        try ProtectedFile.replace(pac, with: Array("#!/bin/sh\n".utf8), mode: 0o700)
        let host = HostSettings(
            location: PowerShellLocation(program: "/p", reason: .named), folder: folder,
            environment: ["PATH": "/nowhere:\(folder)"])
        let settings = PowerShellSessionSettings(host: host, profile: PowerPlatformProfile())
        let path = settings.host.childEnvironment(wire: 1, nonce: "", mark: "")["PATH"]
        #expect(path == "\(folder):/usr/local/bin:/usr/bin:/bin")
    }

    @Test("an ended sign-in is noticed, and the next command signs in again")
    func signedOut() async throws {
        let session = try session(tokens: TestFeed(.claims(TestFeed.right, lasts: .seconds(3600))))
        _ = try await run(session, "Disconnect-ExchangeOnline")
        let error = await #expect(throws: MMError.self) {
            try await session.checkHealth(deadline: .after(.seconds(300)))
        }
        #expect(error?.code == .signInNeeded)
        #expect(try await run(session, "Get-Mailbox -ResultSize 2").values.count == 2)
        await session.close()
    }

    @Test(
        "a health check that fails for another reason changes nothing",
        arguments: ["throw 'The service is away.'", "Get-NoSuchCmdlet; throw 'Forbidden'"])
    func passingFault(question: String) async throws {
        let session = try session(nil, change: { $0.profile = HealthQuestion(question: question) })
        let process = try await { () async throws -> [JSONValue] in
            _ = try await session.connect(deadline: .after(.seconds(300)))
            return try await run(session, "Invoke-StandIn process").values
        }()
        let error = await #expect(throws: MMError.self) {
            try await session.checkHealth(deadline: .after(.seconds(300)))
        }
        #expect(error?.code == .unavailable)
        #expect(await session.isUsable)
        #expect(try await run(session, "Invoke-StandIn process").values == process)
        await session.close()
    }

    @Test("a module without the cmdlet for the health check continues")
    func missingLook() async throws {
        let session = try session("teams", ["--lacks", "Get-Team"])
        _ = try await session.connect(deadline: .after(.seconds(300)))
        let error = await #expect(throws: MMError.self) {
            try await session.checkHealth(deadline: .after(.seconds(300)))
        }
        #expect(error?.code == .unavailable && error?.cause?.contains("not recognized") == true, "\(error)")
        #expect(await session.isUsable)
        await session.close()
    }

    @Test(
        "if the module refuses a token, its own code is shown with the reason, and a note with the first answer")
    func refusedToken() async throws {
        var other = TestFeed.right
        other.appID = "another-app"
        let approval = try StandIn.folder() + "/approved"
        let session = try session(
            "teams", ["--approve-when", approval],
            tokens: TestFeed(
                .claims(TestFeed.right, lasts: .seconds(3600)), then: .claims(other, lasts: .seconds(3600))))
        let error = await #expect(throws: MMError.self) { try await run(session, "Write-Output here") }
        #expect(error?.code == .signInNeeded && error?.details["userCode"] == "FXK3T9QMB")
        #expect(
            error?.hint?.contains("did not take the connection's token (The access tokens are of different appid")
                == true)
        try ProtectedFile.replace(approval, with: [])
        try await until("the sign-in") { await session.report.phase == .ready }
        #expect(await session.report.identity?.method == "device code")
        #expect(await session.takeSignInNote()?.contains("different appid") == true)
        #expect(await session.takeSignInNote() == nil)
        await session.close()

        let app = try self.session(
            "teams",
            tokens: TestFeed(
                .claims(TestFeed.right, lasts: .seconds(3600)), then: .claims(other, lasts: .seconds(3600))),
            change: { $0.mayAskPerson = false })
        let refused = await #expect(throws: MMError.self) { try await run(app, "1") }
        #expect(refused?.code == .remoteFailed && refused?.message.contains("different appid") == true)
        await app.close()
    }

    @Test("a temporary failure of the sign-in service doesn't end a session whose token is due")
    func renewalFails() async throws {
        let feed = TestFeed(.claims(TestFeed.right, lasts: .seconds(3600)))
        let session = try session(tokens: feed)
        let process = try await run(session, "Invoke-StandIn process").values
        feed.change(.fails(MMError(.unavailable, "The sign-in service is away.")))
        #expect(await session.renew() == nil)
        #expect(try await run(session, "Invoke-StandIn process").values == process)
        feed.change(.claims(TestFeed.right, lasts: .seconds(3600)))
        #expect(await session.renew() == nil)
        #expect(try await run(session, "Get-Mailbox -ResultSize 1").values.count == 1)
        #expect(try await run(session, "Invoke-StandIn process").values == process)
        await session.close()
    }

    @Test("a token is replaced before it expires, while the session is idle")
    func renewed() async throws {
        let feed = TestFeed(
            .claims(TestFeed.right, lasts: .milliseconds(1500)), then: .claims(TestFeed.right, lasts: .seconds(3600)))
        let session = try session(tokens: feed, change: { $0.renewBefore = .milliseconds(500) })
        _ = try await run(session, "1")
        try await until("the renewal") { feed.asked >= 2 }
        #expect(try await run(session, "Get-Mailbox -ResultSize 1").values.count == 1)
        let asked = feed.asked
        #expect(try await run(session, "Get-Mailbox -ResultSize 1").values.count == 1)
        #expect(feed.asked == asked)
        await session.close()
    }

    @Test("if a token can only be replaced by a person, the next command shows the code")
    func notRenewed() async throws {
        let feed = TestFeed(.claims(TestFeed.right, lasts: .milliseconds(600)))
        let session = try session(
            "exo", ["--approve-after", "60000"], tokens: feed, change: { $0.renewBefore = .milliseconds(500) })
        _ = try await run(session, "1")
        feed.change(.none)
        try await until("the end of the sign-in") { await session.report.phase == .off }
        let error = await #expect(throws: MMError.self) { try await run(session, "1") }
        #expect(error?.code == .signInNeeded)
        await session.close()
    }

    @Test(
        "if a token can't be replaced and nobody can be asked, the session waits for the next one and keeps its variables"
    )
    func tokenMissing() async throws {
        let feed = TestFeed(.claims(TestFeed.right, lasts: .seconds(3600)))
        let session = try session(tokens: feed, change: { $0.mayAskPerson = false })
        let process = try await run(session, "Invoke-StandIn process").values
        feed.change(.fails(MMError(.signInNeeded, "The caller's token is over.")))
        #expect(await session.renew()?.code == .signInNeeded)
        let error = await #expect(throws: MMError.self) { try await run(session, "1") }
        #expect(error?.code == .signInNeeded)
        feed.change(.claims(TestFeed.right, lasts: .seconds(3600)))
        #expect(try await run(session, "Invoke-StandIn process").values == process)
        await session.close()
    }

    @Test("a constrained session is constrained before its first command, also after a restart")
    func constrained() async throws {
        let feed = TestFeed(.claims(TestFeed.right, lasts: .seconds(3600)))
        let session = try session(tokens: feed, change: { $0.isConstrained = true })
        #expect(try await run(session, "Invoke-StandIn language").values == ["ConstrainedLanguage"])
        await #expect(throws: MMError.self) { try await run(session, "Invoke-StandIn crash") }
        #expect(try await run(session, "Invoke-StandIn language").values == ["ConstrainedLanguage"])
        await session.close()
        let free = try self.session(tokens: feed)
        #expect(try await run(free, "Invoke-StandIn language").values == ["FullLanguage"])
        await free.close()
    }

    @Test("a spare is started and loaded without a sign-in, and becomes the session")
    func spare() async throws {
        let session = try session(tokens: TestFeed(.claims(TestFeed.right, lasts: .seconds(3600))))
        try await session.prepare(deadline: .after(.seconds(300)))
        let process = try #require(await session.report.processID)
        #expect(await session.report.phase == .off)
        #expect(await session.isSpare)
        #expect(try await run(session, "Invoke-StandIn process").values == [.int(Int64(process))])
        #expect(await !session.isSpare)
        await session.signOut(deadline: .after(.seconds(300)))
        #expect(await session.report.phase == .off)
        await session.close()
    }

    @Test("homes of connections and modules are separate, even for similar names")
    func homes() {
        let folders = [("A.B", "exo"), ("A_B", "exo"), ("A.B", "teams"), ("../x", "exo"), ("", "exo")].map {
            PowerShellSessionSettings.folder(in: "/state", connection: $0.0, module: $0.1)
        }
        #expect(Set(folders).count == 5)
        #expect(folders.allSatisfy { $0.hasPrefix("/state/powershell/") && !$0.contains("..") })
    }

    @Test("no token reaches the log or an error")
    func secrets() async throws {
        let folder = try StandIn.folder()
        let session = try session(
            tokens: TestFeed(.claims(TestFeed.right, lasts: .seconds(3600))),
            change: { $0.host.log = Log(LogSettings(path: folder + "/log")) })
        _ = try await run(session, "1")
        let secret = TestFeed.token(TestFeed.right, for: TokenResource(.exchange)).reveal()
        let error = await #expect(throws: MMError.self) { try await run(session, "Invoke-StandIn crash") }
        #expect(error?.description.contains(secret) == false)
        await session.close()
        let log = String(decoding: ProcFile.read(folder + "/log", limit: 1 << 20) ?? [], as: UTF8.self)
        #expect(log.contains("Signed in"))
        #expect(!log.contains(secret))
    }

    /// A module with a given health check.
    private struct HealthQuestion: ModuleProfile {
        let question: String
        let name = "asking"
        let title = "Asking"
        let requirement = ModuleRequirement.module(name: "Asking", least: "1.0")
        let methods: [SignInMethodKind] = [.device]
        func resources(for target: ModuleSignInTarget) throws(MMError) -> [TokenResource] { [] }
        func connect(_ target: ModuleSignInTarget, by method: ModuleSignInMethod) throws(MMError) -> PowerShellCommand {
            PowerShellCommand("Connect-ExchangeOnline -Device")
        }
        var identity: PowerShellCommand? { ExchangeProfile().identity }
        func readIdentity(_ records: [JSONValue]) -> TokenClaims? { ExchangeProfile().readIdentity(records) }
        var health: PowerShellCommand { PowerShellCommand(question, isLocal: true) }
        func isHealthy(_ records: [JSONValue]) -> Bool { true }
        var disconnect: PowerShellCommand { PowerShellCommand("1") }
    }

    /// A module whose health check takes long.
    private struct SlowHealth: ModuleProfile {
        let name = "slow"
        let title = "Slow"
        let requirement = ModuleRequirement.module(name: "Slow", least: "1.0")
        let methods: [SignInMethodKind] = [.device]
        func resources(for target: ModuleSignInTarget) throws(MMError) -> [TokenResource] { [] }
        func connect(_ target: ModuleSignInTarget, by method: ModuleSignInMethod) throws(MMError) -> PowerShellCommand {
            PowerShellCommand("Connect-ExchangeOnline -Device")
        }
        var identity: PowerShellCommand? { ExchangeProfile().identity }
        func readIdentity(_ records: [JSONValue]) -> TokenClaims? { ExchangeProfile().readIdentity(records) }
        var health: PowerShellCommand { PowerShellCommand("Start-Sleep 600") }
        func isHealthy(_ records: [JSONValue]) -> Bool { true }
        var disconnect: PowerShellCommand { PowerShellCommand("1") }
    }
}
