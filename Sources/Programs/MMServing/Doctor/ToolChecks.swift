import MMCore
import MMOperations

/// Whether every definition in the folder of the owner's tools can be used.
struct ToolChecks: Sendable {
    /// Where the files lie.
    let paths: StatePaths

    /// Reads the folder.
    func examine(into report: inout DoctorReport) {
        let contents = ToolShelf.own(paths).contents()
        for problem in contents.problems {
            report.add("tools", .failed, problem.message, remedy: problem.hint)
        }
        guard contents.problems.isEmpty, !contents.definitions.isEmpty else { return }
        report.add("tools", .sound, "\(contents.definitions.count) of your own in \(paths.toolsDirectory)")
    }
}
