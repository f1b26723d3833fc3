import MMCore
import MMNative
import PowerShellSyntax
import Testing

@testable import MMOperations

@Suite("Words of every shell in a session of Exchange")
struct SessionWords {
    @Test(
        "a screen to clear, a folder to go to and help need no PowerShell",
        arguments: [
            "cls", "clear", "Clear-Host", "cd /tmp", "cd", "Set-Location C:\\temp", "help", "Get-Help", "cls; help",
            "cd /tmp\nclear; help", "cls;",
        ])
    func words(script: String) throws {
        let word = try #require(SessionWord(PowerShellParser.parse(script), in: "exo"))
        #expect(!word.note.isEmpty)
    }

    @Test(
        "whatever else a script does is for an engine",
        arguments: [
            "cls; Get-Mailbox", "cls; help Get-Mailbox", "cls; if (1) { help }", "cls; help | cls",
            "cd (Remove-Mailbox x)", "cd $x", "clear x", "cls > x", "Get-Mailbox | cd",
            "help Get-Mailbox", "param($a) cls", "cls -Force",
        ])
    func others(script: String) {
        #expect(SessionWord(PowerShellParser.parse(script), in: "exo") == nil)
        #expect(SessionWord(PowerShellParser.parse("cls"), in: "teams") == nil)
    }

    @Test("a refusal after reads doesn't say that nothing was sent")
    func afterReads() {
        let before = EngineRefusal.beyond("a trap", [], "exo", hasPowerShell: false)
        #expect(before.message.hasSuffix("Nothing was sent."))
        let after = EngineRefusal.beyond("a trap", [], "exo", hasPowerShell: false, hasSent: true)
        #expect(after.message.hasSuffix("Only reads were sent: nothing was changed."))
    }

    @Test("only a name that nobody knows is told as a missing cmdlet of the service")
    func missing() {
        let own = EngineRefusal.beyond("the command Import-Csv", ["Import-Csv"], "exo", hasPowerShell: false)
        #expect(own.code == .unsupported)
        #expect(own.message.contains("Import-Csv"))
        let strange = EngineRefusal.beyond("the command Get-Mailbocks", ["Get-Mailbocks"], "exo", hasPowerShell: false)
        #expect(strange.code == .notFound)
        let plan = EnginePlan("function Get-MailboxReport { 1 }; Get-MailboxReport; Get-Strange")
        #expect(plan.strangers(to: [CmdletCheck(service: .exo)]) == ["Get-Strange"])
    }

    @Test("what a script had run is told once for each cmdlet, with the number of its calls")
    func told() {
        let story = SourceStory()
        for cmdlet in ["Set-Mailbox", "Set-User", "Set-Mailbox", "Set-Mailbox"] { story.note(write: cmdlet) }
        #expect(story.writes.map(\.told) == ["Set-Mailbox (3 times)", "Set-User"])
    }
}
