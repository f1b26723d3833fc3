import Glibc
import MMCore
import MMHTTP
import MMLegacy
import MMPool
import Testing

@testable import MMServing

@Suite("Admission to a pool", .timeLimit(.minutes(10)))
struct PoolAuthenticatorTests {
    private func request(_ headers: HTTPHeaders, peer: HTTPPeer) -> HTTPServerRequest {
        HTTPServerRequest(method: "POST", target: "/run", headers: headers, peer: peer)
    }

    /// The status of a refusal; 200 if admitted.
    private func answer(_ authenticator: some HTTPAuthenticator<AdmittedPeer>, _ headers: HTTPHeaders, _ peer: HTTPPeer)
        -> Int
    {
        switch authenticator.authenticate(request(headers, peer: peer)) {
        case .admitted: 200
        case .refused(let answer): answer.status
        }
    }

    @Test("over the socket: programs of the same user, but no pages")
    func socket() {
        let handler = SocketAuthenticator(user: 1000)
        guard case .admitted(.process(pid: 7)) = handler.authenticate(request([:], peer: .unix(uid: 1000, pid: 7)))
        else {
            Issue.record("The process is unknown.")
            return
        }
        #expect(answer(SocketAuthenticator(user: 1000, process: 7), [:], .unix(uid: 1000, pid: 7)) == 200)
        #expect(answer(SocketAuthenticator(user: 1000, process: 8), [:], .unix(uid: 1000, pid: 7)) == 403)
        #expect(answer(handler, [:], .unix(uid: 1000, pid: 7)) == 200)
        #expect(answer(handler, [:], .unix(uid: 0, pid: 7)) == 403)
        #expect(answer(handler, [:], .tcp(address: "127.0.0.1", port: 1, localPort: 2)) == 403)
        #expect(answer(handler, ["Origin": "http://localhost"], .unix(uid: 1000, pid: 7)) == 403)
    }

    @Test("health checks need no secret and no name, other requests do")
    func probes() throws {
        let options = try HTTPFaceOptions(address: "127.0.0.1:5200")
        let kubelet = HTTPPeer.tcp(address: "192.0.2.7", port: 40_000, localPort: 5200)
        let authenticator = AddressAuthenticator(options, secret: Secret("0123456789abcdef"))
        func status(_ method: String, _ target: String, _ headers: HTTPHeaders = ["Host": "10.1.2.3:5200"]) -> Int {
            let request = HTTPServerRequest(method: method, target: target, headers: headers, peer: kubelet)
            switch authenticator.authenticate(request) {
            case .admitted(let peer): return peer == .network ? 200 : 0
            case .refused(let answer): return answer.status
            }
        }
        #expect(status("GET", "/ready") == 200 && status("GET", "/health") == 200 && status("HEAD", "/ready") == 200)
        #expect(status("POST", "/health") == 421 && status("GET", "/status") == 421)
        #expect(status("GET", "/ready/../status") == 421 && status("GET", "//health") == 421)
        #expect(status("GET", "/health", ["Host": "10.1.2.3", "Origin": "http://10.1.2.3"]) != 200)
    }

    @Test("a draining server is healthy but not ready")
    func draining() async {
        let gate = PoolGate()
        let chain = HTTPChain<AdmittedPeer>([ProbeRoutes(gate: gate), gate])
        func ask(_ path: String) async -> Int {
            let peer = HTTPPeer.tcp(address: "192.0.2.7", port: 40_000, localPort: 5200)
            return await chain.respond(
                to: HTTPServerRequest(method: "GET", target: path, headers: [:], peer: peer), from: .network
            ).status
        }
        #expect(await ask("/ready") == 200)
        gate.close()
        #expect(await ask("/ready") == 503)
        #expect(await ask("/health") == 200)
        #expect(await ask("/status") == 404)
    }

