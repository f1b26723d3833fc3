import Glibc
import HeadlessBrowser
import Testing

@Suite("A server for a team", .timeLimit(.minutes(15)))
struct OAuthClientTests {
    private static let folder = Programs.packageFolder + "/Tests/IdentityProvider"

    /// A Python with an OpenID provider; `nil` if it isn't available.
    private static let provider: String? = {
        let folder = Programs.packageFolder + "/.build/python-provider"
        return access(folder + "/.installed", R_OK) == 0 ? folder + "/bin/python" : nil
    }()

    private static let parts = provider != nil && Programs.python != nil && Chromium.isInstalled

    @Test(
        "signs in the Python SDK's OAuth client on a provider's page in a browser, and answers it as that person",
        .enabled(if: parts, "needs Scripts/python-clients and the Debian package chromium"))
    func signIn() async throws {
        let home = try TemporaryHome()
        try await Self.call(home, provider: [], client: []) { page in page.contains("client_id=") }
    }

    @Test(
        "signs in a client that uses the address of its metadata document as its id, if the provider has no registration",
        .enabled(if: parts, "needs Scripts/python-clients and the Debian package chromium"))
    func document() async throws {
        let home = try TemporaryHome()
        let (certificate, both) = (home.path + "/cert.pem", home.path + "/both.pem")
        let made = try await Tenant.run(
            "/bin/sh",
            [
                "-c",
                "umask 077; cd $HOME && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost "
                    + "-addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem && cat cert.pem key.pem > both.pem",
            ], home.environment)
        try #require(made.code == 0, "\(made.error)")
        try await Self.call(home, provider: [certificate], client: [both]) { page in
            page.contains("client_id=https%3A%2F%2Flocalhost%3A") && page.contains("client.json")
        }
    }

    /// Starts a provider, a server and a client, signs in and returns the server's answer.
    private static func call(
        _ home: TemporaryHome, provider more: [String], client words: [String], isRight: (String) -> Bool
    ) async throws {
        let provider = try #require(provider)
        let issuer = try await TalkingProgram(provider, [folder + "/provider.py"] + more, home.environment)
        let address = try await issuer.line()
        let server = try await TalkingProgram(
            Programs.mmMCP,
            [
                "--embedded", "--http", "127.0.0.1:0", "--oauth-issuer", address, "--oauth-audience", "api://mm",
                "--oauth-scopes", "openid",
            ], home.environment)
        let url = try await server.line()
        let python = try #require(Programs.python)
        let client = try await TalkingProgram(python, [folder + "/client.py", url] + words, home.environment)
        let page = try await client.line()
        #expect(page.hasPrefix(address + "/oauth2/authorize?") && isRight(page), "\(page)")
        guard try await authorize("alice", at: page) else { return }
        #expect(try await client.line().hasSuffix(" tools"))
        let answer = try await client.line()
        #expect(answer.contains("connections"), "\(answer)")
    }

    /// Signs in on the provider's page.
    private static func authorize(_ person: String, at page: String) async throws -> Bool {
        try await Chromium.run {
            guard let browser = Chromium.start(at: page) else { return false }
            try browser.wait(until: "document.activeElement.name === 'sub'")
            try browser.type(person)
            try browser.pressEnter()
            try browser.wait(until: "document.title === 'signed in'")
            return true
        }
    }
}
