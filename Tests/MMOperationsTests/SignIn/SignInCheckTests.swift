import MMCore
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
        let check = SignInCheck(identity: identity, asks: true, deadline: .after(.seconds(60)))
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
        let check = SignInCheck(identity: services.identity, asks: true, deadline: .after(.seconds(60)))
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
}
