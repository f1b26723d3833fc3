import PowerShellSyntax
import Testing

@testable import MMPowerShell

@Suite("The checks of the self-test", .timeLimit(.minutes(5)))
struct DoctorScriptTests {
    @Test("have unique names, and every area has some")
    func names() {
        let names = DoctorCheck.all.map { "\($0.area.rawValue): \($0.name)" }
        #expect(Set(names).count == names.count)
        #expect(Set(DoctorCheck.all.map(\.area)) == Set(DoctorRow.Area.allCases))
    }

    @Test("the stand-in gets only the checks of protocol, stop and prompts")
    func standIn() {
        let areas = Set(DoctorCheck.all.filter(\.standInAnswers).map(\.area))
        #expect(areas == [.wire, .stop, .prompts])
    }
}
