import MMCore
import MMNative
import Testing

@testable import MMOperations

@Suite("Scripts that were found right", .timeLimit(.minutes(5)))
struct CheckedScriptsTests {
    private func key(_ script: String, _ module: String = "exo") throws -> CheckedScripts.Key {
        CheckedScripts.Key(script, try #require(ExchangeTable.Service(module: module)))
    }

    @Test("a script is known for the service that it was checked for, and to the letter")
    func known() throws {
        let scripts = CheckedScripts()
        scripts.insert(try key("Get-Mailbox ann"))
        #expect(scripts.contains(try key("Get-Mailbox ann")))
        #expect(!scripts.contains(try key("Get-Mailbox ann", "compliance")))
        #expect(!scripts.contains(try key("Get-Mailbox anne")))
        #expect(!scripts.contains(try key("get-mailbox ann")))
    }

    @Test("old scripts make room for new ones, unless they are still in use")
    func room() throws {
        let scripts = CheckedScripts()
        scripts.insert(try key("Get-Mailbox often"))
        scripts.insert(try key("Get-Mailbox once"))
        for number in 0..<5_000 {
            scripts.insert(try key("Get-Mailbox \(number)"))
            #expect(scripts.contains(try key("Get-Mailbox often")))
        }
        #expect(!scripts.contains(try key("Get-Mailbox once")))
        #expect(scripts.contains(try key("Get-Mailbox 4999")))
    }

    @Test("a wrong parameter is refused each time, a right script passes each time")
    func checks() async throws {
        let service = try #require(ExchangeTable.Service(module: "exo"))
        let known = CheckedScripts()
        let wrong = EnginePlan("Get-Mailbox -ResultSice 5")
        let right = EnginePlan("Get-Mailbox -ResultSize 5")
        for _ in 1...3 {
            await #expect(throws: MMError.self) { try await DryRun.checkNames(wrong, service, knowing: known) }
            try await DryRun.checkNames(right, service, knowing: known)
        }
        #expect(known.contains(CheckedScripts.Key(right.script, service)))
        #expect(!known.contains(CheckedScripts.Key(wrong.script, service)))
    }
}

extension EnginePlan {
    /// The plan for a script that nobody has chosen an engine for.
    init(_ script: String) {
        self.init(script, wanted: .auto, reading: ScriptReading(script), signIn: nil)
    }
}
