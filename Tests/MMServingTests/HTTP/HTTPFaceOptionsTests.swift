import Glibc
import MMCore
import MMIdentity
import MMMCP
import Testing

@testable import MMServing

@Suite("Options of a server at an address", .timeLimit(.minutes(5)))
struct HTTPFaceOptionsTests {
    @Test(
        "addresses as people write them",
        arguments: [
            ("127.0.0.1:8365", "127.0.0.1", 8365), ("127.0.0.1", "127.0.0.1", 8365), ("localhost:1", "localhost", 1),
            ("LOCALHOST", "localhost", 8365), ("[::1]:9", "::1", 9), ("::1", "::1", 8365), ("9000", "127.0.0.1", 9000),
            ("127.0.0.1:0", "127.0.0.1", 0), ("127.1.2.3:80", "127.1.2.3", 80),
        ])
    func addresses(text: String, host: String, port: Int) throws {
        let options = try #require(try MCPFaceOptions(words: ["--http", text]).http)
        #expect(options.host == host)
        #expect(Int(options.port) == port)
        #expect(options.isLoopback)
    }

    @Test(
        "the router of isolated pools listens where its flag or ROUTER_PORT says",
        arguments: [([], nil, "127.0.0.1:5200"), ([], "5300", "127.0.0.1:5300"), (["[::1]:9"], "5300", "[::1]:9")]
            as [([String], String?, String)])
    func router(given: [String], port: String?, address: String) throws {
        let environment = port.map { ["ROUTER_PORT": $0] } ?? [:]
        #expect(try IsolatedCommands.address(of: given, environment) == address)
    }

