import MMCore
import Testing

@Suite("The confirmation that a connection requires of a person", .timeLimit(.minutes(5)))
struct PersonCheckTests {
    @Test(
        "is the strictest check of the classes",
        arguments: [
            (JSONValue.null, ["send"], PersonCheck.form), ("pin", ["send"], .pin), ("login", [], .login),
            (["destructive": "login", "send": "pin"], ["send"], .pin),
            (["destructive": "login", "send": "pin"], ["send", "destructive"], .login),
            (["destructive": "login"], ["send"], .form),
            (["usual": "pin", "send": "terminal"], ["send"], .terminal), ("terminal", ["send"], .terminal),
            (["usual": "pin", "send": "terminal"], ["privilege"], .pin),
        ] as [(JSONValue, [String], PersonCheck)])
    func strongest(_ written: JSONValue, _ classes: [String], _ check: PersonCheck) throws {
        let connection = try Connection(name: "Contoso", entry: ["tenant": "contoso.com", "person": written])
        #expect(connection.personChecks.most(of: classes) == check)
    }

    @Test(
        "an unreadable one is reported, and never taken for a weaker one",
        arguments: [JSONValue.string("pni"), ["send": "none"], ["sends": "pin"]])
    func unreadable(_ written: JSONValue) {
        #expect(throws: MMError.self) {
            try Connection(name: "Contoso", entry: ["tenant": "contoso.com", "person": written])
        }
    }
}
