import Glibc
import MMCore
import TestSupport
import Testing

@Suite("mm doctor", .timeLimit(.minutes(5)))
struct MachineDoctorTests {
    private func rows(_ ran: Tenant.Ran) throws -> [JSONValue] {
        try #require(ran.json?["rows"]?.array, "\(ran.output) \(ran.error)")
    }

    private func row(_ name: String, _ rows: [JSONValue]) throws -> JSONValue {
        try #require(rows.first { $0["name"]?.string == name }, "\(rows)")
    }

    @Test("a new home has no connection yet, and the doctor says how to get one")
    func newHome() async throws {
        let home = try TemporaryHome()
        let ran = try await Tenant.run(Programs.mm, ["doctor", "--offline", "--json"], home.environment)
        let rows = try rows(ran)
        let registry = try row("registry", rows)
        #expect(registry["state"] == "note")
        #expect(registry["remedy"]?.string?.contains("mm connect") == true)
        #expect(try row("pool", rows)["detail"]?.string?.contains("first call starts it") == true)
        #expect(!rows.contains { $0["name"] == "network" })
        #expect(ran.code == 0)
    }

    @Test("a pool that can't start, as its library is missing, isn't said to start with the first call")
    func missingLibrary() async throws {
        let home = try TemporaryHome()
        let hiding =
            "for path in /lib/*/libmicrohttpd.so.12 /usr/lib/*/libmicrohttpd.so.12; do "
            + "[ ! -e $path ] || mount --bind /dev/null $path || exit; done; echo hidden >&2; exec \"$@\""
        let words = ["--user", "--map-root-user", "--mount", "/bin/sh", "-c", hiding, "sh"]
        let ran = try await Tenant.run(
            "/usr/bin/unshare", words + [Programs.mm, "doctor", "--offline", "--json"], home.environment)
        guard ran.error.hasPrefix("hidden") else { return print("skipped: a program without a library: \(ran.error)") }
        let pool = try row("pool", rows(ran))
        #expect(pool["state"] == "FAILED" && pool["remedy"]?.string?.contains("libmicrohttpd") == true)
    }

    @Test(
        "trying what the kernel allows ends, and leaves no process, when a process of it is killed",
        .enabled(if: Strace.program != nil, "needs strace (apt-get install strace) and the right to trace"),
        arguments: ["seccomp", "pidfd_getfd"])
    func killedTry(call: String) async throws {
        let home = try TemporaryHome()
        let trace = home.path + "/trace"
        // strace ends when all processes have ended.
        let ran = try await Tenant.run(
            "/usr/bin/timeout",
            [
                "-s", "KILL", "120", try #require(Strace.program), "-f", "-qq", "-o", trace, "-e", "trace=\(call)",
                "-e",
                "inject=\(call):signal=SIGKILL:when=1", Programs.mm, "doctor", "--offline", "--json",
            ], home.environment)
        #expect(try !rows(ran).isEmpty)
        #expect([0, 1].contains(ran.code), "\(ran)")
        let calls = try #require(try ProtectedFile.read(trace))
        #expect(String(decoding: calls, as: UTF8.self).contains(" \(call)("), "nothing was killed")
    }

    @Test("a signed-in tenant is named with its account, its services are reached, its clock agrees")
    func signedIn() async throws {
        let tenant = try await Tenant()
        let before = try rows(try await tenant.mm(["doctor", "--json"]))
        #expect(try row("sign-in Demo", before)["remedy"] == "mm login Demo")
        #expect(try row("sign-in Demo", before)["state"] == "note")
        try await tenant.signIn()
        let ran = try await tenant.mm(["doctor", "--json"])
        let rows = try rows(ran)
        #expect(try row("sign-in Demo", rows)["state"] == "ok")
        let network = try row("network", rows)
        #expect(network["state"] == "ok" && network["detail"]?.string?.contains("127.0.0.1 answers") == true)
        let clock = try row("clock", rows)
        #expect(clock["state"] == "ok" && clock["detail"]?.string?.contains("agrees with") == true)
        let expiry = try row("expiry Demo", rows)
        #expect(expiry["state"] == "ok" && expiry["detail"]?.string?.contains("renewed by calls") == true)
        #expect(ran.code == 0, "\(rows)")
    }

