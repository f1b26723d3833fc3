import Glibc
import MMCore
import MMHTTP
import MMSystem
import Testing

@Suite("Sessions survive the programs that use them", .timeLimit(.minutes(15)))
struct PoolSharingTests {
    @Test("two commands and an AI client share one session, which status shows")
    func shared() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        try tenant.allowStandIn()
        let first = try await tenant.sessionProcess()
        #expect(try await tenant.sessionProcess() == first)
        let client = try await MCPClient(tenant.home.environment)
        _ = try await client.initialize()
        let answer = try await client.call(
            1, "mm__run", ["connection": "Demo", "module": "exo", "command": "Invoke-StandIn process"])
        #expect(answer.text.contains("\(ProcessEntry.numbers(of: first).last ?? first)"))
        #expect(await client.finish() == 0)
        #expect(try await tenant.state(of: "Demo/exo") == "ready")
        #expect(try await tenant.poolStatus()["sessions"] == 1)
        let reset = try await tenant.mm(["reset", "Demo", "--json"])
        #expect(reset.json?["count"] == 1)
        #expect(try await tenant.sessionProcess() != first)
    }

    @Test("the log has sizes, and contents only for a connection whose owner wants that")
    func sizes() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        try tenant.allowStandIn()
        let command = "Invoke-StandIn process"
        _ = try await tenant.sessionProcess()
        let path = "\(tenant.home.path)/.m365-logs/session-pool-unified"
        let lines = String(decoding: try ProtectedFile.read(path + ".log") ?? [], as: UTF8.self).split(separator: "\n")
        let line = try #require(lines.last { $0.contains("[Demo/exo] run done in ") })
        #expect(line.contains(" ms for terminal (mm), \(command.utf8.count) bytes sent, "), "\(line)")
        #expect(!lines.contains { $0.contains("Invoke-StandIn") })
        let records = (try ProtectedFile.read(path + ".jsonl") ?? []).split(separator: 0x0A).compactMap {
            try? JSONParser.parse(Array($0))
        }
        #expect(records.contains { $0["bytesSent"]?.int == command.utf8.count })
        let added = try await tenant.mm(["connections", "edit", "Demo", "logContent=true"])
        try #require(added.code == 0, "\(added.error)")
        _ = try await tenant.sessionProcess()
        let all = String(decoding: try ProtectedFile.read(path + ".log") ?? [], as: UTF8.self)
        #expect(all.contains("[Demo/exo] sent: \(command)"))
    }

    @Test("a command that needs no session starts no pool")
    func unneeded() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        for command in [
            ["version"], ["connections", "list"], ["guard", "check", "Get-Mailbox"], ["status"], ["sessions"],
            ["reset", "Demo"],
            ["graph", "Demo", "/me"], ["audit", "verify"],
            ["run"], ["do"], ["recipe"], ["recipe", "domains", "--show"],
        ] {
            let ran = try await tenant.mm(command)
            #expect(ran.code == 0, "\(command): \(ran.error)")
        }
        #expect(tenant.home.pools.isEmpty)
        let stopped = try await tenant.mm(["pool", "status", "--json"])
        #expect(stopped.code == 7)
        #expect(stopped.json?["state"] == "stopped")
    }

    @Test("with --embedded everything stays in the process", arguments: [["--embedded"], []])
    func embedded(flags: [String]) async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let extra = flags.isEmpty ? ["MM_EMBEDDED": "1"] : [:]
        let ran = try await tenant.mm(["run", "Demo", "exo", "Get-Mailbox -ResultSize 1"] + flags, extra: extra)
        #expect(ran.code == 0, "\(ran.error)")
        #expect(tenant.home.pools.isEmpty)
    }

    @Test("a pool that stops ends all its processes, and later restores its sessions without a sign-in")
    func restart() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        try tenant.allowStandIn()
        let session = try await tenant.sessionProcess()
        let process = try #require(ProcessIdentity(running: session))
        let pool = try tenant.poolProcess()
        try await waitUntil { try await tenant.poolStatus()["calls"] == 0 }
        let stopped = try await tenant.mm(["pool", "stop"])
        #expect(stopped.code == 0, "\(stopped.error)")
        #expect(!pool.isRunning && !process.isRunning)
        let file = try #require(try ProtectedFile.read("\(tenant.home.path)/.m365-state/sessions-unified.json"))
        let saved = try JSONParser.parse(file).array
        #expect(saved?.count == 1)
        #expect(saved?.first?["connection_name"] == "Demo")
        #expect(saved?.first?["module"] == "exo")
        #expect(saved?.first?["authenticated_as"] == "admin@contoso-sandbox.example")
        #expect(try await tenant.mm(["pool", "start"]).code == 0)
        try await waitUntil { try await tenant.state(of: "Demo/exo") == "ready" }
        #expect(try await tenant.sessionProcess() != session)
        _ = try await tenant.mm(["reset", "Demo"])
        try await waitUntil { try await tenant.poolStatus()["sessions"] == 0 }
        _ = try await tenant.mm(["pool", "restart"])
        #expect(try await tenant.state(of: "Demo/exo") == nil)
    }

    @Test("a session whose sign-in has ended says that a person is needed")
    func needsPerson() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        #expect(try await tenant.mm(["run", "Demo", "exo", "Get-Mailbox -ResultSize 1"]).code == 0)
        let pool = try tenant.poolProcess()
        let file = "\(tenant.home.path)/.m365-state/sessions-unified.json"
        try await waitUntil { try ProtectedFile.read(file) != nil }
        pool.signal(SIGKILL)
        try await waitUntil { !pool.isRunning }
        _ = try await tenant.mm(["logout", "Demo"])
        #expect(try await tenant.mm(["pool", "start"]).code == 0)
        try await waitUntil {
            ["waiting for a person", "sign-in needed"].contains(try await tenant.state(of: "Demo/exo"))
        }
    }

    @Test("an unused pool ends by itself")
    func idle() async throws {
        let tenant = try await Tenant()
        let extra = ["MM_POOL_IDLE": "1"]
        #expect(try await tenant.mm(["pool", "start"], extra: extra).code == 0)
        try await waitUntil { tenant.home.pools.isEmpty }
        #expect(try await tenant.mm(["pool", "status"]).code == 7)
        try await tenant.signIn()
        #expect(try await tenant.mm(["run", "Demo", "exo", "Get-Mailbox -ResultSize 1"], extra: extra).code == 0)
        let pool = try tenant.poolProcess()
        // With a session it stays, however long it has been idle.
        try await waitUntil { try await tenant.poolStatus()["idleSeconds"]?.int ?? 0 >= 2 }
        #expect(pool.isRunning)
        _ = try await tenant.mm(["reset", "Demo"], extra: extra)
        try await waitUntil { !pool.isRunning }
    }

    @Test("a pool with a shell in it stays, however long it has been idle, and ends after it")
    func idleShell() async throws {
        let tenant = try await Tenant()
        let extra = ["MM_POOL_IDLE": "1"]
        #expect(try await tenant.mm(["shell", "run", "word=kept"], extra: extra).code == 0)
        let pool = try tenant.poolProcess()
        try await waitUntil { try await tenant.poolStatus()["idleSeconds"]?.int ?? 0 >= 2 || !pool.isRunning }
        #expect(try await tenant.poolStatus()["sessions"] == 1)
        #expect(try await tenant.mm(["shell", "run", "echo $word"], extra: extra).output == "kept\n")
        #expect(try await tenant.mm(["shell", "close"], extra: extra).code == 0)
        try await waitUntil { !pool.isRunning }
    }

    @Test("a newer build replaces an older one; another installation doesn't")
    func handOver() async throws {
        let tenant = try await Tenant()
        let folder = "\(tenant.home.path)/bin"
        try ProtectedFile.makeDirectory(folder)
        let copied = try await Tenant.run("/bin/cp", [Programs.mm, "\(folder)/mm"], tenant.home.environment)
        #expect(copied.code == 0)
        let start = ["pool", "start", "--jq", ".pid", "--output", "text"]
        let old = try await Tenant.run("\(folder)/mm", start, tenant.home.environment)
        #expect(old.code == 0, "\(old.error)")
        // The other installation uses the pool as it is.
        #expect(try await tenant.mm(start).output == old.output)
        let touched = try await Tenant.run("/bin/touch", ["\(folder)/mm"], tenant.home.environment)
        #expect(touched.code == 0)
        let pool = try tenant.poolProcess()
        let new = try await Tenant.run("\(folder)/mm", start, tenant.home.environment)
        #expect(new.code == 0, "\(new.error)")
        #expect(new.output != old.output)
        try await waitUntil { !pool.isRunning }
        #expect(try await tenant.mm(start).output == new.output)
        #expect(try await tenant.mm(["pool", "stop"]).code == 0)
    }

    @Test("a running call finishes in the pool that is being replaced, whatever the newer one cleans up")
    func handOverWithCall() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        try tenant.allowStandIn()
        let folder = "\(tenant.home.path)/bin"
        try ProtectedFile.makeDirectory(folder)
        let program = "\(folder)/mm"
        let environment = tenant.home.environment
        #expect(try await Tenant.run("/bin/cp", [Programs.mm, Programs.mmSandbox, folder], environment).code == 0)
        #expect(try await Tenant.run(program, ["run", "Demo", "exo", "Invoke-StandIn process"], environment).code == 0)
        let old = try tenant.poolProcess()
        async let call = Tenant.run(program, ["run", "Demo", "exo", "Invoke-StandIn child 600"], environment)
        var sleeper: ProcessIdentity?
        try await waitUntil {
            sleeper = Descendants.running(below: old.pid).first { ProcessEntry($0.pid)?.name == "sleep" }
            return sleeper != nil
        }
        let slept = try #require(sleeper)
        // Wait until the processes of the call are recorded, where the newer pool reads them.
        try await waitUntil {
            try tenant.home.files().contains {
                $0.path.contains("/pool-children") && String(decoding: $0.bytes, as: UTF8.self).contains("\(slept.pid)")
            }
        }
        #expect(try await Tenant.run("/bin/touch", [program], environment).code == 0)
        #expect(try await Tenant.run(program, ["pool", "start", "-q"], environment).code == 0)
        let new = try #require(try await Tenant.run(program, ["pool", "status", "--json"], environment).json)
        #expect(new["pid"]?.int != Int(old.pid) && old.isRunning && slept.isRunning)
        // The command ends with the child that it waits for.
        slept.signal(SIGKILL)
        let ran = try await call
        #expect(ran.code == 0, "\(ran)")
        try await waitUntil { !old.isRunning }
        #expect(try await Tenant.run(program, ["pool", "stop"], environment).code == 0)
    }

    @Test("a running call finishes when the pool is told to end; SIGHUP makes it read its files again")
    func signals() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        try tenant.allowStandIn()
        // The call runs until it is told to end, however long the test takes.
        _ = try await tenant.sessionProcess(extra: ["MM_POOL_DRAIN": "600"])
        let pool = try tenant.poolProcess()
        let removed = try await tenant.mm(["connections", "add", "Other", "--tenant", "other.example"])
        #expect(removed.code == 0)
        pool.signal(SIGHUP)
        let log = "\(tenant.home.path)/.m365-logs/session-pool-unified.log"
        try await waitUntil {
            String(decoding: try ProtectedFile.read(log) ?? [], as: UTF8.self).contains("again: 2 connections")
        }
        async let call = tenant.mm(["run", "Demo", "exo", "Invoke-StandIn child 20"])
        try await waitUntil { try await tenant.poolStatus()["calls"]?.int ?? 0 > 0 }
        pool.signal(SIGTERM)
        let ran = try await call
        #expect(ran.code == 0, "\(ran.error)")
        try await waitUntil { !pool.isRunning }
    }

    @Test("a pool is used by its URL, and an address without a pool is reported")
    func elsewhere() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        try tenant.allowStandIn()
        var command = ChildCommand(
            Programs.mm, ["pool", "serve", "--listen", "127.0.0.1:0"], environment: tenant.home.environment)
        command.error = .null
        let pool = try await ChildProcess.start(command)
        var line: [UInt8] = []
        while !line.contains(0x0A), let piece = try await pool.output?.read() { line += piece }
        let url = String(decoding: line.prefix { $0 != 0x0A }, as: UTF8.self)
        #expect(url.hasPrefix("http://127.0.0.1:"))
        let here = try await tenant.sessionProcess()
        let there = try await tenant.mm(["run", "Demo", "exo", "Invoke-StandIn process", "--pool", url])
        #expect(there.output.contains("\(ProcessEntry.numbers(of: here).last ?? here)"), "\(there.error)")
        for name in ["MM_SESSION_POOL_URL", "PWSH_MANAGER_URL"] {
            let status = try await tenant.mm(["status", "--json"], extra: [name: url])
            #expect(status.output.contains("Demo/exo"), "\(status.error)")
        }
        let shown = try await tenant.mm(["pool", "status", "--pool", url, "--json"])
        #expect(shown.code == 0 && shown.json?["state"] == "running", "\(shown)")
        let foreignPage = try await Tenant.run(
            "/usr/bin/curl",
            ["-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Host: evil.example", "\(url)/v1/pool"],
            tenant.home.environment)
        #expect(foreignPage.output == "421")
        #expect(await pool.terminate(grace: .seconds(300)).code == 0)

        let seed = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0)) { request in
            switch request.path {
            case "/health": .json(Array(#"{"status":"healthy"}"#.utf8))
            case "/v1/pool": .text("<html><body>Sign in</body></html>", type: "text/html")
            default: .json(Array(#"{"error":"no"}"#.utf8), status: 404)
            }
        }
        for command in [["status"], ["pool", "status"]] {
            let refused = try await tenant.mm(command + ["--pool", "http://127.0.0.1:\(seed.port)"])
            #expect(refused.code == 7 && refused.error.contains("isn't a pool of mm"), "\(refused)")
        }
        await seed.stop(graceful: .zero)
        let stopped = try await tenant.mm(["pool", "stop"], extra: ["MM_SESSION_POOL_URL": url])
        #expect(stopped.code == 0 && stopped.error.contains("The one at \(url)"), "\(stopped)")
        let nobody = try await tenant.mm(["status", "--pool", url])
        #expect(nobody.code == 7, "\(nobody.error)")
        let read = try await tenant.mm(["graph", "Demo", "/me", "--pool", url])
        #expect(read.code == 0 && read.error.contains("No pool answers at"), "\(read)")
        let listed = try await tenant.mm(["connections", "list", "--json", "--pool", url])
        #expect(listed.code == 0 && listed.error.contains("No pool answers at"), "\(listed)")
        #expect(try await tenant.mm(["status", "--pool", url, "--embedded"]).code == 2)
        for command in ["stop", "restart", "logs"] {
            let ran = try await tenant.mm(["pool", command, "--pool", url])
            #expect(ran.code == 2 && ran.error.contains("--pool has no effect"), "\(command): \(ran)")
        }
    }
}
