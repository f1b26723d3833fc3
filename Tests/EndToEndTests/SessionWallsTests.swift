import Glibc
import MMCore
import MMSessions
import MMSystem
import Testing

@Suite("The confinement of PowerShell sessions", .timeLimit(.minutes(15)))
struct SessionWallsTests {
    static let hasLandlock = Confinement.kernelVersion >= 6

    /// A tenant with a session of Azure that gets tokens.
    private static func signedIn(_ words: [String] = []) async throws -> Tenant {
        let tenant = try await Tenant()
        try tenant.allowStandIn()
        if !words.isEmpty { try tenant.write(words) }
        try await tenant.signIn()
        return tenant
    }

    /// The output of a command that a script ran in a shell.
    private static func sh(_ tenant: Tenant, _ text: String) async throws -> String {
        let quoted = text.replacing("'", with: "''")
        let ran = try await tenant.mm(["run", "Demo", "azure", "Invoke-StandIn program '\(quoted)'", "--json", "-q"])
        let row = try #require(ran.json?.array?.first, "\(ran)")
        return (row["Output"]?.string ?? "") + (row["Error"]?.string ?? "")
    }

    @Test(
        "a session is confined without being asked: it works, and its programs reach neither files nor ports of the user",
        .enabled(if: hasLandlock, "the kernel has no Landlock 6"))
    func confined() async throws {
        let tenant = try await Self.signedIn()
        let home = tenant.home.path
        try ProtectedFile.replace(home + "/secret", with: Array("a secret\n".utf8))
        let ran = try await tenant.mm(["run", "Demo", "azure", "Get-AzSubscription", "--json"])
        #expect(ran.code == 0 && !ran.error.contains("not confined"), "\(ran)")
        for path in ["/secret", "/.m365-connections.json", "/.m365-state/audit.jsonl"] {
            let seen = try await Self.sh(tenant, "cat \(home)\(path)")
            #expect(seen.contains("Permission denied") || seen.contains("No such file"), "\(seen)")
        }
        #expect(try await Self.sh(tenant, "ls \(home)").contains("Permission denied"))
        _ = try await Self.sh(tenant, "echo x > \(home)/written; echo x > /var/tmp/mm-written-$$")
        #expect(access(home + "/written", F_OK) != 0)
        #expect(try await Self.sh(tenant, "echo x > ~/own && cat ~/own") == "x\n")
        // Without the proxy nothing can be reached, not even this machine.
        let port = tenant.base.split(separator: ":").last.map(String.init) ?? ""
        let direct = try await Self.sh(tenant, "curl -s --noproxy '*' http://127.0.0.1:\(port)/; echo $?")
        #expect(direct == "7\n", "\(direct)")
        #expect(
            try await Self.sh(tenant, "python3 -c 'import socket; socket.socket(socket.AF_UNIX)'").contains("Error"))
        #expect(try await tenant.mm(["pool", "stop"]).code == 0)
        let left = try tenant.home.files().map(\.path).filter {
            $0.contains("/powershell/") && $0.contains("/session-")
        }
        #expect(left.isEmpty, "\(left)")
        await tenant.stop()
    }

    @Test("a script in PowerShell is given files, and what it writes where it starts is handed over")
    func files() async throws {
        let tenant = try await Self.signedIn()
        let (home, given) = (tenant.home.path, tenant.home.path + "/users.csv")
        try ProtectedFile.replace(given, with: Array("Name\nann\n".utf8))
        let text = "mkdir -p out; LC_ALL=C sort users.csv > out/report.csv; ln -s /etc/passwd x.csv"
        let script = "Invoke-StandIn program '\(text)'"
        let saved = try await tenant.mm([
            "run", "Demo", "azure", script, "--attach", given, "--save", home + "/saved",
        ])
        #expect(saved.code == 0 && saved.error.contains("report.csv, 9 bytes"), "\(saved)")
        #expect(try ProtectedFile.read(home + "/saved/report.csv", limit: 100) == Array("Name\nann\n".utf8))
        #expect(access(home + "/saved/x.csv", F_OK) != 0 && access(home + "/saved/users.csv", F_OK) != 0)
        // Scripts written for Windows name folders of the profile.
        let there = #"echo 1 > "$USERPROFILE/Downloads/down.csv"; echo 22 > "$TEMP/temp.csv""#
        let profile = try await tenant.mm(["run", "Demo", "azure", "Invoke-StandIn program '\(there)'"])
        #expect(["down.csv, 2 bytes", "temp.csv, 3 bytes"].allSatisfy(profile.error.contains), "\(profile)")
        // Another call hands over what it wrote itself; a file's name can't add a line.
        let odd = #"name=$(printf "b\nfile: c.txt"); echo 2 > "$name""#
        let again = try await tenant.mm(["run", "Demo", "azure", "Invoke-StandIn program '\(odd)'"])
        #expect(again.error.contains(#"file: b\u{a}file: c.txt, 2 bytes: "#), "\(again)")
        #expect(!again.error.contains("report.csv"), "\(again)")
        await tenant.stop()
    }

    @Test(
        "folders that the owner shares can be read and written in sessions that start afterwards",
        .enabled(if: hasLandlock, "the kernel has no Landlock 6"))
    func shared() async throws {
        let tenant = try await Self.signedIn()
        let folder = tenant.home.path + "/reports"
        try ProtectedFile.makeDirectory(folder)
        _ = try await Self.sh(tenant, "echo x > \(folder)/a")
        #expect(access(folder + "/a", F_OK) != 0)
        try tenant.write("shared=~/reports")
        #expect(try await Self.sh(tenant, "echo x > \(folder)/a && cat \(folder)/a") == "x\n")
        try tenant.write("shared=~/.m365-state")
        let refused = try await tenant.mm(["run", "Demo", "azure", "Get-AzSubscription", "--json"])
        #expect(refused.failure?["code"] == "invalid_input" && refused.error.contains("mm's own files"), "\(refused)")
        await tenant.stop()
    }

    @Test(
        "nothing that a script started outlives the pool, however that ends",
        .enabled(if: hasLandlock, "the kernel has no Landlock 6"), arguments: [SIGKILL, SIGTERM])
    func poolKilled(signal: Int32) async throws {
        let tenant = try await Self.signedIn()
        let text =
            "env -i setsid sh -c 'echo $$ > orphan; exec sleep 1000' & while ! test -s orphan; do sleep 0.01; done; cat orphan"
        let own = try #require(Int32(try await Self.sh(tenant, text).filter(\.isNumber)))
        let process = try await tenant.sessionProcess("azure")
        // In its own namespace the process has another number.
        let family = ProcessEntry(process).map { Descendants.running(below: $0.parent).map(\.pid) } ?? []
        let orphan = family.first { ProcessEntry.numbers(of: $0).dropFirst().last == own } ?? own
        let pool = try tenant.poolProcess().pid
        #expect(ProcessEntry(orphan) != nil && ProcessEntry(process) != nil)
        kill(pool, signal)
        let deadline = Deadline.after(.seconds(300))
        while [orphan, process, pool].contains(where: { ProcessEntry($0).map { !$0.isDead } ?? false }) {
            try #require(!deadline.hasPassed, "a process is left")
            try await Task.sleep(for: .milliseconds(20))
        }
        await tenant.stop()
    }

    @Test("without walls the first answer says so, once, and the guard asks about texts as everywhere")
    func off() async throws {
        let tenant = try await Self.signedIn(["confinement=off"])
        try ProtectedFile.replace(tenant.home.path + "/secret", with: Array("a secret\n".utf8))
        let first = try await tenant.mm(["run", "Demo", "azure", "Invoke-StandIn environment", "--json"])
        #expect(first.error.contains("not confined"), "\(first)")
        let second = try await tenant.mm(["run", "Demo", "azure", "Invoke-StandIn environment", "--json"])
        #expect(!second.error.contains("not confined"))
        #expect(try await Self.sh(tenant, "cat \(tenant.home.path)/secret") == "a secret\n")
        let script = "Import-Csv ./users.csv | ForEach-Object { & $cmd $_ }"
        let asked = try await tenant.mm(["guard", "check", "-c", "Demo", "-m", "azure", script, "--json"])
        #expect(asked.json?["verdict"] == "ask", "\(asked)")
        await tenant.stop()
    }

    @Test(
        "the same text passes in a confined session, even where confinement is required, both in the check and when run",
        .enabled(if: hasLandlock, "the kernel has no Landlock 6"))
    func kinder() async throws {
        let tenant = try await Self.signedIn(["confinement=required"])
        let script = "$name = 'Get-AzSubscription'; & $name"
        let checked = try await tenant.mm(["guard", "check", "-c", "Demo", "-m", "azure", script, "--json"])
        #expect(checked.json?["verdict"] == "allow" && checked.code == 0, "\(checked)")
        let ran = try await tenant.mm(["run", "Demo", "azure", script, "--json"])
        #expect(ran.code != 5 && ran.code != 4, "\(ran)")
        let bare = try await tenant.mm(["guard", "check", "-m", "azure", script, "--json"])
        #expect(bare.json?["verdict"] == "ask", "\(bare)")
        await tenant.stop()
    }
}
