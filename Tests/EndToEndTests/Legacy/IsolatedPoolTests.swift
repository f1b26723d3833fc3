import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

/// A router of isolated pools. Its stand-in for PowerShell first tries to see what must be hidden.
private final class IsolatedRouterProcess: Sendable {
    let home: TemporaryHome
    let base: String
    private let process: ChildProcess
    private let user: UInt32?

    /// Sessions aren't confined here: the tests are about the confinement of the pools.
    static let registry = """
        {"connections": {
          "Alpha": {"tenant": "alpha.example", "expectedEmail": "admin@contoso.example", "confinement": "off"},
          "Beta": {"tenant": "beta.example", "expectedEmail": "admin@contoso.example", "confinement": "off"},
          "Hidden": {"tenant": "hidden.example", "mcps": []}
        }}
        """

    /// - Returns: `nil`, after printing the reason, if this machine can't do it.
    static func start(wall: String, user: UInt32?) async throws -> IsolatedRouterProcess? {
        let home = try TemporaryHome()
        let folder = home.path + "/bin"
        mkdir(folder, 0o755)
        let program = try Self.program(for: user, in: folder)
        let probe = """
            #!/bin/sh
            {
              for file in \(home.path)/.m365-state/isolated/*/home/.m365-connections.json; do cat "$file"; done
              cat \(home.path)/.m365-connections.json
              for path in $(cat \(folder)/targets); do cat "$path/home/.m365-connections.json"; ls "$path"; done
              ls /proc/[0-9]*/root\(home.path)/.m365-state/isolated
              umount -l \(home.path)/.m365-state && echo UNMOUNTED
              cat \(home.path)/.mm-graph-tokens/*
              ls \(home.path)/runtime
              curl --noproxy '*' -s -m 60 -H 'MM-Server: mm' -H 'Content-Type: application/json' -d '{}' "$(cat \(folder)/router)/v1/operations/run"
            } >"$HOME/probe" 2>/dev/null
            exec \(program) sandbox pwsh --approve-after 1 --account admin@contoso.example "$@"
            """
        try write(Array(probe.utf8), to: folder + "/probe.sh", mode: 0o755)
        for name in ["targets", "router"] { try write([], to: "\(folder)/\(name)", mode: 0o666) }
        for (name, file) in [(".mm-graph-tokens", "token.json"), ("runtime", "bus")] {
            try ProtectedFile.makeDirectory("\(home.path)/\(name)")
            try write(Array("THE-OWNERS".utf8), to: "\(home.path)/\(name)/\(file)", mode: 0o600)
        }
        try write(Array(registry.utf8), to: home.path + "/.m365-connections.json", mode: 0o600)
        if let user { give(home.path, to: user) }
        let runtime = ["XDG_RUNTIME_DIR": home.path + "/runtime"]
        return try await start(
            in: home, runtime.merging(["MM_PWSH": folder + "/probe.sh"]) { $1 }, wall: wall, user: user)
    }

    /// Another user may not be able to read the folder in which `mm` was built: it gets copies.
    private static func program(for user: UInt32?, in folder: String) throws -> String {
        guard user != nil else { return Programs.mm }
        for (program, copy) in [(Programs.mm, "mm"), (Programs.mmSandbox, "mm-sandbox")]
        where access("\(folder)/\(copy)", X_OK) != 0 {
            let bytes = try #require(try ProtectedFile.read(program, limit: 1 << 30))
            try write(bytes, to: "\(folder)/\(copy)", mode: 0o755)
        }
        return folder + "/mm"
    }

