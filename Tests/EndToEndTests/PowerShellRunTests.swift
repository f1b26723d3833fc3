import MMCore
import Testing

@Suite("PowerShell commands on the sandbox's stand-in", .timeLimit(.minutes(15)))
struct PowerShellRunTests {
    @Test("use the connection's sign-in without a second code, and say where they ran")
    func tokenFeed() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let json = try await tenant.mm([
            "run", "Demo", "exo", "Get-ConnectionInformation", "--engine", "pwsh", "--json",
        ])
        #expect(json.code == 0, "\(json.error)")
        #expect(json.json?.array?.first?["UserPrincipalName"] == "admin@contoso-sandbox.example")
        #expect(json.error.contains("stand-in"))
        let csv = try await tenant.mm([
            "run", "Demo", "exo", "Get-ConnectionInformation", "--engine", "pwsh", "-o", "csv",
        ])
        #expect(csv.output.split(separator: "\n").count == 2)
    }

    @Test(
        "come from a file, from standard input, or from a file named instead of the command",
        arguments: [["-f", "FILE"], ["--file=FILE"], ["@FILE"], ["FILE"], ["-"]])
    func forms(words: [String]) async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let script = "\u{FEFF}# “five”\r\nGet-Mailbox -ResultSize 2\r\n"
        let file = tenant.home.path + "/report.ps1"
        try ProtectedFile.replace(file, with: Array(script.utf8))
        let named = words.map { $0.split(separator: "FILE", omittingEmptySubsequences: false).joined(separator: file) }
        let ran = try await tenant.mm(
            ["run", "Demo", "exo"] + named + ["--json", "-q"], input: words == ["-"] ? script : nil)
        #expect(ran.code == 0, "\(ran.error)")
        #expect(ran.json?.array?.count == 2)
    }

    @Test("variables and functions of a file are local to it, those of a line stay in the session")
    func scope() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let file = tenant.home.path + "/report.ps1"
        try ProtectedFile.replace(
            file,
            with: Array(
                "$report += 'r'; \"$($report) $($outside) $($MyInvocation.MyCommand.Name)\"; $null = Get-Mailbox -ResultSize 1"
                    .utf8))
        let line = try await tenant.mm(["run", "Demo", "exo", "$outside = 'line'; $report = 'before'", "--json", "-q"])
        #expect(line.code == 0, "\(line.error)")
        for _ in 1...2 {
            let ran = try await tenant.mm(["run", "Demo", "-f", file, "--json", "-q"])
            #expect(ran.json?.array == ["r  report.ps1"], "\(ran.error)")
        }
        let kept = try await tenant.mm(["run", "Demo", "exo", "\"$report $outside\"", "--json", "-q"])
        #expect(kept.json?.array == ["before line"], "\(kept.error)")
    }

    @Test("get their parameters as data, which a person sees before anything runs")
    func parameters() async throws {
        let tenant = try await Tenant()
        let script = "param($Name) Remove-Mailbox -Identity $Name"
        let ran = try await tenant.mm(
            ["run", "Demo", "exo", script, "--param", "Name='; Remove-Mailbox x #", "--json"])
        #expect(ran.code == 5)
        #expect(ran.failure?["message"]?.string?.contains(#"{"Name":"'; Remove-Mailbox x #"}"#) == true)
    }

    @Test("return the module's own code if nobody is signed in")
    func deviceCode() async throws {
        let tenant = try await Tenant()
        let asked = try await tenant.mm(["run", "Demo", "exo", "Get-Mailbox", "--json"])
        #expect(asked.code == 3)
        #expect(asked.failure?["details"]?["userCode"]?.string?.isEmpty == false)
    }

    @Test("are judged before a PowerShell starts")
    func judged() async throws {
        let tenant = try await Tenant()
        // In a confined session a computed text needs no question.
        try tenant.write("confinement=off")
        let judged = [("Remove-Mailbox x", 5), ("Install-Module Az", 4), ("iex $x", 5), ("Get-Mailbox |", 2)]
        for (script, code) in judged {
            let ran = try await tenant.mm(["run", "Demo", "exo", script])
            #expect(ran.code == Int32(code), "\(script): \(ran.error)")
        }
        let log = try tenant.home.files().first { $0.path.hasSuffix("session-pool-unified.log") }
        #expect(log.map { !String(decoding: $0.bytes, as: UTF8.self).contains("started") } ?? true)
    }

    @Test(
        "show the output written before a failure, in a terminal and to a model, on both engines",
        arguments: ["native", "pwsh"])
    func outputBeforeFailure(engine: String) async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let script = "'one'; 'two'; throw 'three'"
        #expect(try await tenant.mm(["connections", "edit", "Demo", "engine=\(engine)"]).code == 0)
        let words = ["run", "Demo", "exo", script]
        var ran = try await tenant.mm(words)
        while ran.code == 3 {
            if let code = ran.failure?["details"]?["userCode"]?.string { try await tenant.approve(code) }
            try await Task.sleep(for: .milliseconds(200))
            ran = try await tenant.mm(words)
        }
        #expect(ran.code == 1 && ran.output == "one\ntwo\n" && ran.error.contains("three"), "\(ran)")
        let client = try await MCPClient(tenant.home.environment, arguments: [])
        _ = try await client.initialize()
        let call: JSONObject = ["connection": "Demo", "module": "exo", "command": .string(script)]
        let answer = try await client.call(1, "mm__run", call)
        #expect(answer["isError"] == true)
        for word in ["one", "two", "three"] { #expect(answer.text.contains(word), "\(answer)") }
    }

    @Test("copy the native engine's variables when PowerShell takes over")
    func carriedValues() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        func run(_ script: String, _ engine: String) async throws -> Tenant.Ran {
            try await tenant.mm(["run", "Demo", "exo", script, "--engine", engine])
        }
        #expect(try await run("$x = 41; $who = 'it''s'; $t = @{ a = 1 }", "native").code == 0)
        let taken = try await run("\"$who \"; $x + 1", "pwsh")
        #expect(taken.code == 0 && taken.output == "it's \n42\n", "\(taken)")
        let refused = try await run("$t.a", "pwsh")
        #expect(refused.code == 1 && refused.error.contains("copied to PowerShell"), "\(refused)")
    }

    @Test(
        "bind values by a script's param block, and name the parameters that it has",
        arguments: [
            (["--param", "Force", "--param", "Names=a", "--param", "names=b"], 0, "2 True"),
            (["--param", "Force=false", "--param", "Na=a"], 0, "1 False"), (["--param", "Forse=1"], 2, "Force"),
            (["--param", "Force=maybe"], 2, "true or false"),
        ])
    func boundValues(words: [String], code: Int32, says: String) async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let script = "param([switch] $Force, [string[]] $Names) Invoke-StandIn parameters"
        try tenant.allowStandIn()
        let ran = try await tenant.mm(["run", "Demo", "exo", script, "--engine", "pwsh", "--json"] + words)
        #expect(ran.code == code, "\(ran)")
        if code == 0 {
            let values = ran.json?.array?.first
            #expect("\(values?["Names"]?.array?.count ?? 0) \(values?["Force"] == true ? "True" : "False")" == says)
        } else {
            #expect(ran.error.contains(says), "\(ran.error)")
        }
    }

    @Test("share one session among many calls of an AI client, and leave no process behind")
    func lasting() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let client = try await MCPClient(tenant.home.environment)
        _ = try await client.initialize()
        for number in 1...5 {
            let answer = try await client.call(
                number, "mm__run", ["connection": "Demo", "module": "exo", "command": "Get-Mailbox -ResultSize 1"])
            #expect(answer["isError"] == false, "\(answer.text)")
        }
        let status = try await client.call(6, "mm__status", ["connection": "Demo"])
        let sessions = status["structuredContent"]?["sessions"]?.array ?? []
        let exo = try #require(sessions.first { $0["session"] == "Demo/exo" })
        #expect(exo["state"] == "ready")
        #expect(exo["commands"]?.int == 5)
        #expect(exo["account"] == "admin@contoso-sandbox.example")
        let gone = try await client.call(8, "mm_disconnect", ["connection": "Demo", "module": "teams"])
        #expect(gone["structuredContent"]?["count"]?.int == 0)
        #expect(gone["structuredContent"]?["disconnected"] == [])
        let jobs = try await client.call(9, "mm_jobs", [:])
        #expect(jobs["structuredContent"]?["jobs"] == [])
        let reset = try await client.call(7, "mm__reset", ["connection": "Demo"])
        #expect(reset["structuredContent"]?["count"]?.int == 1)
        #expect(await client.finish() == 0)
    }
}
