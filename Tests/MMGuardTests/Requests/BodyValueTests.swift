import MMCore
import MMGuard
import Testing

@Suite("What a field of a body says", .timeLimit(.minutes(5)))
struct BodyValueTests {
    private let engine = GuardEngine()

    private func found(_ method: String, _ path: String, _ body: String) throws -> RequestClassification {
        let target = try RequestTarget(parsing: path, service: .graph)
        return engine.classify(
            GuardedRequest(method: method, target: target, body: .json(try JSONParser.parse(body))))
    }

    @Test(
        "a channel is shared by the value of its field, not by having the field",
        arguments: [
            (#"{"displayName":"Neu","membershipType":"Standard"}"#, GuardClass.write),
            (#"{"displayName":"Neu","membershipType":"standard"}"#, .write),
            (#"{"displayName":"Neu","membershipType":"private"}"#, .write), (#"{"displayName":"Neu"}"#, .write),
            (#"{"displayName":"Neu","membershipType":null}"#, .write),
            (#"{"displayName":"Neu","membershipType":"shared"}"#, .external),
            (#"{"displayName":"Neu","MembershipType":"SHARED"}"#, .external),
            (#"{"displayName":"Neu","membershipType":3}"#, .external),
            (#"{"displayName":"Neu","membershipType":["shared"]}"#, .external),
        ])
    func channels(body: String, expected: GuardClass) throws {
        for path in ["/teams/t/channels", "/beta/teams/t/channels", "/teams('t')/channels"] {
            #expect(try found("POST", path, body).classes.strictest == expected, "\(path) \(body)")
        }
    }

    @Test(
        "what is empty, null or off says nothing where something new is made, and takes away where something is changed",
        arguments: [
            (
                "POST", "/users/u/assignLicense", #"{"addLicenses":[{"skuId":"s"}],"removeLicenses":[]}"#, "licence",
                false
            ),
            ("POST", "/users/u/assignLicense", #"{"addLicenses":[],"removeLicenses":["s"]}"#, "licence", true),
            ("POST", "/teams", #"{"displayName":"x","members":[]}"#, "team-create", false),
            ("POST", "/teams", #"{"displayName":"x","members":[{"roles":["owner"]}]}"#, "team-create", true),
            ("POST", "/users/u/events", #"{"subject":"x","attendees":[]}"#, "meeting-create", false),
            ("POST", "/users/u/events", #"{"subject":"x","attendees":[{}]}"#, "meeting-create", true),
            ("PATCH", "/users/u/events/e", #"{"attendees":[]}"#, "meeting-update", true),
            ("PATCH", "/users/u", #"{"accountEnabled":false}"#, "user-sensitive", true),
            ("PATCH", "/applications/a", #"{"passwordCredentials":[]}"#, "app-sensitive", true),
        ])
    func emptiness(method: String, path: String, body: String, rule: String, holds: Bool) throws {
        #expect((try found(method, path, body).rule == rule) == holds, "\(body)")
    }
}
