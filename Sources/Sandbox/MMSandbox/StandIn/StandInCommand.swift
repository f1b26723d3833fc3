import MMCore
import MMPowerShell

/// A command that the stand-in implements.
struct StandInCommand: Sendable {
    /// Runs the command.
    /// - Returns: an end when the command ends the whole script.
    let run: @Sendable (StandInCall, StandInHost) -> CommandEnd?

    /// Commands that this product's scripts use around their cmdlet, and that the stand-in can skip with the same
    /// result.
    static let ignored: Set<String> = [
        "select-object", "where-object", "foreach-object", "convertto-securestring", "out-null",
    ]

    /// Returns the command with this name, ignoring case.
    static func named(_ name: String) -> StandInCommand? {
        // A name may say of which module it is.
        all[(name.split(separator: "\\").last.map(String.init) ?? name).lowercased()]
    }

    private static let all: [String: StandInCommand] = {
        var all: [String: StandInCommand] = [
            "start-sleep": StandInCommand { call, host in
                let seconds = call.named["seconds"]?.double ?? call.values.first?.double
                let wait = call.named["milliseconds"]?.double ?? seconds.map { $0 * 1000 } ?? 0
                return host.wait(milliseconds: Int(wait)) ? nil : CommandEnd(.stopped)
            },
            "write-output": StandInCommand { call, host in
                let values = call.named["inputobject"].map { [$0] } ?? call.values
                for value in values where !call.isSilent { host.emit(PowerShellRecord(.output, value)) }
                return nil
            },
            "write-warning": StandInCommand { call, host in
                host.emit(PowerShellRecord(.warning, .string(call.text(0) ?? "")))
                return nil
            },
            "write-host": StandInCommand { call, host in
                host.emit(PowerShellRecord(.information, ["message": .string(call.text(0) ?? ""), "tags": ["PSHOST"]]))
                return nil
            },
            "write-error": StandInCommand { call, host in
                let id = "Microsoft.PowerShell.Commands.WriteErrorException"
                host.emit(host.errorRecord(call.text(0) ?? "", id: id, StandInHost.Place()))
                return nil
            },
            "import-module": StandInCommand { call, host in importModule(call, host) },
            "get-module": StandInCommand { call, host in
                guard !host.options.missingModule else { return nil }
                let name = call.argument("Name") ?? call.text(0) ?? ""
                if let version = host.modules.version(of: name, host.options) {
                    host.emit(PowerShellRecord(.output, .string(version)))
                }
                return nil
            },
            "get-command": StandInCommand { call, host in load(call, host, "CommandNotFoundException", "program") },
            "get-job": StandInCommand(run: StandInJobs.list),
            "wait-job": StandInCommand(run: StandInJobs.wait),
            "invoke-standin": StandInCommand { call, host in StandInBehaviour.run(call, host) },
        ]
        for (name, run) in StandInModules.commands { all[name] = StandInCommand(run: run) }
        return all
    }()

    private static func importModule(_ call: StandInCall, _ host: StandInHost) -> CommandEnd? {
        if let end = load(call, host, "Modules_ModuleNotFound", "module") { return end }
        let name = call.argument("Name") ?? call.text(0) ?? ""
        if let version = host.modules.version(of: name, host.options), let least = call.argument("Least"),
            StandInModules.numbers(version).lexicographicallyPrecedes(StandInModules.numbers(least))
        {
            return CommandEnd(
                .failed,
                failure: CommandFailure(
                    message:
                        "The specified module '\(name)' with version '\(least)' was not loaded because no valid module "
                        + "file was found in any module directory.",
                    id: "Modules_ModuleWithVersionNotFound", line: 2, column: 1))
        }
        host.modules.loaded.insert(name.lowercased())
        return nil
    }

    private static func load(_ call: StandInCall, _ host: StandInHost, _ id: String, _ what: String) -> CommandEnd? {
        guard host.options.missingModule else { return nil }
        let name = call.argument("Name") ?? call.text(0) ?? ""
        return CommandEnd(
            .failed,
            failure: CommandFailure(
                message: "The specified \(what) '\(name)' was not loaded because it was not found.", id: id, line: 2,
                column: 1))
    }
}
