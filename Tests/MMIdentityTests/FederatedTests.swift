import Glibc
import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMIdentity

@Suite("Signing in with a federated token", .timeLimit(.minutes(5)))
struct FederatedTests {
    let home: TestHome
    let clock = TestClock()

    init() throws { home = try TestHome() }

    private func sent(
        _ auth: JSONObject = ["method": "federated"], environment: [String: String] = [:],
        script: @escaping ScriptedTransport.Script = { _, _ in Contoso.appTokens() }
    ) async throws -> [HTTPRequest] {
        let transport = ScriptedTransport(script)
        let service = IdentityService.scripted(home, transport, clock: clock, environment: environment)
        _ = try await service.token(for: try Contoso.app(auth))
        return transport.requests
    }

    @Test("the app's assertion may be a token in a file, in a variable, or in GitLab's variable")
    func plain() async throws {
        try home.write("\(home.path)/token", Array("FAKE-outside-1\n".utf8))
        let file = try await sent(["method": "federated", "tokenFile": .string("\(home.path)/token")])
        #expect(file.last?.form["client_assertion"] == "FAKE-outside-1")
        #expect(file.last?.form["client_assertion_type"] == ClientAssertion.kind)
        try home.write("Contoso.json", Array("{}".utf8))
        let variable = try await sent(
            ["method": "federated", "tokenVariable": "MY_TOKEN"], environment: ["MY_TOKEN": "FAKE-outside-2"])
        #expect(variable.last?.form["client_assertion"] == "FAKE-outside-2")
        try home.write("Contoso.json", Array("{}".utf8))
        let gitLab = try await sent(environment: ["GITLAB_OIDC_TOKEN": "FAKE-outside-3"])
        #expect(gitLab.last?.form["client_assertion"] == "FAKE-outside-3")
    }

    @Test("a file may be named from the home folder")
    func fromHome() async throws {
        try home.write("\(home.path)/token", Array("FAKE-outside-1".utf8))
        let sent = try await sent(["method": "federated", "tokenFile": "~/token"])
        #expect(sent.last?.form["client_assertion"] == "FAKE-outside-1")
    }

    @Test("Kubernetes renews its token behind links: each request reads it again")
    func kubernetes() async throws {
        try home.write("\(home.path)/..first/token", Array("FAKE-outside-1".utf8))
        try home.write("\(home.path)/..second/token", Array("FAKE-outside-2".utf8))
        try #require(symlink("..first", "\(home.path)/..data") == 0)
        try #require(symlink("..data/token", "\(home.path)/token") == 0)
        let environment = ["AZURE_FEDERATED_TOKEN_FILE": "\(home.path)/token"]
        #expect(try await sent(environment: environment).last?.form["client_assertion"] == "FAKE-outside-1")
        try #require(unlink("\(home.path)/..data") == 0 && symlink("..second", "\(home.path)/..data") == 0)
        try home.write("Contoso.json", Array("{}".utf8))
        #expect(try await sent(environment: environment).last?.form["client_assertion"] == "FAKE-outside-2")
    }

    @Test(
        "a GitHub job requests a token for the cloud's audience",
        arguments: [
            ("public", "api://AzureADTokenExchange", "login.microsoftonline.com"),
            ("gcchigh", "api://AzureADTokenExchangeUSGov", "login.microsoftonline.us"),
            ("china", "api://AzureADTokenExchangeChina", "login.partner.microsoftonline.cn"),
        ])
    func gitHub(cloud: String, audience: String, login: String) async throws {
        let environment = [
            "ACTIONS_ID_TOKEN_REQUEST_URL": "https://run.actions.example/token?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "FAKE-job-key",
        ]
        let transport = ScriptedTransport { request, _ in
            request.url.hasPrefix("https://run.actions.example/")
                ? .json(["value": "FAKE-github-token", "count": 1]) : Contoso.appTokens()
        }
        let service = IdentityService.scripted(home, transport, clock: clock, environment: environment)
        _ = try await service.token(
            for: try Contoso.app(["method": "federated"], more: ["cloud": .string(cloud)]))
        let asked = try #require(transport.requests.first)
        let query = PercentCoding.decode(asked.url.utf8.map { $0 }) ?? ""
        #expect(query == "https://run.actions.example/token?api-version=2.0&audience=\(audience)")
        #expect(asked.headers["Authorization"] == "Bearer FAKE-job-key")
        let exchanged = try #require(transport.requests.last)
        #expect(exchanged.url.hasPrefix("https://\(login)/"))
        #expect(exchanged.form["client_assertion"] == "FAKE-github-token")
    }

