import MMCore
import TestSupport
import Testing

/// An apply that is killed at random system calls, repeatedly, until one completes.
@Suite(
    "Plans whose apply is killed", .timeLimit(.minutes(10)),
    .enabled(if: Strace.program != nil, "needs strace (apt-get install strace) and the right to trace"))
struct PlanKillTests {
    private static let calls = ["write", "fsync", "sendto,sendmsg", "recvfrom,recvmsg", "openat", "close"]

    @Test(
        "no step is repeated, the remaining ones continue, and unknown results are reported",
        arguments: 1...3 as ClosedRange<UInt64>)
    func killed(seed: UInt64) async throws {
        let tenant = try await Tenant(users: 40)
        try await tenant.signIn()
        var random = SeededRandom(seed: seed)
        let file = "\(tenant.home.path)/change.plan"
        let subjects = (1...4).map { "plan-\(seed)-\($0)" }
        var lines = subjects.map { #"{"method": "POST", "url": "/me/messages", "body": {"subject": "\#($0)"}}"# }
        lines.append(
            #"{"method": "PATCH", "url": "/users/lena.vogt@contoso-sandbox.example", "body": {"city": "Rome \#(seed)"}}"#
        )
        let planned = try await tenant.mm(
            ["plan", "-o", file, "--embedded", "--", "graph", "Demo", "--batch", lines.joined(separator: "\n")])
        #expect(planned.code == 2, "\(planned)")
        var kills = 0
        var last: Tenant.Ran?
        for round in 0..<40 {
            // The first kill is certain to hit, because each step is a request.
            let call = round == 0 ? "sendto,sendmsg" : Self.calls.randomElement(using: &random) ?? "write"
            let step = Int.random(in: round == 0 ? 1...4 : 1...20, using: &random)
            let ran = try await Tenant.run(
                try #require(Strace.program),
                [
                    "-f", "-qq", "-o", "/dev/null", "-e", "trace=\(call)", "-e",
                    "inject=\(call):signal=SIGKILL:when=\(step)", Programs.mm, "apply", file, "--embedded", "--json",
                ], tenant.home.environment)
            if ran.json?["steps"] != nil {
                last = ran
                break
            }
            kills += 1
        }
        if last == nil { last = try await tenant.mm(["apply", file, "--embedded", "--json"]) }
        let steps = try #require(last?.json?["steps"]?.array, "\(String(describing: last))")
        print("seed \(seed): \(kills) kills; \(steps.compactMap { $0["result"]?.string })")
        #expect(kills >= 1)
        let listed = try await tenant.mm([
            "graph", "Demo", "/me/messages?$select=subject&$filter=startswith(subject,'plan-')", "--all", "--json",
        ])
        let found = try #require(listed.json?.array, "\(listed)").compactMap { $0["subject"]?.string }
        for (subject, step) in zip(subjects, steps) {
            let count = found.count { $0 == subject }
            #expect(count <= 1, "\(subject) was made \(count) times")
            #expect(["done", "unknown"].contains(step["result"]?.string), "\(subject) is left: \(step)")
            if step["result"] == "done" { #expect(count == 1, "\(subject)") }
        }
        let city = try await tenant.mm([
            "graph", "Demo", "/users/lena.vogt@contoso-sandbox.example?$select=city", "--json",
        ])
        #expect(steps.last?["result"] == "done" && city.json?["city"] == .string("Rome \(seed)"), "\(city)")
        await tenant.stop()
    }
}
