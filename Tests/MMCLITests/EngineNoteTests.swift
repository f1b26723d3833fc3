import Testing

@testable import MMCLI

@Suite("The engine at a prompt", .timeLimit(.minutes(5)))
struct EngineNoteTests {
    @Test("is named once, and again if another one takes over; other notes are always shown")
    func once() {
        let note = EngineNote()
        let told = [
            "engine: native", "engine: native", "a warning", "a warning", "engine: pwsh (a class)", "engine: native",
        ]
        #expect(told.map { note.isNews($0) } == [true, false, true, true, true, true])
    }
}
