import MMCore

/// A look at a connection's drift, again and again, as a timer of systemd and the service that it starts.
struct DriftUnits: Sendable {
    /// The connection.
    let connection: String
    /// What it is compared with; `nil` for its latest snapshot.
    let against: String?
    /// How many seconds lie between two looks.
    let interval: Int
    /// `mm`.
    let program: String
    /// Variables that move a user's files.
    let environment: [String: String]

    /// The names of the two units of a connection.
    static func names(of connection: String) -> (timer: String, service: String) {
        let digest = Hex.text(SHA256.digest(connection.utf8).prefix(4))
        let name = "mm-drift-\(StatePaths.safeName(connection).lowercased())-\(digest)"
        return ("\(name).timer", "\(name).service")
    }

    /// The timer.
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

    /// The service. New drift ends it with 2, so that it shows among the failed units until somebody looks.
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

    /// A text that stays on its line and has no specifiers in it.
    private static func line(_ text: String) -> String { VisibleText.exact(text).replacing("%", with: "%%") }

    /// An interval as people write it: `30m`, `6h`, `1d`, `2w`.
    /// - Throws: `invalidInput` that says how it is written.
    static func seconds(_ text: String) throws(MMError) -> Int {
        let units: [Character: Int] = ["m": 60, "h": 3600, "d": 86_400, "w": 604_800]
        guard let unit = text.last.flatMap({ units[$0] }), let number = Int(text.dropLast()), number > 0,
            case let (seconds, isTooLarge) = number.multipliedReportingOverflow(by: unit), !isTooLarge,
            (900...31_536_000).contains(seconds)
        else {
            throw MMError(
                .invalidInput, "`every` can't be `\(text.prefix(40))`.",
                hint: "Write a number with m, h, d or w, such as 6h or 1d: 15 minutes at least, a year at most.",
                details: ["field": "every"])
        }
        return seconds
    }
}
