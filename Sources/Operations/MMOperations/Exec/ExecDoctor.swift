import MMCore
package import MMShell
package import MMSystem

/// Tests with the sandbox tenant which tools of this machine can sign in and read with the identity that `exec`
/// provides.
package struct ExecDoctor: Sendable {
    /// A tool and its test: a program that ends with 0 for success, or with 77 where a part of the tool is not
    /// installed.
    struct Trial: Sendable {
        let tool: String
        let program: String
        let arguments: [String]
        /// The command or code that a person writes.
        let way: String
        /// The source of the tool.
        let source: String

        /// The message where the tool is missing.
        var absence: String { "not installed: \(source). Usage: \(way)" }
    }

    private static let missing: Int32 = 77

    static let trials = [
        Trial(
            tool: "curl", program: "curl",
            arguments: [
                "/bin/sh", "-c",
                """
                T=$(curl -sS -H "X-IDENTITY-HEADER: $IDENTITY_HEADER" \
                "$IDENTITY_ENDPOINT?api-version=2019-08-01&resource=https://graph.microsoft.com" \
                | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
                curl -sS --fail-with-body -H "Authorization: Bearer $T" 'https://graph.microsoft.com/v1.0/users?$top=1'
                """,
            ], way: "the identity's endpoint: IDENTITY_ENDPOINT, IDENTITY_HEADER",
            source: "install the system package curl"),
        Trial(
            tool: "az", program: "az",
            arguments: [
                "/bin/sh", "-c",
                """
                az login --identity -o none && az group list -o none && az resource list -o none && az vm list -o none \
                && az role assignment list -o none && az keyvault secret list --vault-name kvweb -o none \
                && az storage container list --account-name saweb --auth-mode login -o none \
                && az rest --url https://graph.microsoft.com/v1.0/me
                """,
            ], way: "az login --identity, in the same program", source: "pip install azure-cli"),
        Trial(
            tool: "azure-identity", program: "python3",
            arguments: python("azure.identity", "DefaultAzureCredential().get_token(scope).token"),
            way: "DefaultAzureCredential() without changes", source: "pip install azure-identity requests"),
        Trial(
            tool: "msal", program: "python3",
            arguments: python(
                "msal",
                "ManagedIdentityClient(SystemAssignedManagedIdentity(), http_client=requests.Session())"
                    + ".acquire_token_for_client(resource=scope[:-9])['access_token']"),
            way: "ManagedIdentityClient(SystemAssignedManagedIdentity(), http_client=requests.Session())",
            source: "pip install msal requests"),
        Trial(
            tool: "httpx", program: "python3",
            arguments: script(
                """
                try: import httpx; from azure.identity import DefaultAzureCredential
                except ImportError: raise SystemExit(\(missing))
                token = DefaultAzureCredential().get_token("https://graph.microsoft.com/.default").token
                httpx.get("https://graph.microsoft.com/v1.0/me", headers={"Authorization": "Bearer " + token}).raise_for_status()
                """), way: "httpx with DefaultAzureCredential(), without changes",
            source: "pip install httpx azure-identity"),
        Trial(
            tool: "msgraph-sdk", program: "python3",
            arguments: script(
                """
                try: import asyncio; from msgraph import GraphServiceClient; from azure.identity import DefaultAzureCredential
                except ImportError: raise SystemExit(\(missing))
                client = GraphServiceClient(DefaultAzureCredential(), scopes=["https://graph.microsoft.com/.default"])
                assert asyncio.run(client.me.get()).user_principal_name
                """), way: "GraphServiceClient(DefaultAzureCredential(), scopes=[…/.default])",
            source: "pip install msgraph-sdk azure-identity"),
        Trial(
            tool: "az-powershell", program: "pwsh",
            arguments: pwsh("Az.Accounts", "Connect-AzAccount -Identity; Get-AzSubscription"),
            way: "Connect-AzAccount -Identity",
            source: "\(powershell), then in it Install-Module Az.Accounts -Scope AllUsers"),
        Trial(
            tool: "mg-powershell", program: "pwsh",
            arguments: pwsh(
                "Microsoft.Graph.Authentication", "Connect-MgGraph -Identity; Invoke-MgGraphRequest -Uri /v1.0/me"),
            way: "Connect-MgGraph -Identity",
            source: "\(powershell), then in it Install-Module Microsoft.Graph.Authentication -Scope AllUsers"),
        Trial(
            tool: "m365", program: "m365",
            arguments: ["/bin/sh", "-c", "m365 login --authType identity && m365 entra user list --output none"],
            way: "m365 login --authType identity", source: "npm install -g @pnp/cli-microsoft365"),
        Trial(
            tool: "terraform", program: "terraform", arguments: ["terraform", "version"],
            way: "terraform init outside, for its providers, then plan and apply within (ARM_USE_MSI is set)",
            source: "https://developer.hashicorp.com/terraform/install"),
        Trial(
            tool: "claude", program: "claude", arguments: ["claude", "--version"],
            way: "mm exec C --host api.anthropic.com --env ANTHROPIC_API_KEY -- claude: its own home stays outside",
            source: "npm install -g @anthropic-ai/claude-code"),
        Trial(
            tool: "codex", program: "codex", arguments: ["codex", "--version"],
            way: "mm exec C --host api.openai.com --env OPENAI_API_KEY -- codex: its own home stays outside",
            source: "npm install -g @openai/codex"),
    ]

    private static let powershell = "PowerShell (https://aka.ms/powershell)"

    private static func python(_ module: String, _ token: String) -> [String] {
        let text = """
            try: import requests; from \(module) import *
            except ImportError: raise SystemExit(\(missing))
            scope = "https://graph.microsoft.com/.default"
            token = \(token)
            requests.get("https://graph.microsoft.com/v1.0/me", headers={"Authorization": "Bearer " + token}).raise_for_status()
            """
        return script(text)
    }

    private static func script(_ text: String) -> [String] { ["python3", "-c", text] }

    private static func pwsh(_ module: String, _ text: String) -> [String] {
        let script =
            "$ErrorActionPreference = 'Stop'; if (-not (Get-Module -ListAvailable \(module))) { exit \(missing) }; \(text)"
        return ["pwsh", "-NoProfile", "-NonInteractive", "-Command", script]
    }

    private let services: OperationServices

    /// Creates a doctor for the connections of a process.
    package init(services: OperationServices) { self.services = services }

    /// The names of the tested tools.
    package static var tools: [String] { trials.map(\.tool) }

    /// Tests the installed tools.
    /// - Parameters:
    ///   - tool: a single tool; `nil` for all.
    ///   - tell: receives the name of the next test.
    package func examine(_ tool: String?, tell: @Sendable (String) -> Void) async -> DoctorReport {
        var report = DoctorReport()
        if let problem = SandboxProfile.proxyProblem() {
            report.add("walls", false, DoctorReport.words(problem))
            return report
        }
        let name = (try? services.registry.snapshot())?.connections.first(where: { $0.cloud == "sandbox" })?.name
        if let name {
            report.add("walls", .sound, "programs are restricted to mm's proxy; tested with \(name)")
        } else {
            report.add(
                "sandbox", .advice,
                "there is no connection to a sandbox tenant, so the installed tools were not tested",
                remedy: "Run mm sandbox start, then mm connect contoso-sandbox.example")
        }
        for trial in Self.trials where tool == nil || tool == trial.tool {
            guard ExecutableSearch.find(trial.program, in: services.environment) != nil else {
                report.add(trial.tool, .sound, trial.absence)
                continue
            }
            guard let name else {
                report.add(trial.tool, .sound, "\(trial.program) is installed but was not tested. Usage: \(trial.way)")
                continue
            }
            tell(trial.tool)
            await run(trial, on: name, &report)
        }
        return report
    }

    private func run(_ trial: Trial, on connection: String, _ report: inout DoctorReport) async {
        do throws(MMError) {
            let seat = try CollectingSeat()
            var context = CallContext(
                caller: Caller(surface: .terminal, name: "doctor", server: nil), timeLimit: .seconds(120))
            context.seat = seat
            context.directory = services.paths.home
            let service = LocalOperationService(services: services)
            let answer = try await service.call(
                "exec",
                [
                    "connection": .string(connection), "read_only": true,
                    "command": .array(trial.arguments.map { .string($0) }),
                ], in: context)
            switch answer.exitStatus {
            case 0: report.add(trial.tool, .sound, trial.way)
            case Self.missing: report.add(trial.tool, .sound, trial.absence)
            default:
                let said = seat.text.split(separator: "\n").last.map { String($0.prefix(300)) } ?? "no output"
                report.add(trial.tool, .failed, "exit code \(answer.exitStatus): \(said)")
            }
        } catch {
            report.add(trial.tool, false, DoctorReport.words(error))
        }
    }
}

