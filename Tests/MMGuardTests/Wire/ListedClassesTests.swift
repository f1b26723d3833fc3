import MMCore
import MMGuard
import Testing

@Suite("What a program may send that was let through by class", .timeLimit(.minutes(5)))
struct ListedClassesTests {
    private static func grant(_ classes: [GuardClass], _ policy: GuardPolicy = .standard) -> RequestGrant {
        RequestGrant(CallAuthority(listing: GuardClassSet(classes)), policy: policy, goesOn: true)
    }

    private static let delete = Wire.intent(.graph, "DELETE", "/v1.0/users/ann@contoso.com")

    private static func outcome(_ name: String, _ grant: inout RequestGrant, _ number: UInt64 = 1) throws -> String {
        let intent = name == "delete" ? delete : try #require(RequestGrantTests.requests[name])
        return RequestGrantTests.word(grant.judge(intent, number: number))
    }

    @Test(
        "it reads, sends the classes that were named, and asks about all others",
        arguments: [
            ([], "read", "allow"), ([], "write", "hold"), ([], "delete", "hold"), ([], "secret", "hold"),
            ([GuardClass.write], "write", "allow"), ([.write], "resource", "allow"), ([.write], "delete", "hold"),
            ([.write], "mail", "hold"), ([.write], "secret", "hold"), ([.write], "unknown", "hold"),
            ([.destructive], "delete", "allow"), ([.destructive], "write", "hold"), ([.send], "mail", "allow"),
            ([.write, .destructive, .send, .external, .subscription], "secret", "hold"),
            ([.write, .destructive, .send, .external, .subscription], "unknown", "hold"),
        ])
    func listed(_ classes: [GuardClass], _ name: String, _ expected: String) throws {
        var grant = Self.grant(classes)
        #expect(try Self.outcome(name, &grant) == expected)
    }

    @Test("what the connection denies is denied, whatever was named", arguments: ["write", "delete", "mail"])
    func denied(_ name: String) throws {
        var grant = Self.grant([.write, .destructive, .send], GuardPolicy(.readonly))
        #expect(try Self.outcome(name, &grant) == "denied")
    }

    @Test("what waits for a person holds nothing else back, and each is held by itself")
    func goesOn() throws {
        var grant = Self.grant([.write])
        guard case .hold(let question) = grant.judge(Self.delete, number: 1) else {
            Issue.record("it was not held")
            return
        }
        guard case .refuse(let code, let message) = grant.answered(question, .nobody) else {
            Issue.record("it was sent")
            return
        }
        #expect(code == "confirmation_needed" && !message.contains("no further changes"))
        #expect(try Self.outcome("write", &grant, 2) == "allow")
        #expect(try Self.outcome("mail", &grant, 3) == "hold")
        #expect(grant.traffic.held.count == 1 && grant.traffic.sent.count == 1)
    }
}
