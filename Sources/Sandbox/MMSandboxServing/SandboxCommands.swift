import MMCLI
import MMCore
import MMOperations
import MMSandbox
import MMSystem

/// The commands of `mm sandbox`: they start, control and end the tenant, and run the stand-in for PowerShell.
struct SandboxCommands: Sendable {
    private let environment: [String: String]
    private let paths: StatePaths

    private init(_ environment: [String: String]) {
        self.environment = environment
        paths = StatePaths(environment: environment)
    }

    /// Returns all commands.
    static func all(environment: [String: String]) -> [LocalCommand] {
        let commands = SandboxCommands(environment)
        return SandboxCommand.allCases.map { $0.command(commands.work(of: $0)) }
    }

    private func work(of verb: SandboxCommand) -> LocalCommand.Work {
        switch verb {
        case .start: .fields(start)
        case .stop: .fields(stop)
        case .status: .fields(status)
        case .approve: .fields(approve)
        case .users: .fields(users)
        case .faults: .fields(faults)
        case .policies: .fields(policies)
        case .pwsh:
            .words { (words) in
                await PowerShellStandIn.run(
                    arguments: words, environment: environment, evaluator: NativeEvaluator(),
                    tenant: { SandboxModuleTenant(address: $0, environment: environment) })
            }
        }
    }

    /// Returns the certificates in a file, in DER.
    private static func certificates(in file: String) throws(MMError) -> [[UInt8]] {
        guard let text = try ProtectedFile.read(file, limit: 1 << 20) else {
            throw MMError(
                .invalidInput, "The file \(file) does not exist.", hint: "Give a certificate: --certificate app.pem")
        }
        let found = AppCertificate.read(pem: text)
        guard !found.isEmpty else {
            throw MMError(
                .invalidInput, "\(file) contains no PEM certificate.", hint: "Give its file: --certificate app.pem")
        }
        return found
    }

    @Sendable private func start(
        _ input: InputReader, _ options: GlobalOptions, _ streams: CommandStreams
    ) async throws(MMError) -> Int32 {
        let connection = try input.text("connection")
        if try input.flag("foreground") {
            try SandboxProcess.requireNone(paths)
            if let connection { try SandboxProcess.addConnection(connection, paths) }
            var tenant = SandboxOptions()
            tenant.port = UInt16(try input.integer("port") ?? 0)
            tenant.userCount = try input.integer("users") ?? tenant.userCount
            tenant.customerCount = try input.integer("customers") ?? 0
            tenant.mailboxCount = try input.integer("mailboxes")
            tenant.pollInterval = Int64(try input.integer("interval") ?? Int(tenant.pollInterval))
            tenant.accessTokenLifetime = Int64(try input.integer("lifetime") ?? Int(tenant.accessTokenLifetime))
            tenant.groupsInTokens = try input.integer("token-groups") ?? tenant.groupsInTokens
            if let file = try input.text("certificate") { tenant.certificates = try Self.certificates(in: file) }
            try await SandboxProcess.serve(tenant, paths)
            return 0
        }
        var arguments: [String] = []
        if let file = try input.text("certificate") {
            _ = try Self.certificates(in: file)
            // The tenant's process is in no folder of the caller's.
            arguments += [
                "--certificate", file.hasPrefix("/") ? file : "\(ThisProcess.workingDirectory ?? "")/\(file)",
            ]
        }
        for name in ["port", "users", "customers", "mailboxes", "interval", "lifetime", "token-groups"] {
            if let number = try input.integer(name) { arguments += ["--\(name)", "\(number)"] }
        }
        // A request for only a connection uses the running tenant, if there is one.
        var known: SandboxStateFile?
        if connection != nil, arguments.isEmpty { known = try SandboxStateFile.ofRunning(in: paths.stateDirectory) }
        if known == nil { try SandboxProcess.requireNone(paths) }
        if let connection { try SandboxProcess.addConnection(connection, paths) }
        let running: SandboxStateFile
        if let known {
            running = known
        } else {
            running = try await SandboxProcess.start(arguments, environment: environment, paths)
        }
        var notes = [(known == nil ? "" : "It is already running. ") + "Stop it with: mm sandbox stop"]
        if let connection {
            notes =
                [
                    "Sign in with: mm login \(ShellWord.quoted(connection))",
                    "Approve its code with: mm sandbox approve CODE",
                ] + notes
        }
        let answer: JSONValue = ["url": .string(running.base), "pid": .int(Int64(running.process.pid))]
        if !options.quiet { for note in notes { streams.note(note) } }
        try await streams.show(answer, options)
        return 0
    }

