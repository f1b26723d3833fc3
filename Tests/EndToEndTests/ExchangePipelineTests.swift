import MMCore
import Testing

@Suite("Exchange pipelines without PowerShell", .timeLimit(.minutes(15)))
struct ExchangePipelineTests {
    @Test("run natively over pages, say so, and stop as soon as there are enough rows")
    func pipeline() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let ran = try await tenant.mm([
            "run", "Demo", "exo",
            "Get-Mailbox -ResultSize Unlimited | Where-Object ForwardingSmtpAddress | Select-Object Name, Alias -First 2",
            "--json",
        ])
        #expect(ran.code == 0, "\(ran.error)")
        let rows = try #require(ran.json?.array)
        #expect(rows.count == 2)
        #expect(rows.allSatisfy { $0.object?.keys == ["Name", "Alias"] })
        #expect(ran.error.contains("engine: native"))
        let compliance = try await tenant.mm([
            "run", "Demo", "compliance", "Get-ComplianceSearch | ForEach-Object Name", "--json",
        ])
        #expect(compliance.json?.array?.count == 2, "\(compliance.error)")
    }

    @Test("show the wanted columns, in the wanted order of rows, though text is the default")
    func columns() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let shown = try await tenant.mm([
            "run", "Demo", "exo", "'b', 'c', 'a' | ForEach-Object { [pscustomobject]@{N = $_; M = \"m$_\"; O = 1} }",
            "--columns", "M,N", "--sort", "-N",
        ])
        #expect(shown.code == 0, "\(shown.error)")
        let wanted: JSONValue = [["M": "mc", "N": "c"], ["M": "mb", "N": "b"], ["M": "ma", "N": "a"]]
        #expect(shown.json == wanted, "\(shown.output)")
    }

    @Test("ask for the sign-in if nobody is signed in")
    func signIn() async throws {
        let tenant = try await Tenant()
        let asked = try await tenant.mm(["run", "Demo", "exo", "Get-AcceptedDomain", "--engine", "native", "--json"])
        #expect(asked.code == 3)
        #expect(asked.failure?["details"]?["userCode"]?.string?.isEmpty == false)
    }

    @Test("report objects, parameters and cmdlets that don't exist, and scripts that the native engine can't run")
    func faults() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let missing = try await tenant.mm(["run", "Demo", "exo", "Get-Mailbox nobody", "--json"])
        #expect(missing.code == 1)
        #expect(missing.failure?["code"] == "not_found")
        #expect(missing.failure?["details"]?["category"] == "ObjectNotFound")
        let parameter = try await tenant.mm(["run", "Demo", "exo", "Get-Mailbox -Identty x", "--json"])
        #expect(parameter.code == 2)
        #expect(parameter.failure?["message"]?.string?.contains("Identity") == true)
        let cmdlet = try await tenant.mm(["run", "Demo", "exo", "Get-Mailbx", "--json"])
        #expect(cmdlet.failure?["code"] == "not_found")
        #expect(cmdlet.failure?["hint"]?.string?.contains("Get-Mailbox") == true)
        let beyond = try await tenant.mm([
            "run", "Demo", "compliance", "Get-ComplianceSearch | Out-Printer", "--json",
        ])
        #expect(beyond.code != 0)
        let none = try await tenant.mm([
            "run", "Demo", "compliance", "Get-ComplianceSearch", "--engine", "pwsh", "--json",
        ])
        #expect(none.failure?["code"] == "unsupported")
    }

    @Test("show the output that was written before their deadline")
    func timeOver() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        #expect(try await tenant.mm(["run", "Demo", "exo", "'warm'"]).code == 0)
        try await tenant.fault(["kind": "latency", "path": "/adminapi", "milliseconds": 600_000])
        // On a slow machine nothing may have been written by then: repeat with more time.
        for limit in ["3", "20", "120"] {
            let ran = try await tenant.mm(["run", "Demo", "exo", "'one'; Get-AcceptedDomain", "--timeout", limit])
            #expect(ran.code == 6, "\(ran)")
            if !ran.output.contains("one"), limit != "120" { continue }
            #expect(ran.output.contains("one"), "\(ran)")
            break
        }
    }

    @Test("stream the rows of a long list, then the messages and the error that ended them")
    func flow() async throws {
        let tenant = try await Tenant(users: 3000)
        try await tenant.signIn()
        let all = "Get-Mailbox -ResultSize Unlimited | Select-Object Name, Alias"
        let lines = try await tenant.mm(["run", "Demo", "exo", all + "; Get-Mailbox nobody", "-o", "jsonl"])
        #expect(lines.code == 1, "\(lines.error)")
        let rows = lines.output.split(separator: "\n")
        #expect(rows.count > 2000)
        #expect(rows.last.flatMap { try? JSONParser.parse(String($0)) }?.object?.keys == ["Name", "Alias"])
        #expect(lines.error.contains("engine: native"))
        #expect(lines.error.contains("ERROR: ") && lines.error.contains("nobody"))
        let whole = try await tenant.mm(["run", "Demo", "exo", all, "--json"])
        #expect(whole.json?.array?.count == rows.count, "\(whole.error)")
        let csv = try await tenant.mm(["run", "Demo", "exo", all, "-o", "csv"])
        #expect(csv.output.split(separator: "\n").count == rows.count + 1, "\(csv.error)")
        let torn = try await tenant.mm([
            "run", "Demo", "exo", all + "; Get-Mailbox nobody -ErrorAction Stop", "-o", "jsonl",
        ])
        #expect(torn.code == 1, "\(torn.error)")
        #expect(torn.output.split(separator: "\n").count == rows.count)
        #expect(torn.error.contains("nobody"))
        let few = try await tenant.mm(["run", "Demo", "exo", "Get-Mailbox -ResultSize 1", "--json"])
        #expect(few.json?.array?.count == 1, "\(few.error)")
    }

    @Test("report refusals in every format, even without notes", arguments: [403, 501])
    func refused(status: Int) async throws {
        let tenant = try await Tenant(users: 20)
        try await tenant.signIn()
        let forms = [
            ["-q"], ["--json"], ["-q", "--json"], ["-o", "text"], ["-o", "csv", "-q"], ["--jq", ".[0]", "-q"],
        ]
        for form in forms {
            let ran = try await tenant.mm(["run", "Demo", "exo", "(Get-Mailbox nobody).Count"] + form)
            #expect(ran.code == 1 && ran.output.contains("0") && ran.error.contains("nobody"), "\(form): \(ran)")
            if form.contains("--json") { #expect(ran.failure?["code"] == "not_found", "\(ran)") }
        }
        try await tenant.fault(["kind": "status", "status": .int(Int64(status)), "path": "/adminapi"])
        for line in ["(Get-Mailbox).Count", "$n = (Get-Mailbox).Count; if ($n -eq 0) { 'no mailboxes' }"] {
            for form in forms {
                let ran = try await tenant.mm(["run", "Demo", "exo", line] + form)
                #expect(ran.code == 1 && ran.output.isEmpty && ran.error.contains("Get-Mailbox"), "\(form): \(ran)")
                if form.contains("--json") {
                    #expect(ran.failure?["details"]?["status"] == .int(Int64(status)), "\(ran)")
                }
            }
        }
        let audit = try await tenant.mm(["audit", "show", "--operation", "run", "--json"])
        let outcomes = Set((audit.json?.array ?? []).compactMap { $0["outcome"]?.string })
        #expect(outcomes.contains("done with errors") && !outcomes.contains("done"), "\(outcomes)")
        let group = try await tenant.mm(["recipe", "nested-members", "Demo", "--group", "No such group"])
        #expect(group.code == 1 && group.output.isEmpty && group.error.contains("No such group"), "\(group)")
    }

    @Test("a dry run shows the request instead of sending it")
    func dryRun() async throws {
        let tenant = try await Tenant()
        let shown = try await tenant.mm([
            "run", "Demo", "exo", "Remove-InboxRule -Mailbox lena.vogt -Identity Bills", "--dry-run", "--json",
        ])
        #expect(shown.code == 0, "\(shown.error)")
        let input = shown.json?["body"]?["CmdletInput"]
        #expect(input?["CmdletName"] == "Remove-InboxRule")
        #expect(input?["Parameters"]?["Confirm"] == false)
        #expect(shown.json?["headers"]?["Authorization"] == "Bearer ‹token›")
        #expect(shown.json?["template"] == "Remove-InboxRule" && shown.json?["sent"] == false)
        #expect(shown.json?["class"] == "destructive" && shown.json?["verdict"] == "ask", "\(shown)")
    }

    @Test("keep variables in their session, and list cmdlets with those that the account may run")
    func session() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let client = try await MCPClient(tenant.home.environment)
        _ = try await client.initialize()
        let commands = [
            "$few = Get-Mailbox -ResultSize 3", "$few | ForEach-Object Alias",
        ]
        var last: JSONValue = .null
        for (number, command) in commands.enumerated() {
            last = try await client.call(
                number + 1, "mm__run", ["connection": "Demo", "module": "exo", "command": .string(command)])
            #expect(last["isError"] == false, "\(last.text)")
        }
        #expect(last.text.contains("lena.vogt"))
        #expect(await client.finish() == 0)
        let listed = try await tenant.mm([
            "cmdlets", "Get-Mailbox", "--connection", "Demo", "--module", "exo", "--json",
        ])
        let cmdlet = listed.json?["cmdlets"]?[0]
        #expect(cmdlet?["allowed"] == true && cmdlet?["confirm"] != nil, "\(listed)")
        #expect(cmdlet?["class"]?.string?.contains("read") == true)
    }
}
