import MMCore
import Testing

@testable import MMGuard

@Suite("What weakens a connection", .timeLimit(.minutes(5)))
struct WeakeningTests {
    private func connection(_ more: JSONObject) throws -> Connection {
        var entry: JSONObject = ["tenant": "contoso.com", "expectedEmail": "admin@contoso.com"]
        for (key, value) in more { entry[key] = value }
        return try Connection(name: "Contoso", entry: entry)
    }

    @Test(
        "is told with both values, and asked about by the proof that is in force",
        arguments: [
            (["person": "pin"], [:], PersonCheck.pin, 1, "person, send acts: pin, then form"),
            (["person": ["destructive": "key"]], ["person": "pin"], .key, 1, "person, destructive acts: key, then pin"),
            (["person": "terminal"], [:], .terminal, 1, "person, send acts: terminal, then form"),
            (
                ["guard": ["approvals": ["external": 2]]], ["guard": ["approvals": ["send": 2]]], .terminal, 2,
                "approvals, external acts: 2, then 1"
            ),
            (["guard": "readonly"], [:], .terminal, 1, "guard, write acts: deny, then allow"),
            ([:], ["guard": ["allow": ["send"]]], .terminal, 1, "guard, send acts: ask, then allow"),
            (["guard": "strict", "person": "login"], [:], .login, 1, "guard, write acts: ask, then allow"),
            ([:], ["skipSendGuards": true], .terminal, 1, "skipSendGuards: false, then true"),
            ([:], ["egress": "off"], .terminal, 1, "egress: through mm's proxy, then off"),
            ([:], ["egress": ["allow": ["a.example"]]], .terminal, 1, "egress.allow: a.example added"),
            (["confinement": "required"], [:], .terminal, 1, "confinement: required, then preferred"),
            ([:], ["shared": ["~/reports"]], .terminal, 1, "~/reports added"),
            (["mcps": ["mm"]], [:], .terminal, 1, "mcps: every server added"),
            (["audit": "required"], [:], .terminal, 1, "audit: required, then preferred"),
            (["language": "constrained"], [:], .terminal, 1, "language: constrained, then full"),
        ] as [(JSONObject, JSONObject, PersonCheck, Int, String)])
    func weaker(_ before: JSONObject, _ after: JSONObject, _ check: PersonCheck, _ people: Int, _ point: String) throws
    {
        let weakening = try #require(try Weakening(of: connection(before), to: connection(after)))
        #expect(weakening.points.contains { $0.hasSuffix(point) }, "\(weakening.points)")
        // The record tells them whole: a class may be called like what holds a password.
        for point in weakening.points { #expect(Redactor.standard.text(point) == point) }
        let request = weakening.request
        #expect(request.check == check && request.approvals == people && request.verdict.decision == .ask)
        #expect(try Weakening(of: connection(after), to: connection(before)).map { $0.points }?.contains(point) != true)
    }

    @Test(
        "is nothing that leaves the guard as it was, or makes it stricter",
        arguments: [
            ([:], ["description": "x"]), ([:], ["person": "key"]), (["guard": "standard"], ["guard": "readonly"]),
            (["egress": ["allow": ["a.example", "b.example"]]], ["egress": ["allow": ["a.example"]]]),
            (["confinement": "off"], ["confinement": "required"]), ([:], ["guard": ["approvals": 2]]),
            ([:], ["engine": "native", "logContent": true, "tags": ["x"]]),
        ] as [(JSONObject, JSONObject)])
    func notWeaker(_ before: JSONObject, _ after: JSONObject) throws {
        #expect(try Weakening(of: connection(before), to: connection(after)) == nil)
    }

    @Test("is the removal of an entry that demands more of a person than a yes")
    func removal() throws {
        #expect(try Weakening(of: connection(["person": ["send": "pin"]]), to: nil)?.check == .pin)
        #expect(try Weakening(of: connection(["guard": ["approvals": 3]]), to: nil)?.approvals == 3)
        #expect(try Weakening(of: connection([:]), to: nil) == nil)
    }

    @Test("no standing approval lets it through")
    func standing() throws {
        let weakening = try #require(try Weakening(of: connection([:]), to: connection(["egress": "off"])))
        #expect(weakening.request.standingClasses == nil)
    }
}
