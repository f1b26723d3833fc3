import MMCore
import MMGuard
import Testing

@testable import MMOperations

/// Somebody who says yes, and remembers what to.
private actor Agreeing: ConfirmingPerson {
    private(set) var questions: [ConfirmationQuestion] = []

    func showSignIn(_ details: JSONObject) async {}

    func confirm(_ question: ConfirmationQuestion) async throws(MMError) -> Bool {
        questions.append(question)
        return true
    }
}

@Suite("Cmdlets that change something, as the modules send them", .timeLimit(.minutes(10)))
struct WritingCmdletTests {
    private static let groups = "Get-AzResourceGroup | Select-Object -ExpandProperty ResourceGroupName"

    private func groups(_ home: SignInHome) async -> String {
        guard case .answered(let answer) = await home.run("azure", on: "Demo", Self.groups) else { return "" }
        return "\(answer.body)"
    }

    @Test("what a person lets a job do is done before the call ends, which says how it went")
    func job() async throws {
        let home = try await SignInHome()
        try await home.login()
        let person = Agreeing()
        #expect(await groups(home).contains("rg-web"))
        let ran = await home.run(
            "azure", on: "Demo", "Remove-AzResourceGroup -Name rg-web -Force -AsJob | Select-Object State",
            person: person)
        guard case .answered(let answer) = ran else { return #expect(Bool(false), "\(ran)") }
        #expect(answer.exitStatus == 0 && "\(answer.body)".contains("Running"), "\(answer)")
        #expect(answer.notes.count { $0.contains("Completed") } == 1, "\(answer.notes)")
        #expect(await person.questions.count == 1)
        #expect(await !groups(home).contains("rg-web"))
        await home.stop()
    }

    @Test("a job that comes to nothing makes its call fail, in the service's words")
    func failedJob() async throws {
        let home = try await SignInHome()
        try await home.login()
        #expect(await groups(home).contains("rg-web"))
        try await home.fault(["kind": "status", "status": 409, "method": "DELETE", "path": "/subscriptions"])
        let ran = await home.run(
            "azure", on: "Demo", "$j = Remove-AzResourceGroup -Name rg-web -Force -AsJob", person: Agreeing())
        guard case .answered(let answer) = ran else { return #expect(Bool(false), "\(ran)") }
        #expect(answer.exitStatus != 0 && answer.notes.contains { $0.contains("Failed") }, "\(answer)")
        #expect(await groups(home).contains("rg-web"))
        await home.stop()
    }

    @Test("a preview asks nobody and changes nothing; the cmdlet's own prompt fails where it isn't answered beforehand")
    func preview() async throws {
        let home = try await SignInHome()
        try await home.login()
        let person = Agreeing()
        let preview = await home.run("azure", on: "Demo", "Remove-AzResourceGroup -Name rg-web -WhatIf", person: person)
        #expect(preview.isAnswered, "\(preview)")
        #expect(await person.questions.isEmpty)
        let asking = await home.run("azure", on: "Demo", "Remove-AzResourceGroup -Name rg-web", person: person)
        #expect("\(asking)".contains("NonInteractive"), "\(asking)")
        let done = await home.run("azure", on: "Demo", "Remove-AzResourceGroup rg-web -Force", person: person)
        #expect(done.isAnswered, "\(done)")
        #expect(await !groups(home).contains("rg-web"))
        await home.stop()
    }

    @Test("a plain channel is made without a question, however the module spells its kind, a shared one with one")
    func channel() async throws {
        let home = try await SignInHome()
        try await home.login()
        let listed = await home.run("teams", on: "Demo", "(Get-Team | Select-Object -First 1).GroupId")
        guard case .answered(let answer) = listed else { return #expect(Bool(false), "\(listed)") }
        let text = JSONWriter.string(.string("\(answer.body)"))
        let id = try #require(text.split { !($0.isHexDigit || $0 == "-") }.map(String.init).first { $0.count == 36 })
        let person = Agreeing()
        let made = await home.run(
            "teams", on: "Demo", "New-TeamChannel -GroupId \(id) -DisplayName Neu | Select-Object DisplayName",
            person: person)
        #expect(made.isAnswered && "\(made)".contains("Neu"), "\(made)")
        #expect(await person.questions.isEmpty)
        let shared = await home.run(
            "teams", on: "Demo", "New-TeamChannel -GroupId \(id) -DisplayName Gemeinsam -MembershipType Shared",
            person: person)
        #expect(await person.questions.count == 1, "\(shared)")
        await home.stop()
    }
}
