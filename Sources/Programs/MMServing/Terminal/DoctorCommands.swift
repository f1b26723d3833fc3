import MMCLI
import MMCore
import MMOperations
import MMPowerShell

/// `mm doctor …`: tries what mm relies on: files, services, PowerShell, and the confinement of sessions and shells.
enum DoctorCommands {
    static func all(environment: [String: String]) -> [LocalCommand] {
        [machine, powerShell, sessions, shells, exec].map { $0(environment) }
    }

    private static func powerShell(_ environment: [String: String]) -> LocalCommand {
        LocalCommand(
            ["doctor", "powershell"],
            summary: "Test everything that sessions need from this machine's PowerShell.",
            discussion:
                "Ends with 1 if a check fails or PowerShell is missing. --host tests another command line, such "
                + "as 'mm sandbox pwsh'; checks that need a real PowerShell are marked.",
            fields: [InputField("host", .text, "Command line that starts PowerShell.")],
            examples: [.init("mm doctor powershell", "a table of checks")]
        ) { (input, options, streams) async throws(MMError) in
            let locator = PowerShellLocator(environment: environment)
            let folder = StatePaths(environment: environment).stateDirectory + "/doctor"
            let table: DoctorTable
            do throws(MMError) {
                let location: PowerShellLocation
                if let host = try input.text("host") {
                    location = try locator.command(host, reason: .named)
                } else {
                    location = try locator.locate()
                }
                table = await PowerShellDoctor.examine(
                    location, folder: folder, environment: environment
                ) { row in streams.progress(row.name) }
            } catch {
                table = PowerShellDoctor.absent(error)
            }
            streams.progress(nil)
            if options.format == .json {
                try streams.writeLine(JSONWriter.string(.object(table.json), layout: .indented(2)))
            } else {
                try streams.tell(table.text)
            }
            return table.exitCode
        }
    }

    private static func sessions(_ environment: [String: String]) -> LocalCommand {
        LocalCommand(
            ["doctor", "sessions"],
            summary: "Show how PowerShell sessions are confined on this machine, and test it.",
            discussion:
                "Ends with 1 if they can't be confined, or if a connection requires more than this machine supports.",
            fields: [],
            examples: [.init("mm doctor sessions", "kernel, a test program, network, each connection")]
        ) { (_, options, streams) async throws(MMError) in
            try await show(
                await SessionsDoctor.examine(OperationServices(environment: environment)), options, streams)
        }
    }

    private static func shells(_ environment: [String: String]) -> LocalCommand {
        LocalCommand(
            ["doctor", "shells"],
            summary: "Show how shells of AI agents are confined on this machine, and test it.",
            discussion: "Ends with 1 if they can't be started with the current settings.",
            fields: [], examples: [.init("mm doctor shells", "settings, kernel, programs, and a test shell")]
        ) { (_, options, streams) async throws(MMError) in
            try await show(
                await ShellsDoctor.examine(OperationServices(environment: environment).shellServices), options,
                streams)
        }
    }

    private static func exec(_ environment: [String: String]) -> LocalCommand {
        LocalCommand(
            ["doctor", "exec"],
            summary: "Test which tools can sign in with the identity from `mm exec`.",
            discussion:
                "Runs each installed tool on a connection to the sandbox tenant, where it signs in and reads. "
                + "Ends with 1 if one of them fails.",
            fields: [
                InputField("tool", .choice(ExecDoctor.tools), "Test only this tool.", .at(0))
            ],
            examples: [
                .init("mm doctor exec", "a table of tools, and how each signs in"),
                .init("mm doctor exec az", "only the Azure CLI"),
            ]
        ) { (input, options, streams) async throws(MMError) in
            let services = OperationServices(environment: environment)
            let report = await ExecDoctor(services: services).examine(try input.text("tool")) { tool in
                if !options.quiet { streams.progress("Trying \(tool) …") }
            }
            streams.progress(nil)
            await services.close()
            return try await show(report, options, streams)
        }
    }

    private static func machine(_ environment: [String: String]) -> LocalCommand {
        LocalCommand(
            ["doctor"], summary: "Check everything that mm depends on, and suggest fixes.",
            discussion:
                "Checks files and their permissions, connections and sign-ins, network, clock, proxy and certificates, the pool, "
                + "PowerShell and its modules, jq, ssh, systemd, the confinement of sessions, and AI clients. `ok` needs "
                + "no action, `note` is a suggestion, `FAILED` is an error, with exit code 1.",
            fields: [
                InputField("fix", .flag, "First repair the permissions of mm's own files."),
                InputField("offline", .flag, "Don't send requests to services."),
            ],
            examples: [
                .init("mm doctor", "a table of checks"), .init("mm doctor --fix", "repairs, then checks"),
                .init("mm doctor --json --jq '.rows[] | select(.sound | not)'", "failed checks, for a script"),
            ]
        ) { (input, options, streams) async throws(MMError) in
            let doctor = MachineDoctor(
                services: OperationServices(environment: environment), isOffline: try input.flag("offline"),
                deadline: options.timeLimit.map { .after($0) } ?? .never)
            if try input.flag("fix") { streams.note(doctor.repair(), options) }
            let report = await doctor.examine { what in if !options.quiet { streams.progress("Checking \(what) …") } }
            streams.progress(nil)
            return try await show(report, options, streams)
        }
    }

    /// Writes the findings.
    /// - Returns: the exit code.
    private static func show(
        _ found: DoctorReport, _ options: GlobalOptions, _ streams: CommandStreams
    ) async throws(MMError) -> Int32 {
        if options.format != nil || options.jq != nil {
            try await streams.show(.object(found.json), options)
        } else {
            try streams.tell(found.text)
        }
        return found.isSound ? 0 : 1
    }
}
