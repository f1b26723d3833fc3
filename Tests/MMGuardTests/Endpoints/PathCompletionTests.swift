import Testing

@testable import MMGuard

@Suite("Paths completed while they are written", .timeLimit(.minutes(5)))
struct PathCompletionTests {
    private func paths(_ typed: String) -> [String] { PathCompletion().candidates(for: typed).map(\.path) }

    @Test(
        "segment by segment, with what was written before kept as it is",
        arguments: [
            ("/us", "/users"), ("/US", "/users"), ("/users", "/users/"), ("/users/", "/users/{id}"),
            ("/users/ada@contoso.com/mess", "/users/ada@contoso.com/messages"),
            ("/Users/1/mailFolders/inbox/messageR", "/Users/1/mailFolders/inbox/messageRules"),
            ("/me/mailF", "/me/mailFolders"), ("/m", "/me"), ("/beta/m", "/beta/me"), ("/me/", "/me/messages"),
            ("/users('ada@contoso.com')/mess", "/users('ada@contoso.com')/messages"),
            ("/identity/conditionalAccess/pol", "/identity/conditionalAccess/policies"),
            ("/v1.0/organ", "/v1.0/organization"), ("/beta/use", "/beta/users"), ("", "/groups"), ("/", "/groups"),
        ])
    func completes(typed: String, expected: String) {
        let found = paths(typed)
        #expect(found.contains(expected), "\(found.prefix(10))")
    }

    @Test("with nothing that the tables don't have", arguments: ["/nonsense", "users", "/users?$sel", "/users/1/zzz"])
    func nothing(typed: String) { #expect(paths(typed).isEmpty) }

    @Test("a path that goes on ends with a slash, keys come first, and a call names its methods")
    func forms() {
        let below = PathCompletion().candidates(for: "/users/")
        #expect(below.first?.path == "/users/{id}")
        #expect(below.first?.methods.contains("GET") == true)
        #expect(below.filter { $0.path.hasSuffix("/") }.allSatisfy { $0.methods.isEmpty })
        #expect(paths("/identity/conditionalAcc").contains("/identity/conditionalAccess/"))
    }

    @Test("what only beta has is offered below /beta alone")
    func beta() {
        let known = Set(paths("/"))
        #expect(paths("/beta/").contains { !known.contains(String($0.dropFirst("/beta".count))) })
    }
}