    @Test(
        "a sign-in that the service refuses is no sound one, unless only this machine's files are read",
        arguments: [([], "FAILED", 1), (["--offline"], "ok", 0)] as [([String], JSONValue, Int32)])
    func revoked(flags: [String], state: JSONValue, code: Int32) async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        _ = try await tenant.control("POST", "revoke", ["account": "admin@contoso-sandbox.example"])
        let ran = try await tenant.mm(["doctor", "--json"] + flags)
        let found = try row("sign-in Demo", rows(ran))
        #expect(found["state"] == state && ran.code == code, "\(found)")
        #expect(try await tenant.requests(to: "/devicecode") == 1, "a check starts no sign-in")
    }

    @Test("an invalid browser setting is reported by the doctor, and before a sign-in starts")
    func redirect() async throws {
        let home = try TemporaryHome()
        var environment = home.environment
        environment["MM_REDIRECT_ADDRESS"] = "nonsense"
        let ran = try await Tenant.run(Programs.mm, ["doctor", "--offline", "--json"], environment)
        #expect(try row("browser sign-in", rows(ran))["detail"]?.string?.contains("MM_REDIRECT_ADDRESS") == true)
        #expect(ran.code == 1)
        let asked = try await Tenant.run(Programs.mm, ["connect", "nowhere.example", "--embedded"], environment)
        #expect(
            asked.code == 2 && asked.error.contains("MM_REDIRECT_ADDRESS is not a port or an address: nonsense"),
            "\(asked.error)")
    }

    @Test("a service that can't be reached is reported by name")
    func unreachable() async throws {
        let tenant = try await Tenant()
        await tenant.stop()
        let ran = try await tenant.mm(["doctor"])
        #expect(ran.code == 1)
        #expect(ran.output.contains("FAILED"), "\(ran.output)")
    }

    @Test("files that others can read are reported, and --fix removes the permission without following links")
    func modes() async throws {
        let home = try TemporaryHome()
        let state = "\(home.path)/.m365-state"
        let outside = "\(home.path)/outside"
        for folder in [state, outside] { try #require(mkdir(folder, 0o755) == 0) }
        for file in ["\(state)/pins.json", "\(outside)/kept"] {
            let descriptor = open(file, O_WRONLY | O_CREAT, 0o644)
            try #require(descriptor >= 0 && fchmod(descriptor, 0o644) == 0)
            close(descriptor)
        }
        try #require(symlink("\(outside)/kept", "\(state)/link") == 0)
        try #require(chmod(state, 0o755) == 0)
        let found = try await Tenant.run(Programs.mm, ["doctor", "--offline", "--json"], home.environment)
        let files = try row("files", try rows(found))
        #expect(files["state"] == "FAILED" && files["remedy"] == "mm doctor --fix")
        #expect(files["detail"]?.string?.contains("\(state) (755)") == true)
        #expect(found.code == 1)
        let fixed = try await Tenant.run(Programs.mm, ["doctor", "--offline", "--fix", "--json"], home.environment)
        #expect(try row("files", try rows(fixed))["state"] == "ok")
        #expect(mode(state) == 0o700 && mode("\(state)/pins.json") == 0o600)
        #expect(mode("\(outside)/kept") == 0o644)
        #expect(fixed.code == 0)
    }

    @Test("in another user's home root is told to leave the files to them", .enabled(if: geteuid() == 0, "needs root"))
    func anothersHome() async throws {
        let home = try TemporaryHome()
        let state = "\(home.path)/.m365-state"
        try #require(mkdir(state, 0o700) == 0 && chown(state, 65534, 65534) == 0)
        for (owner, advice) in [(65534, "run mm as this user"), (0, "chown -R 0 ")] as [(uid_t, String)] {
            try #require(chown(home.path, owner, gid_t(owner)) == 0)
            let ran = try await Tenant.run(Programs.mm, ["doctor", "--offline", "--json"], home.environment)
            let files = try row("files", try rows(ran))
            #expect(files["state"] == "FAILED" && files["remedy"]?.string?.contains(advice) == true, "\(files)")
        }
    }

    private func mode(_ path: String) -> mode_t? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o777 : nil
    }

    @Test("an error in the registry is reported with the entry's name and the remedy")
    func registry() async throws {
        let home = try TemporaryHome()
        let text = #"{"connections": {"Contoso": {"tenant": 5}}}"#
        let descriptor = open("\(home.path)/.m365-connections.json", O_WRONLY | O_CREAT, 0o600)
        try #require(descriptor >= 0)
        try #require(write(descriptor, text, text.utf8.count) == text.utf8.count)
        close(descriptor)
        let ran = try await Tenant.run(Programs.mm, ["doctor", "--offline", "--json"], home.environment)
        let entry = try row("Contoso", try rows(ran))
        #expect(entry["state"] == "FAILED" && entry["remedy"]?.string != nil)
        #expect(ran.code == 1)
    }
}
