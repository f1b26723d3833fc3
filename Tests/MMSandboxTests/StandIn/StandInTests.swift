import Glibc
import MMCore
import MMNative
import MMPowerShell
import MMSystem
import PowerShellSyntax
import TestSupport
import Testing

@testable import MMSandbox

@Suite("The stand-in", .timeLimit(.minutes(10)))
struct StandInTests {
    /// Knows one script, takes its time for another, and leaves the rest to the native engine.
    private struct Evaluator: ScriptEvaluator {
        private let native = NativeEvaluator()

        func evaluate(
            _ script: ParsedScript, _ command: PowerShellCommand, with cmdlets: any CmdletSource,
            emit: @escaping @Sendable (PowerShellRecord) -> Void
        ) async -> ScriptEvaluation {
            switch command.script {
            case "Get-Answer":
                emit(PowerShellRecord(.output, 42))
                emit(PowerShellRecord(.warning, "careful"))
                return .ended(CommandEnd(.completed))
            case "Get-Nothing-Ever":
                emit(PowerShellRecord(.output, "begun"))
                try? await Task.sleep(for: .seconds(600))
                return .ended(CommandEnd(Task.isCancelled ? .stopped : .completed))
            default: return await native.evaluate(script, command, with: cmdlets, emit: emit)
            }
        }
    }

    /// A tenant whose sign-ins are approved at once, by one account, or refused.
    private struct ScriptedTenant: StandInTenant {
        var refuses = false
        var isEmpty = false

        func signIn(
            app: String, tenant: String, scope: String,
            prompt: @escaping @Sendable (String, String) throws(MMError) -> Void
        ) async throws(MMError) -> StandInTokens {
            try prompt("TENANTC0DE", "http://127.0.0.1:9/devicelogin")
            if refuses { throw MMError(.remoteFailed, "AADSTS70020: expired", details: ["error": "expired_token"]) }
            let claims: JSONObject = ["upn": "kim@contoso.example", "tid": .string(tenant), "oid": .string(app)]
            let token = "e30.\(Base64.text(JSONWriter.bytes(.object(claims)), alphabet: .url)).x"
            return StandInTokens(access: Secret(token), refresh: nil)
        }

        func renew(
            _ refresh: Secret, app: String, tenant: String, scope: String, claims: String?
        ) async throws(MMError) -> StandInTokens {
            throw MMError(.remoteFailed, "AADSTS50173: ended")
        }

        func rows(of path: String, body: JSONValue?, token: Secret) async throws(MMError) -> [JSONValue] {
            if isEmpty { return [] }
            if let body { return [["Name": .string(JSONWriter.string(body)), "Name@data.type": "System.String"]] }
            let who = TokenClaims(reading: token).account ?? ""
            let title: JSONValue = .string("The tenant's own, for \(who)")
            return [["Title": title, "displayName": title, "Url": "https://c.example", "more": 1]]
        }

        func send(_ method: String, _ path: String, body: String?, token: Secret?) async throws(MMError) -> (
            status: Int, text: String
        ) {
            (404, "")
        }
    }

    private func texts(_ frames: [HostFrame]) -> String {
        frames.compactMap { frame -> String? in
            switch frame {
            case .record(_, let record): record.message ?? JSONWriter.string(record.value)
            case .end(_, let end): end.failure?.message ?? end.state.rawValue
            default: nil
            }
        }.joined(separator: "\n")
    }

    private static let graph = """
        {"t":"run","id":1,"script":"param($AppId, $Tenant) Connect-MgGraph -UseDeviceCode -TenantId $Tenant",\
        "parameters":{"AppId":"app","Tenant":"contoso"}}
        """
    private static let pnp = """
        {"t":"run","id":1,"script":"param($Url, $Token) Connect-PnPOnline -Url $Url -AccessToken $Token","parameters":\
        {"Url":"https://c.example","Token":"e30.eyJ0aWQiOiJjb250b3NvIiwidXBuIjoia2ltQGNvbnRvc28uZXhhbXBsZSJ9.x"}}
        """

    @Test("a module signs in with the tenant's own code, and reads the tenant's own rows")
    func signsInAtTenant() async throws {
        let read = try await frames(
            [
                Self.graph, #"{"t":"run","id":2,"script":"Get-MgContext"}"#,
                #"{"t":"run","id":3,"script":"Get-MgUser"}"#,
            ], until: 7, tenant: ScriptedTenant())
        let text = texts(read)
        #expect(text.contains("http://127.0.0.1:9/devicelogin and enter the code TENANTC0DE"))
        #expect(text.contains("kim@contoso.example") && text.contains("\"contoso\""))
        #expect(text.contains("The tenant's own, for kim@contoso.example") && !text.contains("FXK3T9QMB"))
    }

