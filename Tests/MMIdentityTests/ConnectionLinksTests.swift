import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMIdentity

@Suite("Stored links of a connection", .timeLimit(.minutes(5)))
struct ConnectionLinksTests {
    private let home: TestHome

    init() throws { home = try TestHome() }

    private func path(_ connection: Connection, _ kind: ConnectionLinks.Kind = .uploads) -> String {
        ConnectionLinks(kind, of: connection, paths: home.paths).path(of: ["graph", "/me/drive"])
    }

    @Test(
        "are found only by the same account",
        arguments: [
            ("expectedEmail", "lena@contoso.example"),
            ("homeAccountId", .string("\(Contoso.principal).\(Contoso.tenant)")),
            ("appId", "11111111-2222-4333-8444-555555555555"), ("tenantId", "11111111-2222-4333-8444-555555555555"),
            ("cloud", "gcchigh"), ("auth", "browser"),
            ("pin", ["tenantId": .string(Contoso.tenant), "objectId": .string(Contoso.principal)]),
        ] as [(String, JSONValue)])
    func ofOneAccount(key: String, value: JSONValue) throws {
        let before = path(try Contoso.connection())
        #expect(path(try Contoso.connection()) == before)
        #expect(path(try Contoso.connection(more: ["description": "another text"])) == before)
        #expect(path(try Contoso.connection(more: [key: value])) != before)
        #expect(path(try Contoso.connection("Other")) != before)
    }

    @Test("are removed with the sign-in, in every form and for every account, and others stay")
    func erased() async throws {
        let own = [
            path(try Contoso.connection()), path(try Contoso.connection(), .changes),
            path(try Contoso.connection(expectedEmail: nil)), path(try Contoso.connection(cloud: "gcchigh")),
        ]
        let others = [path(try Contoso.connection("Contos")), path(try Contoso.connection("Contoso2"), .changes)]
        for file in own + others { try home.write(file, Array("FAKE-link".utf8)) }
        // The leftover of a killed writer.
        let cut = try #require(own[0].lastIndex(of: "/"))
        let draft = "\(own[0][...cut]).\(own[0][own[0].index(after: cut)...]).mm-1-abcdef"
        try home.write(draft, Array("FAKE-link".utf8))
        let service = IdentityService.scripted(home, ScriptedTransport { _, _ in HTTPResponse(status: 599) })
        try await service.signOut(try Contoso.connection())
        for file in own + [draft] { #expect(try home.read(file) == nil, "\(file)") }
        for file in others { #expect(try home.read(file) != nil, "\(file)") }
    }
}
