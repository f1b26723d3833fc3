import Glibc
import MMCore
import MMHTTP
import MMOperations
import MMPool
import MMSystem
import TestSupport
import Testing

@testable import MMServing

@Suite("Identifying pools", .timeLimit(.minutes(10)))
struct PoolPartsTests {
    @Test("each set of files and relevant variables has its own pool, with a plain name for the defaults")
    func places() {
        let usual = PoolPlace(environment: ["HOME": "/home/adele"])
        #expect(usual.record == "/home/adele/.m365-state/pool.json")
        #expect(usual.sockets.first == "/home/adele/.m365-state/run/pool.sock")
        let others = [
            ["MM_CONNECTIONS": "/x.json"], ["MM_TOKEN_DIR": "/t"], ["MM_LOG_DIR": "/l"], ["MM_GUARD_RULES": "/r.json"],
            ["MM_SEND_GUARDS": "false"], ["MM_SANDBOX_URL": "http://127.0.0.1:1"], ["MM_PWSH": "/pwsh"],
            ["MM_SANDBOX": "/mm-sandbox"], ["MM_SHELLS": "/s.json"], ["MM_TOOLS_DIR": "/tools"],
            ["MM_TOKEN_FILE": "/cache.json"],
        ].map { PoolPlace(environment: $0.merging(["HOME": "/home/adele"]) { one, _ in one }) }
        #expect(Set(others.map(\.key) + [usual.key]).count == others.count + 1)
        #expect(Set(others.map(\.life) + [usual.life]).count == others.count + 1)
        let far = PoolPlace(environment: ["HOME": "/" + String(repeating: "deep/", count: 40)])
        #expect(far.sockets.allSatisfy { $0.utf8.count <= 107 } && !far.sockets.isEmpty)
    }

    @Test("the pool in the record is used, unless others can enter its folder")
    func openFolder() async throws {
        let home = try ServingHome()
        let environment = home.services.environment
        let place = PoolPlace(environment: environment)
        let handshake = PoolHandshake.ofThisProcess(key: place.key)
        let listener = try HTTPListener.start(.unix(path: home["run/pool.sock"])) { _ in
            .json(JSONWriter.bytes(.object(handshake.json)))
        }
        var record = handshake.json
        record["socket"] = .string(home["run/pool.sock"])
        try ProtectedFile.replace(place.record, with: JSONWriter.bytes(.object(record)))
        let finder = PoolFinder(environment: environment)
        #expect(try await finder.running()?.handshake.process == handshake.process)
        // A record that was copied with the files names the pool of the original ones.
        record["folder"] = .string(place.paths.stateDirectory + "-first")
        try ProtectedFile.replace(place.record, with: JSONWriter.bytes(.object(record)))
        #expect(try await finder.running()?.handshake.process == nil)
        record["folder"] = .string(place.paths.stateDirectory)
        try ProtectedFile.replace(place.record, with: JSONWriter.bytes(.object(record)))
        #expect(try await finder.running()?.handshake.process == handshake.process)
        #expect(chmod(home["run"], 0o755) == 0)
        #expect(try await finder.running()?.handshake.process == nil)
        await listener.stop(graceful: .zero)
    }

