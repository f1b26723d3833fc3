import MMCore
import MMGuard
import TestSupport
import Testing

@testable import MMOperations

@Suite("SARIF logs")
struct SARIFLogTests {
    @Test("of the guard keep the rules of the format, and refer to files as they were named")
    func verdicts() throws {
        let home = try TestHome()
        let call = CallContext(caller: Caller(surface: .terminal, name: "mm", server: nil))
        let context = OperationContext(call: call, deadline: .never, record: CallRecord())
        var log = SARIFLog(of: "mm guard")
        let scripts = ["Get-Mailbox |\n  Remove-Mailbox", "Remove-MgUser -UserId x; Remove-MgUser -UserId y"]
        let engine = GuardEngine.standard
        for (number, script) in scripts.enumerated() {
            let verdict = engine.judge(script: script, module: .exchangeOnline, policy: .standard)
            let name = ["a b.ps1", "c:d#e.ps1"][number]
            try ProtectedFile.replace("\(home.path)/\(name)", with: Array(script.utf8))
            let text = try CheckedText(file: "\(home.path)/\(name)", kind: .powershell, in: context)
            log.add(verdict, on: text, policy: .standard)
        }
        #expect(SARIFRules.violations(of: log.json) == [])
        let results = try #require(log.json["runs"]?[0]?["results"]?.array)
        let uris = Set(
            results.map { $0["locations"]?[0]?["physicalLocation"]?["artifactLocation"]?["uri"]?.string ?? "" })
        #expect(uris == ["file://\(home.path)/a%20b.ps1", "file://\(home.path)/c%3Ad%23e.ps1"])
        #expect(SARIFLog.reference(to: "./c:d/é.ps1") == "c%3Ad/%C3%A9.ps1")
    }
}
