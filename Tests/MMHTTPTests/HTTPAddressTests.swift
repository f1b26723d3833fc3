import Testing

@testable import MMHTTP

@Suite("Addresses", .timeLimit(.minutes(5)))
struct HTTPAddressTests {
    @Test(
        "a plain URL gives its host",
        arguments: [
            ("https://graph.microsoft.com/v1.0/me?$top=1", "graph.microsoft.com"), ("HTTPS://a.b:8443", "a.b"),
            ("http://127.0.0.1:1/x", "127.0.0.1"), ("http://[::1]:80/", "::1"),
            ("https://x_y-z.example?q", "x_y-z.example"),
            ("https://login.microsoftonline.com/a/b/%2e%2e/c", "login.microsoftonline.com"),
        ])
    func good(url: String, host: String) throws {
        #expect(try HTTPAddress(url).host == host)
    }

    @Test(
        "a URL that could be read as another host is refused",
        arguments: [
            "", "/v1.0/me", "ftp://a/", "https:/a", "https://", "https:///path", "https://?q", "https://user@host/",
            "https://user:pw@host/", "https://ho%73t/", "https://host\\@evil/", "https://host /", "https://host/a b",
            "https://host/\u{0}", "https://host/\r\nX: y", "https://höst/", "https://host/ä", "https://host#@evil/",
            "https://host:/", "https://host:0/", "https://host:99999/", "https://host:8a/", "https://[::1/",
            "https://[]/", "https://[host]/", "https://[::1]x/", "https://[fe80::1%25eth0]/", "https://.host/",
            "https://-host/", "https://2130706433/", "https://0x7f000001/", "https://127.1/", "https://0177.0.0.1/",
            "https://127.0.0.01/", "https://1.2.3.256/", "https://a.0x1/", "https://0X7F000001/",
            "https://a.0X1/", "https://host,evil/", "file:///etc/passwd",
        ])
    func bad(url: String) {
        #expect(throws: HTTPError.self) { try HTTPAddress(url) }
    }

    @Test("an overlong URL is refused")
    func long() {
        #expect(throws: HTTPError.self) { try HTTPAddress("https://host/" + String(repeating: "a", count: 40_000)) }
    }

    @Test(
        "only the literal names of loopback count as loopback",
        arguments: [
            ("http://127.0.0.1/", true), ("http://127.255.0.9:99/", true), ("http://[::1]/", true),
            ("http://LocalHost/", true), ("http://localhost.example/", false), ("http://128.0.0.1/", false),
            ("http://127.0.0.1.example/", false), ("http://[::2]/", false), ("http://0.0.0.0/", false),
            ("http://sub.localhost/", false),
        ])
    func loopback(url: String, isLoopback: Bool) throws {
        #expect(try HTTPAddress(url).isLoopback == isLoopback)
    }

    @Test("a URL is shown without query, fragment and user information")
    func display() throws {
        #expect(try HTTPAddress("https://a/b?sig=secret").display == "https://a/b?…")
        #expect(HTTPAddress.withoutQuery("https://u:secret@a/b#secret") == "https://a/b?…")
        #expect(HTTPAddress.withoutQuery("https://a/b") == "https://a/b")
    }
}
