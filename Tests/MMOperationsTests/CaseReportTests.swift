import MMCore
import Testing

@testable import MMOperations

@Suite("Reports for CI services", .timeLimit(.minutes(5)))
struct CaseReportTests {
    @Test(
        "a case has the same result as Markdown and as JUnit",
        arguments: [
            (.passed, "| done |", "/>"), (.skipped("accepted"), "| skipped | accepted |", "<skipped"),
            (.failed("was changed"), "| failed | was changed |", "<failure"),
            (.error("lost"), "| unknown | lost |", "<error"),
        ] as [(CaseReport.Result, String, String)])
    func results(result: CaseReport.Result, markdown: String, element: String) {
        let report = CaseReport(
            tool: "mm drift", headline: "Contoso", cases: [.init(group: "Contoso", name: "dlp", result: result)])
        #expect(report.markdown.contains(markdown), "\(report.markdown)")
        #expect(report.junit.contains(element), "\(report.junit)")
    }
}
