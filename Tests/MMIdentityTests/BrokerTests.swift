import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMIdentity

@Suite(
    "Signing in through the machine's identity broker", .timeLimit(.minutes(5)),
    .enabled(if: PrivateBus.isThere, "no dbus-daemon"))
struct BrokerTests {
    private let home: TestHome
    private let clock = TestClock()

    init() throws { home = try TestHome() }

    private static func account(_ name: String = Contoso.email, object: String = Contoso.objectID) -> JSONValue {
        [
            "username": .string(name), "localAccountId": .string(object), "realm": .string(Contoso.tenant),
            "homeAccountId": .string("\(object).\(Contoso.tenant)"), "environment": "login.windows.net",
        ]
    }

    private func token(_ text: String = "FAKE-broker-token", claims: JSONObject = [:]) -> JSONValue {
        [
            "brokerTokenResponse": [
                "accessToken": .string(text), "accessTokenType": 0, "idToken": .string(Contoso.idToken(claims)),
                "clientInfo": .string(Contoso.clientInfo()), "expiresOn": .int((clock.now + 3600) * 1000),
                "grantedScopes": "openid profile https://graph.microsoft.com/.default", "account": Self.account(),
            ]
        ]
    }

    private static func refusal(_ status: Int, _ context: String = "") -> JSONValue {
        ["brokerTokenResponse": ["error": ["status": .int(Int64(status)), "context": .string(context)]]]
    }

    private func service(_ bus: PrivateBus?) -> IdentityService {
        IdentityService.scripted(
            home, ScriptedTransport { _, _ in HTTPResponse(status: 599) }, clock: clock,
            environment: bus.map { ["DBUS_SESSION_BUS_ADDRESS": $0.address] } ?? [:])
    }

    private func connection(expectedEmail: String? = Contoso.email) throws -> Connection {
        try Contoso.connection(expectedEmail: expectedEmail, more: ["auth": "broker"])
    }

    @Test("needs no person if the broker knows the account, and writes no token to the disk")
    func silent() async throws {
        let bus = try await PrivateBus(in: home.path)
        let answer = token()
        let broker = try FakeBroker(on: bus) { method, _ in
            method == "getAccounts" ? ["accounts": [Self.account("other@contoso.example"), Self.account()]] : answer
        }
        let service = service(bus)
        let token = try await service.token(for: try connection())
        #expect(token.secret.reveal() == "FAKE-broker-token" && token.account.username == Contoso.email)
        #expect(token.expiresAt.seconds == clock.now + 3600)
        #expect(broker.methods == ["getAccounts", "acquireTokenSilently"])
        let parameters = try #require(broker.parameters)
        #expect(parameters["authority"] == .string("https://login.microsoftonline.com/\(Contoso.tenant)"))
        #expect(parameters["clientId"] == .string(Contoso.app) && parameters["authorizationType"] == 1)
        #expect(parameters["requestedScopes"] == ["https://graph.microsoft.com/.default"])
        #expect(parameters["account"] == Self.account())
        for file in home.tokenFiles {
            let text = String(decoding: try home.read(file) ?? [], as: UTF8.self)
            #expect(!text.contains("FAKE-broker-token"), "\(file)")
        }
        guard case .signedIn(let account, expiresAt: nil) = await service.state(of: try connection()) else {
            Issue.record("the broker's account is signed in")
            return
        }
        #expect(account.username == Contoso.email)
        // A refused token is replaced by one with the requested claims.
        _ = try await service.token(insteadOf: token, for: try connection(), claims: #"{"access_token":{}}"#)
        #expect(broker.parameters?["accessTokenToRenew"] == "FAKE-broker-token")
        #expect(broker.parameters?["decodedClaims"] == #"{"access_token":{}}"#)
    }

    @Test(
        "shows the broker's window only in a terminal, and other calls say where to sign in",
        arguments: ["AADSTS50076: MFA", "AADSTS500341: The account was deleted."])
    func window(because: String) async throws {
        let bus = try await PrivateBus(in: home.path)
        let answer = token()
        let broker = try FakeBroker(on: bus) { method, _ in
            switch method {
            case "getAccounts": ["accounts": [Self.account()]]
            case "acquireTokenSilently": Self.refusal(2, because)
            default: answer
            }
        }
        let service = service(bus)
        let refused = await #expect(throws: MMError.self) { try await service.token(for: try connection()) }
        let hint = refused?.hint ?? ""
        #expect(refused?.code == .signInNeeded && hint.contains("mm login Contoso"))
        #expect(!broker.methods.contains("acquireTokenInteractively"))
        let account = try await service.signIn(try connection()) { _ in }
        #expect(account.username == Contoso.email)
        #expect(broker.parameters?["authorizationType"] == 6 && broker.parameters?["prompt"] == nil)
        #expect(broker.methods.last == "acquireTokenInteractively")
    }

    @Test("refuses another account than the connection's, whichever the broker returns")
    func wrongAccount() async throws {
        let bus = try await PrivateBus(in: home.path)
        let answer = token(claims: ["preferred_username": "lena@contoso.example", "oid": .string(Contoso.principal)])
        let broker = try FakeBroker(on: bus) { method, _ in
            method == "getAccounts" ? ["accounts": [Self.account()]] : answer
        }
        let error = await #expect(throws: MMError.self) { try await service(bus).token(for: try connection()) }
        let message = error?.message ?? ""
        #expect(error?.code == .forbidden && message.contains("lena@contoso.example"))
        #expect(broker.methods.last == "acquireTokenSilently")
    }

    @Test("asks which of several accounts to use")
    func several() async throws {
        let bus = try await PrivateBus(in: home.path)
        let broker = try FakeBroker(on: bus) { _, _ in
            ["accounts": [Self.account(), Self.account("lena@contoso.example", object: Contoso.principal)]]
        }
        let error = await #expect(throws: MMError.self) {
            try await service(bus).token(for: try connection(expectedEmail: nil))
        }
        let (message, hint) = (error?.message ?? "", error?.hint ?? "")
        #expect(error?.code == .conflict && message.contains("lena@contoso.example") && hint.contains("expectedEmail="))
        #expect(broker.methods == ["getAccounts"])
    }

