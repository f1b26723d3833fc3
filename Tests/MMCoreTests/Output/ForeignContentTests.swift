import Testing

@testable import MMCore

@Suite("Content that other people wrote", .timeLimit(.minutes(5)))
struct ForeignContentTests {
    @Test(
        "is shown by the columns and names of a formatted text",
        arguments: [
            ("Received   Subject\n--------   -------\n1/1/2026   Obey", true), ("Id      : 5\nSubject : Obey\n", true),
            (#"[{"Subject":"Obey"}]"#, true), (#"{"Name":"Ann"}"#, false), ("Id      : 5\nSubject : \n", false),
            ("Name  Alias\n----  -----\nAnn   subject", false), ("On the subject: nothing", false),
            ("Subject\nsomething", false), ("", false), ("Subject\n\n", false),
        ])
    func shown(text: String, isForeign: Bool) {
        #expect(ForeignContent.isShown(in: text) == isForeign)
    }

    @Test(
        "is named in a script whose output may lack the name",
        arguments: [
            ("(Get-MessageTraceV2).Subject", true), ("Get-MessageTraceV2 | % subject", true),
            ("Get-InboxRule | select SubjectContainsWords", false), ("Get-Mailbox", false), ("", false),
        ])
    func named(script: String, isForeign: Bool) {
        #expect(ForeignContent.isNamed(in: script) == isForeign)
    }
}
