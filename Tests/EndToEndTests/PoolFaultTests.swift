import Glibc
import MMCore
import MMSystem
import Testing

@Suite("A pool under faults", .timeLimit(.minutes(20)))
struct PoolFaultTests {
    @Test("twenty front-ends at once start one pool")
    func race() async throws {
        let tenant = try await Tenant()
        let pids = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    let ran = try await tenant.mm(["pool", "start", "--jq", ".pid", "--output", "text"])
                    return "\(ran.code) \(ran.output)\(ran.error)"
                }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(pids.count == 1, "\(pids)")
        #expect(pids.first?.hasPrefix("0 ") == true)
    }

    @Test("of two pools that start at once one serves, and the other reports that")
    func twoPools() async throws {
        let tenant = try await Tenant()
        let command = ChildCommand(
            Programs.mm, ["pool", "serve", "--detached"], environment: tenant.home.environment)
        let pools = [try await ChildProcess.start(command), try await ChildProcess.start(command)]
        try await waitUntil { pools.contains { $0.exited != nil } && !tenant.home.pools.isEmpty }
        let lost = try #require(pools.first { $0.exited != nil })
        let said = try await lost.error?.read() ?? []
        #expect(lost.exited == .status(1))
        #expect(String(decoding: said, as: UTF8.self).contains("A pool is already running"))
        #expect(try await tenant.poolStatus()["state"] == "running")
        for pool in pools { _ = await pool.terminate(grace: .seconds(300)) }
    }

    @Test("a pool that can open no more files says so, instead of taking its caller for a session")
    func noFiles() async throws {
        let tenant = try await Tenant()
        let started = try await tenant.mm(["pool", "start", "--jq", ".pid", "--output", "text"])
        let pid = try #require(Int32(started.output.trimmed), "\(started)")
        var errors: [String] = []
        // The pool opens and closes files of its own, too, so not every number is too small for a call.
        try await waitUntil {
            for more in -1...2 {
                let most = ProcFile.numericNames(in: "/proc/\(pid)/fd").count + more
                let limited = try await Tenant.run("/usr/bin/prlimit", ["--pid", "\(pid)", "--nofile=\(most):"], [:])
                try #require(limited.code == 0, "\(limited) \(errors)")
                errors.append(try await tenant.mm(["sessions"]).error)
            }
            return errors.contains { $0.contains("Accepting the connection failed: Too many open files") }
        }
        #expect(!errors.contains { $0.contains("can't confirm for a person") }, "\(errors)")
        // Nor does a caller wait in vain.
        #expect(!errors.contains { $0.contains("does not answer") }, "\(errors)")
        let freed = try await Tenant.run("/usr/bin/prlimit", ["--pid", "\(pid)", "--nofile=1024:"], [:])
        #expect(freed.code == 0, "\(freed)")
    }

    @Test("however it is killed, its files stay intact and no process is left")
    func killed() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        try tenant.allowStandIn()
        var random = SystemRandomNumberGenerator()
        var seen: Set<ProcessIdentity> = []
        // As many rounds as fit into some time, or as many as requested.
        let wanted = getenv("MM_KILL_ROUNDS").flatMap { Int(String(cString: $0)) }
        let begun = ContinuousClock.now
        var rounds = 0
        while rounds < wanted ?? 200, wanted != nil || rounds < 10 || begun.duration(to: .now) < .seconds(45) {
            let round = rounds
            rounds += 1
            async let change = tenant.mm(["connections", "add", "Round\(round)", "--tenant", "round.example"])
            async let run = tenant.mm(
                [
                    "run", "Demo", round % 3 == 0 ? "teams" : "exo",
                    round % 2 == 0 ? "Invoke-StandIn process" : "Invoke-StandIn child 1",
                ])
            let moment = Int.random(in: 0..<250, using: &random)
            try await Task.sleep(for: .milliseconds(moment))
            for pool in tenant.home.pools {
                seen.formUnion(Descendants.running(below: pool.pid))
                pool.signal(SIGKILL)
                try await waitUntil { !pool.isRunning }
            }
            let (added, ran) = try await (change, run)
            #expect(added.code == 0, "\(added.error)")
            // The pool may have died before, during or after the call, but the answer is never wrong.
            #expect([0, 1, 7].contains(ran.code), "round \(round): \(ran.code) \(ran.error)")
        }
        print("a pool was killed in \(rounds) rounds within \(begun.duration(to: .now))")
        // Everything is in order, and the next call needs no code.
        #expect(try await tenant.mm(["run", "Demo", "exo", "Get-Mailbox -ResultSize 1"]).code == 0)
        let connections = try await tenant.mm(["connections", "list", "--json"])
        #expect(connections.json?.array?.count == rounds + 1, "\(connections.output)")
        let audit = try await tenant.mm(["audit", "verify"])
        #expect(audit.code == 0, "\(audit.output) \(audit.error)")
        #expect(try await tenant.state(of: "Demo/graph-api") == "signed in")
        let file = "\(tenant.home.path)/.m365-state/sessions-unified.json"
        try await waitUntil {
            try ProtectedFile.read(file).flatMap { try JSONParser.parse($0).array }?.isEmpty == false
        }
        // The last pool has cleaned up what the earlier ones left.
        let own = Set(Descendants.running(below: try tenant.poolProcess().pid))
        try await waitUntil { seen.subtracting(own).allSatisfy { !$0.isRunning } }
        #expect(try await tenant.mm(["pool", "stop"]).code == 0)
        try await waitUntil { seen.allSatisfy { !$0.isRunning } }
    }

    @Test("what a killed pool has left is cleaned up by the next one")
    func leftovers() async throws {
        let tenant = try await Tenant()
        let orphan = try await ChildProcess.start(
            ChildCommand("/bin/sleep", ["600"], environment: tenant.home.environment))
        let other = try await ChildProcess.start(
            ChildCommand("/bin/sleep", ["600"], environment: tenant.home.environment))
        let left = try #require(ProcessIdentity(running: orphan.pid))
        let record: JSONValue = [
            "startTime": 12,
            "processes": [
                ["pid": .int(Int64(left.pid)), "startTime": .int(Int64(left.startTime))],
                // A process with the same number that isn't the same process: numbers are reused.
                ["pid": .int(Int64(other.pid)), "startTime": 12],
                ["pid": 1, "startTime": 0], ["pid": "x"],
            ],
        ]
        let folder = "\(tenant.home.path)/.m365-state/pool-children"
        // This test's own process started at another time than the pool that had its number.
        try ProtectedFile.replace("\(folder)/\(getpid())", with: JSONWriter.bytes(record))
        try ProtectedFile.replace("\(folder)/\(other.pid)", with: Array("{torn".utf8))
        #expect(try await tenant.mm(["pool", "start"]).code == 0)
        #expect(await orphan.exit() == .signal(SIGKILL))
        #expect(other.exited == nil)
        other.signalGroup(SIGKILL)
    }

    @Test("a second signal ends it at once, with everything that its sessions have started")
    func secondSignal() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        try tenant.allowStandIn()
        _ = try await tenant.sessionProcess()
        let pool = try tenant.poolProcess()
        async let call = tenant.mm(["run", "Demo", "exo", "Invoke-StandIn child 3000"])
        func below() -> [ProcessIdentity] { Descendants.running(below: pool.pid) }
        try await waitUntil { below().contains { ProcessEntry($0.pid)?.name == "sleep" } }
        let all = below()
        pool.signal(SIGTERM)
        // Pending signals of one kind are merged, so wait between them.
        try await waitUntil { try await tenant.mm(["pool", "status", "--json"]).json?["state"] == "stopping" }
        pool.signal(SIGTERM)
        try await waitUntil { !pool.isRunning && all.allSatisfy { !$0.isRunning } }
        #expect(try await call.code != 0)
    }

    @Test("a pool that holds its place but doesn't answer isn't reported as stopped")
    func holdingOn() async throws {
        let tenant = try await Tenant()
        let stopped = try await tenant.mm(["pool", "status", "--json"])
        #expect(stopped.code == 7 && stopped.json == ["state": "stopped"])
        let lock = try FileLock(waitingFor: "\(tenant.home.path)/.m365-state/pool")
        let held = try await tenant.mm(["pool", "status", "--json"])
        #expect(held.code == 7 && held.json?["state"] == "not answering", "\(held)")
        #expect(held.json?["holder"]?.string?.contains("\(getpid())") == true)
        let refused = try await tenant.mm(["pool", "start"])
        #expect(
            refused.code == 7 && refused.error.contains("A pool is already running: process \(getpid())"), "\(refused)")
        _ = consume lock
        #expect(try await tenant.mm(["pool", "start", "-q"]).code == 0)
        let pool = try tenant.poolProcess()
        pool.signal(SIGSTOP)
        let frozen = try await tenant.mm(["pool", "status", "--json", "--timeout", "1"])
        #expect(frozen.code == 7 && frozen.json?["state"] == "not answering", "\(frozen)")
        #expect(frozen.json?["holder"]?.string?.contains("\(pool.pid)") == true)
        #expect(try await tenant.mm(["pool", "stop", "-q"]).code == 0)
        #expect(!pool.isRunning)
    }

    @Test("the next call waits for a pool that ends slowly, and is carried out by the next pool")
    func ending() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        try tenant.allowStandIn()
        _ = try await tenant.sessionProcess(extra: ["MM_POOL_DRAIN": "600"])
        let pool = try tenant.poolProcess()
        async let call = tenant.mm(["run", "Demo", "exo", "Invoke-StandIn child 3000"])
        var sleeper: ProcessIdentity?
        try await waitUntil {
            sleeper = Descendants.running(below: pool.pid).first { ProcessEntry($0.pid)?.name == "sleep" }
            return sleeper != nil
        }
        pool.signal(SIGTERM)
        try await waitUntil { try await tenant.mm(["pool", "status", "--json"]).json?["state"] == "stopping" }
        async let next = tenant.mm(["run", "Demo", "teams", "Invoke-StandIn process"])
        // The next pool has waited as long as for a place that another program holds permanently, and goes on.
        let log = "\(tenant.home.path)/.m365-logs/session-pool-unified.log"
        try await waitUntil {
            String(decoding: try ProtectedFile.read(log) ?? [], as: UTF8.self).contains("waits for the end of the one")
        }
        try #require(sleeper).signal(SIGKILL)
        #expect(try await call.code == 0)
        let ran = try await next
        #expect(ran.code == 0, "\(ran)")
        try await waitUntil { !pool.isRunning }
    }

    @Test("the socket of a dead pool doesn't prevent a start")
    func staleSocket() async throws {
        let tenant = try await Tenant()
        #expect(try await tenant.mm(["pool", "start"]).code == 0)
        let pool = try tenant.poolProcess()
        let socket = try #require(try await tenant.poolStatus()["socket"]?.string)
        pool.signal(SIGKILL)
        try await waitUntil { !pool.isRunning }
        #expect(access(socket, F_OK) == 0)
        #expect(try await tenant.mm(["pool", "status"]).code == 7)
        #expect(try await tenant.mm(["pool", "start", "--jq", ".socket", "-o", "text"]).output == socket + "\n")
    }

    @Test(
        "a folder for the socket that is a link, or open to others, is not used", arguments: ["link", "open", "file"])
    func foreignFolder(kind: String) async throws {
        let tenant = try await Tenant()
        let folder = "\(tenant.home.path)/mm"
        switch kind {
        case "link":
            try ProtectedFile.makeDirectory("\(tenant.home.path)/elsewhere")
            #expect(symlink("\(tenant.home.path)/elsewhere", folder) == 0)
        case "open":
            #expect(mkdir(folder, 0o777) == 0 && chmod(folder, 0o777) == 0)
        default: try ProtectedFile.replace(folder, with: [1])
        }
        let started = try await tenant.mm(["pool", "start", "--jq", ".socket", "-o", "text"])
        #expect(started.code == 0, "\(started.error)")
        #expect(started.output.contains("/.m365-state/run/"))
    }

    @Test("the socket's path fits, however long that of the home is")
    func longHome() async throws {
        let tenant = try await Tenant()
        let long = "\(tenant.home.path)/" + String(repeating: "long-folder-name-", count: 8)
        try ProtectedFile.makeDirectory(long)
        let environment = ["HOME": long, "PATH": "/usr/bin:/bin"]
        let started = try await Tenant.run(
            Programs.mm, ["pool", "start", "--jq", ".socket", "-o", "text"], environment)
        #expect(started.code == 0, "\(started.error)")
        #expect(started.output.utf8.count < 107)
        #expect(try await Tenant.run(Programs.mm, ["pool", "status"], environment).code == 0)
        #expect(try await Tenant.run(Programs.mm, ["pool", "stop"], environment).code == 0)
    }

    @Test("a log that can't grow stops the log, not the sessions")
    func fullDisk() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        let log = "\(tenant.home.path)/.m365-logs/session-pool-unified.log"
        try ProtectedFile.replace(log, with: [UInt8](repeating: 0x78, count: 900_000) + [0x0A])
        var command = ChildCommand(
            Programs.mm, ["pool", "serve", "--detached"], environment: tenant.home.environment)
        command.limits = [.init(resource: Int32(RLIMIT_FSIZE.rawValue), value: 900_000)]
        command.error = .null
        let pool = try await ChildProcess.start(command)
        try await waitUntil { !tenant.home.pools.isEmpty }
        for _ in 0..<3 {
            let ran = try await tenant.mm(["run", "Demo", "exo", "Get-Mailbox -ResultSize 1"])
            #expect(ran.code == 0, "\(ran.error)")
        }
        #expect(try ProtectedFile.read(log)?.count ?? 0 >= 900_000)
        #expect(await pool.terminate(grace: .seconds(300)).code == 0)
    }

    @Test("a pool that can't write its record is found by its socket")
    func unrecorded() async throws {
        let tenant = try await Tenant()
        var command = ChildCommand(
            Programs.mm, ["pool", "serve", "--detached"], environment: tenant.home.environment)
        // As on a full disk, no file may exceed a few bytes.
        command.limits = [.init(resource: Int32(RLIMIT_FSIZE.rawValue), value: 16)]
        command.error = .null
        let pool = try await ChildProcess.start(command)
        try await waitUntil {
            try #require(pool.exited == nil)
            return try await tenant.mm(["pool", "status", "--json"]).json?["state"] == "running"
        }
        #expect(tenant.home.pools.isEmpty)
        #expect(try await tenant.mm(["pool", "stop", "-q"]).code == 0)
        #expect(await pool.terminate(grace: .seconds(300)).code == 0)
    }

    @Test("a hanging session delays no other, and its deadline ends the wait for it")
    func hung() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        try tenant.allowStandIn()
        _ = try await tenant.sessionProcess("exo")
        async let hung = tenant.mm(
            ["run", "Demo", "exo", "Invoke-StandIn ignore-everything 600000", "--timeout", "45"])
        try await waitUntil { try await tenant.state(of: "Demo/exo") == "busy" }
        for _ in 0..<3 { _ = try await tenant.sessionProcess("teams") }
        #expect(try await tenant.state(of: "Demo/exo") != "ready")
        #expect(try await hung.code == 6)
        _ = try await tenant.sessionProcess("exo")
    }

    @Test("a client that vanishes frees its session")
    func vanished() async throws {
        let tenant = try await Tenant()
        try await tenant.signIn()
        try tenant.allowStandIn()
        _ = try await tenant.sessionProcess()
        for _ in 0..<5 {
            var command = ChildCommand(
                Programs.mm, ["run", "Demo", "exo", "Invoke-StandIn ignore-stop 600000"],
                environment: tenant.home.environment)
            command.error = .null
            command.output = .null
            let client = try await ChildProcess.start(command)
            try await waitUntil { try await tenant.state(of: "Demo/exo") == "busy" }
            client.signal(SIGKILL)
            _ = await client.exit()
            _ = try await tenant.sessionProcess()
        }
        try await waitUntil { try await tenant.poolStatus()["calls"] == 0 }
    }
}
