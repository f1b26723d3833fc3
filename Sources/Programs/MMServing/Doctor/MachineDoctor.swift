import MMCore
import MMOperations

/// `mm doctor`: whether everything that `mm` relies on is in order on this machine.
struct MachineDoctor: Sendable {
    /// The user's files, connections and sign-ins.
    let services: OperationServices
    /// Whether to look at this machine alone, and send no request to a service.
    var isOffline = false

    /// Looks at everything.
    /// - Parameter progress: told what is looked at next.
    func examine(progress: (String) -> Void) async -> DoctorReport {
        var report = DoctorReport()
        progress("files")
        FileChecks(paths: services.paths).examine(into: &report)
        progress("audit log")
        AuditChecks(of: services.audit).examine(into: &report)
        progress("connections and sign-ins")
        let connections = await ConnectionChecks(services: services).examine(into: &report)
        if !isOffline {
            progress("network")
            await NetworkChecks(environment: services.environment, paths: services.paths)
                .examine(connections, into: &report)
        }
        progress("your own tools")
        ToolChecks(paths: services.paths).examine(into: &report)
        progress("pool")
        await PoolChecks(environment: services.environment).examine(into: &report)
        progress("copies of the audit log")
        OutsideChecks(services: services).examine(into: &report)
        progress("programs")
        ProgramChecks(environment: services.environment).examine(into: &report)
        progress("walls")
        await examineWalls(into: &report)
        progress("AI clients")
        await ClientChecks(environment: services.environment).examine(into: &report)
        return report
    }

    /// Repairs what can be repaired without asking.
    /// - Returns: what was done, a line each.
    func repair() -> [String] { FileChecks(paths: services.paths).repair() }

    /// One row for each of the doctors that look at walls in detail.
    private func examineWalls(into report: inout DoctorReport) async {
        for (name, command, found) in [
            ("walls of sessions", "mm doctor sessions", await SessionsDoctor.examine(services)),
            ("walls of shells", "mm doctor shells", await ShellsDoctor.examine(services.shellServices)),
        ] {
            let failed = found.rows.filter { !$0.isSound }
            guard !failed.isEmpty else {
                report.add(name, .sound, "confined as the settings say")
                continue
            }
            // Sessions and shells say themselves what they lack; a kernel without Landlock is no fault of the setup.
            report.add(
                name, .advice, failed.map { "\($0.name): \($0.detail)" }.joined(separator: " "),
                remedy: "\(command) shows every step.")
        }
    }
}
