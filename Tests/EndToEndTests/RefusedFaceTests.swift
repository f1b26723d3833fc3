import MMCore
import Testing

@Suite("Refusals of a service on every front-end", .timeLimit(.minutes(10)))
struct RefusedFaceTests {
    private static let lines = [
        "(Get-Mailbox).Count", "$n = @(Get-Mailbox).Count; if ($n -eq 0) { 'none' } else { 'some' }",
        "foreach ($m in Get-Mailbox) { $m.Name }; 'done'",
    ]

    @Test(
        "the command line exits with 1 and reports them, in every format and even with --quiet", arguments: [403, 400])
    func terminal(status: Int64) async throws {
        let tenant = try await Self.refusing(status)
        for line in Self.lines {
            for form in [[], ["-q"], ["--json"], ["-o", "text", "-q"], ["-o", "csv"], ["-o", "jsonl", "-q"]] {
                let ran = try await tenant.mm(["run", "Demo", "exo", line] + form)
                #expect(
                    ran.code == 1 && ran.error.contains(status == 403 ? "Get-Mailbox" : "status 400"),
                    "\(form) \(line): \(ran)")
                // A script that continues after an error still returns its values, but never without the error.
                if status == 403 { #expect(ran.output.isEmpty, "\(form) \(line): \(ran)") }
            }
        }
        await tenant.stop()
    }

    @Test("they are reported to a job, to a model and to a program over HTTP")
    func others() async throws {
        let tenant = try await Self.refusing(403)
        let client = try await MCPClient(tenant.home.environment, arguments: [])
        _ = try await client.initialize()
        let socket = try #require(tenant.home.environment["XDG_RUNTIME_DIR"]) + "/mm/pool.sock"
        for (number, line) in Self.lines.enumerated() {
            let arguments: JSONObject = ["connection": "Demo", "module": "exo", "command": .string(line)]
            let answer = try await client.call(number + 1, "mm__run", arguments)
            #expect(answer["isError"] == true && answer.text.contains("Get-Mailbox"), "\(line): \(answer)")
            let rest = try await Tenant.run(
                "/usr/bin/curl",
                [
                    "-sS", "-w", "\n%{http_code}", "--unix-socket", socket, "http://pool/v1/operations/run", "-H",
                    "Content-Type: application/json", "-d", JSONWriter.string(.object(arguments)),
                ], [:])
            #expect(rest.output.hasSuffix("\n403") && rest.output.contains("Get-Mailbox"), "\(line): \(rest)")
            let begun = try await tenant.mm(["run", "Demo", "exo", line, "--detach", "--json"])
            let told = begun.output + begun.error
            let start = try #require(told.firstRange(of: "job-")?.lowerBound, "\(begun)")
            let handle = String(told[start...].prefix { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" })
            let ended = try await tenant.mm(["output", handle, "--action", "wait"])
            #expect(ended.code == 1 && ended.error.contains("Get-Mailbox"), "\(line): \(ended)")
        }
        let audit = try await tenant.mm(["audit", "show", "--outcome", "done", "--json"])
        #expect(!audit.output.contains("Get-Mailbox"), "\(audit)")
        await tenant.stop()
    }

    private static func refusing(_ status: Int64) async throws -> Tenant {
        let tenant = try await Tenant()
        try await tenant.signIn()
        try await tenant.fault(["kind": "status", "status": .int(status), "path": "/adminapi", "count": 1_000])
        return tenant
    }
}