    @Test(
        "reports errors with the remedy",
        arguments: [
            (3, "no network", MMErrorCode.unavailable, "network"), (7, "", .forbidden, "mm login Contoso"),
            (0, "AADSTS53003: blocked by Conditional Access", .forbidden, "intune-portal"),
            (9, "AADSTS700016: not found", .invalidInput, ""), (0, "something odd", .remoteFailed, "auth=browser"),
        ])
    func faults(status: Int, context: String, code: MMErrorCode, advice: String) async throws {
        let bus = try await PrivateBus(in: home.path)
        let broker = try FakeBroker(on: bus) { method, _ in
            method == "getAccounts" ? ["accounts": [Self.account()]] : Self.refusal(status, context)
        }
        let error = await #expect(throws: MMError.self) { try await service(bus).token(for: try connection()) }
        let hint = error?.hint ?? ""
        #expect(error?.code == code, "\(error?.message ?? "")")
        #expect(advice.isEmpty || hint.contains(advice), "\(hint)")
        #expect(broker.methods.count == 2)
    }

    @Test("names the next way to sign in if there is no broker, or no bus", arguments: [true, false])
    func noBroker(hasBus: Bool) async throws {
        let bus = hasBus ? try await PrivateBus(in: home.path) : nil
        let service = service(bus)
        let error = await #expect(throws: MMError.self) { try await service.token(for: try connection()) }
        let (message, hint) = (error?.message ?? "", error?.hint ?? "")
        #expect(error?.code == .unavailable && message.contains("broker"), "\(message)")
        #expect(hint.contains("auth=browser") && hint.contains("microsoft-identity-broker"))
        guard case .unusable = await service.state(of: try connection()) else {
            Issue.record("the status must say so")
            return
        }
    }

    @Test("stops waiting for the window if the call is cancelled")
    func cancelled() async throws {
        let bus = try await PrivateBus(in: home.path)
        let broker = try FakeBroker(on: bus) { method, _ in
            method == "getAccounts" ? ["accounts": []] : nil
        }
        let (service, connection) = (service(bus), try connection())
        let waiting = Task { try await service.signIn(connection) { _ in } }
        try await eventually { broker.methods.contains("acquireTokenInteractively") }
        waiting.cancel()
        let error = await #expect(throws: MMError.self) { try await waiting.value }
        #expect(error?.code == .cancelled)
    }

    private func eventually(_ condition: @Sendable () -> Bool) async throws {
        while !condition() { try await Task.sleep(for: .milliseconds(10)) }
    }
}
