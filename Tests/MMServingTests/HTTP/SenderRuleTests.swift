import Glibc
import MMCore
import MMHTTP
import MMMCP
import Testing

@testable import MMServing

@Suite("Identifying the sender of a request", .timeLimit(.minutes(5)))
struct SenderRuleTests {
    /// The result of the rule in one word.
    private func verdict(
        _ words: [String] = [], secret: Bool = false, user: UInt32 = geteuid(), headers: HTTPHeaders = [:],
        peer: HTTPPeer = .unix(uid: geteuid(), pid: 1)
    ) throws -> String {
        let options = try #require(try MCPFaceOptions(words: ["--http", "127.0.0.1:0"] + words).http)
        var all: HTTPHeaders = ["Host": "127.0.0.1:8365"]
        for field in headers { all.set(field.name, field.value) }
        let request = HTTPServerRequest(method: "POST", target: "/mcp", headers: all, peer: peer)
        return switch SenderRule(options, hasSecret: secret, user: user).judge(request) {
        case .known(let principal): principal.name
        case .asked: "asked"
        case .refused: "refused"
        }
    }

    @Test("a program of the same user is recognised, with or without a secret")
    func sameUser() throws {
        #expect(try verdict() == "uid:\(geteuid())")
        #expect(try verdict(secret: true) == "uid:\(geteuid())")
    }

    @Test("a program of another user is refused, or asked for the secret")
    func otherUser() throws {
        #expect(try verdict(user: geteuid() &+ 1) == "refused")
        #expect(try verdict(secret: true, user: geteuid() &+ 1) == "asked")
    }

    @Test("a caller on another machine is refused, needs the secret, or is admitted if the network is trusted")
    func otherMachine() throws {
        let peer = HTTPPeer.tcp(address: "192.0.2.7", port: 40_000, localPort: 8365)
        #expect(try verdict(peer: peer) == "refused")
        #expect(try verdict(secret: true, peer: peer) == "asked")
        #expect(try verdict(["--trust-network"], peer: peer) == "asked")
    }

    @Test("a secret has to be right, even from the same user")
    func givenSecret() throws {
        #expect(try verdict(secret: true, headers: ["Authorization": "Bearer x"]) == "asked")
        #expect(try verdict(secret: false, headers: ["Authorization": "Bearer x"]) == "uid:\(geteuid())")
    }

    @Test(
        "a proxy of the same user doesn't identify the caller",
        arguments: ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via", "x-forwarded-for"])
    func proxies(header: String) throws {
        let forwarded = HTTPHeaders([.init(name: header, value: "192.0.2.7")])
        #expect(try verdict(headers: forwarded) == "refused")
        #expect(try verdict(secret: true, headers: forwarded) == "asked")
        #expect(try verdict(["--behind-proxy"], secret: true) == "asked")
        #expect(try verdict(["--behind-proxy"]) == "refused")
    }
}
