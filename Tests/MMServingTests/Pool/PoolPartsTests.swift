import Glibc
import MMCore
import MMHTTP
import MMOperations
import MMPoolWire
import MMREST
import MMSystem
import Testing

@testable import MMServing

@Suite("Finding and telling pools apart", .timeLimit(.minutes(10)))
struct PoolPartsTests {
    @Test("each set of files and of deciding variables has a pool of its own, named plainly where all is usual")
    func places() {
        let usual = PoolPlace(environment: ["HOME": "/home/adele"])
        #expect(usual.record == "/home/adele/.m365-state/pool.json")
        #expect(usual.sockets.first == "/home/adele/.m365-state/run/pool.sock")
        let others = [
            ["MM_CONNECTIONS": "/x.json"], ["MM_TOKEN_DIR": "/t"], ["MM_LOG_DIR": "/l"], ["MM_GUARD_RULES": "/r.json"],
            ["MM_SEND_GUARDS": "false"], ["MM_SANDBOX_URL": "http://127.0.0.1:1"], ["MM_PWSH": "/pwsh"],
            ["MM_SANDBOX": "/mm-sandbox"],
        ].map { PoolPlace(environment: $0.merging(["HOME": "/home/adele"]) { one, _ in one }) }
        #expect(Set(others.map(\.key) + [usual.key]).count == others.count + 1)
        #expect(Set(others.map(\.life) + [usual.life]).count == others.count + 1)
        let far = PoolPlace(environment: ["HOME": "/" + String(repeating: "deep/", count: 40)])
        #expect(far.sockets.allSatisfy { $0.utf8.count <= 107 } && !far.sockets.isEmpty)
    }

    @Test("the pool that the record names is asked, and not where others may enter its folder")
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
        #expect(try await finder.running()?.handshake == handshake)
        #expect(chmod(home["run"], 0o755) == 0)
        #expect(try await finder.running()?.handshake == nil)
        await listener.stop(graceful: .zero)
    }

    @Test(
        "the command line chooses before the environment",
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
        ] as [(Bool, String?, [String: String], PoolChoice)])
    func choice(embedded: Bool, pool: String?, environment: [String: String], wanted: PoolChoice) throws {
        #expect(try PoolChoice.of(embedded: embedded, pool: pool, environment: environment) == wanted)
    }

    @Test("both at once are refused")
    func bothChoices() {
        #expect(throws: MMError.self) { try PoolChoice.of(embedded: true, pool: "http://a", environment: [:]) }
    }

    @Test(
        "a Host header gives its name, and nonsense none",
        arguments: [
            ("LOCALHOST:5200", "localhost"), ("127.0.0.1", "127.0.0.1"), ("[::1]:80", "[::1]"), ("a.b:x", nil),
            ("", nil), ("a/b", nil), ("user@host", nil), ("h:99999", nil), ("h:", nil), ("[::1", nil),
        ] as [(String, String?)])
    func hosts(header: String, name: String?) {
        #expect(HostName(header)?.text == name)
    }

    @Test("units name socket and program whole, with nothing put in for what looks like a specifier")
    func units() {
        let units = PoolUnits(
            socket: "/run/user/1/50%/pool.sock", program: "/opt/my $tools/mm",
            environment: ["MM_STATE_DIR": "/a \"b\"", "MM_LOG_DIR": "/l$1", "PATH": "/usr/bin"])
        #expect(units.socketUnit.contains("ListenStream=/run/user/1/50%%/pool.sock\n"))
        #expect(units.serviceUnit.contains("ExecStart=\"/opt/my $$tools/mm\" pool serve --quiet\n"))
        #expect(units.serviceUnit.contains("Environment=\"MM_STATE_DIR=/a \\\"b\\\"\"\n"))
        // Nothing is put in there, so a dollar sign is one.
        #expect(units.serviceUnit.contains("Environment=\"MM_LOG_DIR=/l$1\"\n"))
        #expect(units.serviceUnit.contains("SIG") == false && units.serviceUnit.contains("kill -HUP $MAINPID"))
    }
}

@Suite("What is due after calls", .timeLimit(.minutes(2)))
struct CoalescingTaskTests {
    @Test("is done at once, and once more for all that ended meanwhile")
    func coalescing() async throws {
        let runs = Mutex(0)
        let (isBegun, isFree) = (OneShot<Void>(), OneShot<Void>())
        let work = CoalescingTask {
            let run = runs.withLock { runs in
                runs += 1
                return runs
            }
            guard run == 1 else { return }
            isBegun.give(())
            await isFree.wait()
        }
        work.due()
        await isBegun.wait()
        for _ in 0..<100 { work.due() }
        #expect(runs.withLock { $0 } == 1)
        isFree.give(())
        while runs.withLock({ $0 }) < 2 { try await Task.sleep(for: .milliseconds(5)) }
        work.due()
        while runs.withLock({ $0 }) < 3 { try await Task.sleep(for: .milliseconds(5)) }
        #expect(runs.withLock { $0 } == 3)
    }
}

