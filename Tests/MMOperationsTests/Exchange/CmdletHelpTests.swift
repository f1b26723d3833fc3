import MMCore
import PowerShellSyntax
import Testing

@testable import MMOperations

@Suite("Help for cmdlets", .timeLimit(.minutes(5)))
struct CmdletHelpTests {
    private func help(_ script: String, _ module: String = "exo") -> OperationAnswer? {
        CmdletHelp(PowerShellParser.parse(script), in: module)?.answer
    }

    @Test(
        "tells a cmdlet's class and parameters",
        arguments: ["Get-Help Get-InboxRule", "help get-inboxrule -Full", "Get-Help -Name 'Get-InboxRule'"])
    func parameters(_ script: String) throws {
        let answer = try #require(help(script))
        let text = try #require(answer.text)
        #expect(text.hasPrefix("Get-InboxRule: read"))
        #expect(text.contains("-Mailbox <"))
        guard case .value(let value) = answer.body else { return #expect(Bool(false), "no value") }
        #expect(value["parameters"]?.array?.contains { $0["name"] == "Mailbox" } == true)
    }

    @Test("finds cmdlets by a pattern, in the module that is asked")
    func list() throws {
        let rules = try #require(help("Get-Command *InboxRule")?.text)
        #expect(rules.contains("Get-InboxRule (read)") && rules.contains("Remove-InboxRule ("))
        let labels = try #require(help("Get-Command *ComplianceSearch", "compliance")?.text)
        #expect(labels.contains("Get-ComplianceSearch"))
    }

    @Test(
        "leaves alone what asks for more, for something else, or elsewhere",
        arguments: [
            ("Get-Help", "exo"), ("Get-Help Get-Nothing", "exo"), ("Get-Help about_Splatting", "exo"),
            ("Get-Help Get-Mailbox | Out-String", "exo"), ("Get-Help Get-Mailbox -Online", "exo"),
            ("Get-Help $name", "exo"), ("Get-Help Get-Mailbox; Get-Mailbox", "exo"), ("Get-Mailbox", "exo"),
            ("Get-Help Get-Mailbox", "teams"), ("Get-Command *NoSuchThing", "exo"),
            ("if (Get-Command Get-Mailbox) { 'has exo' } else { 'no' }", "exo"),
            ("$c = Get-Command Set-Mailbox; $n = 1 + 1; \"n=$n\"", "exo"), ("$c = Get-Command Set-Mailbox", "exo"),
            ("function f { 1 }; (Get-Command f).CommandType.ToString()", "exo"),
            ("function Get-Mailbox { 1 }; Get-Command Get-Mailbox", "exo"), ("(Get-Command Get-Mailbox).Name", "exo"),
            ("(Get-Help Get-Mailbox)", "exo"), ("@(Get-Command *Mailbox).Count", "exo"),
            ("\"$(Get-Help Get-Mailbox)\"", "exo"), ("return Get-Help Get-Mailbox", "exo"),
            ("param($a) Get-Help Get-Mailbox", "exo"), ("begin { Get-Help Get-Mailbox }", "exo"),
            ("trap { 1 } Get-Help Get-Mailbox", "exo"), ("Get-Help Get-Mailbox &", "exo"),
            ("1; Get-Help Get-Mailbox", "exo"), ("'a' | Get-Command Get-Mailbox", "exo"),
        ])
    func others(_ script: String, _ module: String) {
        #expect(help(script, module) == nil)
    }

    @Test(
        "of a cmdlet that doesn't exist tells how names are found where scripts run",
        arguments: ["Get-Mailbx", "Zip-Qqx"])
    func unknown(name: String) {
        let hint = EngineRefusal.unknown([name], "exo")?.hint
        #expect(hint?.hasSuffix("Get-Command PATTERN finds names, such as Get-Command *Mailbox*.") == true)
        #expect(hint?.contains("Similar names: Get-Mailbox") == (name == "Get-Mailbx"))
    }
}
