import MMCore
import Testing

@testable import MMServing

@Suite("Words that are commands of other programs", .timeLimit(.minutes(5)))
struct OtherWordsTests {
    @Test(
        "get the intended line suggested",
        arguments: [
            ("users", "mm graph Demo /users"), ("user", "mm graph Demo /users"), ("Groups", "mm graph Demo /groups"),
            ("me", "mm graph Demo /me"), ("licences", "mm graph Demo /subscribedSkus"), ("exo", "mm run Demo exo"),
            ("/users", "mm graph Demo /users"), ("get-mailbox", "mm run Demo exo 'Get-Mailbox …'"),
            ("Get-Mailbx", "mm run Demo exo 'Get-Mailbox …'"), ("get-mguesr", "mm run Demo graph 'Get-MgUser …'"),
            ("get users", "mm graph Demo /users"), ("get /me", "mm graph Demo /me"), ("get", "mm graph Demo /users"),
            ("auth login", "mm login Demo"), ("list", "mm connections"), ("whoami", "mm status"),
            ("demo exo", "mm run Demo exo"), ("Demo /groups", "mm graph Demo /groups"),
            ("Demo users", "mm graph Demo /users"),
        ])
    func meant(line: String, command: String) {
        let words = line.split(separator: " ").map(String.init)
        #expect(OtherWords(connections: ["Demo"]).lines(for: words).first == command)
    }

    @Test(
        "get a line that can be copied into a shell",
        arguments: [
            (["/users?$top=1"], "mm graph 'Fab rikam' '/users?$top=1'"),
            (["get", "/Users?$top=1"], "mm graph 'Fab rikam' '/Users?$top=1'"),
            (["users"], "mm graph 'Fab rikam' /users"), (["exo"], "mm run 'Fab rikam' exo"),
            (["Get-Mailbox"], "mm run 'Fab rikam' exo 'Get-Mailbox …'"), (["signin"], "mm login 'Fab rikam'"),
            (["fab rikam"], "mm status 'Fab rikam'"), (["Fab rikam", "/me?$x=1"], "mm graph 'Fab rikam' '/me?$x=1'"),
        ] as [([String], String)])
    func quoted(words: [String], command: String) {
        #expect(OtherWords(connections: ["Fab rikam"]).lines(for: words).first == command)
    }

    @Test("get no suggestion if several connections exist, or none", arguments: [[], ["A", "B"]])
    func several(connections: [String]) {
        #expect(OtherWords(connections: connections).lines(for: ["users"]) == ["mm graph CONNECTION /users"])
    }

    @Test("get no suggestion if they mean nothing", arguments: ["xyzzy", "-", "users;rm", "Get-Nothing"])
    func nothing(word: String) {
        #expect(OtherWords(connections: ["Demo"]).lines(for: [word]) == [])
    }
}
