import MMCLI
import MMCore
import MMOperations

/// `mm drift install` and `uninstall`: regular checks of a connection's drift by a systemd timer.
enum DriftCommands {
    static func all(environment: [String: String]) -> [LocalCommand] { [install(environment), uninstall(environment)] }

    private static let connection = InputField(
        "connection", .text, "The connection.", .required, .at(0))

    private static func install(_ environment: [String: String]) -> LocalCommand {
        LocalCommand(
            ["drift", "install"], summary: "Let systemd check for drift regularly.",
            discussion:
                "Writes a timer and a service for this user, and enables the timer. Each check reports only differences that the last "
                + "one did not (`mm drift CONNECTION --news`), in the journal and as a failed unit if there is new drift. "
                + "Take a snapshot first, or set what to compare with.",
            fields: [
                connection,
                InputField("every", .text, "Interval: 30m, 6h, 1d, 2w (default 1d)."),
                InputField(
                    "against", .text, "Folder or connection to compare with (default: the latest snapshot).",
                    .completes(.files)),
                InputField("print", .flag, "Show the units instead of writing them."),
            ],
            examples: [
                .init("mm drift install Contoso --every 1d", "checks once a day"),
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
            var (lines, isManaged) = try await UserUnits(environment: environment).install(
                [(names.timer, units.timer), (names.service, units.service)], enabling: names.timer)
            lines.append(
                isManaged
                    ? "To see the results: journalctl --user -u \(names.service)"
                    : "systemd is not available to this user, so the units have no effect. Another scheduler can "
                        + "run: mm drift \(ShellWord.quoted(name)) --news")
            streams.note(lines, options)
            return 0
        }
    }

    private static func uninstall(_ environment: [String: String]) -> LocalCommand {
        LocalCommand(
            ["drift", "uninstall"], summary: "Stop checking for drift.",
            discussion: "Disables the timer and removes the units. Snapshots are kept.",
            fields: [connection],
            examples: [.init("mm drift uninstall Contoso", "removes the timer and the service")]
        ) { (input, options, streams) async throws(MMError) in
            // The connection may have been removed meanwhile.
            let given = try input.requiredText("connection")
            let paths = StatePaths(environment: environment)
            let name =
                (try? ConnectionRegistry(path: paths.registry).snapshot().connection(named: given).name) ?? given
            let names = DriftUnits.names(of: name)
            let lines = try await UserUnits(environment: environment).remove(
                [names.timer, names.service], disabling: [names.timer])
            streams.note(lines, options)
            return 0
        }
    }

    /// Makes a relative path absolute, since the service runs in another folder.
    private static func against(_ text: String?) throws(MMError) -> String? {
        guard let text, text.hasPrefix(".") || (text.contains("/") && !text.hasPrefix("/") && !text.hasPrefix("~"))
        else {
            return text
        }
        guard let here = CallContext.ownDirectory else {
            throw MMError(.invalidInput, "The current folder is unknown.", hint: "Give an absolute path.")
        }
        return "\(here)/\(text)"
    }
}

/// The systemd units that check a connection's drift regularly: a timer and the service that it starts.
struct DriftUnits: Sendable {
    let connection: String
    /// The snapshot or folder to compare with; `nil` for the connection's latest snapshot.
    let against: String?
    /// The time between two checks, in seconds.
    let interval: Int
    /// The path of `mm`.
    let program: String
    /// The environment variables that the service needs.
    let environment: [String: String]

    /// Returns the names of a connection's two units.
    static func names(of connection: String) -> (timer: String, service: String) {
        let digest = Hex.text(SHA256.digest(connection.utf8).prefix(4))
        let name = "mm-drift-\(StatePaths.safeName(connection).lowercased())-\(digest)"
        return ("\(name).timer", "\(name).service")
    }

    /// The text of the timer unit.
    var timer: String {
        """
        [Unit]
        Description=Microsoft Master: drift of \(Self.line(connection))

        [Timer]
        OnActiveSec=5min
        OnUnitActiveSec=\(interval)s
        RandomizedDelaySec=\(min(interval / 10, 600))s

        [Install]
        WantedBy=timers.target

        """
    }

    /// The text of the service unit. New drift ends the service with 2, so that it is listed among the failed units
    /// until the person looks.
    var service: String {
        var words = [program, "drift", connection, "--news"]
        if let against { words += ["--against", against] }
        return """
            [Unit]
            Description=Microsoft Master: drift of \(Self.line(connection))

            [Service]
            Type=oneshot
            ExecStart=\(words.map { PoolUnits.quoted($0) }.joined(separator: " "))
            TimeoutStartSec=30min
            UMask=0077
            \(PoolUnits.variables(environment))
            """
    }

    /// Returns a text on a single line, with systemd's specifiers escaped.
    private static func line(_ text: String) -> String { VisibleText.exact(text).replacing("%", with: "%%") }

    /// Reads an interval as people write it: `30m`, `6h`, `1d`, `2w`; returns its seconds.
    /// - Throws: `invalidInput` that describes the format.
    static func seconds(_ text: String) throws(MMError) -> Int {
        let units: [Character: Int] = ["m": 60, "h": 3600, "d": 86_400, "w": 604_800]
        guard let unit = text.last.flatMap({ units[$0] }), let number = Int(text.dropLast()), number > 0,
            case let (seconds, isTooLarge) = number.multipliedReportingOverflow(by: unit), !isTooLarge,
            (900...31_536_000).contains(seconds)
        else {
            throw MMError(
                .invalidInput, "`every` can't be `\(text.prefix(40))`.",
                hint: "Use a number with m, h, d or w, such as 6h or 1d, from 15 minutes to a year.",
                details: ["field": "every"])
        }
        return seconds
    }
}
