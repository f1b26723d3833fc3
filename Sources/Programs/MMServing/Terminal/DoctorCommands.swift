import MMCLI
import MMCore
import MMOperations
import MMPowerShell

/// `mm doctor powershell`: tries what sessions rely on with this machine's PowerShell.
enum DoctorCommands {
    static func all(environment: [String: String]) -> [LocalCommand] {
        [
            machine(environment),
            LocalCommand(
                ["doctor", "powershell"],
                summary: "Try everything that sessions lean on with this machine's PowerShell.",
                discussion:
                    "Exit code 1 when a check fails or there is no PowerShell. --host takes another command line, such "
                    + "as 'mm sandbox pwsh'; what only a real PowerShell can show is marked so.",
                fields: [InputField("host", .text, "The command line that starts PowerShell.")],
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
            },
            LocalCommand(
                ["doctor", "sessions"],
                summary: "Say how PowerShell sessions are confined on this machine, and try it.",
                discussion: "Exit code 1 when they can't be, or when a connection requires what this machine can't do.",
                fields: [],
                examples: [.init("mm doctor sessions", "kernel, a trial, the way to the network, each connection")]
            ) { (_, options, streams) async throws(MMError) in
                try await show(
                    await SessionsDoctor.examine(OperationServices(environment: environment)), options, streams)
            },
            LocalCommand(
                ["doctor", "shells"],
                summary: "Say how shells of models are confined on this machine, and try it.",
                discussion: "Exit code 1 when they can't be started as the settings say.",
                fields: [], examples: [.init("mm doctor shells", "settings, kernel, programs, and a trial")]
            ) { (_, options, streams) async throws(MMError) in
                try await show(
                    await ShellsDoctor.examine(OperationServices(environment: environment).shellServices), options,
                    streams)
            },
            LocalCommand(
                ["doctor", "exec"],
                summary: "Try which tools sign in with the identity that `mm exec` gives them.",
                discussion:
                    "Runs each tool that is installed on a connection to the sandbox tenant, where it signs in and reads. "
                    + "Exit code 1 when one of them fails.",
                fields: [
                    InputField("tool", .choice(ExecDoctor.tools), "One tool alone.", .at(0))
                ],
                examples: [
                    .init("mm doctor exec", "a table of tools, and how each signs in"),
                    .init("mm doctor exec az", "the Azure CLI alone"),
                ]
            ) { (input, options, streams) async throws(MMError) in
                let services = OperationServices(environment: environment)
                let report = await ExecDoctor(services: services).examine(try input.text("tool")) { tool in
                    if !options.quiet { streams.progress("Trying \(tool) …") }
                }
                streams.progress(nil)
                await services.close()
                return try await show(report, options, streams)
            },
        ]
    }

    private static func machine(_ environment: [String: String]) -> LocalCommand {
        LocalCommand(
            ["doctor"], summary: "Check that everything mm relies on is in order, and say what to do.",
            discussion:
                "Looks at files and their modes, connections and sign-ins, network, clock, proxy and certificates, the pool, "
                + "PowerShell and its modules, jq, ssh, systemd, the walls around sessions, and AI clients. `ok` needs "
                + "nothing, `note` is worth a look, `FAILED` is broken: then the exit code is 1.",
            fields: [
                InputField("fix", .flag, "First repair what is safe to repair: permissions of mm's own files."),
                InputField("offline", .flag, "Send no request to a service."),
            ],
            examples: [
                .init("mm doctor", "a table of checks"), .init("mm doctor --fix", "repair, then check"),
                .init("mm doctor --json --jq '.rows[] | select(.sound | not)'", "what is broken, for a script"),
            ]
        ) { (input, options, streams) async throws(MMError) in
            let doctor = MachineDoctor(
                services: OperationServices(environment: environment), isOffline: try input.flag("offline"))
            if try input.flag("fix") {
                for line in doctor.repair() where !options.quiet { streams.note(line) }
            }
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
