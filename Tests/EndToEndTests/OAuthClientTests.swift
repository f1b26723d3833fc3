import Glibc
import HeadlessBrowser
import MMCore
import MMSystem
import Testing

@Suite("A server for a team", .timeLimit(.minutes(15)))
struct OAuthClientTests {
    private static let folder = Programs.packageFolder + "/Tests/IdentityProvider"

    /// The Python that has an OpenID provider; `nil` where it can't be had.
    private static let provider: String? = {
        let folder = Programs.packageFolder + "/.build/python-provider"
        return access(folder + "/.installed", R_OK) == 0 ? folder + "/bin/python" : nil
    }()

    private static let parts = provider != nil && Programs.python != nil && Chromium.isInstalled

    @Test(
        "signs in the Python SDK's OAuth client by a provider's page in a browser, and answers it as that person",
        .enabled(if: parts, "needs Scripts/python-clients and the Debian package chromium"))
    func signIn() async throws {
        let home = try TemporaryHome()
        let provider = try #require(Self.provider)
        let issuer = try await TalkingProgram(provider, [Self.folder + "/provider.py"], home.environment)
        let address = try await issuer.line()
        let server = try await TalkingProgram(
            Programs.mmMCP,
            [
                "--embedded", "--http", "127.0.0.1:0", "--oauth-issuer", address, "--oauth-audience", "api://mm",
                "--oauth-scopes", "openid",
            ], home.environment)
        let url = try await server.line()
        let python = try #require(Programs.python)
        let client = try await TalkingProgram(python, [Self.folder + "/client.py", url], home.environment)
        let page = try await client.line()
        #expect(page.hasPrefix(address + "/oauth2/authorize?"))
        guard try await Self.authorize("alice", at: page) else { return }
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

/// A program whose lines are read one by one; it ends with this value.
private final class TalkingProgram: Sendable {
    private let process: ChildProcess
    private let reader: Reader

    private actor Reader {
        private let output: PolledReader?
        private var rest: [UInt8] = []

        init(_ output: PolledReader?) { self.output = output }

        func line() async throws -> String? {
            while true {
                if let end = rest.firstIndex(of: 0x0A) {
                    let line = String(decoding: rest[..<end], as: UTF8.self)
                    rest.removeSubrange(...end)
                    return line
                }
                guard let piece = try await output?.read() else { return nil }
                rest += piece
            }
        }
    }

    init(_ program: String, _ arguments: [String], _ environment: [String: String]) async throws {
        var command = ChildCommand(program, arguments, environment: environment)
        command.input = .pipe
        command.error = .null
        process = try await ChildProcess.start(command)
        reader = Reader(process.output)
    }

    deinit { process.signalGroup(SIGKILL) }

    /// The next line.
    func line() async throws -> String {
        guard let line = try await reader.line() else { throw MMError(.internalError, "The program ended.") }
        return line
    }
}
