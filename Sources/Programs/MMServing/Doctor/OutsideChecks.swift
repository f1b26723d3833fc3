import MMCore
import MMOperations

/// Checks that copies of the audit log, traces and metrics reach their receivers, and that a browser can return to this
/// machine.
struct OutsideChecks: Sendable {
    let services: OperationServices

    /// Returns the errors in the variables that a pool started from here reads, one line each. A pool ignores faulty
    /// ones.
    static func faults(_ environment: [String: String]) -> [String] {
        var faults: [String] = []
        do throws(MMError) {
            _ = try TelemetrySettings(environment: environment)
        } catch {
            faults.append("Traces and metrics are not sent: \(error.message)\(error.hint.map { " " + $0 } ?? "")")
        }
        do throws(MMError) {
            _ = try AuditDestination.all(environment: environment)
        } catch {
            faults.append("The audit log is not forwarded: \(error.message)\(error.hint.map { " " + $0 } ?? "")")
        }
        do throws(MMError) {
            try BrowserCheck.examine(environment)
        } catch {
            faults.append("Browser sign-ins are not possible: \(error.message)\(error.hint.map { " " + $0 } ?? "")")
        }
        return faults
    }

    /// Checks the configuration and the status that the last sending process recorded.
    func examine(into report: inout DoctorReport) {
        examineCopies(into: &report)
        examineTelemetry(into: &report)
        do throws(MMError) {
            try BrowserCheck.examine(services.environment)
        } catch {
            report.add("browser sign-in", error)
        }
    }

    private func examineCopies(into report: inout DoctorReport) {
        let copies = services.auditCopies
        if let fault = copies.fault { return report.add("audit copies", fault) }
        do throws(MMError) {
            for (state, waiting) in try copies.states() {
                let name = "audit copies to \(state.destination)"
                let words =
                    (state.delivered.map { "last delivered \($0)" } ?? "nothing delivered yet")
                    + ", \(waiting) bytes waiting"
                if let fault = state.fault {
                    report.add(
                        name, .failed, "\(fault), since \(state.faultSince ?? "?"); \(words)",
                        remedy: "No lines are lost: they wait in \(services.paths.auditLog). Check the destination.")
                } else if state.skipped > 0 {
                    report.add(
                        name, .advice, "\(state.skipped) lines were too long for it; \(words)",
                        remedy: "They are in \(services.paths.auditLog): mm audit show.")
                } else {
                    report.add(name, .sound, words)
                }
            }
        } catch {
            report.add("audit copies", error)
        }
    }

    private func examineTelemetry(into report: inout DoctorReport) {
        do throws(MMError) {
            guard try TelemetrySettings(environment: services.environment) != nil else { return }
            let words = services.telemetry?.report ?? [:]
            let places = ["traces", "metrics"].compactMap { name in words[name]?.string.map { "\(name) to \($0)" } }
            report.add("telemetry", .sound, places.joined(separator: ", ") + "; mm pool status shows what was sent")
        } catch {
            report.add("telemetry", error)
        }
    }
}
