package import MMCore

/// The results of a self-test of a PowerShell.
package struct DoctorTable: Sendable {
    /// The description of the PowerShell that was tested.
    package let host: String
    /// The rows in the order they were tried.
    package let rows: [DoctorRow]

    /// Whether every row passed, or needs a real PowerShell where none was tested.
    package var isSound: Bool {
        !rows.isEmpty && !rows.contains { if case .failed = $0.outcome { true } else { false } }
    }

    /// The exit code: 0 when the table is sound, otherwise 1.
    package var exitCode: Int32 { isSound ? 0 : 1 }

    /// The numbers of rows that passed, failed, and need a real PowerShell.
    package var counts: (passed: Int, failed: Int, needReal: Int) {
        var counts = (passed: 0, failed: 0, needReal: 0)
        for row in rows {
            switch row.outcome {
            case .passed: counts.passed += 1
            case .failed: counts.failed += 1
            case .needsRealPowerShell: counts.needReal += 1
            }
        }
        return counts
    }

    /// The table for a terminal, without colour.
    package var text: String {
        let width = rows.map(\.name.count).max() ?? 0
        var lines = [host]
        var area: DoctorRow.Area?
        for row in rows {
            if row.area != area {
                area = row.area
                lines.append("")
                lines.append(row.area.rawValue)
            }
            let name = row.name + String(repeating: " ", count: width - row.name.count)
            lines.append("  \(name)  \(row.outcome.word)")
        }
        let counts = counts
        lines.append("")
        lines.append("\(counts.passed) passed, \(counts.failed) failed, \(counts.needReal) need a real PowerShell")
        return lines.joined(separator: "\n")
    }

    /// The table as JSON.
    package var json: JSONObject {
        [
            "host": .string(host), "sound": .bool(isSound),
            "rows": .array(
                rows.map { row in
                    var object: JSONObject = ["area": .string(row.area.rawValue), "name": .string(row.name)]
                    switch row.outcome {
                    case .passed(let detail):
                        object["outcome"] = "passed"
                        if !detail.isEmpty { object["detail"] = .string(detail) }
                    case .failed(let why):
                        object["outcome"] = "failed"
                        object["detail"] = .string(why)
                    case .needsRealPowerShell: object["outcome"] = "needs a real PowerShell"
                    }
                    return .object(object)
                }),
        ]
    }
}

/// One row of a self-test.
package struct DoctorRow: Sendable {
    /// The subject of a row.
    package enum Area: String, Sendable, Hashable, CaseIterable {
        /// The connection to the process.
        case wire = "Wire"
        /// Stopping commands.
        case stop = "Stop"
        /// Device codes.
        case prompts = "Device codes"
        /// The form of records, compared with recorded answers of a PowerShell.
        case recordings = "Recorded answers"
        /// The effects of commands on a session.
        case commands = "Commands"
        /// Guards inside the process.
        case guards = "Guards"
        /// Times and sizes.
        case figures = "Figures"
    }

    /// The outcome of a check.
    package enum Outcome: Sendable, Hashable {
        /// The check passed; with a number or word for the table, if there is one.
        case passed(String)
        /// The check failed, with the reason.
        case failed(String)
        /// The check wasn't run, because only a real PowerShell could answer.
        case needsRealPowerShell

        /// The outcome in a table's cell.
        fileprivate var word: String {
            switch self {
            case .passed(let detail): detail.isEmpty ? "ok" : "ok, \(detail)"
            case .failed(let why): "FAILED: \(why)"
            case .needsRealPowerShell: "needs a real PowerShell"
            }
        }
    }

    /// The subject.
    package let area: Area
    /// The property that should hold.
    package let name: String
    /// The outcome.
    package let outcome: Outcome
}