    @Test(
        "at an earlier server's address today's operations and their description are served, and no other path of today",
        arguments: [
            ("/status", "earlier"), ("/v1/operations", "today"), ("/openapi.json", "today"), ("/", nil),
            ("/v1", nil), ("/openapi.json/x", nil),
        ])
    func earlierServer(path: String, told: String?) async {
        var earlier = Router<AdmittedPeer>(.errorObjects)
        earlier.get("/status") { _ in .text("earlier") }
        var today = Router<AdmittedPeer>(.problems)
        for path in ["/", "/v1", "/v1/operations", "/openapi.json"] { today.get(path) { _ in .text("today") } }
        let answer = await HTTPChain(PoolFace.steps(earlier, before: [today])).respond(
            to: HTTPServerRequest(method: "GET", target: path), from: .bearer)
        #expect(answer.status == (told == nil ? 404 : 200))
        if let told, case .bytes(let bytes) = answer.body { #expect(bytes == Array(told.utf8)) }
    }

    @Test("at an address: a stranger needs the secret, under one of our names, and a foreign page never gets in")
    func address() throws {
        var options = try HTTPFaceOptions(address: "127.0.0.1:5200")
        options.allowedHosts = ["mm.example.com"]
        let stranger = HTTPPeer.tcp(address: "192.0.2.7", port: 40_000, localPort: 5200)
        let open = AddressAuthenticator(options, secret: Secret("0123456789abcdef"))
        let good: HTTPHeaders = ["Host": "mm.example.com:5200", "Authorization": "Bearer 0123456789abcdef"]
        guard case .admitted(.bearer) = open.authenticate(request(good, peer: stranger)) else {
            Issue.record("The secret does not open.")
            return
        }
        var wrong = good
        wrong.set("Authorization", "Bearer 0123456789abcdeF")
        #expect(answer(open, wrong, stranger) == 401)
        wrong.remove("Authorization")
        #expect(answer(open, wrong, stranger) == 401)
        for host in ["evil.example", "192.0.2.9", ""] {
            var other = good
            other.set("Host", host)
            #expect(answer(open, other, stranger) == 421)
        }
        for origin in ["null", "https://evil.example"] {
            var page = good
            page.set("Origin", origin)
            #expect(answer(open, page, stranger) == 403)
        }
        let closed = AddressAuthenticator(options, secret: nil)
        #expect(answer(closed, ["Host": "localhost"], stranger) == 403)
    }

    @Test(
        "a page of another server on this machine is foreign; for an allowed name a proxy may change the port",
        arguments: [
            ("localhost:5200", "http://localhost:5200", 200), ("127.0.0.1:5200", "HTTP://127.0.0.1:5200", 200),
            ("[::1]:5200", "http://[::1]:5200", 200), ("localhost", "http://localhost", 200),
            ("mm.example.com", "https://mm.example.com:8443", 200), ("localhost:5200", "http://localhost:3000", 403),
            ("localhost:5200", "http://localhost", 403), ("localhost:5200", "http://127.0.0.1:5200", 403),
            ("127.0.0.1:5200", "http://127.0.0.1:52000", 403), ("[::1]:5200", "http://[::1]:1", 403),
            ("mm.example.com", "https://mm.example.com:8443:1", 403),
        ] as [(String, String, Int)])
    func pages(host: String, origin: String, status: Int) throws {
        var options = try HTTPFaceOptions(address: "127.0.0.1:5200")
        options.allowedHosts = ["MM.example.com"]
        let authenticator = AddressAuthenticator(options, secret: Secret("0123456789abcdef"))
        let headers: HTTPHeaders = [
            "Host": host, "Origin": origin, "Authorization": "Bearer 0123456789abcdef",
        ]
        let peer = HTTPPeer.tcp(address: "127.0.0.1", port: 40_000, localPort: 5200)
        #expect(answer(authenticator, headers, peer) == status)
    }

    @Test(
        "only names that nobody else can own reach a pool",
        arguments: [
            ("127.0.0.1:5200", true), ("localhost", true), ("[::1]:80", false), ("LOCALHOST:5200", true),
            ("evil.example", false), ("localhost.evil.example", false), ("127.0.0.1.evil.example", false),
            ("localhost:80:80", false), ("10.0.0.1", false), ("", false),
        ] as [(String, Bool)])
    func names(host: String, isOwn: Bool) throws {
        let authenticator = AddressAuthenticator(
            try HTTPFaceOptions(address: "127.0.0.1:5200"), secret: Secret("0123456789abcdef"))
        let peer = HTTPPeer.tcp(address: "127.0.0.1", port: 1, localPort: 5200)
        let headers: HTTPHeaders = ["Host": host, "Authorization": "Bearer 0123456789abcdef"]
        #expect(answer(authenticator, headers, peer) == (isOwn ? 200 : 421))
        #expect(answer(authenticator, ["Authorization": "Bearer 0123456789abcdef"], peer) == 421)
    }

    @Test("in a trusted network any address may be the name, and so may an added name")
    func moreNames() throws {
        var options = try HTTPFaceOptions(address: "0.0.0.0:5200")
        options.trustsNetwork = true
        options.allowedHosts = ["MM.example.com"]
        let authenticator = AddressAuthenticator(options, secret: nil)
        let peer = HTTPPeer.tcp(address: "10.0.0.7", port: 1, localPort: 2)
        for (host, status) in [
            ("10.0.0.1", 200), ("[fe80::1]:80", 200), ("mm.example.COM", 200), ("10.0.0.256", 421), ("10.0.1", 421),
            ("mm.example.com.evil.example", 421),
        ] {
            #expect(answer(authenticator, ["Host": host], peer) == status, "\(host)")
        }
    }

    @Test("all of several origins have to be pages of this server", arguments: [[0, 1], [1, 0], [0, 1, 0], [0, 0]])
    func severalOrigins(order: [Int]) throws {
        let authenticator = AddressAuthenticator(
            try HTTPFaceOptions(address: "127.0.0.1:5200"), secret: Secret("0123456789abcdef"))
        var headers: HTTPHeaders = ["Host": "localhost:5200", "Authorization": "Bearer 0123456789abcdef"]
        for one in order { headers.add("Origin", ["http://localhost:5200", "https://evil.example"][one]) }
        let peer = HTTPPeer.tcp(address: "127.0.0.1", port: 1, localPort: 5200)
        #expect(answer(authenticator, headers, peer) == (order.contains(1) ? 403 : 200))
    }

    @Test(
        "the name is read from a Host header, invalid ones have none",
        arguments: [
            ("LOCALHOST:5200", "localhost"), ("127.0.0.1", "127.0.0.1"), ("[::1]:80", "[::1]"), ("a.b:x", nil),
            ("", nil), ("a/b", nil), ("user@host", nil), ("h:99999", nil), ("h:", nil), ("[::1", nil),
        ] as [(String, String?)])
    func hosts(header: String, name: String?) {
        #expect(HostName(header)?.text == name)
    }
}