/// A seat without a terminal that collects the output of its program.
private final class CollectingSeat: ProgramSeat {
    private static let most = 64 << 10

    let streams: (input: ChildCommand.Stream, output: ChildCommand.Stream, error: ChildCommand.Stream)
    let terminal: Terminal.Size? = nil
    private let reader: PolledReader
    private let far: Mutex<Int32?>
    private let written = Mutex<[UInt8]>([])

    init() throws(MMError) {
        let (readEnd, writeEnd) = try FileDescriptor.pipe().ends()
        reader = try PolledReader(FileDescriptor(owning: readEnd))
        far = Mutex(writeEnd)
        streams = (.null, .descriptor(writeEnd), .descriptor(writeEnd))
    }

    deinit { letGo() }

    var text: String { String(decoding: written.withLock { $0 }, as: UTF8.self) }

    func attend(_ program: WalledProgram) async -> ChildProcess.Exit {
        letGo()
        let reading = Task {
            while let piece = try? await reader.read() {
                written.withLock { $0 += piece.prefix(max(0, Self.most - $0.count)) }
            }
        }
        let exit = await program.exit()
        await reading.value
        return exit
    }

    func aside<Value: Sendable>(_ work: @Sendable () async -> Value) async -> Value { await work() }

    /// Closes this process's copy of the stream, after the program has its own.
    private func letGo() {
        far.withLock { far in
            if let raw = far { _ = FileDescriptor(owning: raw) }
            far = nil
        }
    }
}

/// The place of a program started by a call: the caller's streams, and the terminal behind them.
package protocol ProgramSeat: Sendable {
    /// The connections of the program's standard streams.
    var streams: (input: ChildCommand.Stream, output: ChildCommand.Stream, error: ChildCommand.Stream) { get }
    /// The size of a terminal to create for the program; `nil` where none of its streams is a terminal.
    var terminal: Terminal.Size? { get }

    /// Passes input, output and the caller's signals between caller and program, until the program has ended.
    /// - Returns: the program's exit.
    func attend(_ program: WalledProgram) async -> ChildProcess.Exit

    /// Does work for which the person needs the terminal, while the program can't use it.
    func aside<Value: Sendable>(_ work: @Sendable () async -> Value) async -> Value
}
