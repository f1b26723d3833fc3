import MMCore
import MMSessions
import Testing

@testable import MMOperations

@Suite("A code that takes the place of a sign-in that has ended", .timeLimit(.minutes(20)))
struct SecondCodeTests {
    /// Signs a module's session in and ends its sign-in.
    /// - Returns: the code that the next call shows.
    private func ended(_ module: String, _ connection: String) async throws -> (SignInHome, code: String) {
        let home = try await SignInHome()
        if connection == "Demo" { try await home.login() }
        let first = try await home.runSignedIn(module, on: connection)
        #expect(first.last.isAnswered, "\(first)")
        try await home.fault(["kind": "revoked"])
        let met = await home.run(module, on: connection)
        return (home, try #require(met.code, "\(met)"))
    }

    /// Every module with every failure, and each of both with either connection: these take turns.
    private static func failures(_ module: String, _ connection: String) -> [SignInFailure] {
        let number = SignInHome.commands.firstIndex { $0.module == module } ?? 0
        return SignInFailure.allCases.enumerated().filter {
            ($0.offset + number).isMultiple(of: 2) == (connection == "Demo")
        }.map(\.element)
    }

    @Test(
        "and comes to nothing as well is told once, with its cause and what helps; then another one serves",
        arguments: SignInHome.commands.map(\.module), ["Demo", "Plain"])
    func told(module: String, connection: String) async throws {
        for failure in Self.failures(module, connection) {
            let (home, first) = try await ended(module, connection)
            try await failure.happen(to: first, in: home)
            var told: SignInHome.Outcome
            repeat { told = await home.run(module, on: connection) } while told.code == first
            let error = try #require(told.error, "\(failure): \(told)")
            #expect("\(error.message) \(error.hint ?? "")".contains(failure.word), "\(failure): \(error)")
            #expect(error.hint?.isEmpty == false, "\(failure): \(error)")
            #expect((told.code != nil) == (failure == .expired), "\(failure): \(error)")
            let done = try await home.runSignedIn(module, on: connection)
            #expect(done.last.isAnswered && done.codes.count == 1, "\(failure): \(done)")
            await home.stop()
        }
    }

    @Test(
        "outlives trouble of the sign-in service, which is told with it",
        arguments: SignInHome.commands.map(\.module), ["Demo", "Plain"])
    func trouble(module: String, connection: String) async throws {
        let (home, code) = try await ended(module, connection)
        let asked = try await home.signInRequests()
        try await home.fault(["kind": "status", "status": 503, "path": "*/oauth2/v2.0/token"])
        var met: SignInHome.Outcome
        repeat {
            met = await home.run(module, on: connection)
            #expect(met.code == code, "\(met)")
        } while met.code == code && met.error?.message.contains("503") != true
        try await home.approve(code)
        try await home.clearFaults()
        var last = await home.run(module, on: connection)
        while last.code == code { last = await home.run(module, on: connection) }
        #expect(last.isAnswered, "\(last)")
        #expect(try await home.signInRequests().codes == asked.codes)
        await home.stop()
    }
}
