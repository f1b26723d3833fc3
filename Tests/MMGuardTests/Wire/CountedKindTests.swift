import MMCore
import MMGuard
import Testing

@Suite("A yes to all of a kind", .timeLimit(.minutes(5)))
struct CountedKindTests {
    private static let mail = Wire.intent(.graph, "POST", "/v1.0/me/sendMail", "{}")

    private func removal(_ name: String) -> RequestIntent {
        Wire.intent(
            .exchange, "POST", RequestGrantTests.invoke,
            Wire.cmdlet("Remove-Mailbox", #"{"Identity":"\#(name)"}"#))
    }

    private func hold(_ grant: inout RequestGrant, _ intent: RequestIntent, _ number: UInt64) throws -> RequestQuestion
    {
        guard case .hold(let question) = grant.judge(intent, number: number) else {
            throw MMError(.internalError, "Request \(number) was not held.")
        }
        return question
    }

    @Test(
        "a yes to the kind is offered for as many as the text itself counts",
        arguments: [
            ("'a', 'b', 'c', 'd' | ForEach-Object { Set-Mailbox $_ -CustomAttribute1 x }", 3, "kind expected: 3."),
            ("foreach ($who in 'a', 'b') { Set-Mailbox $who -CustomAttribute1 x }", 1, "kind expected: 1."),
            ("Set-Mailbox a -CustomAttribute1 x; Set-Mailbox b -CustomAttribute1 x", 1, "kind expected: 1."),
            ("Set-Mailbox a -CustomAttribute1 x", 0, "kind expected: none."),
            ("Get-Mailbox -ResultSize 4 | Set-Mailbox -CustomAttribute1 x", 3, "kind expected: 3."),
            ("Get-Mailbox -ResultSize Unlimited | Set-Mailbox -CustomAttribute1 x", 9, ""),
            ("function f($n) { Set-Mailbox $n -CustomAttribute1 x }; f a; f b", 9, ""), ("Get-Mailbox", 9, ""),
            ("& $what; Set-Mailbox a -CustomAttribute1 x", 9, ""),
        ])
    func counted(text: String, offered: Int, said: String) throws {
        var grant = RequestGrantTests.grant(text)
        let question = try hold(&grant, Self.mail, 1)
        #expect(question.moreOfKind == offered)
        let reason = question.verdict.reason
        #expect(said.isEmpty ? !reason.contains("expected") : reason.contains(said), "\(reason)")
    }

    @Test("a yes to the kind lets as many targets pass as the text counts; the next one is asked about again")
    func countedKind() throws {
        var grant = RequestGrantTests.grant(
            "'a', 'b', 'c', 'd' | ForEach-Object { Set-Mailbox $_ -CustomAttribute1 x }")
        let question = try hold(&grant, removal("u1"), 1)
        #expect(question.moreOfKind == 3)
        _ = grant.answered(question, .yesToKind)
        let outcomes = (2...6).map { number in
            RequestGrantTests.word(grant.judge(removal("u\(number)"), number: UInt64(number)))
        }
        #expect(outcomes == ["allow", "allow", "allow", "hold", "hold"])
        let next = try hold(&grant, removal("u5"), 7)
        #expect(next.moreOfKind == 0)
        #expect(next.verdict.reason.contains("kind expected: none."))
    }

    @Test("a retry of the same request is not asked about again, and is none of those that were counted")
    func countedRetries() throws {
        var grant = RequestGrantTests.grant("Get-Mailbox", previewed: 4)
        let question = try hold(&grant, removal("u1"), 1)
        _ = grant.answered(question, .yes)
        for number in UInt64(2)...9 {
            grant.ended(number - 1, status: 503, wasSent: true)
            let retry = RequestGrantTests.word(grant.judge(removal("u1"), number: number))
            #expect(retry == "allow")
        }
        grant.ended(9, status: 200, wasSent: true)
        let second = try hold(&grant, removal("u2"), 10)
        #expect(second.moreOfKind == 2)
        _ = grant.answered(second, .yesToKind)
        grant.ended(10, status: 429, wasSent: true)
        let outcomes = [("u2", 11), ("u3", 12), ("u4", 13), ("u5", 14)].map { name, number in
            RequestGrantTests.word(grant.judge(removal(name), number: UInt64(number)))
        }
        #expect(outcomes == ["allow", "allow", "allow", "hold"])
    }

    @Test("yeses to the kind of requests that were held at once let no more pass together than were counted")
    func countedTogether() throws {
        var grant = RequestGrantTests.grant("Get-Mailbox", previewed: 4)
        let questions = try [hold(&grant, removal("u1"), 1), hold(&grant, removal("u2"), 2)]
        #expect(questions.map(\.moreOfKind) == [3, 3])
        for question in questions { _ = grant.answered(question, .yesToKind) }
        let outcomes = (3...5).map { RequestGrantTests.word(grant.judge(removal("u\($0)"), number: UInt64($0))) }
        #expect(outcomes == ["allow", "allow", "hold"])
    }
}
