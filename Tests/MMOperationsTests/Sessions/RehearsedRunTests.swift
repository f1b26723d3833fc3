import MMCore
import TestSupport
import Testing

@testable import MMOperations

@Suite("A script that changes something", .timeLimit(.minutes(5)))
struct RehearsedRunTests {
    /// Answers each question of a script, in turn, and says yes to everything.
    private final class Answering: ConfirmingPerson {
        private let state: Mutex<(left: [String], asked: [String], confirmed: Int)>

        init(_ answers: [String]) { state = Mutex((answers, [], 0)) }

        var isAtTerminal: Bool { true }
        var asked: [String] { state.withLock { $0.asked } }
        var confirmed: Int { state.withLock { $0.confirmed } }

        func showSignIn(_ details: JSONObject) async {}

        func confirm(_ question: ConfirmationQuestion) async throws(MMError) -> Bool {
            state.withLock { $0.confirmed += 1 }
            return true
        }

        func answer(to question: String) async throws(MMError) -> String? {
            state.withLock { state in
                state.asked.append(question)
                return state.left.isEmpty ? nil : state.left.removeFirst()
            }
        }
    }

    /// A construct that only its value shows to be beyond the native engine.
    private static let beyond = """
        $p = ConvertTo-SecureString 'Winter-2026' -AsPlainText -Force
        Update-MgUser -UserId ben.baker@contoso-sandbox.example -BodyParameter @{ passwordProfile = @{ password = $p } }
        """
    private static let change = "Update-MgUser -UserId lena.vogt@contoso-sandbox.example -JobTitle Gone"

    private func title(in home: ChangesHome) async throws -> JSONValue? {
        try await home.graph("GET", "/users/lena.vogt@contoso-sandbox.example?$select=jobTitle")["jobTitle"]
    }

    private func run(
        _ script: String, in home: ChangesHome, by person: Answering, _ more: JSONObject = [:]
    ) async throws(MMError) -> OperationAnswer {
        var arguments: JSONObject = [
            "connection": "Demo", "module": "graph", "engine": "native", "command": .string(script),
            "script": "leaver.ps1",
        ]
        for (name, value) in more { arguments[name] = value }
        return try await home.service.call("run", arguments, in: home.context(person))
    }

    @Test(
        "sends nothing if a part that it reaches after a question is beyond the native engine",
        arguments: [
            "\(change)\n$a = Read-Host 'Reset the password? (y/n)'\nif ($a -eq 'y') {\n\(beyond)\n}",
            "foreach ($n in 1..2) {\n\(change)\n$a = Read-Host \"Reset $n\"\nif ($a -eq 'y') {\n\(beyond)\n} }",
            "function Reset { param($Who)\n$a = Read-Host \"Reset $Who\"\nif ($a -eq 'y') {\n\(beyond)\n} }\n\(change)\nReset Ben",
            "param([Parameter(Mandatory)][string]$Reset)\n\(change)\nif ($Reset -eq 'y') {\n\(beyond)\n}",
            "try {\n\(change)\n$a = Read-Host 'Reset?'\nif ($a -eq 'y') {\n\(beyond)\n} } catch { Write-Host 'failed' }",
            "\(change)\ntry { throw 'x' } catch { $a = Read-Host 'Reset?'; if ($a -eq 'y') {\n\(beyond)\n} }",
            """
            function Reset { [CmdletBinding(SupportsShouldProcess)] param($Who)
            if ($PSCmdlet.ShouldProcess($Who, 'Reset')) { if ((Read-Host 'Sure?') -eq 'y') {
            \(beyond)
            } } }
            \(change)
            Reset Ben
            """,
        ])
    func neverHalf(script: String) async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let before = try await title(in: home)
        let person = Answering(["y", "y"])
        let error = await #expect(throws: MMError.self) { try await run(script, in: home, by: person) }
        #expect(error?.code == .unsupported, "\(error as Any)")
        #expect(person.asked.count == 1 && person.confirmed == 0, "\(person.asked)")
        #expect(try await title(in: home) == before)
    }

    @Test("asks each question once, before the confirmation, and then runs with the answers")
    func answered() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let person = Answering(["Clerk", "Chief"])
        let script = """
            Write-Host 'Titles of Lena'
            foreach ($n in 1..2) {
                $title = Read-Host 'Title'
                Update-MgUser -UserId lena.vogt@contoso-sandbox.example -JobTitle $title -AccountEnabled:$false
            }
            """
        _ = try await run(script, in: home, by: person)
        #expect(person.asked.map { $0.contains("Titles of Lena") } == [true, false], "\(person.asked)")
        #expect(person.confirmed == 1)
        #expect(try await title(in: home) == "Chief")
    }

    @Test("sends nothing if nobody answers a question after its first change")
    func unanswered() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let before = try await title(in: home)
        let person = Answering([])
        let error = await #expect(throws: MMError.self) {
            try await run("\(Self.change)\n$ticket = Read-Host 'Ticket'\n\(Self.change)", in: home, by: person)
        }
        #expect(error?.message.contains("--param ticket=") == true, "\(error as Any)")
        #expect(person.confirmed == 0)
        #expect(try await title(in: home) == before)
    }

    @Test("is asked about in a dry run as well, where nothing is sent", arguments: [["Chief"], []])
    func dryRun(answers: [String]) async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let before = try await title(in: home)
        let person = Answering(answers)
        var more: JSONObject = ["dryRun": true, "output": "json"]
        if answers.isEmpty { more["param"] = ["title": "Chief"] }
        let answer = try await run(
            "$title = Read-Host 'Title'\nUpdate-MgUser -UserId lena.vogt@contoso-sandbox.example -JobTitle $title",
            in: home, by: person, more)
        #expect(person.asked.count == answers.count && person.confirmed == 0)
        #expect(ChangesHome.value(answer)["body"]?["jobTitle"] == "Chief", "\(answer)")
        #expect(try await title(in: home) == before)
    }

    @Test("sends nothing if the guard would refuse a later request of it")
    func refused() async throws {
        let home = try await ChangesHome(users: 5)
        defer { Task { await home.stop() } }
        let rule = #"{"version":1,"rules":[{"id":"no","requests":{"paths":["/groups/**"]},"decision":"deny"}]}"#
        try ProtectedFile.replace(home.home.paths.stateDirectory + "/guard-rules.json", with: Array(rule.utf8))
        let before = try await title(in: home)
        let person = Answering([])
        let script = "\(Self.change)\nInvoke-MgGraphRequest -Method DELETE -Uri ('/v1.0/gro' + 'ups/1')"
        await #expect(throws: MMError.self) { try await run(script, in: home, by: person) }
        #expect(person.confirmed == 0)
        #expect(try await title(in: home) == before)
    }
}
