import MMHTTP
import Testing

@Suite("Protection against foreign names and pages", .timeLimit(.minutes(5)))
struct PageRuleTests {
    private static let local: Set<String> = ["localhost", "127.0.0.1", "[::1]", "mm.example.com"]
    private static let peer = HTTPPeer.tcp(address: "127.0.0.1", port: 40_000, localPort: 5200)

    private func status(
        _ headers: HTTPHeaders, method: String = "POST",
        rule: PageRule = PageRule(names: local, mapped: ["mm.example.com"]),
        peer: HTTPPeer = peer
    ) -> Int {
        let request = HTTPServerRequest(method: method, target: "/mcp", headers: headers, peer: peer)
        return rule.refusal(of: request)?.status ?? 200
    }

    @Test(
        "a name has to match the port that was reached, unless a proxy may have changed it",
        arguments: [
            ("127.0.0.1:5200", 200), ("localhost", 200), ("[::1]:5200", 200), ("LOCALHOST:5200", 200),
            ("localhost:3000", 421), ("127.0.0.1:80", 421), ("[::1]:1", 421), ("mm.example.com:8443", 200),
            ("mm.example.com", 200), ("evil.example", 421), ("localhost.evil.example:5200", 421),
            ("localhost:80:80", 421),
            ("10.0.0.1:5200", 421), ("", 421),
        ] as [(String, Int)])
    func names(host: String, expected: Int) {
        #expect(status(["Host": host]) == expected)
    }

    @Test("a refused name is told, and how a server gets another one")
    func told() {
        let request = HTTPServerRequest(
            method: "POST", target: "/mcp", headers: ["Host": "mm.contoso.com"], peer: Self.peer)
        let message = PageRule(names: Self.local).refusal(of: request)?.message ?? ""
        #expect(message.contains("`mm.contoso.com`") && message.contains("--allow-host"), "\(message)")
    }

    @Test("a request without a name is refused; over a socket there is no port to compare")
    func missing() {
        #expect(status([:]) == 421)
        #expect(status(["Host": "localhost:1"], peer: .unix(uid: 1, pid: 1)) == 200)
    }

    @Test("a container network has its own ports and numeric names")
    func mapped() {
        let rule = PageRule(names: Self.local, admitsNumericHosts: true, isMapped: true)
        for host in ["localhost:8080", "10.0.0.1:80", "[fe80::1]"] {
            #expect(status(["Host": host], rule: rule) == 200)
        }
        #expect(status(["Host": "10.0.0.256"], rule: rule) == 421)
    }

    @Test(
        "a page of another server on this machine is foreign",
        arguments: [
            ("http://localhost:5200", 200), ("HTTP://LOCALHOST:5200", 200), ("https://mm.example.com:8443", 200),
            ("http://localhost:3000", 403), ("http://localhost", 403), ("http://127.0.0.1:5200", 403),
            ("http://[::1]:1", 403), ("null", 403), ("", 403), ("file://", 403), ("https://evil.example", 403),
            ("http://localhost:5200@evil.example", 403), ("chrome-extension://abc", 403),
        ] as [(String, Int)])
    func origins(origin: String, expected: Int) {
        #expect(status(["Host": "localhost:5200", "Origin": origin]) == expected)
    }

    @Test("all of several origins have to be pages of this server")
    func several() {
        var headers: HTTPHeaders = ["Host": "localhost:5200", "Origin": "http://localhost:5200"]
        headers.add("Origin", "https://evil.example")
        #expect(status(headers) == 403)
    }

    @Test(
        "the browser's information about cross-site requests is used",
        arguments: [
            ("cross-site", 403), ("same-site", 403), ("Cross-Site", 403), ("anything", 403), ("same-origin", 200),
            ("none", 200),
        ] as [(String, Int)])
    func sites(site: String, expected: Int) {
        for method in ["GET", "POST"] {
            #expect(status(["Host": "localhost:5200", "Sec-Fetch-Site": site], method: method) == expected)
        }
    }

    @Test("a link that a person follows may only open a page")
    func links() {
        var headers: HTTPHeaders = [
            "Host": "localhost:5200", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate",
            "Sec-Fetch-Dest": "document",
        ]
        #expect(status(headers, method: "GET") == 200)
        #expect(status(headers, method: "POST") == 403)
        headers.set("Sec-Fetch-Dest", "iframe")
        #expect(status(headers, method: "GET") == 403)
    }
}
