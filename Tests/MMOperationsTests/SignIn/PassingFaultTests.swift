import MMCore
import MMSandbox
import MMSessions
import Testing

@testable import MMOperations

@Suite("A fault that passes", .timeLimit(.minutes(20)))
struct PassingFaultTests {
    /// The ways to sign in, by the connection that has each.
    private static let ways = ["Demo", "Plain", "Nightly", "Certified"]

    /// Signs a module's session in, and puts a variable into it.
    private func opened(_ module: String, _ connection: String) async throws -> SignInHome {
        let home = try await SignInHome(longestPause: .milliseconds(10))
        if connection == "Demo" { try await home.login() }
        #expect(try await home.runSignedIn(module, on: connection).last.isAnswered, "\(connection)")
        #expect(await home.run(module, on: connection, "$kept = 7").isAnswered, "\(connection)")
        return home
    }

    /// Everything is there as before, and nobody was asked for anything.
    private func expectUnharmed(
        _ home: SignInHome, _ module: String, _ connection: String, codes: Int, _ what: String
    ) async throws {
        try await home.clearFaults()
        let kept = await home.run(module, on: connection, "\"kept $kept\"")
        #expect("\(kept)".contains("kept 7"), "\(connection) \(what): \(kept)")
        #expect(await home.run(module, on: connection).isAnswered, "\(connection) \(what)")
        #expect(try await home.signInRequests().codes == codes, "\(connection) \(what)")
        let row = try #require(try await home.status(connection)["\(connection)/\(module)"])
        #expect(row["state"] == "ready", "\(connection) \(what): \(row)")
    }

    @Test(
        "of a module's service is told as what it is and ends nothing, in a call and in a look between calls",
        arguments: SignInHome.commands.map(\.module).filter { $0 != "powerplatform" })
    func service(module: String) async throws {
        let path = try #require(SignInHome.commands.first { $0.module == module }?.path)
        for connection in Self.ways {
            let home = try await opened(module, connection)
            let codes = try await home.signInRequests().codes
            try await home.fault(["kind": "status", "status": 503, "path": .string(path)])
            for _ in 0..<2 {
                let met = await home.run(module, on: connection)
                #expect(met.code == nil && met.error?.code != .signInNeeded, "\(connection): \(met)")
                let hasFailed: Bool =
                    if case .answered(let answer) = met { answer.exitStatus != 0 } else { true }
                #expect(hasFailed, "silent, \(connection): \(met)")
            }
            let session = try #require(
                await home.service.services.sessions.current(SessionKey(connection: connection, module: module)))
            try? await session.checkHealth()
            try await expectUnharmed(home, module, connection, codes: codes, "503")
            await home.stop()
        }
    }

    @Test(
        "of the sign-in service at a renewal asks nobody for anything, and the next call renews",
        arguments: SignInHome.commands.map(\.module).filter { $0 != "powerplatform" })
    func signIn(module: String) async throws {
        let path = try #require(SignInHome.commands.first { $0.module == module }?.path)
        for connection in Self.ways {
            let home = try await opened(module, connection)
            let codes = try await home.signInRequests().codes
            try await home.fault(["kind": "status", "status": 503, "path": "*/oauth2/v2.0/token"])
            try await home.fault(["kind": "expiredToken", "path": .string(path), "count": 1])
            let met = await home.run(module, on: connection)
            #expect(met.code == nil && met.error?.code != .signInNeeded, "\(connection): \(met)")
            try await expectUnharmed(home, module, connection, codes: codes, "sign-in 503")
            await home.stop()
        }
    }
}