    /// Starts one with an existing home.
    static func start(
        in home: TemporaryHome, _ extra: [String: String], wall: String, user: UInt32?, _ more: [String] = []
    )
        async throws -> IsolatedRouterProcess?
    {
        var words = ["pool", "serve", "--isolated", "--listen", "127.0.0.1:0", "--quiet"] + more
        var program = try Self.program(for: user, in: home.path + "/bin")
        if let user {
            words = ["--reuid", "\(user)", "--regid", "\(user)", "--clear-groups", program] + words
            program = "/usr/bin/setpriv"
        }
        var command = ChildCommand(
            program, words,
            environment: home.environment.merging(extra) { $1 }.merging([
                "MM_ISOLATED_WALL": wall, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            ]) { $1 })
        command.error = .pipe
        let process = try await ChildProcess.start(command)
        var text: [UInt8] = []
        while !text.contains(0x0A), let piece = try await process.output?.read() { text += piece }
        guard let end = text.firstIndex(of: 0x0A) else {
            var complaint: [UInt8] = []
            while let piece = try await process.error?.read() { complaint += piece }
            print("skipped: isolated pools behind \(wall): \(String(decoding: complaint, as: UTF8.self))")
            return nil
        }
        return IsolatedRouterProcess(home, String(decoding: text[..<end], as: UTF8.self), process, user)
    }

    private init(_ home: TemporaryHome, _ base: String, _ process: ChildProcess, _ user: UInt32?) {
        self.home = home
        self.base = base
        self.process = process
        self.user = user
    }

    deinit { process.signalGroup(SIGKILL) }

    func stop() async { _ = await process.terminate(grace: .seconds(300)) }

    private static func write(_ bytes: [UInt8], to path: String, mode: mode_t) throws {
        try ProtectedFile.replace(path, with: bytes, mode: mode)
    }

    private static func give(_ path: String, to user: UInt32) {
        lchown(path, user, user)
        for name in TestFolder.names(in: path) { give("\(path)/\(name)", to: user) }
    }

    /// Sets the folders that the next session tries to read.
    func aim(at folders: [String]) throws {
        for (name, text) in [("targets", folders.joined(separator: "\n")), ("router", base)] {
            let descriptor = open("\(home.path)/bin/\(name)", O_WRONLY | O_TRUNC)
            defer { close(descriptor) }
            let bytes = Array(text.utf8)
            #expect(bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) } == bytes.count)
        }
    }

    func curl(_ words: [String]) async throws -> JSONValue {
        let ran = try await text(words)
        return try #require(ran.json, "\(ran.output) \(ran.error)")
    }

    func text(_ words: [String]) async throws -> Tenant.Ran {
        let all = ["-s", "-m", "600"] + words.map { $0.hasPrefix("/") ? base + $0 : $0 }
        var program = "/usr/bin/curl"
        var arguments = all
        if let user {
            arguments = ["--reuid", "\(user)", "--regid", "\(user)", "--clear-groups", program] + all
            program = "/usr/bin/setpriv"
        }
        return try await Tenant.run(program, arguments, ["PATH": "/usr/bin:/bin"])
    }

    /// A front-end: with the router's address, or in a process without a pool.
    func mm(_ words: [String], atRouter: Bool = true) async throws -> Tenant.Ran {
        var environment = home.environment
        environment["MM_SESSION_POOL_URL"] = atRouter ? base : nil
        return try await Tenant.run(Programs.mm, words + (atRouter ? [] : ["--embedded"]), environment)
    }

    func post(_ path: String, _ body: JSONValue) async throws -> JSONValue {
        try await curl([
            path, "-X", "POST", "-H", "Content-Type: application/json", "-d", JSONWriter.string(body),
        ])
    }

