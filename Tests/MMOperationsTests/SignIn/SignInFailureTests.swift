import MMCore
import MMSandbox
import MMSessions
import TestSupport
import Testing

@testable import MMOperations

/// What may become of a code after it was shown.
enum SignInFailure: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case declined, blocked, notAssigned, expired, otherAccount, withoutConsent, notForApp

    var testDescription: String { rawValue }

    /// The error of the token endpoint; `nil` for what a person or the time does.
    private var number: Int? {
        switch self {
        case .blocked: 53_003
        case .notAssigned: 50_105
        case .withoutConsent: 65_001
        case .notForApp: 65_002
        case .declined, .expired, .otherAccount: nil
        }
    }

    /// What the error has to name.
    var word: String {
        switch self {
        case .declined: "declined"
        case .expired: "AADSTS70020"
        case .otherAccount: TenantIdentity.wrongAccount
        default: "AADSTS\(number ?? 0)"
        }
    }

    /// Lets it happen to a code.
    func happen(to code: String, in home: SignInHome) async throws {
        switch self {
        case .declined: try await home.approve(code, decision: "decline")
        case .expired: try await home.fault(["kind": "expiredCode", "path": "*/oauth2/v2.0/token", "count": 1])
        case .otherAccount: try await home.approve(code, as: TenantIdentity.wrongAccount)
        default:
            try await home.fault([
                "kind": "tokenError", "number": .int(Int64(number ?? 0)), "path": "*/oauth2/v2.0/token", "count": 1,
            ])
            try await home.approve(code)
        }
    }
}

@Suite("A sign-in that comes to nothing", .timeLimit(.minutes(20)))
struct SignInFailureTests {
    @Test(
        "of every module is told once, with its cause and what helps; then another code serves",
        arguments: SignInHome.commands.map(\.module))
    func told(module: String) async throws {
        for failure in SignInFailure.allCases { try await told(module, failure) }
    }

    @Test("isn't told any more once the connection has been signed in", arguments: ["exo", "teams"])
    func outdated(module: String) async throws {
        let home = try await SignInHome()
        let code = try #require(await home.run(module).code)
        try await home.approve(code, decision: "decline")
        #expect(try await eventually { try await home.status()["Demo/\(module)"]?["state"] == "failed" })
        try await home.login("Demo")
        let next = await home.run(module)
        #expect(next.isAnswered, "\(next)")
        await home.stop()
    }

    @Test("of one service, for which a module showed its own code, needs that code no more once somebody has signed in")
    func mended() async throws {
        let home = try await SignInHome()
        try await home.login("Demo")
        try await home.fault(["kind": "tokenError", "number": 50_076, "path": "*/oauth2/v2.0/token", "count": 1])
        let code = try #require(await home.run("teams").code)
        #expect(await home.run("teams").code == code)
        try await home.login("Demo")
        let next = await home.run("teams")
        #expect(next.isAnswered, "\(next)")
        await home.stop()
    }

    private func told(_ module: String, _ failure: SignInFailure) async throws {
        let home = try await SignInHome()
        let first = try #require(await home.run(module, on: "Plain").code)
        try await failure.happen(to: first, in: home)
        var told: SignInHome.Outcome
        repeat { told = await home.run(module, on: "Plain") } while told.code == first
        let error = try #require(told.error, "\(told)")
        #expect("\(error.message) \(error.hint ?? "")".contains(failure.word), "\(failure): \(error)")
        #expect(error.hint?.isEmpty == false, "\(error)")
        #expect(error.hint?.contains("mistyped") != true, "\(failure): \(error)")
        // Nothing is left but to try again: that code comes with the reason. Else the reason stands alone.
        #expect((told.code != nil) == (failure == .expired), "\(error)")
        let row = try #require(try await home.status("Plain")["Plain/\(module)"], "silent")
        #expect(row["state"] != "ready", "\(row)")

        // Once: from here on it is a sign-in like any other.
        let next = try #require(await home.run(module, on: "Plain").code)
        #expect(next != first)
        let done = try await home.runSignedIn(module, on: "Plain")
        #expect(done.last.isAnswered && done.codes == [next], "\(failure): \(done)")
        await home.stop()
    }
}