@Suite("Who reaches a pool", .timeLimit(.minutes(10)))
struct PoolDoorTests {
    private func request(_ headers: HTTPHeaders, peer: HTTPPeer) -> HTTPServerRequest {
        HTTPServerRequest(method: "POST", target: "/run", headers: headers, peer: peer)
    }

    private func answer(_ handler: HTTPHandler, _ headers: HTTPHeaders, _ peer: HTTPPeer) async -> Int {
        await handler(request(headers, peer: peer)).status
    }

    @Test("over the socket: programs of the same user, and no page")
    func socket() async {
        let handler = PoolDoor.sameUser(1000) { _, peer in
            .text("\(peer)", status: peer == .process(pid: 7) ? 200 : 500)
        }
        #expect(await answer(handler, [:], .unix(uid: 1000, pid: 7)) == 200)
        #expect(await answer(handler, [:], .unix(uid: 0, pid: 7)) == 403)
        #expect(await answer(handler, [:], .tcp(address: "127.0.0.1", port: 1, localPort: 2)) == 403)
        #expect(await answer(handler, ["Origin": "http://localhost"], .unix(uid: 1000, pid: 7)) == 403)
    }

    @Test("at an address: a stranger needs the secret, under one of our names, and a foreign page never gets in")
    func address() async throws {
        var options = try HTTPFaceOptions(address: "127.0.0.1:5200")
        options.allowedHosts = ["mm.example.com"]
        let stranger = HTTPPeer.tcp(address: "192.0.2.7", port: 40_000, localPort: 5200)
        let open = PoolDoor(options, secret: Secret("0123456789abcdef")).inFront { _, peer in
            .text("", status: peer == .bearer ? 200 : 500)
        }
        let good: HTTPHeaders = ["Host": "mm.example.com:5200", "Authorization": "Bearer 0123456789abcdef"]
        #expect(await answer(open, good, stranger) == 200)
        var wrong = good
        wrong.set("Authorization", "Bearer 0123456789abcdeF")
        #expect(await answer(open, wrong, stranger) == 401)
        wrong.remove("Authorization")
        #expect(await answer(open, wrong, stranger) == 401)
        for host in ["evil.example", "192.0.2.9", ""] {
            var other = good
            other.set("Host", host)
            #expect(await answer(open, other, stranger) == 421)
        }
        for origin in ["null", "https://evil.example"] {
            var page = good
            page.set("Origin", origin)
            #expect(await answer(open, page, stranger) == 403)
        }
        let closed = PoolDoor(options, secret: nil).inFront { _, _ in .text("") }
        #expect(await answer(closed, ["Host": "localhost"], stranger) == 403)
    }

    @Test(
        "a page of another server of this machine is a foreign one; under an allowed name a proxy may change the port",
        arguments: [
            ("localhost:5200", "http://localhost:5200", 200), ("127.0.0.1:5200", "HTTP://127.0.0.1:5200", 200),
            ("[::1]:5200", "http://[::1]:5200", 200), ("localhost", "http://localhost", 200),
            ("mm.example.com", "https://mm.example.com:8443", 200), ("localhost:5200", "http://localhost:3000", 403),
            ("localhost:5200", "http://localhost", 403), ("localhost:5200", "http://127.0.0.1:5200", 403),
            ("127.0.0.1:5200", "http://127.0.0.1:52000", 403), ("[::1]:5200", "http://[::1]:1", 403),
            ("mm.example.com", "https://mm.example.com:8443:1", 403),
        ] as [(String, String, Int)])
    func pages(host: String, origin: String, status: Int) async throws {
        var options = try HTTPFaceOptions(address: "127.0.0.1:5200")
        options.allowedHosts = ["MM.example.com"]
        let door = PoolDoor(options, secret: Secret("0123456789abcdef")).inFront { _, _ in .text("") }
        let headers: HTTPHeaders = [
            "Host": host, "Origin": origin, "Authorization": "Bearer 0123456789abcdef",
        ]
        let peer = HTTPPeer.tcp(address: "127.0.0.1", port: 40_000, localPort: 5200)
        #expect(await answer(door, headers, peer) == status)
    }
}
