import MMCore
import MMHTTP
import MMIdentity
import TestSupport
import Testing

@testable import MMEgress

@Suite("A cloud that answers at another one's addresses", .timeLimit(.minutes(5)))
struct StandInTests {
    private static let base = "http://127.0.0.1:4711"

    private func hosts() throws -> EgressHosts {
        let paths = StatePaths(environment: ["HOME": "/nonexistent"])
        let cloud = try Cloud.named("sandbox", paths: paths, environment: ["MM_SANDBOX_URL": Self.base])
        let known = try #require(Cloud.worldwide)
        return EgressHosts(cloud: cloud, standIn: StandIn(cloud, for: known, sharePoint: "contoso"))
    }

    @Test(
        "requests to the addresses that programs know are sent to it",
        arguments: [
            "graph.microsoft.com", "login.microsoftonline.com", "management.azure.com", "outlook.office365.com",
            "api.bap.microsoft.com", "contoso.sharepoint.com", "contoso.vault.azure.net", "files.blob.core.windows.net",
        ])
    func reached(_ host: String) throws {
        let name = try #require(PlainHostName(host + ":443"))
        let place = try #require(try hosts().place(name, isSecure: true))
        #expect(place.origin == Self.base && place.ownOrigin == "https://\(host)")
        #expect(!place.isSentSecurely && place.isSecure && place.isNamed(by: host))
        #expect(place.owner == .service && !place.isOpenToStrangers)
    }

    @Test(
        "hosts that it doesn't serve stay unknown",
        arguments: ["example.com", "contoso.crm.dynamics.com", "www.powershellgallery.com"])
    func foreign(_ host: String) throws {
        let name = try #require(PlainHostName(host + ":443"))
        #expect(try hosts().place(name, isSecure: true) == nil)
    }

    @Test("it accepts tokens for these addresses")
    func audiences() throws {
        let graph = try #require(PlainHostName("graph.microsoft.com:443"))
        let place = try #require(try hosts().place(graph, isSecure: true))
        #expect(place.accepts(audience: "https://graph.microsoft.com/"))
        #expect(!place.accepts(audience: "https://management.azure.com"))
    }

    @Test("its own address is replaced in a text, however that is divided into pieces")
    func rewritten() {
        var random = SeededRandom(seed: 11)
        for _ in 0..<2_000 {
            let words = ["http://a:1", "http://a:12", "h", "ht", "http://a:", "x", "http://", "hhttp://a:1", "\"", "é"]
            let text = (0..<Int.random(in: 0...12, using: &random)).map { _ in words.randomElement(using: &random) ?? ""
            }
            .joined()
            var rewriter = AddressRewriter("http://a:1", to: "https://graph.microsoft.com")
            var rest = Array(text.utf8)[...]
            var result: [UInt8] = []
            while !rest.isEmpty {
                let count = Int.random(in: 1...rest.count, using: &random)
                result += rewriter.take(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            result += rewriter.end()
            #expect(
                String(decoding: result, as: UTF8.self)
                    == text.replacing("http://a:1", with: "https://graph.microsoft.com"))
        }
    }
}
