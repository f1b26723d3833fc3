import MMCore
package import MMGuard

/// Checks whether the store of confirmations can be read, without which nothing can be confirmed.
package struct ConfirmationChecks: Sendable {
    private let ledger: ConfirmationLedger

    /// Creates the checks of a store.
    package init(of ledger: ConfirmationLedger) { self.ledger = ledger }

    /// Reads the whole store.
    package func examine(into report: inout DoctorReport) async {
        do throws(MMError) {
            let count = try await ledger.all().count
            report.add("confirmations", .sound, "\(count.counted("request is", "requests are")) open, readable")
        } catch {
            report.add("confirmations", error)
        }
    }
}
