import Glibc
import MMCore
import MMSystem
import TestSupport
import Testing

@testable import MMEgress

@Suite("Certificate authority of a session", .timeLimit(.minutes(5)))
struct SessionAuthorityTests {
    private static let openssl = ExecutableSearch.find("openssl", path: "/usr/bin:/bin")

    @Test("each session has its own authority, and creates one leaf per name")
    func leaves() throws {
        let (one, other) = (try SessionAuthority(), try SessionAuthority())
        #expect(one.pem != other.pem && one.pem.hasPrefix("-----BEGIN CERTIFICATE-----"))
        #expect(!one.pem.contains("PRIVATE KEY"))
        func connect(_ text: String) throws {
            let name = try #require(PlainHostName(text))
            _ = try one.connection(for: name)
        }
        for _ in 0..<3 { try connect("graph.microsoft.com") }
        #expect(one.leafCount == 1)
        for number in 0..<300 { try connect("a\(number).blob.core.windows.net") }
        #expect(one.leafCount == 256)
    }

    @Test(
        "strict clients accept the authority's certificate",
        .enabled(if: openssl != nil, "needs openssl (apt-get install openssl)"))
    func certificate() async throws {
        let home = try TestHome()
        let file = home.path + "/ca.pem"
        try ProtectedFile.replace(file, with: Array(try SessionAuthority().pem.utf8))
        let shown = try await ChildProcess.run(
            ChildCommand(
                try #require(Self.openssl), ["x509", "-in", file, "-noout", "-text"],
                environment: ["PATH": "/usr/bin:/bin"]), timeout: .seconds(300))
        let text = String(decoding: shown.output, as: UTF8.self)
        for words in ["CA:TRUE, pathlen:0", "Certificate Sign", "Subject Key Identifier", "prime256v1"] {
            #expect(text.contains(words), "\(words)")
        }
    }
}
