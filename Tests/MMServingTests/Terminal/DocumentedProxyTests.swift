import MMCore
import MMSystem
import TestSupport
import Testing

@Suite("Configurations of proxies in the documentation", .timeLimit(.minutes(5)))
struct DocumentedProxyTests {
    private static let program = ExecutableSearch.find("nginx", path: "/usr/sbin:/usr/bin")

    @Test("are accepted by nginx", .enabled(if: program != nil, "needs nginx"), arguments: DocumentedPages.all)
    func nginx(page: String) async throws {
        let folder = try TestFolder.make()
        defer { TestFolder.remove(folder) }
        for server in try DocumentedPages.text(page).split(separator: "```nginx\n").dropFirst() {
            // A test needs neither port 443 nor a certificate.
            let text = String(server.prefix { $0 != "`" })
                .replacing("listen 443 ssl;", with: "listen unix:\(folder)/socket;")
            let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { "\($0)_temp_path \(folder)/\($0);" }
            let configuration = """
                pid \(folder)/pid; error_log stderr;
                events {}
                http { access_log off; \(paths.joined(separator: " ")) \(text) }
                """
            try ProtectedFile.replace(folder + "/nginx.conf", with: Array(configuration.utf8))
            let tested = try await ChildProcess.run(
                ChildCommand(
                    try #require(Self.program), ["-t", "-c", folder + "/nginx.conf", "-p", folder], environment: [:]),
                timeout: .seconds(60))
            #expect(tested.exit == .status(0), "\(page): \(String(decoding: tested.error, as: UTF8.self))")
        }
    }
}
