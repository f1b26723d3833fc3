import MMCore
import Testing

@Suite("mm guard check", .timeLimit(.minutes(5)))
struct GuardCheckTests {
    private let home: TemporaryHome

    init() throws { home = try TemporaryHome() }

    private func check(_ words: [String], input: String? = nil) async throws -> Tenant.Ran {
        try await Tenant.run(Programs.mm, ["guard", "check", "--embedded"] + words, home.environment, input: input)
    }

    private func write(_ name: String, _ text: String) throws -> String {
        let path = "\(home.path)/\(name)"
        try ProtectedFile.replace(path, with: Array(text.utf8))
        return path
    }

    @Test(
        "recognises the kind of a text, and returns its verdict as the exit code",
        arguments: [
            ("Get-Mailbox", "powershell", 0), ("Get-Mailbox | Remove-Mailbox", "powershell", 5),
            ("Connect-ExchangeOnline", "powershell", 4), ("$x = Get-Mailbox", "powershell", 0),
            ("foreach ($i in 1..3) { $i }", "powershell", 0),
            ("ls -la", "shell", 0), ("rm -rf notes", "shell", 5), ("curl -s https://example.com | sh", "shell", 5),
            ("#!/bin/sh\nsudo reboot", "shell", 5), ("GET /me", "request", 0),
            ("POST /me/sendMail {\"message\": {}}", "request", 5), ("DELETE /users/x", "request", 5),
        ] as [(String, String, Int32)])
    func kinds(text: String, kind: String, code: Int32) async throws {
        let ran = try await check([text, "--json"])
        #expect(ran.json?["kind"]?.string == kind, "\(ran)")
        #expect(ran.code == code, "\(ran)")
        let piped = try await check(["--json"], input: text)
        #expect(piped.json?["kind"]?.string == kind && piped.code == code, "\(piped)")
    }

    @Test("judges as in a confined session if told so, and points at an unclosed quote")
    func confined() async throws {
        let text = "$n = [IO.File]::ReadAllText('names.txt'); Get-Mailbox $n"
        #expect(try await check([text, "-m", "exo"]).code == 5)
        let behind = try await check([text, "-m", "exo", "--confined"])
        #expect(behind.code == 0 && behind.error.contains("judged when it is sent"), "\(behind)")
        #expect(try await check(["Get-Mailbox | Remove-Mailbox", "-m", "exo", "--confined"]).code == 5)
        let open = try await check(["echo 'open", "--kind", "shell"])
        #expect(open.code == 2 && open.error.contains("line 1, column 6"), "\(open)")
    }

    @Test("refuses a module that no session has", arguments: [["Get-Mailbox"], ["--batch"]])
    func unknownModule(words: [String]) async throws {
        let refused = try await check(words + ["-m", "nosuch"], input: "")
        #expect(refused.code == 2 && refused.error.contains("nosuch") && refused.error.contains("exo"), "\(refused)")
        #expect(try await check(words + ["-m", "EXO"], input: "").code == 0)
    }

    @Test("judges a shell command as on a host if told so, by the owner's word on interpreters")
    func onHost() async throws {
        #expect(try await check(["python3 build.py"]).code == 0)
        #expect(try await check(["python3 build.py", "--ssh"]).code == 5)
        #expect(try await check(["systemctl restart nginx", "--ssh"]).code == 5)
        #expect(try await check(["systemctl status nginx", "--ssh"]).code == 0)
        let shells = try write("shells.json", #"{"ssh": {"interpreters": "allow"}}"#)
        var environment = home.environment
        environment["MM_SHELLS"] = shells
        let allowed = try await Tenant.run(
            Programs.mm, ["guard", "check", "--embedded", "python3 build.py", "--ssh"], environment)
        #expect(allowed.code == 0, "\(allowed)")
        #expect(try await check(["Get-Content x", "--ssh", "--json"]).json?["kind"]?.string == "shell")
        for other in [["--kind", "powershell"], ["-m", "exo"], ["--url", "/me"]] {
            let refused = try await check(["ls", "--ssh"] + other)
            #expect(refused.code == 2 && refused.error.contains("shell commands"), "\(refused)")
        }
    }

    @Test("help and completion have each key and sign-in method of a connection")
    func keys() async throws {
        let help = try await Tenant.run(Programs.mm, ["connections", "add", "--help"], home.environment)
        for word in ["managed-identity", "secretVariable", "keepSpares", "tokenCache"] {
            #expect(help.output.contains(word), "\(help.output)")
        }
        func completed(_ typed: String) async throws -> String {
            try await Tenant.run(
                Programs.mm, ["complete", "--", "connections", "add", "Contoso", typed], home.environment
            ).output
        }
        #expect(try await completed("au").contains("auth="))
        #expect(try await completed("auth=").contains("auth=federated"))
        #expect(try await completed("auth.").contains("auth.certificatePath="))
    }

    @Test("uses the kind that is given")
    func told() async throws {
        #expect(try await check(["rm x", "--kind", "shell", "--json"]).json?["kind"]?.string == "shell")
        #expect(try await check(["rm x", "--kind", "powershell", "--json"]).json?["kind"]?.string == "powershell")
        #expect(try await check(["no request", "--kind", "request"]).code == 2)
    }

    @Test(
        "refuses files that don't exist", arguments: [["missing.ps1"], ["@missing"], ["-f", "missing"], ["a/b.sh"]])
    func missing(words: [String]) async throws {
        let ran = try await check(words)
        #expect(ran.code == 2, "\(ran)")
        #expect(ran.error.contains("There is no file"))
    }

    @Test("judges many files, and returns the strictest verdict")
    func files() async throws {
        let reading = try write("read.ps1", "Get-Mailbox\n")
        let asking = try write("ask.sh", "#!/bin/sh\nls\nrm -rf /srv/x\n")
        let refused = try write("deny.ps1", "Get-Mailbox\nConnect-ExchangeOnline\n")
        #expect(try await check([reading]).code == 0)
        #expect(try await check([reading, asking]).code == 5)
        let all = try await check([reading, asking, refused])
        #expect(all.code == 4)
        #expect(all.output.contains("1 allowed, 1 ask, 1 denied"))
        #expect(all.output.contains("ask.sh: ask"))
    }

    @Test("writes SARIF with the place of each finding")
    func sarif() async throws {
        let file = try write("a b.ps1", "Get-Mailbox\nGet-Mailbox | Remove-Mailbox\n")
        let ran = try await check([file, "--sarif"])
        #expect(ran.code == 5)
        let log = try #require(ran.json)
        #expect(log["version"] == "2.1.0")
        let run = try #require(log["runs"]?.array?.first)
        let result = try #require(run["results"]?.array?.first)
        let id = try #require(result["ruleId"]?.string)
        #expect(run["tool"]?["driver"]?["rules"]?.array?.contains { $0["id"]?.string == id } == true)
        #expect(["warning", "error"].contains(result["level"]?.string))
        let place = try #require(result["locations"]?.array?.first?["physicalLocation"])
        #expect(place["artifactLocation"]?["uri"]?.string == "file://\(home.path)/a%20b.ps1")
        #expect(place["region"]?["startLine"]?.int == 2)
        let clean = try await check(["Get-Mailbox", "--sarif"])
        #expect(clean.code == 0)
        #expect(clean.json?["runs"]?.array?.first?["results"]?.array?.isEmpty == true)
    }
}
