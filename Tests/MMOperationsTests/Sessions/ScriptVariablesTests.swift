import PowerShellSyntax
import Testing

@testable import MMOperations

@Suite("The variables of scripts", .timeLimit(.minutes(10)))
struct ScriptVariablesTests {
    @Test(
        "of a loop are its own within the loop, and the session's in what it goes through",
        arguments: [
            ("foreach ($m in 'a', 'b') { Set-Mailbox $m }", []),
            ("foreach ($a in 1, 2) { foreach ($b in 3, 4) { $a + $b } }", []),
            ("foreach ($m in $m) { $m }", ["m"]),
            ("foreach ($m in $all) { $m; $other }", ["all", "other"]),
            ("$m; foreach ($m in 1, 2) { $m }", ["m"]),
        ] as [(String, Set<String>)])
    func loops(script: String, reads: Set<String>) {
        #expect(ScriptVariables(PowerShellParser.parse(script)).reads == reads)
    }
}