    @Test("without a token the error says where it may come from, and which permission of the job is missing")
    func missing() async throws {
        let none = await #expect(throws: MMError.self) { try await sent() }
        let advised = none?.hint ?? ""
        #expect(none?.code == .invalidInput)
        for word in ["tokenFile", "id-token: write", "AZURE_FEDERATED_TOKEN_FILE", "GITLAB_OIDC_TOKEN"] {
            #expect(advised.contains(word))
        }
        let refused = await #expect(throws: MMError.self) {
            try await sent(
                environment: [
                    "ACTIONS_ID_TOKEN_REQUEST_URL": "https://run.actions.example/token",
                    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "FAKE-job-key",
                ]
            ) { _, _ in HTTPResponse(status: 403) }
        }
        let told = "\(refused?.message ?? "") \(refused?.hint ?? "")"
        #expect(told.contains("403") && told.contains("id-token: write") && !told.contains("FAKE-job-key"))
    }

    @Test(
        "GitHub is asked again while its failure may pass, and not after a refusal",
        arguments: [([503, 502, 200], 3, nil), ([503, 503, 503, 503], 4, "Try again"), ([401], 1, "id-token: write")]
            as [([Int], Int, String?)])
    func passing(statuses: [Int], asked: Int, hint: String?) async throws {
        let environment = [
            "ACTIONS_ID_TOKEN_REQUEST_URL": "https://run.actions.example/token",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "FAKE-job-key",
        ]
        let transport = ScriptedTransport { request, number in
            guard request.url.hasPrefix("https://run.actions.example/") else { return Contoso.appTokens() }
            let status = statuses[min(number, statuses.count - 1)]
            return status == 200 ? .json(["value": "FAKE-github-token"]) : HTTPResponse(status: status)
        }
        let service = IdentityService.scripted(home, transport, clock: clock, environment: environment)
        let connection = try Contoso.app(["method": "federated"])
        if let hint {
            let error = await #expect(throws: MMError.self) { try await service.token(for: connection) }
            #expect(error?.hint?.contains(hint) == true)
        } else {
            _ = try await service.token(for: connection)
        }
        #expect(transport.requests.count { $0.url.hasPrefix("https://run.actions.example/") } == asked)
    }

    @Test("an answer that isn't GitHub's is put down to a proxy, not to the job's permissions")
    func foreignAnswer() async throws {
        let error = await #expect(throws: MMError.self) {
            try await sent(
                environment: [
                    "ACTIONS_ID_TOKEN_REQUEST_URL": "https://run.actions.example/token",
                    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "FAKE-job-key",
                ]
            ) { _, _ in HTTPResponse(status: 200, body: Array("<html>Sign in to the network</html>".utf8)) }
        }
        #expect(
            error?.code == .remoteFailed && error?.hint?.contains("NO_PROXY") == true, "\(String(describing: error))")
        #expect(error?.hint?.contains("id-token") == false)
    }

    @Test(
        "a token that others may read is taken from a mount of Kubernetes only",
        arguments: [
            (0, 10001, false, true), (0, 0, true, true), (0, 0, false, false), (10001, 10001, true, false),
            (10002, 0, true, false),
        ] as [(uid_t, uid_t, Bool, Bool)])
    func mounted(owner: uid_t, reader: uid_t, isReadOnly: Bool, isTaken: Bool) {
        #expect(SecretSource.isMountedToken(owner: owner, reader: reader, isReadOnly: isReadOnly) == isTaken)
    }

    @Test("if the app's credential doesn't match the token, the error has advice")
    func mismatch() async throws {
        let error = await #expect(throws: MMError.self) {
            try await sent(environment: ["GITLAB_OIDC_TOKEN": "FAKE-outside"]) { _, _ in
                Contoso.refusal("invalid_client", code: 700_213, status: 401)
            }
        }
        #expect(error?.code == .invalidInput && error?.details["action"] == "wif_fix")
    }

    @Test("a program may supply the token; its error is the cause")
    func custom() async throws {
        struct Away: Error {}
        let transport = ScriptedTransport { _, _ in Contoso.appTokens() }
        let connection = try Contoso.connection(expectedEmail: nil)
        let good = IdentityService.scripted(
            home, transport, clock: clock, methods: ["Contoso": .app(.federated(.custom { Secret("FAKE-own") }))])
        _ = try await good.token(for: connection)
        #expect(transport.requests.last?.form["client_assertion"] == "FAKE-own")
        try home.write("Contoso.json", Array("{}".utf8))
        let bad = IdentityService.scripted(
            home, transport, clock: clock, methods: ["Contoso": .app(.federated(.custom { throw Away() }))])
        let error = await #expect(throws: MMError.self) { try await bad.token(for: connection) }
        #expect(error?.code == .unavailable && error?.cause?.contains("Away") == true)
    }
}
