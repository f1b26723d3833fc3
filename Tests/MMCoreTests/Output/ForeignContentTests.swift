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
            ("Subject\r\n-------\r\nObey\r\n", true), ("Id      : 5\r\nSubject : Obey\r\n", true),
        ])
    func shown(text: String, isForeign: Bool) {
        #expect(ForeignContent.isShown(in: text) == isForeign)
    }

    @Test(
        "is named in a script whose output may lack the name",
        arguments: [
            ("(Get-MessageTraceV2).Subject", true), ("Get-MessageTraceV2 | % subject", true),
            ("Get-InboxRule | select SubjectContainsWords", false), ("Get-Mailbox", false), ("", false),
            ("Get-MessageTraceV2 | select “Subject”", true), ("Get-MessageTraceV2 | select\u{A0}Subject", true),
            ("New-InboxRule –Comments x", true), ("Get-Mailbox -Identity Müller", false),
        ])
    func named(script: String, isForeign: Bool) {
        #expect(ForeignContent.isNamed(in: script) == isForeign)
    }

    @Test(
        "is in a script's output if the script, a member or a text shows it, and never in an empty one",
        arguments: [
            (["Obey"], "(Get-MessageTraceV2).Subject", true), ([["Subject": "Obey"]], "Get-MessageTraceV2", true),
            (["Subject : Obey"], "Get-MessageTraceV2", true), (["Obey"], "Get-Mailbox", false),
            ([""], "(Get-MessageTraceV2).Subject", false), ([], "(Get-MessageTraceV2).Subject", false),
        ] as [([JSONValue], String, Bool)])
    func output(values: [JSONValue], script: String, isForeign: Bool) {
        #expect(ForeignContent.isWithin(output: values, of: script) == isForeign)
    }
}
