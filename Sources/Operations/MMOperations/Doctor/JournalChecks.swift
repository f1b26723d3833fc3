import MMCore

/// Checks whether the journal of changes can be read.
package struct JournalChecks: Sendable {
    private let journal: ChangeJournal

    /// Creates the checks of a journal.
    package init(of journal: ChangeJournal) { self.journal = journal }

    /// Reads the whole journal.
    package func examine(into report: inout DoctorReport) async {
        do throws(MMError) {
            let contents = try await journal.contents()
            guard let damage = contents.damage else {
                let count = contents.entries.count
                report.add("journal of changes", .sound, "\(count.counted("change")), readable")
                return
            }
            report.add(
                "journal of changes", .advice, damage,
                remedy: "Restore the folder journal from a copy of the state folder, if there is one.")
        } catch {
            report.add("journal of changes", error)
        }
    }
}
