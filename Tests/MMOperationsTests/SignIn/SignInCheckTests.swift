import MMCore
import MMHTTP
import MMIdentity
import TestSupport
import Testing

@testable import MMOperations

@Suite("What the check of sign-ins finds", .timeLimit(.minutes(5)))
struct SignInCheckTests {
    @Test(
        "isn't a fault where callers bring their own tokens, but is one where the token of a person is missing",
        arguments: [(nil, false), ("MM_TEST_CALLER", true)] as [(String?, Bool)])
    func callers(variable: String?, isFault: Bool) async throws {
        let home = try TestHome()
        let secret = home.paths.home + "/secret"
        try ProtectedFile.replace(secret, with: Array("FAKE-client-secret".utf8))
        var auth: JSONObject = ["method": "on-behalf-of", "secretFile": .string(secret)]
        if let variable { auth["assertionVariable"] = .string(variable) }
        let connection = try Connection(
            name: "Team",
            entry: [
                "appId": "5a1c9e70-2d34-4b6f-8e19-c0ffee5eed01",
                "tenantId": "0f6d1c52-3b8e-4a57-9c41-7be0d2a4f811", "auth": .object(auth),
            ])
        let identity = IdentityService(environment: home.environment)
        let check = SignInCheck(identity: identity, asks: true, deadline: .after(.seconds(300)))
        let found = await check.states(of: [connection])["Team"]
        let state = await identity.state(of: connection).corrected(by: found)
        if case .unusable = state { #expect(isFault) } else { #expect(!isFault) }
    }

    @Test(
        "isn't a fault of a connection without an app, whose modules sign in by themselves",
        arguments: [("device", false), ("browser", false), ("secret", true)])
    func withoutApp(method: String, isFault: Bool) async throws {
        let home = try TestHome()
        let auth: JSONObject =
            method == "secret"
            ? ["method": "secret", "secretFile": .string(home.paths.home + "/secret")] : ["method": .string(method)]
        let entry: JSONObject = ["tenantId": "0f6d1c52-3b8e-4a57-9c41-7be0d2a4f811", "auth": .object(auth)]
        try ProtectedFile.replace(
            home.paths.registry, with: JSONWriter.bytes(["connections": ["Plain": .object(entry)]]))
        let services = OperationServices(environment: home.environment)
        let check = SignInCheck(identity: services.identity, asks: true, deadline: .after(.seconds(300)))
        let found = await check.states(of: [try Connection(name: "Plain", entry: entry)])
        #expect((found["Plain"] != nil) == isFault)
        var report = DoctorReport()
        _ = await ConnectionChecks(services: services, isOffline: true).examine(into: &report)
        #expect(report.isSound != isFault, "\(report.text)")
    }

    @Test("is what makes an app signed in: before, its status says only that it signs in when needed")
    func apps() async throws {
        let home = try await SignInHome()
        for app in ["Nightly", "Certified", "Managed"] {
            #expect(try await home.status(app)["\(app)/graph-api"]?["state"] == "signs in when needed")
            let asked = await home.call("graph_request", ["connection": .string(app), "endpoint": "/users?$top=1"])
            #expect(asked.isAnswered, "\(asked)")
            #expect(try await home.status(app)["\(app)/graph-api"]?["state"] == "signed in")
        }
        await home.stop()
    }

    @Test("names a server's connection that acts for its callers as login does")
    func delegating() async throws {
        let home = try TestHome()
        let secret = home.paths.home + "/secret"
        try ProtectedFile.replace(secret, with: Array("FAKE-client-secret".utf8))
        let entry: JSONObject = [
            "appId": "5a1c9e70-2d34-4b6f-8e19-c0ffee5eed01", "tenantId": "0f6d1c52-3b8e-4a57-9c41-7be0d2a4f811",
            "auth": ["method": "on-behalf-of", "secretFile": .string(secret)],
        ]
        try ProtectedFile.replace(
            home.paths.registry, with: JSONWriter.bytes(["connections": ["Team": .object(entry)]]))
        let service = LocalOperationService(services: OperationServices(environment: home.environment))
        let context = CallContext(caller: Caller(surface: .terminal, name: "test", server: nil))
        let told = try await service.status(of: "Team", in: context)
        #expect(told.map(\.state) == ["acts for its callers"])
        await service.services.close()
    }

    @Test("login of all connections asks for their codes at once where nobody waits at a terminal")
    func codesAtOnce() async throws {
        let names = ["Ada", "Ben", "Cleo"]
        let arrived = Mutex(0)
        // Answers once every connection has asked.
        let listener = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0)) { request in
            guard request.path.hasSuffix("/devicecode") else { return HTTPServerResponse(status: 404) }
            let number = arrived.withLock { count in
                count += 1
                return count
            }
            while arrived.withLock({ $0 }) < names.count, !Task.isCancelled {
                try? await Task.sleep(for: .milliseconds(10))
            }
            return .json(
                JSONWriter.bytes([
                    "device_code": .string("FAKE-device-\(number)"), "user_code": .string("CODE\(number)"),
                    "verification_uri": "https://microsoft.com/devicelogin", "expires_in": 900, "interval": 5,
                ]))
        }
        let home = try TestHome()
        let entries = names.map { name -> (String, JSONValue) in
            (
                name,
                [
                    "cloud": "sandbox", "appId": "5a4db0c5-0000-4000-8000-00000000a001",
                    "tenantId": "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01",
                    "expectedEmail": .string(name.lowercased() + "@contoso-sandbox.example"),
                ]
            )
        }
        try ProtectedFile.replace(
            home.paths.registry, with: JSONWriter.bytes(["connections": .object(JSONObject(entries))]))
        let environment = home.environment.merging(["MM_SANDBOX_URL": "http://127.0.0.1:\(listener.port)"]) { $1 }
        let service = LocalOperationService(services: OperationServices(environment: environment))
        let context = CallContext(caller: Caller(surface: .terminal, name: "test", server: nil))
        let answer = try await service.call("login", ["all": true], in: context)
        guard case .value(let value) = answer.body else { return #expect(Bool(false), "\(answer)") }
        let states = value["connections"]?.array?.map { $0["state"]?.string } ?? []
        #expect(states == Array(repeating: "waiting for a person", count: names.count), "\(answer)")
        #expect(answer.exitStatus == 3 && arrived.withLock { $0 } == names.count)
        await service.services.close()
        await listener.stop(graceful: .zero)
    }
}