    @Test("a bad ROUTER_PORT is refused by its name") func routerPort() throws {
        let error = try #require(throws: MMError.self) {
            try IsolatedCommands.address(of: [], ["ROUTER_PORT": "x"])
        }
        #expect(error.message.contains("ROUTER_PORT"), "\(error)")
    }

    @Test(
        "an invalid address is refused with a message",
        arguments: [
            "x:1", ":8365", "http://127.0.0.1:1", "127.0.0.1:", "127.0.0.1:65536", "[::1", "[::1]x", "1.2.3.4.5", "-1",
        ])
    func noAddresses(text: String) {
        #expect { try MCPFaceOptions(words: ["--http=\(text)"]) } throws: { error in
            (error as? MMError)?.code == .invalidInput && (error as? MMError)?.hint != nil
        }
    }

    @Test(
        "addresses beyond this machine need a secret with a proxy, or a trusted network",
        arguments: ["0.0.0.0", "192.0.2.1:8365", "[::]:8365", "::"])
    func beyond(address: String) throws {
        for words in [[], ["--token-file", "/x"], ["--behind-proxy"], ["--allow-host", "mm.example"]] {
            #expect(throws: MMError.self) { try MCPFaceOptions(words: ["--http", address] + words) }
        }
        for words in [["--behind-proxy", "--token-file", "/x"], ["--trust-network"]] {
            #expect(try MCPFaceOptions(words: ["--http", address] + words).http?.isLoopback == false)
        }
    }

    @Test(
        "options for listening need --http",
        arguments: [
            "--token-file=x", "--trust-network", "--behind-proxy", "--allow-host=x", "--tls-cert=x", "--tls-key=x",
        ])
    func lonely(word: String) {
        #expect(throws: MMError.self) { try MCPFaceOptions(words: [word]) }
    }

    @Test("access tokens suffice for an address beyond this machine, with TLS or a proxy")
    func accessTokens() throws {
        let oauth = ["--oauth-issuer", "https://issuer.example", "--oauth-audience", "a,b"]
        #expect(throws: MMError.self) { try MCPFaceOptions(words: ["--http", "0.0.0.0"] + oauth) }
        let options = try MCPFaceOptions(words: ["--http", "0.0.0.0", "--behind-proxy"] + oauth)
        #expect(options.http?.oauth?.policy.audiences == ["a", "b"])
        #expect(options.callLimits?.perMinute == 300)
        #expect(try MCPFaceOptions(words: ["--http", "1"]).callLimits == nil)
    }

    @Test(
        "access tokens exclude other ways, and need one issuer and an audience",
        arguments: [
            ["--oauth-audience", "a"], ["--oauth-issuer", "https://issuer.example"],
            ["--oauth-issuer", "http://issuer.example", "--oauth-audience", "a"],
            ["--oauth-issuer", "https://issuer.example?x=1", "--oauth-audience", "a"],
            ["--oauth-issuer", "https://login.microsoftonline.com/common/v2.0", "--oauth-audience", "a"],
            ["--oauth-issuer", "https://issuer.example", "--oauth-audience", "a", "--token-file", "/x"],
            ["--oauth-issuer", "https://issuer.example", "--oauth-audience", "a", "--trust-network"],
            ["--oauth-issuer", "https://issuer.example", "--oauth-audience", "a", "--oauth-scopes", "a\"b"],
            ["--oauth-file", "/nowhere/oauth.json"],
        ])
    func wrongAccessTokens(words: [String]) {
        #expect {
            try MCPFaceOptions(words: ["--http", "1"] + words)
        } throws: { error in
            (error as? MMError)?.hint != nil || (error as? MMError)?.message.contains("scope") == true
        }
        #expect(throws: MMError.self) { try MCPFaceOptions(words: words) }
    }

    @Test("longer settings may be in a file, each given once")
    func oauthFile() throws {
        let home = try ServingHome()
        try home.write(
            "oauth.json",
            """
            {"issuer": "https://login.microsoftonline.com/organizations/v2.0", "audience": "app",
             "tenants": ["11111111-1111-4111-8111-11111111111A"], "groups": ["g1", "g2"]}
            """)
        let words = ["--http", "1", "--oauth-file", home["oauth.json"]]
        let oauth = try #require(try MCPFaceOptions(words: words).http?.oauth)
        #expect(oauth.policy.groups == ["g1", "g2"])
        #expect(oauth.policy.tenants == ["11111111-1111-4111-8111-11111111111a"])
        #expect(throws: MMError.self) { try MCPFaceOptions(words: words + ["--oauth-groups", "g3"]) }
        for text in ["[]", #"{"issuer": 1}"#, #"{"issuers": "x"}"#, #"{"groups": [1]}"#] {
            try home.write("oauth.json", text)
            #expect(throws: MMError.self) { try MCPFaceOptions(words: words) }
        }
    }

    @Test("a certificate and its key need each other", arguments: ["--tls-cert=x", "--tls-key=x"])
    func halves(word: String) {
        #expect {
            try MCPFaceOptions(words: ["--http", "1", word])
        } throws: { error in
            (error as? MMError)?.code == .invalidInput
        }
    }

    @Test("names have to be host names", arguments: ["http://x", "x:1", "x/y", "", "a b", "*"])
    func names(name: String) {
        #expect(throws: MMError.self) { try MCPFaceOptions(words: ["--http", "1", "--allow-host", name]) }
    }

    @Test("several names are allowed, and another public address")
    func several() throws {
        let options = try MCPFaceOptions(
            words: ["--http", "192.0.2.1:1", "--trust-network", "--allow-host", "A.example", "--allow-host", "[::1]"])
        #expect(options.http?.hostNames == ["a.example", "[::1]", "192.0.2.1"])
        #expect(try MCPFaceOptions(words: ["--http", "0.0.0.0:1", "--trust-network"]).http?.hostNames == [])
        #expect(try MCPFaceOptions(words: ["--http", "127.0.0.2:1"]).http?.hostNames == ["127.0.0.2"])
    }
}

@Suite("The token file", .timeLimit(.minutes(5)))
struct BearerSecretTests {
    @Test("one line of 16 characters and more")
    func good() throws {
        let home = try ServingHome()
        try home.write("token", "0123456789abcdef\n")
        #expect(try BearerSecret.read(home["token"]).reveal() == "0123456789abcdef")
    }

    @Test(
        "short, empty, binary or with two lines: refused",
        arguments: ["short", "", "0123456789abcdef\n0123456789abcdef", "0123456789abcdef\u{1}", "0123456789abcdeé"])
    func bad(text: String) throws {
        let home = try ServingHome()
        try home.write("token", text)
        let error = try #require(throws: MMError.self) { try BearerSecret.read(home["token"]) }
        #expect(error.code == .invalidInput)
        #expect(!error.description.contains("0123456789"))
    }

    @Test("missing, readable by others, or a link: refused")
    func unprotected() throws {
        let home = try ServingHome()
        #expect(throws: MMError.self) { try BearerSecret.read(home["none"]) }
        try home.write("token", "0123456789abcdef")
        #expect(chmod(home["token"], 0o640) == 0)
        #expect { try BearerSecret.read(home["token"]) } throws: { ($0 as? MMError)?.code == .forbidden }
        #expect(chmod(home["token"], 0o600) == 0)
        #expect(symlink(home["token"], home["link"]) == 0)
        #expect(throws: MMError.self) { try BearerSecret.read(home["link"]) }
    }
}
