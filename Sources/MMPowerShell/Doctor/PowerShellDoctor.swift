package import MMCore

/// A self-test of the driver against somebody's PowerShell: every fact that the driver leans on is tried on it.
package enum PowerShellDoctor {
    /// Examines a PowerShell.
    /// - Parameters:
    ///   - location: which one; nothing where none was found.
    ///   - folder: where the test's own home is made; nothing else is touched.
    ///   - environment: of this process.
    ///   - areas: what is tried.
    ///   - progress: called with each row as it is there.
    package static func examine(
        _ location: PowerShellLocation, folder: String, environment: [String: String],
        areas: Set<DoctorRow.Area> = Set(DoctorRow.Area.allCases),
        progress: @Sendable (DoctorRow) -> Void = { _ in }
    ) async -> DoctorTable {
        let settings = HostSettings(location: location, folder: folder, environment: environment)
        return await examine(settings, areas: areas, progress: progress)
    }

    /// The table where there is no PowerShell to examine.
    /// - Parameter error: why there is none.
    package static func absent(_ error: MMError) -> DoctorTable {
        DoctorTable(
            host: "no PowerShell",
            rows: [DoctorRow(area: .wire, name: "there is a PowerShell", outcome: .failed(error.description))])
    }

    static func examine(
        _ settings: HostSettings, areas: Set<DoctorRow.Area>, progress: @Sendable (DoctorRow) -> Void = { _ in }
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
