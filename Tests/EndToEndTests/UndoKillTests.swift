import MMCore
import TestSupport
import Testing

/// Programs are killed at a certain system call, so each run ends at the same step.
@Suite(
    "Changes whose program is killed", .timeLimit(.minutes(10)),
    .enabled(if: Strace.program != nil, "needs strace (apt-get install strace) and the right to trace"))
struct UndoKillTests {
    /// Where a program is killed: at the nth of these calls in a thread.
    struct Point: Sendable, CustomTestStringConvertible {
        let calls: String
        /// Whether only calls on the journal's file count.
        let isJournal: Bool
        var testDescription: String { "\(calls)\(isJournal ? " of the journal" : "")" }
    }

    static let points = [
        Point(calls: "write,fsync,close", isJournal: true), Point(calls: "sendto,sendmsg", isJournal: false),
        Point(calls: "recvfrom,recvmsg", isJournal: false),
    ]
    private static let user = "/users/lena.vogt@contoso-sandbox.example"
    private static let mostSteps = 12

    /// Runs `mm` until it ends or is killed at a step.
    /// - Returns: whether it was killed.
    private func killing(_ arguments: [String], at point: Point, _ step: Int, in tenant: Tenant) async throws -> Bool {
        var command = ["-f", "-qq", "-o", "/dev/null", "-e", "trace=\(point.calls)"]
        if point.isJournal { command += ["-P", "\(tenant.home.path)/.m365-state/journal/1.jsonl"] }
        command += ["-e", "inject=\(point.calls):signal=SIGKILL:when=\(step)", Programs.mm]
        let ran = try await Tenant.run(
            try #require(Strace.program), command + arguments, tenant.home.environment)
        return ran.code != 0
    }

    private func cities(_ tenant: Tenant) async throws -> JSONValue {
        let ran = try await tenant.mm(["graph", "Demo", Self.user, "--query", "$select=city,jobTitle", "--json"])
        return try #require(ran.json, "\(ran.error)")
    }

    private func undoAll(_ tenant: Tenant) async throws {
        let ran = try await tenant.mm(["undo", "--since", "1d", "--json"])
        #expect(ran.code == 0 || ran.failure?["code"] == "not_found", "\(ran)")
    }

    @Test("a write that was killed at any step can be undone, or was never made", arguments: points)
    func write(point: Point) async throws {
        let tenant = try await Tenant(users: 40)
        try await tenant.signIn()
        // The first change creates the journal's file.
        _ = try await tenant.mm(["graph", "Demo", Self.user, "-X", "PATCH", "-d", #"{"jobTitle": "Cook"}"#])
        try await undoAll(tenant)
        let first = try await cities(tenant)
        var kills = 0
        for step in 1...Self.mostSteps {
            let body = #"{"city": "Rome \#(step)"}"#
            guard
                try await killing(["graph", "Demo", Self.user, "-X", "PATCH", "-d", body], at: point, step, in: tenant)
            else { break }
            kills += 1
            try await undoAll(tenant)
            #expect(try await cities(tenant) == first, "\(step)")
        }
        #expect(kills >= 2)
        await tenant.stop()
    }

    @Test("an undo that was killed at any step continues, and does nothing twice", arguments: points)
    func undo(point: Point) async throws {
        let tenant = try await Tenant(users: 40)
        try await tenant.signIn()
        let first = try await cities(tenant)
        let earlier = try await updates(tenant)
        var (kills, rounds) = (0, 0)
        for step in 1...Self.mostSteps {
            rounds += 1
            for city in ["Rome \(step)", "Oslo \(step)"] {
                let ran = try await tenant.mm([
                    "graph", "Demo", Self.user, "-X", "PATCH", "-d", #"{"city": "\#(city)"}"#,
                ])
                #expect(ran.code == 0, "\(ran.error)")
            }
            let isKilled = try await killing(["undo", "--since", "1d", "--json"], at: point, step, in: tenant)
            try await undoAll(tenant)
            #expect(try await cities(tenant) == first, "\(step)")
            guard isKilled else { break }
            kills += 1
        }
        #expect(kills >= 2)
        // Each of the two changes of a round was made once and undone once.
        #expect(try await updates(tenant) - earlier == rounds * 4)
        await tenant.stop()
    }

    /// How many updates of users are in the directory's audit log.
    private func updates(_ tenant: Tenant) async throws -> Int {
        let audits = try await tenant.mm(["graph", "Demo", "/auditLogs/directoryAudits", "--all", "--json"])
        return try #require(audits.json?.array, "\(audits.error)").count {
            $0["activityDisplayName"] == "Update user"
        }
    }
}
