import MMCLI
import MMCore
import MMOperations

/// `mm drift install` and `uninstall`: a look at a connection's drift by systemd's clock.
enum DriftCommands {
    /// All of them.
    static func all(environment: [String: String]) -> [LocalCommand] { [install(environment), uninstall(environment)] }

    private static let connection = InputField(
        "connection", .text, "The connection.", isRequired: true, at: .positional(0))

    private static func install(_ environment: [String: String]) -> LocalCommand {
        LocalCommand(
            ["drift", "install"], summary: "Let systemd look for drift at regular times.",
            discussion:
                "Writes a timer and a service for this user, and switches the timer on. Each look reports only what the last "
                + "one did not (`mm drift CONNECTION --news`): to the journal, and as a failed unit while there is new drift. "
                + "Take a snapshot first, or name what to compare with.",
            fields: [
                connection,
                InputField("every", .text, "How often: 30m, 6h, 1d, 2w (default 1d)."),
                InputField("against", .text, "A folder or a connection (default: the latest snapshot)."),
                InputField("print", .flag, "Show the units instead of writing them."),
            ],
            examples: [
                .init("mm drift install Contoso --every 1d", "looks once a day"),
                .init("mm drift install Contoso --print", "shows what would be written"),
            ]
        ) { (input, options, streams) async throws(MMError) in
            let paths = StatePaths(environment: environment)
            let name = try ConnectionRegistry(path: paths.registry).snapshot()
                .connection(named: try input.requiredText("connection")).name
            let units = DriftUnits(
                connection: name, against: try against(try input.text("against")),
                interval: try DriftUnits.seconds(try input.text("every") ?? "1d"), program: OwnProgram.mm,
                environment: PoolUnits.passed(from: environment))
            let names = DriftUnits.names(of: name)
            if try input.flag("print") {
                try streams.writeLine("# \(names.timer)\n\(units.timer)\n# \(names.service)\n\(units.service)")
                return 0
            }
            let place = UserUnits(environment: environment)
            var lines = try place.write([(names.timer, units.timer), (names.service, units.service)])
            if await place.isManaged() {
                try await place.systemctl(["daemon-reload"])
                try await place.systemctl(["enable", "--now", names.timer])
                lines.append("What it finds: journalctl --user -u \(names.service)")
            } else {
                lines.append(
                    "This machine has no systemd that serves this user, so the units do nothing here. Another scheduler can "
                        + "run: mm drift \(ShellWord.quoted(name)) --news")
            }
            if !options.quiet { for line in lines { streams.note(line) } }
            return 0
        }
    }

    private static func uninstall(_ environment: [String: String]) -> LocalCommand {
        LocalCommand(
            ["drift", "uninstall"], summary: "Look for drift no more.",
            discussion: "Switches the timer off and removes the units. Snapshots stay.",
            fields: [connection],
            examples: [.init("mm drift uninstall Contoso", "removes timer and service")]
        ) { (input, options, streams) async throws(MMError) in
            // The connection may have gone since.
            let given = try input.requiredText("connection")
            let paths = StatePaths(environment: environment)
            let name =
                (try? ConnectionRegistry(path: paths.registry).snapshot().connection(named: given).name) ?? given
            let names = DriftUnits.names(of: name)
            let place = UserUnits(environment: environment)
            let isManaged = await place.isManaged()
            if isManaged { _ = try? await place.systemctl(["disable", "--now", names.timer]) }
            let lines = try place.remove([names.timer, names.service])
            if isManaged { try await place.systemctl(["daemon-reload"]) }
            if !options.quiet { for line in lines { streams.note(line) } }
            return 0
        }
    }

    /// A folder as the service will find it, which stands elsewhere.
    private static func against(_ text: String?) throws(MMError) -> String? {
        guard let text, text.hasPrefix(".") || (text.contains("/") && !text.hasPrefix("/") && !text.hasPrefix("~"))
        else {
            return text
        }
        guard let here = CallContext.ownDirectory else {
            throw MMError(.invalidInput, "There is no folder to start from.", hint: "Write the whole path.")
        }
        return "\(here)/\(text)"
    }
}
