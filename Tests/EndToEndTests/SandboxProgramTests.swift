import Glibc
import MMCore
import MMSystem
import Testing

@Suite("mm sandbox, which runs mm-sandbox", .timeLimit(.minutes(5)))
struct SandboxProgramTests {
    private let home: TemporaryHome

    init() throws { home = try TemporaryHome() }

    private func run(_ program: String, _ words: [String], _ extra: [String: String] = [:]) async throws -> Tenant.Ran {
        try await Tenant.run(program, words, home.environment.merging(extra) { $1 })
    }

    /// A copy of `mm` without mm-sandbox beside it.
    private func loneProgram() async throws -> String {
        let copied = try await run("/bin/cp", [Programs.mm, "\(home.path)/mm"])
        #expect(copied.code == 0)
        return "\(home.path)/mm"
    }

    @Test("answers, errors and exit codes are those of mm-sandbox")
    func handedOn() async throws {
        let tenant = try await Tenant(users: 20)
        let health = try await tenant.mm(["sandbox", "status", "--json"])
        #expect(health.code == 0 && health.json?["users"] == 20 && health.json?["url"]?.string == tenant.base)
        #expect(try await tenant.mm(["sandbox", "status", "--jq", ".url", "-o", "text"]).output == tenant.base + "\n")
        let again = try await tenant.mm(["sandbox", "start", "--json"])
        #expect(again.code == 1 && again.failure?["code"] == "conflict")
        let other = try await tenant.mm(["sandbox", "start", "--connection", "Other", "--users", "30", "--json"])
        #expect(other.code == 1 && other.failure?["code"] == "conflict")
        #expect(try await tenant.mm(["connections", "show", "Other"]).code == 1, "nothing is registered in vain")
        let empty = try await tenant.mm(["sandbox", "start", "--connection", ""])
        #expect(empty.code == 2 && empty.error.contains("--connection is empty"), "\(empty.error)")
        let named = try await tenant.mm(["sandbox", "start", "--connection", "Another", "--json"])
        #expect(named.code == 0 && named.json?["url"]?.string == tenant.base, "a connection to the tenant that runs")
        #expect(try await tenant.mm(["connections", "show", "Another", "--json"]).json?["cloud"] == "sandbox")
        let fault = #"{"kind": "throttle", "path": "/v1.0/users", "count": 2}"#
        let added = try await tenant.mm(["sandbox", "faults", "--add", "-", "--json"], input: fault)
        #expect(added.json?["remaining"] == 2, "standard input arrives: \(added)")
        let wrong = try await tenant.mm(["sandbox", "users", "--tops", "3"])
        #expect(wrong.code == 2 && wrong.error.contains("`mm sandbox users` has no flag --tops. Did you mean --top?"))
        await tenant.stop()
        let gone = try await tenant.mm(["sandbox", "status", "--json"])
        #expect(gone.code == 1 && gone.failure?["hint"] == "Start it: mm sandbox start")
    }

    @Test("replaces the process of mm, and signals end it in order", arguments: [SIGINT, SIGTERM])
    func inPlace(signal: Int32) async throws {
        let process = try await ChildProcess.start(
            ChildCommand(
                Programs.mm, ["sandbox", "start", "--foreground", "--users", "20"], environment: home.environment))
        let file = "\(home.path)/.m365-state/sandbox.json"
        var state: JSONValue?
        while state == nil, process.exited == nil {
            state = try ProtectedFile.read(file).flatMap { try? JSONParser.parse($0) }
            try await Task.sleep(for: .milliseconds(5))
        }
        #expect(state?["pid"]?.int == Int(process.pid))
        #expect(ProcessEntry(process.pid)?.name == "mm-sandbox")
        process.signal(signal)
        #expect(await process.exit().code == 0)
        #expect(try ProtectedFile.read(file) == nil)
    }

    @Test("takes the file of a certificate from the folder of the caller, which its process is not in")
    func certificate() async throws {
        let start = try await ChildProcess.start(
            ChildCommand(
                Programs.mm, ["sandbox", "start", "--users", "20", "--certificate", "rsa.cert.pem"],
                environment: home.environment,
                directory: Programs.packageFolder + "/Tests/Fixtures/identity/certificates"))
        #expect(await start.exit().code == 0)
        #expect(try await run(Programs.mm, ["sandbox", "stop"]).code == 0)
    }

    @Test("is looked for beside mm, then in PATH, or only where MM_SANDBOX says")
    func found() async throws {
        let mm = try await loneProgram()
        let version = ["sandbox", "pwsh", "--version"]
        let missing = try await run(mm, version + ["--json"])
        #expect(missing.code == 1 && missing.failure?["code"] == "unavailable")
        #expect(missing.failure?["hint"]?.string?.contains("MM_SANDBOX") == true)
        let folder = String(Programs.mmSandbox.dropLast("/mm-sandbox".count))
        #expect(try await run(mm, version, ["PATH": "/usr/bin:\(folder)"]).output == "PowerShell 7.6.5-stand-in\n")
        #expect(try await run(mm, version, ["MM_SANDBOX": Programs.mmSandbox]).code == 0)
        let wrong = try await run(Programs.mm, version, ["MM_SANDBOX": "/nowhere/mm-sandbox"])
        #expect(wrong.code == 2 && wrong.error.contains("MM_SANDBOX names “/nowhere/mm-sandbox”"))
    }

    @Test("help and completion have its commands even if it is missing")
    func listed() async throws {
        let mm = try await loneProgram()
        let help = try await run(mm, ["sandbox", "start", "--help"])
        #expect(help.code == 0 && help.output.contains("--mailboxes") && help.output.contains("mm login Demo"))
        #expect(try await run(mm, ["sandbox", "pwsh", "--help"]).output.contains("stand-in for PowerShell"))
        let group = try await run(mm, ["sandbox", "--help"])
        let completion = try await run(mm, ["complete", "--", "sandbox", ""])
        for verb in ["start", "stop", "status", "users", "faults", "approve"] {
            #expect(group.output.contains("sandbox \(verb)") && completion.output.contains(verb))
        }
        // The stand-in is hidden, because only sessions start it.
        #expect(!group.output.contains("sandbox pwsh") && !completion.output.contains("pwsh"))
        let unknown = try await run(mm, ["sandbox", "strat"])
        #expect(unknown.code == 2 && unknown.error.contains("`mm sandbox start`"))
    }

    @Test("mm-sandbox has the same commands by itself")
    func alone() async throws {
        #expect(try await run(Programs.mmSandbox, ["--version"]).output.hasPrefix("mm-sandbox "))
        #expect(try await run(Programs.mmSandbox, ["--help"]).output.contains("sandbox approve"))
        #expect(try await run(Programs.mmSandbox, ["stop"]).error == "No sandbox tenant is running.\n")
        #expect(try await run(Programs.mmSandbox, ["status"]).code == 1)
    }
}