    @Sendable private func stop(
        _ input: InputReader, _ options: GlobalOptions, _ streams: CommandStreams
    ) async throws(MMError) -> Int32 {
        let wasRunning = try await SandboxProcess.stop(paths)
        if !options.quiet { streams.note(wasRunning ? "Stopped." : "No sandbox tenant is running.") }
        return 0
    }

    @Sendable private func status(
        _ input: InputReader, _ options: GlobalOptions, _ streams: CommandStreams
    ) async throws(MMError) -> Int32 {
        let control = try SandboxControl(paths)
        var answer = try await control.call("GET", "health").object ?? [:]
        answer["url"] = .string(control.base)
        try await streams.show(.object(answer), options)
        return 0
    }

    @Sendable private func approve(
        _ input: InputReader, _ options: GlobalOptions, _ streams: CommandStreams
    ) async throws(MMError) -> Int32 {
        var body: JSONObject = ["userCode": .string(try input.requiredText("code"))]
        if let account = try input.text("account") { body["account"] = .string(account) }
        if try input.flag("decline") { body["decision"] = "decline" }
        try await streams.show(try await SandboxControl(paths).call("POST", "approve", .object(body)), options)
        return 0
    }

    @Sendable private func users(
        _ input: InputReader, _ options: GlobalOptions, _ streams: CommandStreams
    ) async throws(MMError) -> Int32 {
        let query = try input.integer("top").map { "?top=\($0)" } ?? ""
        let answer = try await SandboxControl(paths).call("GET", "users" + query)
        try await streams.show(
            answer, options, columns: ["userPrincipalName", "displayName", "role", "accountEnabled"])
        return 0
    }

    @Sendable private func faults(
        _ input: InputReader, _ options: GlobalOptions, _ streams: CommandStreams
    ) async throws(MMError) -> Int32 {
        let control = try SandboxControl(paths)
        let name =
            "faults"
            + (try input.text("tenant").map {
                "?tenant=" + PercentCoding.encode($0, isPlain: PercentCoding.isSegmentByte)
            } ?? "")
        if try input.flag("clear") { _ = try await control.call("DELETE", name) }
        if let fault = try input.object("add") {
            try await streams.show(try await control.call("POST", name, .object(fault)), options)
        } else {
            try await streams.show(try await control.call("GET", name), options)
        }
        return 0
    }

    @Sendable private func policies(
        _ input: InputReader, _ options: GlobalOptions, _ streams: CommandStreams
    ) async throws(MMError) -> Int32 {
        let control = try SandboxControl(paths)
        if try input.flag("clear") { _ = try await control.call("DELETE", "policies") }
        if let surroundings = try input.object("surroundings") {
            _ = try await control.call("POST", "surroundings", .object(surroundings))
        }
        if let policy = try input.object("add") { _ = try await control.call("POST", "policies", .object(policy)) }
        try await streams.show(try await control.call("GET", "policies"), options)
        return 0
    }
}

/// The main function of `mm-sandbox`: the commands of `mm sandbox`, which `mm` passes on unchanged.
package enum SandboxMain {
    /// Runs the command line of this process and ends it with the exit code.
    package static func main() -> Never {
        CommandProcess.prepare()
        CommandProcess.run { (words, environment) in
            let streams = CommandStreams(environment: environment, words: words)
            if words == ["--version"] {
                try? streams.writeLine("mm-sandbox \(ProductVersion.text)")
                return 0
            }
            let program = CommandLineProgram(
                locals: SandboxCommands.all(environment: environment), terminal: streams,
                content: ContentSource(standardInput: StandardInput.text))
            return await program.run(["sandbox"] + words)
        }
    }
}
