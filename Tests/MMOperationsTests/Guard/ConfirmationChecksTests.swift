import MMCore
import MMGuard
import TestSupport
import Testing

@testable import MMOperations

@Suite("The doctor's check of the confirmations", .timeLimit(.minutes(2)))
struct ConfirmationChecksTests {
    private let home: TestHome

    init() throws { home = try TestHome() }

    private func row() async -> DoctorReport.Row? {
        var report = DoctorReport()
        await ConfirmationChecks(of: ConfirmationLedger(paths: home.paths)).examine(into: &report)
        return report.rows.count == 1 ? report.rows.first : nil
    }

    @Test("finds nothing wrong where nothing was confirmed yet")
    func missing() async { #expect(await row()?.state == .sound) }

    @Test(
        "reports a store that can't be read, with its path and the remedy",
        arguments: ["", "{", "[]", #"{"version": 2, "entries": []}"#])
    func damaged(content: String) async throws {
        try ProtectedFile.replace(home.paths.confirmationLedger, with: Array(content.utf8))
        let row = await row()
        #expect(row?.state == .failed && row?.remedy?.isEmpty == false)
        #expect(row?.detail.contains(home.paths.confirmationLedger) == true, "\(String(describing: row))")
    }
}
