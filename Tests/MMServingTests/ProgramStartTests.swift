import Testing

@testable import MMServing

@Suite("One file with two names")
struct ProgramStartTests {
    @Test(
        "its role comes from argv[0], else from its file name",
        arguments: [
            ("mm-mcp", "/usr/bin/mm", true), ("/usr/bin/mm-mcp", "/usr/bin/mm", true), ("mm", "/usr/bin/mm-mcp", false),
            ("mm", "/usr/bin/mm", false), ("/opt/x/mm", "/opt/x/mm-mcp", false), ("server", "/usr/bin/mm-mcp", true),
            ("server", "/usr/bin/mm", false), (nil, "/usr/bin/mm-mcp", true), (nil, "/usr/bin/mm", false),
            ("", "/usr/bin/mm-mcp", true),
        ] as [(String?, String, Bool)])
    func name(word: String?, file: String, isServer: Bool) {
        #expect(ProgramStart.isServer(calledAs: word, file: file) == isServer)
    }
}
