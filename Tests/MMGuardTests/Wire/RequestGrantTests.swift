import MMCore
import MMGuard
import Testing

@Suite("What a call may send", .timeLimit(.minutes(5)))
struct RequestGrantTests {
    static let invoke = WireRequestTests.invoke

    /// The authority of a text as the guard judges it; where it asks, a person has said yes.
    static func authority(_ text: String, policy: GuardPolicy = .standard, previewed: Int? = nil) -> CallAuthority {
        CallAuthority(
            verdict: GuardEngine.standard.judge(script: text, policy: policy), text: text, previewed: previewed)
    }

    static func grant(_ text: String, policy: GuardPolicy = .standard, previewed: Int? = nil) -> RequestGrant {
        RequestGrant(authority(text, policy: policy, previewed: previewed), policy: policy)
    }

    static let requests: [String: RequestIntent] = [
        "read": Wire.intent(.graph, "GET", "/v1.0/users/ann@contoso.com"),
        "sign-in": Wire.intent(
            .signIn, "POST", "/common/oauth2/v2.0/token", "grant_type=refresh_token",
            headers: [("Content-Type", "application/x-www-form-urlencoded")]),
        "write": Wire.intent(.graph, "PATCH", "/v1.0/users/ann@contoso.com", #"{"jobTitle":"x"}"#),
        "set ann": Wire.intent(
            .exchange, "POST", invoke, Wire.cmdlet("Set-Mailbox", #"{"Identity":"ann@contoso.com"}"#)),
        "remove ann": Wire.intent(
            .exchange, "POST", invoke, Wire.cmdlet("Remove-Mailbox", #"{"Identity":"ann@contoso.com"}"#)),
        "remove ceo": Wire.intent(
            .exchange, "POST", invoke, Wire.cmdlet("Remove-Mailbox", #"{"Identity":"ceo@contoso.com"}"#)),
        "forward ann": Wire.intent(
            .exchange, "POST", invoke,
            Wire.cmdlet("Set-Mailbox", #"{"Identity":"ann@contoso.com","ForwardingSmtpAddress":"x@evil.example"}"#)),
        "mail": Wire.intent(.graph, "POST", "/v1.0/me/sendMail", "{}"),
        "unknown": Wire.intent(.graph, "POST", "/v1.0/somethingNew", "{}"),
        "secret": Wire.intent(.keyVault, "GET", "/secrets/db"),
        "resource": Wire.intent(.arm, "PUT", "/subscriptions/s/resourceGroups/rg", "{}"),
        "web socket": Wire.intent(.graph, "GET", "/v1.0/live", headers: [("Upgrade", "websocket")]),
        "action": Wire.intent(.arm, "POST", WireRequestTests.vm + "/somethingNew", "{}"),
    ]

    static func word(_ outcome: RequestGrant.Outcome) -> String {
        switch outcome {
        case .allow: "allow"
        case .hold: "hold"
        case .refuse(let code, _): code
        }
    }

    @Test(
        "a call sends what its text was judged for, and no more",
        arguments: [
            ("Get-Mailbox", "read", "allow"), ("Get-Mailbox", "sign-in", "allow"), ("Get-Mailbox", "write", "hold"),
            ("Get-Mailbox", "remove ann", "hold"), ("Get-Mailbox", "mail", "hold"), ("Get-Mailbox", "secret", "hold"),
            ("Get-Mailbox", "resource", "hold"), ("Get-Mailbox", "unknown", "hold"),
            ("Get-Mailbox", "web socket", "hold"),
            ("Set-Mailbox ann@contoso.com -CustomAttribute1 x", "web socket", "hold"),
            ("Set-Mailbox ann@contoso.com -CustomAttribute1 x", "write", "allow"),
            ("Set-Mailbox ann@contoso.com -CustomAttribute1 x", "set ann", "allow"),
            ("Set-Mailbox ann@contoso.com -CustomAttribute1 x", "forward ann", "hold"),
            ("Set-Mailbox ann@contoso.com -CustomAttribute1 x", "remove ann", "hold"),
            ("Set-Mailbox ann@contoso.com -CustomAttribute1 x", "resource", "allow"),
            ("Set-Mailbox ann@contoso.com -CustomAttribute1 x", "action", "hold"),
            ("Set-Mailbox ann@contoso.com -CustomAttribute1 x", "unknown", "hold"),
            ("Remove-Mailbox ann@contoso.com", "remove ann", "allow"),
            ("Remove-Mailbox ANN@contoso.com", "remove ann", "allow"),
            ("Remove-Mailbox ann@contoso.com", "remove ceo", "hold"),
            ("Remove-Mailbox xann@contoso.com", "remove ann", "hold"),
            ("Remove-Mailbox ann@contoso.com.evil", "remove ann", "hold"),
            ("Remove-Mailbox ann@contoso.com", "mail", "hold"),
            ("Remove-Mailbox ann@contoso.com", "write", "allow"), ("Remove-Mailbox ann@contoso.com", "unknown", "hold"),
            ("$who = 'ann'; Remove-Mailbox $who", "remove ceo", "allow"),
            ("Get-AzKeyVaultSecret -VaultName v -Name db", "secret", "allow"),
            ("Get-AzKeyVaultSecret -VaultName v -Name db", "write", "hold"),
        ])
    func texts(text: String, request: String, expected: String) throws {
        var grant = Self.grant(text)
        let intent = try #require(Self.requests[request])
        let outcome = Self.word(grant.judge(intent, number: 1))
        #expect(outcome == expected)
    }

    @Test(
        "outside of calls a session looks and signs in",
        arguments: [
            ("read", "allow"), ("sign-in", "allow"), ("write", "outside_call"), ("secret", "outside_call"),
            ("mail", "outside_call"), ("unknown", "outside_call"), ("web socket", "outside_call"),
        ])
    func outside(request: String, expected: String) throws {
        var grant = RequestGrant.outsideCalls(policy: .standard)
        let outcome = Self.word(grant.judge(try #require(Self.requests[request]), number: 1))
        #expect(outcome == expected)
    }

    @Test("a policy holds at the wire whatever the text was")
    func policies() throws {
        let readOnly = GuardPolicy(.readonly)
        for name in Self.requests.keys where name != "read" && name != "sign-in" {
            var grant = RequestGrant(Self.authority("Remove-Mailbox ann@contoso.com"), policy: readOnly)
            let outcome = Self.word(grant.judge(try #require(Self.requests[name]), number: 1))
            #expect(outcome == "denied", "\(name)")
        }
        var strict = RequestGrant(Self.authority("Get-Mailbox"), policy: GuardPolicy(.strict))
        let outcomes = ["write": "hold", "secret": "denied", "read": "allow"]
        for (name, expected) in outcomes {
            let outcome = Self.word(strict.judge(try #require(Self.requests[name]), number: 1))
            #expect(outcome == expected, "\(name)")
        }
    }

    @Test(
        "what is confirmed for a few holds for ten whom the text doesn't name, for many without end, and for as many as were counted"
    )
    func bounds() {
        func removed(_ text: String, previewed: Int? = nil) -> Int {
            var grant = Self.grant(text, previewed: previewed)
            return (0..<40).prefix { index in
                let body = Wire.cmdlet("Remove-Mailbox", #"{"Identity":"u\#(index)@contoso.com"}"#)
                let outcome = grant.judge(Wire.intent(.exchange, "POST", Self.invoke, body), number: UInt64(index))
                return Self.word(outcome) == "allow"
            }.count
        }
        #expect(removed("Get-Mailbox -ResultSize 5 | Remove-Mailbox") == 10)
        #expect(removed("Get-Mailbox -ResultSize Unlimited | Remove-Mailbox") == 40)
        #expect(removed("Get-Mailbox -ResultSize Unlimited | Remove-Mailbox", previewed: 7) == 7)
        #expect(removed("Remove-Mailbox u0@contoso.com") == 1)
    }

    private func hold(_ grant: inout RequestGrant, _ name: String, _ number: UInt64) throws -> RequestQuestion {
        let intent = try #require(Self.requests[name])
        guard case .hold(let question) = grant.judge(intent, number: number) else {
            throw MMError(.internalError, "\(name) was not held")
        }
        return question
    }

    @Test("a yes lets the held request pass, once; the same again is asked again unless it came to nothing")
    func yes() throws {
        var grant = Self.grant("Get-Mailbox")
        let first = Self.word(grant.answered(try hold(&grant, "remove ann", 1), .yes))
        #expect(first == "allow")
        grant.ended(1, status: 429, wasSent: true)
        let retry = Self.word(grant.judge(try #require(Self.requests["remove ann"]), number: 2))
        #expect(retry == "allow")
        grant.ended(2, status: 200, wasSent: true)
        let again = Self.word(grant.judge(try #require(Self.requests["remove ann"]), number: 3))
        #expect(again == "hold")
        let other = Self.word(grant.judge(try #require(Self.requests["remove ceo"]), number: 4))
        #expect(other == "hold")
    }

    @Test("a yes to the kind holds for as many as were offered, in this call and for this kind alone")
    func kind() throws {
        var grant = Self.grant("Get-Mailbox", previewed: 3)
        let question = try hold(&grant, "remove ann", 1)
        #expect(question.moreOfKind == 2)
        let first = Self.word(grant.answered(question, .yesToKind))
        #expect(first == "allow")
        for (number, expected) in [(2, "allow"), (3, "allow"), (4, "hold")] {
            let body = Wire.cmdlet("Remove-Mailbox", #"{"Identity":"u\#(number)"}"#)
            let intent = Wire.intent(.exchange, "POST", Self.invoke, body)
            let outcome = Self.word(grant.judge(intent, number: UInt64(number)))
            #expect(outcome == expected, "\(number)")
        }
        let other = Self.word(grant.judge(try #require(Self.requests["forward ann"]), number: 9))
        #expect(other == "hold")
    }

    @Test("a no holds for the kind, is told, and stops nothing else")
    func no() throws {
        var grant = Self.grant("Set-Mailbox ann@contoso.com -CustomAttribute1 x")
        let first = Self.word(grant.answered(try hold(&grant, "remove ann", 1), .no))
        #expect(first == "denied")
        let same = Self.word(grant.judge(try #require(Self.requests["remove ceo"]), number: 2))
        #expect(same == "denied")
        let plain = Self.word(grant.judge(try #require(Self.requests["write"]), number: 3))
        #expect(plain == "allow")
        #expect(grant.traffic.notes.first?.contains("Remove-Mailbox (ann@contoso.com)") ?? false)
        #expect(grant.traffic.error(pending: nil) == nil)
    }

    @Test(
        "where nobody can be asked nothing that changes something passes any more, and the answer says what was done before"
    )
    func nobody() throws {
        var grant = Self.grant("Set-Mailbox ann@contoso.com -CustomAttribute1 x")
        let before = Self.word(grant.judge(try #require(Self.requests["write"]), number: 1))
        #expect(before == "allow")
        grant.ended(1, status: 204, wasSent: true)
        let unsent = Self.word(grant.judge(try #require(Self.requests["set ann"]), number: 2))
        #expect(unsent == "allow")
        grant.ended(2, status: 0, wasSent: false)
        let question = try hold(&grant, "remove ann", 3)
        let late = try hold(&grant, "remove ceo", 4)
        let held = Self.word(grant.answered(question, .nobody))
        #expect(held == "confirmation_needed")
        for name in ["write", "set ann", "remove ceo"] {
            let outcome = Self.word(grant.judge(try #require(Self.requests[name]), number: 5))
            #expect(outcome == "confirmation_needed", "\(name)")
        }
        let afterwards = Self.word(grant.answered(late, .yes))
        #expect(afterwards == "confirmation_needed")
        let read = Self.word(grant.judge(try #require(Self.requests["read"]), number: 6))
        #expect(read == "allow")
        let error = try #require(grant.traffic.error(pending: nil))
        #expect(error.code == .confirmationNeeded)
        #expect(error.message.contains("Remove-Mailbox"))
        #expect(error.message.contains("PATCH https://graph.microsoft.com/users/{user-id} (ann@contoso.com) → 204"))
        #expect(error.hint?.contains("again") ?? false)
        #expect(error.details["sentCount"] == .int(1))
        #expect(error.details["heldBackCount"] == .int(5))
    }

    @Test("nothing was sent before: the same call is repeated after the yes")
    func nothingBefore() throws {
        var grant = Self.grant("Get-Mailbox")
        _ = grant.answered(try hold(&grant, "remove ann", 3), .nobody)
        let error = try #require(grant.traffic.error(pending: nil))
        #expect(error.message.contains("No earlier request changed anything."))
        #expect(error.hint?.contains("repeat exactly this call") ?? false)
    }

    @Test(
        "a dry run reads, holds back all that changes something, and says what a run would do with it",
        arguments: [
            ("read", "allow", "allow"), ("write", "dry_run", "ask"), ("remove ann", "dry_run", "ask"),
            ("remove ceo", "dry_run", "ask"), ("mail", "dry_run", "ask"), ("secret", "dry_run", "ask"),
        ])
    func dryRun(name: String, expected: String, inARun: String) throws {
        var grant = RequestGrant(Self.authority("Remove-Mailbox ann@contoso.com"), policy: .standard, isDryRun: true)
        let intent = try #require(Self.requests[name])
        let outcome = Self.word(grant.judge(intent, number: 1))
        #expect(outcome == expected)
        grant.ended(1, status: expected == "allow" ? 200 : 403, wasSent: expected == "allow")
        let shown = try #require(grant.traffic.rehearsed.first)
        #expect(shown.decision.rawValue == inARun)
        #expect(shown.json["sent"] == .bool(expected == "allow"))
        #expect(shown.json["status"] == (expected == "allow" ? 200 : nil))
        #expect(shown.json["template"] == .string(intent.template))
        #expect(shown.json["method"] == .string(intent.request.method))
        #expect(grant.traffic.sent.isEmpty && grant.traffic.held.isEmpty && grant.traffic.error(pending: nil) == nil)
    }

    @Test(
        "a dry run shows the stricter of the decisions on the request and on the text",
        arguments: [
            ("Set-Mailbox ann@contoso.com -CustomAttribute1 x", "set ann", "allow"),
            ("Set-Mailbox ann@contoso.com -CustomAttribute1 x", "forward ann", "ask"),
            ("Set-Mailbox ann@contoso.com -ForwardingSmtpAddress x@evil.example", "forward ann", "ask"),
            ("Set-Mailbox ann@contoso.com -ForwardingSmtpAddress x@evil.example", "set ann", "ask"),
            ("Set-Mailbox ann@contoso.com -CustomAttribute1 x; Remove-Mailbox ann@contoso.com", "set ann", "deny"),
            ("Set-Mailbox ann@contoso.com -CustomAttribute1 x", "remove ann", "deny"),
        ])
    func dryRunOfText(text: String, name: String, expected: String) throws {
        let policy = GuardPolicy(.standard, overrides: [.destructive: .deny])
        var grant = RequestGrant(Self.authority(text, policy: policy), policy: policy, isDryRun: true)
        _ = grant.judge(try #require(Self.requests[name]), number: 1)
        #expect(grant.traffic.rehearsed.map(\.decision.rawValue) == [expected])
    }

    @Test("a dry run of what runs with a warning alone shows what would be sent without a question")
    func dryRunOfWarned() {
        let policy = GuardPolicy(.standard, warnsOnly: true)
        let authority = Self.authority("Remove-AzResourceGroup -Name rg-old -Force", policy: policy)
        var grant = RequestGrant(authority, policy: policy, isDryRun: true)
        for (number, name) in ["rg-old", "rg-new"].enumerated() {
            let request = Wire.intent(.arm, "DELETE", "/subscriptions/s/resourceGroups/\(name)")
            _ = grant.judge(request, number: UInt64(number))
        }
        #expect(grant.traffic.rehearsed.map(\.decision) == [.allow, .ask])
    }

    @Test("a dry run of a script that is asked about says so of each change, and lists the first of very many")
    func dryRunOfMany() {
        var grant = RequestGrant(
            Self.authority("Get-Mailbox -ResultSize 5 | Remove-Mailbox"), policy: .standard, isDryRun: true)
        for number in 0..<500 {
            let body = Wire.cmdlet("Remove-Mailbox", #"{"Identity":"u\#(number)@contoso.com"}"#)
            _ = grant.judge(Wire.intent(.exchange, "POST", Self.invoke, body), number: UInt64(number))
        }
        let traffic = grant.traffic
        #expect(traffic.rehearsed.allSatisfy { $0.decision == .ask })
        #expect(traffic.rehearsed.count + traffic.unlisted == 500 && traffic.unlisted > 0)
    }

    @Test("a dry run shows small bodies without their secrets, and of others what tells them apart")
    func dryRunBodies() throws {
        func body(_ request: RequestIntent) throws -> JSONValue {
            var grant = RequestGrant(Self.authority("Get-Mailbox"), policy: .standard, isDryRun: true)
            _ = grant.judge(request, number: 1)
            return try #require(grant.traffic.rehearsed.first?.json["body"])
        }
        let user = try body(
            Wire.intent(.graph, "POST", "/v1.0/users", #"{"displayName":"Ann","passwordProfile":{"password":"h4rd!"}}"#)
        )
        #expect(user["displayName"] == "Ann")
        #expect(!JSONWriter.string(user).contains("h4rd!"))
        let large = try body(
            Wire.intent(.graph, "POST", "/v1.0/users", #"{"about":"\#(String(repeating: "x", count: 9_000))"}"#))
        #expect(large["bytes"] == 9_012 && large["sha256"]?.string?.utf8.count == 64)
        #expect(JSONWriter.string(large).utf8.count < 500)
        #expect(try body(try #require(Self.requests["sign-in"])).string != nil)
        #expect(try body(Wire.intent(.graph, "DELETE", "/v1.0/users/a")) == .null)
    }

    @Test("a person sees the whole request and the call that sends it, and a yes is bound to exactly that")
    func questions() throws {
        let contoso = try Connection(name: "Contoso", tenant: "contoso.example")
        var grant = Self.grant("Get-Mailbox")
        let question = try hold(&grant, "remove ann", 1)
        let shown = question.confirmation(on: contoso, module: "exo")
        let page = try #require(shown.presentation.pages.first)
        #expect(shown.presentation.title == "Contoso: send from a script in exo")
        #expect(page.contains("the call was approved only for reads"))
        #expect(page.contains("POST https://outlook.office365.com\(Self.invoke)"))
        #expect(page.contains("\"Identity\": \"ann@contoso.com\""))
        var other = Self.grant("Get-Mailbox")
        let same = try hold(&other, "remove ann", 7).confirmation(on: contoso, module: "exo")
        let different = try hold(&other, "remove ceo", 8).confirmation(on: contoso, module: "exo")
        #expect(shown.digest == same.digest)
        #expect(shown.digest != different.digest)
        #expect(question.canWait)
    }

    @Test("a plain write of a call that only looks is asked for too, by name")
    func plainWrite() throws {
        var grant = Self.grant("Get-Mailbox")
        let question = try hold(&grant, "write", 1)
        #expect(question.verdict.decision == .ask)
        #expect(question.verdict.reason.contains("ann@contoso.com"))
    }
}
