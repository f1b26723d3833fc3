import MMCLI
import MMCore
import MMOperations
import Testing

@testable import MMServing

@Suite("The prompt's knowledge of PowerShell", .timeLimit(.minutes(5)))
struct PowerShellGuideTests {
    private let home: ServingHome
    private let guide: PowerShellGuide

    init() throws {
        home = try ServingHome()
        guide = try PowerShellGuide(connection: "Contoso", module: "exo", services: home.services.guardServices)
    }

    @Test(
        "continues unfinished input",
        arguments: [
            ("Get-Mailbox |", true), ("foreach ($i in 1) {", true), ("'text", true), ("Get-Mailbox `", true),
            ("Get-Mailbox", false), ("foreach ($i in 1) {\n$i }", false), ("}", false),
        ])
    func unfinished(text: String, expected: Bool) {
        #expect(guide.isUnfinished(text) == expected)
    }

    @Test(
        "completes cmdlets of the module and their parameters",
        arguments: [
            ("Get-Mailb", "Get-Mailbox"), ("Get-Mailbox | Set-Mailb", "Set-Mailbox"),
            ("Get-Mailbox -Res", "-ResultSize"),
            ("Get-Mailbox | Where-O", "Where-Object"), ("$x = Get-Mailb", "Get-Mailbox"), ("(Get-Mailb", "Get-Mailbox"),
            ("1..3 | ForEach-Object { Get-Mailb", "Get-Mailbox"),
        ])
    func completions(text: String, expected: String) {
        #expect(guide.completions(of: text).words.contains(expected))
    }

    @Test(
        "offers nothing that the module doesn't have", arguments: ["Get-AzV", "Get-Mailbox text", "Get-Mailbox -Zzz"])
    func nothing(text: String) { #expect(guide.completions(of: text).words.isEmpty) }

    @Test(
        "shows the guard's verdict",
        arguments: [
            ("Get-Mailbox", PromptRemark.Decision.runs), ("Remove-Mailbox x", .asks),
            ("Connect-ExchangeOnline", .runs), ("Connect-MsolService", .refused),
        ])
    func remarks(text: String, decision: PromptRemark.Decision) {
        #expect(guide.remark(on: text, beforeCursor: text)?.decision == decision)
    }

    @Test(
        "shows no verdict for unfinished text",
        arguments: [
            "Get-Mailbox |", "Get-Mailbox -ResultSize 1 |\n", "Get-Mailbox -ResultSize 1 |\nSel",
            "Get-Mailbox | Select-Obj",
            "Get-Mailb", "Remove-Mailb", "$x = Get-Mailb", "'text",
        ])
    func unwritten(text: String) { #expect(guide.remark(on: text, beforeCursor: text) == nil) }

    @Test("judges an unknown name after the cursor has left it, and one that begins no cmdlet at once")
    func written() {
        #expect(guide.remark(on: "Get-Mailbox | Select-Obj ", beforeCursor: "Get-Mailbox | Select-Obj ") != nil)
        #expect(guide.remark(on: "Frobnicate-It", beforeCursor: "Frobnicate-It") != nil)
        #expect(guide.remark(on: "Remove-Mailb x", beforeCursor: "Remove-Mailb") == nil)
        #expect(guide.remark(on: "Remove-Mailbox x", beforeCursor: "Rem")?.decision == nil)
    }

    @Test(
        "keeps secrets out of the history",
        arguments: [
            ("Get-Mailbox", false),
            ("New-Mailbox x -Password (ConvertTo-SecureString 'Sommer!2026' -AsPlainText -Force)", true),
            (
                "$t = 'eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlLWlzLW5vdC1yZWFs'",
                true
            ),
        ])
    func secrets(text: String, expected: Bool) {
        #expect(guide.holdsSecret(text) == expected)
    }

    @Test("exists for existing connections and modules")
    func unknown() {
        #expect(throws: MMError.self) {
            _ = try PowerShellGuide(connection: "Contso", module: "exo", services: home.services.guardServices)
        }
    }
}