    func run(_ connection: String) async throws -> JSONValue {
        let body: JSONValue = [
            "connection": .string(connection), "module": "exo", "command": "Get-Mailbox -ResultSize 1",
        ]
        while true {
            let answer = try await post("/run", body)
            guard answer["status"] == "auth_required" else { return answer }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// What the stand-ins of a connection could see.
    func probes(_ connection: String) throws -> [String] {
        try home.files().filter { $0.path.hasSuffix("/probe") && $0.path.contains("/isolated/\(connection)-") }
            .map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    func folder(_ connection: String) throws -> String {
        let file = try #require(try home.files().first { $0.path.contains("/isolated/\(connection)-") })
        let parts = file.path.split(separator: "/")
        let index = try #require(parts.firstIndex(of: "isolated"))
        return "/" + parts[...(index + 1)].joined(separator: "/")
    }
}

@Suite("A separate pool for each connection", .timeLimit(.minutes(15)), .serialized)
struct IsolatedPoolTests {
    static let users: [UInt32?] = geteuid() == 0 ? [nil, 65_534] : [nil]

    /// A job that a pool runs is found where the router says.
    private static func expectJob(at router: IsolatedRouterProcess) async throws {
        var begun = JSONValue.null
        // A call that has ended by then is answered at once.
        while begun["location"] == nil {
            begun =
                try await router.text([
                    "/v1/operations/run", "-H", "MM-Server: mm", "-H", "Prefer: respond-async", "-H",
                    "Content-Type: application/json", "-d",
                    #"{"connection":"Alpha","module":"exo","command":"Get-Mailbox -ResultSize 1"}"#,
                ]).json ?? .null
        }
        let place = try #require(begun["location"]?.string, "\(begun)")
        try await waitUntil {
            try await router.curl([place, "-H", "MM-Server: mm"])["state"]?.string.map { $0 != "running" } ?? false
        }
        let jobs = try await router.curl(["/v1/jobs", "-H", "MM-Server: mm"])["jobs"]?.array ?? []
        #expect(jobs.contains { $0["job"] == begun["job"] }, "\(jobs)")
        let answer = try await router.text([place + "/answer", "-H", "MM-Server: mm"])
        #expect(answer.code == 0 && !answer.output.contains("not_found"), "\(answer.output)")
    }

    @Test(
        "can't see another pool's home or the owner's registry, nor undo what hides them",
        arguments: ["namespaces", "landlock"], users)
    func walls(wall: String, user: UInt32?) async throws {
        guard let router = try await IsolatedRouterProcess.start(wall: wall, user: user) else { return }
        let beta = try await router.run("Beta")
        #expect(beta["status"] == "success", "\(beta)")
        try router.aim(at: [try router.folder("Beta")])
        let alpha = try await router.run("Alpha")
        #expect(alpha["status"] == "success", "\(alpha)")
        #expect(alpha["authenticated_as"] == "admin@contoso.example")
        let probes = try router.probes("Alpha")
        #expect(!probes.isEmpty)
        for probe in probes {
            #expect(!probe.contains("beta.example") && !probe.contains("hidden.example"), "\(probe)")
            #expect(!probe.contains("Beta-"), "\(probe)")
            #expect(!probe.contains("UNMOUNTED") && !probe.contains("THE-OWNERS"), "\(probe)")
            #expect(probe.contains("can't use other connections"), "\(probe)")
            // Landlock can't hide the name of a folder or a socket.
            if wall == "namespaces" { #expect(!probe.contains("bus"), "\(probe)") }
            // Landlock doesn't let a pool list the folder of all pools.
            if wall == "namespaces" { #expect(probe.contains("alpha.example")) }
        }
        // A pool waits for other work: on a busy machine its answer may miss one attempt.
        try await waitUntil {
            try await router.curl(["/status"])["containers"] == ["Alpha": "healthy", "Beta": "healthy"]
        }
        try await Self.expectJob(at: router)
        let status = try await router.curl(["/status"])
        #expect(status["sessions"]?.array?.compactMap { $0["session_id"]?.string } == ["Alpha/exo", "Beta/exo"])
        #expect(status["isolation"]?["Alpha"]?["files"]?.string?.isEmpty == false)
        #expect(status["isolation"]?["Alpha"]?["memory"]?.string?.hasPrefix("512 MB by ") == true)
        let connections = try await router.curl(["/connections"])
        #expect(connections["connections"]?.object?.keys == ["Alpha", "Beta"])
        #expect(connections["connections"]?["Beta"]?["_container_port"] == .null)
        let reset = try await router.post("/reset", ["connection": "Alpha"])
        #expect(reset == ["status": "success", "reset": ["Alpha/exo"], "count": 1])
        let metrics = try await router.curl(["/metrics"])
        #expect(metrics["containers"]?["Beta"]?["active_sessions"] == 1)
        #expect(metrics["port_map"] == ["Alpha": .null, "Beta": .null])
        let page = try await router.text(["-H", "Accept: text/plain", "/metrics"]).output
        let lines = page.split(separator: "\n").map(String.init)
        for name in ["Alpha", "Beta"] {
            #expect(lines.contains("mm_router_pool_up{connection=\"\(name)\"} 1"), "\(page)")
            #expect(
                lines.contains { $0.hasPrefix("mm_requests_total{connection=\"\(name)\",operation=\"run\",") },
                "\(page)")
        }
        #expect(lines.contains("mm_sessions{connection=\"Beta\",state=\"ready\"} 1"), "\(page)")
        #expect(lines.filter { $0 == "# TYPE mm_sessions gauge" }.count == 1)
        let unknown = try await router.post("/run", ["connection": "Hidden", "module": "exo", "command": "x"])
        #expect(unknown["error"]?.string?.contains("Available: ['Alpha', 'Beta']") == true)
        let log = router.home.path + "/.m365-logs/session-pool-Alpha.log"
        #expect(access(log, F_OK) == 0)
        await router.stop()
        // Beta had a session, Alpha was reset: after a restart only Beta's pool starts by itself.
        let again = try #require(
            try await IsolatedRouterProcess.start(
                in: router.home, ["MM_PWSH": router.home.path + "/bin/probe.sh"], wall: wall, user: user))
        try await waitUntil { try await again.curl(["/status"])["containers"]?["Beta"] == "healthy" }
        try await waitUntil { try await again.curl(["/status"])["restoring"] == nil }
        #expect(try await again.curl(["/status"])["containers"]?["Alpha"] == "stopped")
        await again.stop()
    }

    @Test("front-ends use isolated pools through the router like a single pool")
    func frontEnds() async throws {
        guard let router = try await IsolatedRouterProcess.start(wall: "namespaces", user: nil) else { return }
        let before = try await router.mm(["status", "--json"])
        // The router identifies the peer: the owner's terminal also sees connections that are hidden from servers.
        #expect(
            before.json?["sessions"]?.array?.compactMap { $0["session"]?.string } == ["Alpha", "Beta", "Hidden"],
            "\(before)")
        let script = "Get-Mailbox -ResultSize 1"
        try await waitUntil { try await router.mm(["run", "Alpha", "exo", script]).code == 0 }
        let ran = try await router.mm(["run", "Alpha", "exo", script, "--json"])
        #expect(ran.json?.array?.first?["DisplayName"] == "Person 1", "\(ran)")
        let unknown = try await router.mm(["run", "Alfa", "exo", script])
        #expect(unknown.code == 1 && unknown.error.contains("'Alpha'"), "\(unknown)")
        let rows = try await router.mm(["status", "--json"]).json?["sessions"]?.array ?? []
        let states = Dictionary(
            rows.map { ($0["session"]?.string ?? "", $0["state"]?.string ?? "") },
            uniquingKeysWith: { first, _ in first })
        #expect(states["Alpha/exo"] == "ready" && states["Beta"] == "its pool is not running", "\(rows)")
        // Both pools are asked at once: whichever answers first, each answer is for its own connection.
        try await waitUntil { try await router.mm(["run", "Beta", "exo", script]).code == 0 }
        for _ in 0..<20 {
            let rows = try await router.mm(["status", "--json"]).json?["sessions"]?.array ?? []
            let names = rows.compactMap { $0["session"]?.string }.filter { $0.hasSuffix("/exo") }
            #expect(names.sorted() == ["Alpha/exo", "Beta/exo"], "\(rows)")
        }
        _ = try await router.mm(["reset", "Beta"])
        let sessions = try await router.mm(["sessions", "--json"])
        #expect(sessions.json?.array?.compactMap { $0["session"]?.string } == ["Alpha/exo"])
        let listed = try await router.mm(["connections", "list", "--json"])
        #expect(listed.json?.array?.count == 3, "\(listed)")
        // The owner finds a held request of a pool in a terminal that uses no pool.
        let held = try await router.mm(["run", "Alpha", "exo", "Remove-Mailbox ann"])
        #expect(held.code == 5, "\(held)")
        let waiting = try await router.mm(["confirm", "--json"], atRouter: false)
        #expect(waiting.json?.array?.first?["connection"] == "Alpha", "\(waiting)")
        let token = try #require(waiting.json?.array?.first?["token"]?.string)
        #expect(held.error.contains(token))
        // With the router's address it is answered there, too; here without a terminal, so not at all.
        let answered = try await router.mm(["confirm", token])
        #expect(answered.code != 0 && answered.error.contains("has no terminal"), "\(answered)")
        let state = try await router.mm(["pool", "status", "--json"])
        #expect(state.code == 0 && state.json?["state"] == "running", "\(state)")
        let shell = try await router.mm(["shell", "run", "echo hi"])
        #expect(shell.code == 1 && shell.error.contains("isolated pools"), "\(shell)")
        let reset = try await router.mm(["reset", "Alpha", "--json"])
        #expect(reset.json?["reset"] == ["Alpha/exo"], "\(reset)")
        await router.stop()
    }

    @Test("records of the single pools are listed, verified and undone through the router")
    func records() async throws {
        let tenant = try await Tenant()
        // A change from before the router, in the files that it shares.
        #expect(try await tenant.signIn().code == 0)
        let before = ["/users/ben.baker@contoso-sandbox.example", "-X", "PATCH", "-d", #"{"department":"Shared"}"#]
        #expect(try await tenant.mm(["graph", "Demo"] + before).code == 0)
        guard let router = try await IsolatedRouterProcess.start(in: tenant.home, [:], wall: "namespaces", user: nil)
        else { return }
        let asked = try await router.post(
            "/run", ["connection": "Demo", "module": "exo", "command": "Get-Mailbox -ResultSize 1"])
        let code = try #require(asked["device_code"]?.string, "\(asked)")
        #expect(try await tenant.mm(["sandbox", "approve", code, "-q"]).code == 0)
        let user = "/users/lena.vogt@contoso-sandbox.example"
        let write = ["graph", "Demo", user, "-X", "PATCH", "-d", #"{"department":"Isolated"}"#, "--json"]
        try await waitUntil { try await router.mm(write).code == 0 }
        try ProtectedFile.replace(
            "\(tenant.home.path)/.config/mm/tools/mine.yaml",
            with: Array("description: The organisation.\nsteps:\n  - id: it\n    get: /organization\n".utf8))
        let tool = try await router.mm(["do", "mine", "Demo", "--json"])
        #expect(tool.code == 0, "the owner's tools: \(tool)")
        let listed = try await router.mm(["undo", "list", "--json"])
        let change = try #require(listed.json?[0]?["id"]?.string, "\(listed)")
        let earlier = try #require(listed.json?.array?.last?["id"]?.string, "\(listed)")
        #expect(earlier != change)
        for one in [change, earlier] {
            let shown = try await router.mm(["undo", "show", one, "--json"])
            #expect(shown.code == 0, "\(shown)")
        }
        let all = try await router.mm(["undo", "--since", "1h", "--dry-run", "--json"])
        #expect(all.json?.array?.count == 2, "\(all)")
        let taken = try await router.mm(["snapshot", "take", "Demo", "--only", "domains", "--json"])
        #expect(taken.code == 0, "\(taken)")
        let snapshots = try await router.mm(["snapshot", "list", "--json"])
        #expect(snapshots.json?.array?.count == 1, "\(snapshots)")
        #expect(try await router.mm(["snapshot", "show", "Demo@latest", "--json"]).json?.array?.isEmpty == false)
        let lines = try await router.mm(["audit", "show", "--operation", "graph_request", "--json"])
        #expect(lines.json?.array?.contains { $0["method"] == "PATCH" } == true, "\(lines)")
        // The caller's own calls are in the log of the pool that carried them out.
        let mine = try await router.mm(["audit", "mine", "--json"])
        #expect(mine.json?.array?.contains { $0["connection"] == "Demo" } == true, "\(mine)")
        let verified = try await router.mm(["audit", "verify", "--json"])
        let logs = verified.json?["logs"]?.array ?? []
        #expect(logs.map { $0["connection"] } == [.null, "Demo"], "\(verified)")
        #expect(logs.last?["lines"]?.int ?? 0 > 1 && verified.code == 0)
        let undone = try await router.mm(["undo", change, "--json"])
        #expect(undone.code == 0 && undone.json?[0]?["result"] == "undone", "\(undone)")
        let none = try await router.mm(["undo", "chg_0000000000"])
        #expect(none.code == 1 && none.error.contains("no change"), "\(none)")
        // A changed line in one pool's log is found and reported with the pool's name.
        let path = try #require(
            try tenant.home.files().first { $0.path.contains("/isolated/Demo-") && $0.path.hasSuffix("/audit.jsonl") }?
                .path)
        let bytes = try #require(try ProtectedFile.read(path))
        let changed = String(decoding: bytes, as: UTF8.self).replacing("graph_request", with: "graph_requests")
        try ProtectedFile.replace(path, with: Array(changed.utf8))
        let broken = try await router.mm(["audit", "verify"])
        #expect(broken.code == 1 && broken.error.contains("Demo: The audit log is broken"), "\(broken)")
        await router.stop()
    }

    @Test("judge by the owner's rules, also when these change while they run")
    func rules() async throws {
        let tenant = try await Tenant()
        guard let router = try await IsolatedRouterProcess.start(in: tenant.home, [:], wall: "namespaces", user: nil)
        else { return }
        let asked = try await router.post(
            "/run", ["connection": "Demo", "module": "exo", "command": "Get-Mailbox -ResultSize 1"])
        let code = try #require(asked["device_code"]?.string, "\(asked)")
        #expect(try await tenant.mm(["sandbox", "approve", code, "-q"]).code == 0)
        let user = "/users/lena.vogt@contoso-sandbox.example"
        let write = ["graph", "Demo", user, "-X", "PATCH", "-d", #"{"department":"Ruled"}"#, "--json"]
        try await waitUntil { try await router.mm(write).code == 0 }
        let place = tenant.home.path + "/.m365-state/guard-rules.json"
        let rule = #"{"id": "no", "requests": {"methods": ["PATCH"], "paths": ["/users/**"]}, "decision": "deny"}"#
        try ProtectedFile.replace(place, with: Array(#"{"version": 1, "rules": [\#(rule)]}"#.utf8))
        let denied = try await router.mm(write)
        #expect(denied.failure?["code"] == "denied", "\(denied)")
        try ProtectedFile.replace(place, with: Array("{".utf8))
        let broken = try await router.mm(write)
        #expect(broken.failure?["code"] == "invalid_input", "\(broken)")
        try ProtectedFile.remove(place)
        #expect(try await router.mm(write).code == 0)
        await router.stop()
    }

    @Test("can reach the owner's sandbox tenant despite the confinement", arguments: ["namespaces", "landlock"])
    func sandbox(wall: String) async throws {
        let tenant = try await Tenant()
        guard let router = try await IsolatedRouterProcess.start(in: tenant.home, [:], wall: wall, user: nil) else {
            return
        }
        let body: JSONValue = ["connection": "Demo", "module": "exo", "command": "Get-Mailbox -ResultSize 1"]
        let asked = try await router.post("/run", body)
        let code = try #require(asked["device_code"]?.string, "\(asked)")
        #expect(try await tenant.mm(["sandbox", "approve", code, "-q"]).code == 0)
        var answer = asked
        while answer["status"] == "auth_required" {
            try await Task.sleep(for: .milliseconds(50))
            answer = try await router.post("/run", body)
        }
        #expect(
            answer["status"] == "success" && answer["authenticated_as"] == "admin@contoso-sandbox.example", "\(answer)")
        // The pool knows the tenant's address, but not how to control it.
        let copies = try tenant.home.files().filter { $0.path.hasSuffix("/.m365-state/sandbox.json") }
        #expect(copies.count == 2)
        #expect(try copies.filter { try JSONParser.parse($0.bytes)["secret"] != nil }.count == 1)
        await router.stop()
    }

    @Test("that hangs is ended with its sessions and restarted, and delays no other")
    func hung() async throws {
        let home = try TemporaryHome()
        try ProtectedFile.replace(
            home.path + "/.m365-connections.json", with: Array(IsolatedRouterProcess.registry.utf8))
        let standIn = "\(Programs.mm) sandbox pwsh --approve-after 1 --account admin@contoso.example"
        guard
            let router = try await IsolatedRouterProcess.start(
                in: home, ["MM_PWSH": standIn, "MM_ISOLATED_SILENCE": "15"], wall: "landlock", user: nil)
        else { return }
        #expect(try await router.run("Alpha")["status"] == "success")
        let told = try #require(try await router.curl(["/status"])["isolation"]?["Alpha"]?["process"]?.int)
        let hung = try #require(ProcessIdentity(running: Int32(told)))
        let below = Descendants.running(below: hung.pid)
        #expect(!below.isEmpty)
        hung.signal(SIGSTOP)
        #expect(try await router.run("Beta")["status"] == "success")
        try await waitUntil { !hung.isRunning && below.allSatisfy { !$0.isRunning } }
        #expect(try await router.run("Alpha")["status"] == "success")
        let log = try #require(try ProtectedFile.read(home.path + "/.m365-logs/session-pool-router.log"))
        #expect(String(decoding: log, as: UTF8.self).contains("[Alpha] its pool no longer answers"))
        await router.stop()
    }

    private static let openssl = ExecutableSearch.find("openssl", path: "/usr/bin:/bin")

    @Test(
        "is reached over TLS if a certificate is given, and one router serves a set of files",
        .enabled(if: openssl != nil, "needs openssl (apt-get install openssl)"))
    func router() async throws {
        let home = try TemporaryHome()
        let openssl = try #require(Self.openssl)
        let (key, certificate) = (home.path + "/key.pem", home.path + "/certificate.pem")
        let made = try await Tenant.run(
            openssl,
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key,
                "-out", certificate, "-days", "2", "-subj", "/CN=localhost", "-addext",
                "subjectAltName=DNS:localhost",
            ], home.environment)
        try #require(made.code == 0, "\(made.error)")
        chmod(key, 0o600)
        try ProtectedFile.replace(
            home.path + "/.m365-connections.json", with: Array(IsolatedRouterProcess.registry.utf8))
        guard
            let router = try await IsolatedRouterProcess.start(
                in: home, [:], wall: "landlock", user: nil, ["--tls-cert", certificate, "--tls-key", key])
        else { return }
        #expect(router.base.hasPrefix("https://127.0.0.1:"))
        let port = try #require(router.base.split(separator: ":").last.flatMap { UInt16($0) })
        let answer = try await Tenant.run(
            "/usr/bin/curl", ["-s", "-m", "600", "--cacert", certificate, "https://localhost:\(port)/health"],
            home.environment)
        #expect(answer.json?["status"] == "healthy", "\(answer)")
        let plain = try await Tenant.run(
            "/usr/bin/curl", ["-s", "-m", "600", "http://localhost:\(port)/health"], home.environment)
        #expect(plain.code != 0)
        let second = try await Tenant.run(
            Programs.mm, ["pool", "serve", "--isolated", "--listen", "127.0.0.1:0"],
            home.environment.merging(["MM_ISOLATED_WALL": "landlock"]) { $1 })
        #expect(second.code == 1 && second.error.contains("A router of isolated pools is already running"), "\(second)")
        await router.stop()
    }
}