/// The environment of checks: one shared host, which is replaced when a check has ended its process.
actor DoctorBench {
    let settings: HostSettings
    private var shared: PowerShellHost?

    init(_ settings: HostSettings) { self.settings = settings }

    /// Returns the shared host, starting a new one if it was lost.
    func host() async throws(MMError) -> PowerShellHost {
        if let shared, !shared.isLost { return shared }
        var patient = settings
        // A busy machine may stop a command slowly, which isn't a failure.
        patient.times.terminateAfter = .seconds(60)
        let started = try await PowerShellHost.start(patient, deadline: .after(.seconds(120)))
        shared = started
        return started
    }

    /// Runs a check with a host of its own, which is closed afterwards.
    /// - Parameter own: its settings; `nil` for those of the other hosts.
    func withFreshHost<Value: Sendable>(
        _ own: HostSettings? = nil, _ body: @Sendable (PowerShellHost) async throws -> Value
    ) async throws -> Value {
        let host = try await PowerShellHost.start(own ?? settings, deadline: .after(.seconds(120)))
        do {
            let value = try await body(host)
            await host.close()
            return value
        } catch {
            await host.close()
            throw error
        }
    }

    /// Ends the shared host.
    func close() async {
        await shared?.close()
        shared = nil
    }

    /// Runs a script on the shared host.
    func run(_ script: String, within limit: Duration = .seconds(60)) async throws(MMError) -> PowerShellAnswer {
        try await host().answer(PowerShellCommand(script), deadline: .after(limit))
    }

    /// Runs a script and checks its output.
    @discardableResult
    func expect(_ script: String, _ values: [JSONValue]) async throws -> String {
        let answer = try await run(script)
        try demand(answer.values == values, "\(script) gave \(answer.values), not \(values)")
        return ""
    }
}

/// A self-test of the driver against the user's PowerShell: it tests every behaviour that the driver depends on.
package enum PowerShellDoctor {
    /// Examines a PowerShell.
    /// - Parameters:
    ///   - location: the PowerShell to examine.
    ///   - folder: the folder in which the test's own home is created; nothing else is changed.
    ///   - environment: the environment of this process.
    ///   - progress: called with each row when it is finished.
    package static func examine(
        _ location: PowerShellLocation, folder: String, environment: [String: String],
        progress: @Sendable (DoctorRow) -> Void = { _ in }
    ) async -> DoctorTable {
        let settings = HostSettings(location: location, folder: folder, environment: environment)
        return await examine(settings, areas: Set(DoctorRow.Area.allCases), progress: progress)
    }

    /// Returns the table for a machine without a PowerShell.
    /// - Parameter error: the reason why there is none.
    package static func absent(_ error: MMError) -> DoctorTable {
        DoctorTable(
            host: "no PowerShell",
            rows: [DoctorRow(area: .wire, name: "there is a PowerShell", outcome: .failed(error.description))])
    }

    static func examine(
        _ settings: HostSettings, areas: Set<DoctorRow.Area>, progress: @Sendable (DoctorRow) -> Void
    ) async -> DoctorTable {
        let bench = DoctorBench(settings)
        var rows: [DoctorRow] = []
        let host: PowerShellHost
        do throws(MMError) { host = try await bench.host() } catch {
            let row = DoctorRow(area: .wire, name: "starts and greets", outcome: .failed(error.description))
            progress(row)
            return DoctorTable(host: "\(settings.location)", rows: [row])
        }
        let isStandIn = host.isStandIn
        let kind = isStandIn ? "the stand-in" : "PowerShell \(host.version) on \(host.hello.runtime)"
        for check in DoctorCheck.all where areas.contains(check.area) {
            let outcome: DoctorRow.Outcome
            if isStandIn, !check.standInAnswers {
                outcome = .needsRealPowerShell
            } else {
                outcome = await outcomeOf(check, bench)
            }
            let row = DoctorRow(area: check.area, name: check.name, outcome: outcome)
            progress(row)
            rows.append(row)
        }
        await bench.close()
        return DoctorTable(host: "\(settings.location): \(kind)", rows: rows)
    }

    private static func outcomeOf(_ check: DoctorCheck, _ bench: DoctorBench) async -> DoctorRow.Outcome {
        do {
            return .passed(try await check.examine(bench))
        } catch let finding as DoctorFinding {
            return .failed(finding.text)
        } catch {
            return .failed("\(error)")
        }
    }
}