    @Test("a sign-in without a subscription is told that it has none, before anything is asked for")
    func withoutSubscription() async {
        let error = await #expect(throws: MMError.self) {
            _ = try await StandInRows.resourceGroups.read(ScriptedTenant(isEmpty: true), Secret("token"))
        }
        #expect(error?.message.hasPrefix("No subscription found in the context.") == true)
    }

    @Test(
        "a connect cmdlet binds, and refuses, as its module's does",
        arguments: [
            ("Connect-PnPOnline -Url x -AccessToken t -ClientId c", "Parameter set cannot be resolved"),
            ("Connect-PnPOnline -AccessToken t", "Parameter set cannot be resolved"),
            ("Connect-AzAccount -AccessToken t", "Parameter set cannot be resolved"),
            ("Connect-AzAccount -AccessToken t -AccountId a -UseDeviceAuthentication", "Parameter set"),
            ("Connect-MgGraph -AccessToken t -TenantId t", "Parameter set cannot be resolved"),
            ("Connect-MicrosoftTeams -UseDeviceCode", "matches parameter name 'usedevicecode'"),
            ("Connect-MicrosoftTeams -AccessTokens t -TenantId t", "Not supported tenant type."),
            ("Connect-MicrosoftTeams -AccessTokens t", "Invalid access tokens."),
        ])
    func binds(script: String, expected: String) async throws {
        let read = try await frames(
            [#"{"t":"run","id":1,"script":"\#(script)"}"#], until: 2, tenant: ScriptedTenant())
        #expect(texts(read).contains(expected))
    }

    @Test(
        "what Teams' sign-in returns is no JSON until its objects are made texts",
        arguments: [
            ("", false), (" | Select-Object Account, TenantId", false), (" | Select-Object TenantId", true),
            (" | Select-Object @{ Name = 'Account'; Expression = { [string]$_.Account } }, TenantId", true),
            (" | Select-Object @{ N = 'Account'; E = { $_.Account } }, TenantId", false),
        ])
    func teamsAnswer(rest: String, isJSON: Bool) async throws {
        let script = "param($Tenant) Connect-MicrosoftTeams -UseDeviceAuthentication -TenantId $Tenant\(rest)"
        let request: JSONValue = [
            "t": "run", "id": 1, "script": .string(script), "parameters": ["Tenant": "contoso"],
        ]
        let read = try await frames([JSONWriter.string(request)], until: 3, tenant: ScriptedTenant())
        let streams = read.compactMap { frame -> PowerShellRecord.Stream? in
            if case .record(_, let record) = frame { record.stream } else { nil }
        }
        #expect(streams == [isJSON ? .output : .text])
    }

    @Test("a table that the script fills on a condition is part of the call")
    func splats() async throws {
        let script =
            "param($App, $Scope) $more = @{}; if ($App) { $more.ClientId = $App }; if ($Scope) { $more.Scopes = $Scope }; "
            + "Connect-MgGraph -AccessToken t @more"
        for (parameters, isRefused) in [("{}", false), (#"{"App":"a"}"#, true)] {
            let read = try await frames(
                [#"{"t":"run","id":1,"script":"\#(script)","parameters":\#(parameters)}"#], until: 2,
                tenant: ScriptedTenant())
            #expect(texts(read).contains("Parameter set cannot be resolved") == isRefused)
        }
    }

    @Test("PnP's own code is shown, and its sign-in has ended before anybody could enter it")
    func ownLoginOfPnP() async throws {
        let script =
            "param($AppId) Connect-PnPOnline -Url https://c.example -DeviceLogin -ClientId $AppId -Tenant contoso"
        let read = try await frames(
            [#"{"t":"run","id":1,"script":"\#(script)","parameters":{"AppId":"app"}}"#], until: 3,
            tenant: ScriptedTenant())
        #expect(texts(read).contains("authenticate using code TENANTC0DE"))
        #expect(texts(read).hasSuffix("xsel: command not found"))
    }

    @Test("a refusal of the tenant's sign-in service ends the connect command with the service's words")
    func tenantRefuses() async throws {
        let read = try await frames([Self.graph], until: 3, tenant: ScriptedTenant(refuses: true))
        #expect(texts(read).hasSuffix("AADSTS70020: expired"))
    }

    @Test("a cmdlet of Exchange is asked of the tenant, with its parameters")
    func asksExchange() async throws {
        let read = try await frames(
            [
                #"{"t":"run","id":1,"script":"param($Token) Connect-ExchangeOnline -AccessToken $Token","parameters":{"Token":"e30.eyJ0aWQiOiJ0In0.x"}}"#,
                #"{"t":"run","id":2,"script":"Get-Mailbox kim -ResultSize 3"}"#,
            ], until: 4, tenant: ScriptedTenant())
        let text = texts(read)
        #expect(text.contains("Get-Mailbox") && text.contains("Identity") && text.contains("resultsize"))
        #expect(!text.contains("Person") && !text.contains("@data.type"))
    }

    @Test(
        "a pipeline around a module's cmdlet is carried out, not left out",
        arguments: [
            ("Get-PnPWeb | Select-Object Title", #"{"Title":"The tenant's own, for kim@contoso.example"}"#),
            ("Get-PnPWeb | ForEach-Object { $_.Url.ToUpper() }", "HTTPS://C.EXAMPLE"),
            ("$w = Get-PnPWeb; \"[$($w.Url)]\"", "[https://c.example]"),
            ("(Get-PnPWeb | Measure-Object).Count + 41", "42"),
        ])
    func pipelines(script: String, expected: String) async throws {
        let quoted = JSONWriter.string(.string(script))
        let read = try await frames(
            [Self.pnp, #"{"t":"run","id":2,"script":\#(quoted)}"#], until: 4, tenant: ScriptedTenant())
        #expect(texts(read).contains(expected))
    }

    @Test(
        "what can't be carried out is an error that says why, and never the rows before it",
        arguments: [
            ("Get-PnPWeb | Export-Csv web.csv", "Export-Csv"),
            ("Get-PnPWeb -Includes Title", "-includes of Get-PnPWeb"),
            ("Get-PnPWeb | Get-PnPList", "Get-PnPList"),
        ])
    func beyondPipelines(script: String, reason: String) async throws {
        let quoted = JSONWriter.string(.string(script))
        let read = try await frames(
            [Self.pnp, #"{"t":"run","id":2,"script":\#(quoted)}"#], until: 4, tenant: ScriptedTenant())
        let text = texts(read)
        #expect(text.contains("The stand-in can't evaluate this") && text.contains(reason))
        #expect(!text.contains("The tenant's own"))
    }

    /// Speaks with a stand-in that runs in this process.
    private func frames(
        _ requests: [String], until count: Int, tenant: ScriptedTenant? = nil
    ) async throws -> [HostFrame] {
        let home = try TestHome()
        let folder = home.path
        let listener = try PolledListener(loopback: ())
        let port = listener.port
        let script = folder + "/bootstrap.ps1"
        try ProtectedFile.replace(script, with: BootstrapScript.bytes)
        let serving = Task {
            await PowerShellStandIn.run(
                arguments: (tenant == nil ? [] : ["--sandbox", "http://127.0.0.1:9"])
                    + ["-NoLogo", "-NoProfile", "-NonInteractive", "-File", script],
                environment: ["MM_WIRE": String(port), "MM_NONCE": "n", "HOME": folder], evaluator: Evaluator(),
                tenant: { _ in tenant })
        }
        let isOrdered = tenant != nil
        let accepted = try await listener.accept().release()
        let read = try await BlockingWork.run { () throws(MMError) -> [HostFrame] in
            let socket = FileDescriptor(owning: accepted)
            _ = fcntl(socket.raw, F_SETFL, 0)
            var patience = timeval(tv_sec: 120, tv_usec: 0)
            setsockopt(socket.raw, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
            var decoder = WireDecoder()
            var frames: [HostFrame] = []
            var waiting = requests[...]
            var room = [UInt8](repeating: 0, count: 4096)
            while frames.count < count {
                let got = recv(socket.raw, &room, room.count, 0)
                guard got > 0 else { break }
                decoder.append(room[..<got])
                while let frame = try? decoder.next() {
                    frames.append(frame)
                    // Where modules sign in, each command waits for the end of the one before.
                    if isOrdered, case .record = frame { continue }
                    if let next = waiting.popFirst() {
                        let line = Array((next + "\n").utf8)
                        _ = line.withUnsafeBytes { send(socket.raw, $0.baseAddress, $0.count, 0) }
                    }
                }
            }
            let bye = Array("{\"t\":\"bye\"}\n".utf8)
            _ = bye.withUnsafeBytes { send(socket.raw, $0.baseAddress, $0.count, 0) }
            return frames
        }
        #expect(await serving.value == 0)
        return read
    }

    @Test("what its evaluator can do, it does")
    func evaluates() async throws {
        let read = try await frames([#"{"t":"run","id":1,"script":"Get-Answer"}"#], until: 4)
        #expect(
            read.dropFirst().prefix(2) == [
                .record(id: 1, PowerShellRecord(.output, 42)), .record(id: 1, PowerShellRecord(.warning, "careful")),
            ])
        guard case .end(1, let end)? = read.last else {
            Issue.record("no end: \(read)")
            return
        }
        #expect(end.state == .completed)
    }

    @Test("a stop reaches its evaluator")
    func stops() async throws {
        let read = try await frames(
            [#"{"t":"run","id":1,"script":"Get-Nothing-Ever"}"#, #"{"t":"stop","id":1}"#], until: 3)
        guard case .end(1, let end)? = read.last else {
            Issue.record("no end: \(read)")
            return
        }
        #expect(end.state == .stopped)
    }

    @Test("what is beyond both says that it needs a real PowerShell")
    func beyond() async throws {
        let read = try await frames([#"{"t":"run","id":1,"script":"[math]::DivRem(7, 2)"}"#], until: 3)
        guard case .record(1, let record) = read[1] else {
            Issue.record("no record: \(read)")
            return
        }
        #expect(record.stream == .error && record.message?.contains("real PowerShell") == true)
    }

    @Test("it says its version like pwsh, with its own name in it")
    func version() async throws {
        let outcome = try await ChildProcess.run(
            ChildCommand(try BuiltPrograms.path("mm-sandbox"), ["pwsh", "--version"], environment: [:]),
            timeout: .seconds(300))
        let text = String(decoding: outcome.output, as: UTF8.self)
        #expect(text == "PowerShell 7.6.5-stand-in\n")
        #expect(try #require(PowerShellVersion(parsing: text)) >= .minimum)
    }

    @Test(
        "words it doesn't know, and a script that isn't there, are usage errors",
        arguments: [
            ["--nonsense"], ["-File"], ["-File", "/nowhere.ps1"], ["--start", "somehow", "-File", "/etc/hostname"],
            ["-Command"], ["-EncodedCommand", "?"], ["-Bogus"],
        ])
    func usage(arguments: [String]) async throws {
        let outcome = try await ChildProcess.run(
            ChildCommand(try BuiltPrograms.path("mm-sandbox"), ["pwsh"] + arguments, environment: [:]),
            timeout: .seconds(300))
        #expect(outcome.exit.code == 64)
        #expect(!outcome.error.isEmpty)
    }

    @Test(
        "started by itself it carries out its text as pwsh does",
        arguments: [
            (["-NoLogo", "-NoProfile", "-NonInteractive", "-Command", "Write-Output one; 2"], "", "one\n2\n", 0),
            (["-nop", "-noni", "-c", "Write-Output", "one"], "", "one\n", 0),
            (["-Command", "Connect-MgGraph -Identity; exit 7"], "", "", 7), (["-c", "Get-Nonsense"], "", "", 1),
            (["-Command", "if ("], "", "", 1), (["-c", "Get-MgUser"], "", "", 1),
            (["-EncodedCommand", "ZQB4AGkAdAAgADkA"], "", "", 9),
            (["-Command", "-"], "$a = 'kept'\n$a\nexit 3\n2\n", "kept\n", 3), ([], "1\n\n2\n", "1\n2\n", 0),
        ] as [([String], String, String, Int32)])
    func alone(arguments: [String], input: String, output: String, code: Int32) async throws {
        let outcome = try await ChildProcess.run(
            ChildCommand(try BuiltPrograms.path("mm-sandbox"), ["pwsh"] + arguments, environment: [:]),
            input: Array(input.utf8), timeout: .seconds(300))
        let said = String(decoding: outcome.error, as: UTF8.self)
        #expect(String(decoding: outcome.output, as: UTF8.self) == output && outcome.exit.code == code, "\(said)")
    }

    @Test(
        "a script's words become its parameters, by name and by position",
        arguments: [(["-File"], ["one", "two"]), ([], ["-B", "two", "one"]), (["-f"], ["-A", "one", "-B", "two"])])
    func file(before: [String], after: [String]) async throws {
        let folder = try TestHome()
        let path = "\(folder.path)/script.ps1"
        try folder.write(path, Array("param($A, $B)\nWrite-Output $A\nWrite-Output $B\n".utf8))
        let outcome = try await ChildProcess.run(
            ChildCommand(
                try BuiltPrograms.path("mm-sandbox"), ["pwsh"] + before + [path] + after, environment: [:]),
            timeout: .seconds(300))
        #expect(String(decoding: outcome.output, as: UTF8.self) == "one\ntwo\n" && outcome.exit.code == 0)
    }
}