    @Test("a pool that holds its lock and doesn't answer is reported in time; without the lock there is none")
    func silent() async throws {
        let home = try ServingHome()
        let environment = home.services.environment
        let place = PoolPlace(environment: environment)
        let isOver = Mutex(false)
        let listener = try HTTPListener.start(.unix(path: home["run/pool.sock"])) { _ in
            _ = await eventually { isOver.withLock { $0 } }
            return .json(JSONWriter.bytes(.object([:])))
        }
        var record = PoolHandshake.ofThisProcess(key: place.key).json
        record["socket"] = .string(home["run/pool.sock"])
        record["folder"] = .string(place.paths.stateDirectory)
        try ProtectedFile.replace(place.record, with: JSONWriter.bytes(.object(record)))
        let finder = PoolFinder(environment: environment)
        let lock = try FileLock(waitingFor: place.life)
        for _ in 0..<2 {
            let error = await #expect(throws: MMError.self) {
                try await finder.started(until: .after(.milliseconds(200)))
            }
            #expect(error?.code == .unavailable && error?.message.contains("process \(getpid())") == true)
            #expect(error?.hint?.contains("mm pool stop --force") == true)
        }
        let held = await finder.state(within: .milliseconds(200)).json
        #expect(held["state"] == "not answering" && held["holder"]?.string?.contains("process \(getpid())") == true)
        _ = consume lock
        #expect(await finder.state(within: .milliseconds(200)).json == ["state": "stopped"])
        #expect(try await finder.running(until: .after(.milliseconds(200)))?.handshake.process == nil)
        isOver.withLock { $0 = true }
        await listener.stop(graceful: .zero)
    }

    @Test("a pool that refuses a connection is reported at once, with its reason, and no other one is started")
    func refusing() async throws {
        let home = try ServingHome()
        let environment = home.services.environment
        let place = PoolPlace(environment: environment)
        let isStopping = Mutex(false)
        let listener = try HTTPListener.start(.unix(path: home["run/pool.sock"])) { _ in
            isStopping.withLock { $0 }
                ? Problem.response(MMError(.unavailable, "The server is stopping.", retry: .now))
                : Problem.response(SystemError.error("Accepting the connection", EMFILE))
        }
        var record = PoolHandshake.ofThisProcess(key: place.key).json
        record["socket"] = .string(home["run/pool.sock"])
        record["folder"] = .string(place.paths.stateDirectory)
        try ProtectedFile.replace(place.record, with: JSONWriter.bytes(.object(record)))
        let finder = PoolFinder(environment: environment, program: "/nonexistent")
        let lock = try FileLock(waitingFor: place.life)
        let error = await #expect(throws: MMError.self) { try await finder.started() }
        #expect(error?.code == .unavailable && error?.message.contains("Too many open files") == true)
        #expect(error?.hint?.contains("ulimit -n") == true && error?.details["pool"] == "none")
        let state = await finder.state(within: .seconds(60)).json
        #expect(state["state"] == "not answering" && state["hint"]?.string?.contains("ulimit -n") == true)
        // The end of a pool passes.
        isStopping.withLock { $0 = true }
        #expect(try await finder.running() == nil)
        _ = consume lock
        await listener.stop(graceful: .zero)
    }

    @Test("a pool that can't start is reported with its words and without a wait, unless another one holds the lock")
    func failedStart() async throws {
        let home = try ServingHome()
        let program = home["program"]
        try ProtectedFile.replace(program, with: Array("#!/bin/sh\necho 'mm: no room' >&2\nexit 1\n".utf8), mode: 0o700)
        let finder = PoolFinder(environment: home.services.environment, program: program)
        let clock = ContinuousClock()
        // A pool that somebody else starts has five seconds to answer. On a busy machine a try may take long as well.
        let isQuick = await eventually {
            await clock.measure {
                let error = await #expect(throws: MMError.self) { try await finder.started() }
                #expect(error?.code == .unavailable && error?.message.contains("no room") == true)
            } < .seconds(5)
        }
        #expect(isQuick)
        let lock = try FileLock(waitingFor: finder.place.life)
        let waited = await clock.measure { _ = await #expect(throws: MMError.self) { try await finder.started() } }
        #expect(waited >= .seconds(5))
        _ = consume lock
    }

    @Test("a pool looks for others everywhere but at the socket that systemd handed it, where it doesn't answer yet")
    func handedSocket() async throws {
        let home = try ServingHome()
        let environment = home.services.environment
        let place = PoolPlace(environment: environment)
        let path = try #require(place.sockets.first)
        try ProtectedFile.makeDirectory(place.paths.stateDirectory)
        let (raw, file) = try UnixSocket.listen(at: path).take()
        defer {
            file.remove()
            close(raw)
        }
        #expect(try await PoolFinder(environment: environment, ownSocket: path).running() == nil)
        var waiting = pollfd(fd: raw, events: Int16(POLLIN), revents: 0)
        #expect(poll(&waiting, 1, 0) == 0)
        let asked = Task { try await PoolFinder(environment: environment).running(until: .after(.seconds(60))) }
        #expect(await eventually { poll(&waiting, 1, 0) == 1 })
        asked.cancel()
        _ = try? await asked.value
    }

    @Test(
        "the command line takes precedence over the environment",
        arguments: [
            (false, nil, [:], PoolChoice.own), (true, nil, ["MM_SESSION_POOL_URL": "http://a"], .embedded),
            (false, "http://b", ["MM_EMBEDDED": "1"], .elsewhere("http://b")),
            (false, nil, ["MM_EMBEDDED": "1", "MM_SESSION_POOL_URL": "http://a"], .embedded),
            (false, nil, ["MM_EMBEDDED": "0", "PWSH_MANAGER_URL": "http://c"], .elsewhere("http://c")),
            (
                false, nil, ["MM_SESSION_POOL_URL": "http://a", "PWSH_MANAGER_URL": "http://c"],
                .elsewhere("http://a")
            ),
            (false, nil, ["MM_SESSION_POOL_URL": ""], .own),
            (false, nil, ["MM_EMBEDDED": "on", "MM_SESSION_POOL_URL": "http://a"], .embedded),
        ] as [(Bool, String?, [String: String], PoolChoice)])
    func choice(embedded: Bool, pool: String?, environment: [String: String], wanted: PoolChoice) throws {
        #expect(try PoolChoice.of(embedded: embedded, pool: pool, environment: environment) == wanted)
    }

    @Test("both at once are refused, and so is a variable that says neither yes nor no")
    func bothChoices() {
        #expect(throws: MMError.self) {
            try PoolChoice.of(embedded: false, pool: nil, environment: ["MM_EMBEDDED": "ja"])
        }
        #expect(throws: MMError.self) { try PoolChoice.of(embedded: true, pool: "http://a", environment: [:]) }
    }

    @Test("units contain the exact socket and program, without expanding specifiers")
    func units() {
        let units = PoolUnits(
            names: ("mm-pool.socket", "mm-pool.service"), socket: "/run/user/1/50%/pool.sock",
            program: "/opt/my $tools/mm",
            environment: ["MM_STATE_DIR": "/a \"b\"", "MM_LOG_DIR": "/l$1", "PATH": "/usr/bin"],
            drainLimit: .seconds(20))
        #expect(units.socketUnit.contains("ListenStream=/run/user/1/50%%/pool.sock\n"))
        #expect(units.serviceUnit.contains("ExecStart=\"/opt/my $$tools/mm\" pool serve --quiet\n"))
        #expect(units.serviceUnit.contains("Environment=\"MM_STATE_DIR=/a \\\"b\\\"\"\n"))
        // A dollar sign isn't expanded here.
        #expect(units.serviceUnit.contains("Environment=\"MM_LOG_DIR=/l$1\"\n"))
        #expect(units.serviceUnit.contains("/bin/kill -HUP $MAINPID\n"))
    }

    @Test(
        "a pool that systemd ends has the time that its calls have, and no other process is told to end before it",
        arguments: [([:], "60"), (["MM_POOL_DRAIN": "300"], "340"), (["MM_POOL_DRAIN": "0.5"], "40")])
    func stopping(variables: [String: String], seconds: String) throws {
        let units = try PoolUnits.own(variables.merging(["HOME": "/home/adele"]) { one, _ in one })
        let lines = units.serviceUnit.split(separator: "\n").map(String.init)
        #expect(lines.contains("TimeoutStopSec=\(seconds)") && lines.contains("KillMode=mixed"))
        // `mm pool stop --force` kills one that hangs, which must not start it again.
        #expect(lines.contains("Restart=on-failure") && lines.contains("SuccessExitStatus=SIGKILL"))
    }

    @Test(
        "a pool isn't said to run on before the time of its calls is over",
        arguments: [([:], false, 120), (["MM_POOL_DRAIN": "300"], false, 400), (["MM_POOL_DRAIN": "300"], true, 10)])
    func patience(variables: [String: String], force: Bool, seconds: Int64) throws {
        #expect(try PoolStopper(environment: variables).patience(force: force) == .seconds(seconds))
    }

    @Test(
        "a value with which the pool wouldn't start is refused before systemd has it",
        arguments: ["MM_POOL_DRAIN", "MM_POOL_IDLE"])
    func invalidSetting(name: String) {
        let error = #expect(throws: MMError.self) { try PoolUnits.own(["HOME": "/home/adele", name: "soon"]) }
        #expect(error?.code == .invalidInput && error?.message.contains(name) == true)
    }

    @Test("each set of files has units of its own, whose service needs its own socket")
    func unitsOfPlaces() throws {
        let usual = try PoolUnits.own(["HOME": "/home/adele"])
        let other = try PoolUnits.own(["HOME": "/home/adele", "MM_STATE_DIR": "/srv/state"])
        #expect(usual.names == ("mm-pool.socket", "mm-pool.service"))
        #expect(other.names.socket.hasPrefix("mm-pool-") && other.names.service.hasPrefix("mm-pool-"))
        #expect(other.serviceUnit.contains("Requires=\(other.names.socket)\nAfter=\(other.names.socket)\n"))
        #expect(usual.socket != other.socket)
    }

    @Test(
        "the doctor tells whether systemd starts the pool, whoever has installed the units",
        arguments: [
            ("echo active", "exit 1", DoctorReport.State.sound, "starts the pool (mm-pool.socket)"),
            ("exit 3", "echo failed", .failed, "gave up"), ("exit 3", "exit 1", .sound, "mm pool install"),
        ])
    func doctor(isActive: String, isFailed: String, state: DoctorReport.State, text: String) async throws {
        let home = try TestHome()
        let program = home.path + "/systemctl"
        let script = "#!/bin/sh\ncase $2 in is-active) \(isActive) ;; is-failed) \(isFailed) ;; esac\n"
        try ProtectedFile.replace(program, with: Array(script.utf8), mode: 0o700)
        var report = DoctorReport()
        await ProgramChecks(environment: ["HOME": home.path, "PATH": home.path]).examine(into: &report)
        let row = try #require(report.rows.first { $0.name == "systemd" })
        #expect(row.state == state && row.detail.contains(text))
    }

    @Test(
        "a user's systemd is told of units that are written or removed, and they are written without it",
        arguments: [true, false])
    func userUnits(isManaged: Bool) async throws {
        let home = try TestHome()
        if isManaged {
            let program = home.path + "/systemctl"
            // Units that aren't there can't be disabled.
            let script =
                "#!/bin/sh\necho \"$*\" >> '\(home.path)/calls'\n"
                + "cd '\(home.path)' && { [ $2 != disable ] || [ -e package ] || [ -e .config/systemd/user/$4 ]; }\n"
            try ProtectedFile.replace(program, with: Array(script.utf8), mode: 0o700)
        }
        let place = UserUnits(environment: ["HOME": home.path, "PATH": home.path])
        let units = [(name: "a.timer", text: "[Timer]\n"), (name: "a.service", text: "[Service]\n")]
        let paths = units.map { "\(place.folder)/\($0.name)" }
        let first = try await place.install(units, enabling: "a.timer")
        // This systemd says that everything runs.
        let running = "What runs keeps its earlier settings until you run: systemctl --user restart a.service"
        #expect(first.isManaged == isManaged)
        #expect(first.lines == paths.map { "Wrote \($0)." } + (isManaged ? [running] : []))
        #expect(try await place.install(units, enabling: "a.timer").lines == paths.map { "\($0) is up to date." })
        let removed = try await place.remove(units.map(\.name), disabling: ["a.timer"])
        #expect(removed == paths.map { "Removed \($0)." })
        #expect(try await place.remove(units.map(\.name), disabling: ["a.timer"]) == ["Nothing was installed."])
        try ProtectedFile.replace(home.path + "/package", with: [])
        let disabled = try await place.remove(units.map(\.name), disabling: ["a.timer"])
        #expect(disabled == [isManaged ? "Disabled a.timer." : "Nothing was installed."])
        let calls = String(decoding: try ProtectedFile.read(home.path + "/calls") ?? [], as: UTF8.self)
        let look = "show --property=UnitPath --value"
        let again = [look, "daemon-reload", "is-active a.timer", "enable --now a.timer"]
        let gone = [
            look, "disable --now a.timer", "daemon-reload", "reset-failed a.timer a.service",
        ]
        #expect(
            calls.split(separator: "\n").map(String.init)
                == (isManaged ? again + ["is-active a.service"] + again + gone + gone + gone : []).map {
                    "--user \($0)"
                })
    }

    @Test("units are written where the user's systemd looks for them, or not at all if that is another home")
    func unitFolder() async throws {
        let home = try TestHome()
        func place(_ looked: String) throws -> UserUnits {
            let script = "#!/bin/sh\n[ $2 != show ] || echo '/run/1/systemd/user.control \(looked) /etc/systemd/user'\n"
            try ProtectedFile.replace(home.path + "/systemctl", with: Array(script.utf8), mode: 0o700)
            return UserUnits(
                environment: ["HOME": home.path, "PATH": home.path, "XDG_CONFIG_HOME": "\(home.path)/other"])
        }
        let units = [(name: "a.timer", text: "[Timer]\n")]
        let usual = "\(home.path)/.config/systemd/user"
        let written = try await place(usual).install(units, enabling: "a.timer")
        #expect(written.isManaged && written.lines == ["Wrote \(usual)/a.timer."])
        let removed = try await place(usual).remove(["a.timer"], disabling: ["a.timer"])
        #expect(removed == ["Removed \(usual)/a.timer."])
        let own = try await place("\(home.path)/other/systemd/user").install(units, enabling: "a.timer")
        #expect(own.lines == ["Wrote \(home.path)/other/systemd/user/a.timer."])
        let far = try place("/home/adele/.config/systemd/user")
        let error = await #expect(throws: MMError.self) { try await far.install(units, enabling: "b.timer") }
        #expect(error?.code == .unsupported && error?.message.contains("/home/adele/.config") == true)
    }

    @Test(
        "where there is no pool to stop, the one that the environment names is told by a valid address only",
        arguments: [
            ("http://127.0.0.1:5200/", " The one at http://127.0.0.1:5200, which"), ("http://u:secret@127.0.0.1", nil),
            ("pool.example", nil), ("", nil),
        ])
    func nothingToStop(url: String, other: String?) {
        let text = PoolCommands.nothingToStop(["MM_SESSION_POOL_URL": url])
        #expect(text.hasPrefix("No pool is running." + (other ?? "")))
        #expect((text == "No pool is running.") == (other == nil))
    }

    @Test(
        "units pass what the program's files, network and telemetry depend on, but no secret",
        arguments: [
            ("MM_STATE_DIR", "/s", true), ("MM_TOKEN_KEY_FILE", "/k", true), ("MM_SHELLS", "/s.json", true),
            ("MM_TOOLS_DIR", "/t", true), ("MM_AUDIT_CA_FILE", "/ca.pem", true), ("MM_AUDIT_KEY_FILE", "/k.pem", true),
            ("https_proxy", "http://proxy:3128", true), ("NO_PROXY", "contoso.com", true),
            ("SSL_CERT_FILE", "/ca.pem", true), ("OTEL_SERVICE_NAME", "mm", true), ("MM_STATE_DIR", "", false),
            ("HTTPS_PROXY", "http://ann:secret@proxy:3128", false), ("MM_POOL_TOKEN", "secret", false),
            ("OTEL_EXPORTER_OTLP_HEADERS", "key=secret", false), ("MM_SESSION", "one", false), ("HOME", "/h", false),
        ])
    func passed(name: String, value: String, isPassed: Bool) {
        #expect(PoolUnits.passed(from: [name: value]) == (isPassed ? [name: value] : [:]))
    }
}

@Suite("Work that is due after calls", .timeLimit(.minutes(5)))
struct CoalescingTaskTests {
    @Test("is done at once, and once more for all calls that ended meanwhile")
    func coalescing() async throws {
        let runs = Mutex(0)
        let (isBegun, isFree) = (OneShot<Void>(), OneShot<Void>())
        let work = CoalescingTask {
            let run = runs.withLock { runs in
                runs += 1
                return runs
            }
            guard run == 1 else { return }
            isBegun.resolve(())
            await isFree.wait()
        }
        work.due()
        await isBegun.wait()
        for _ in 0..<100 { work.due() }
        #expect(runs.withLock { $0 } == 1)
        isFree.resolve(())
        while runs.withLock({ $0 }) < 2 { try await Task.sleep(for: .milliseconds(5)) }
        work.due()
        while runs.withLock({ $0 }) < 3 { try await Task.sleep(for: .milliseconds(5)) }
        #expect(runs.withLock { $0 } == 3)
    }
}
