import Glibc
import MMCore
import MMHTTP
import MMSystem
import TestSupport
import Testing

@testable import MMEgress

/// Searches for secrets in everything that a session's process has.
@Suite("Memory of a session's process", .timeLimit(.minutes(10)))
struct ProcessMemoryTests {
    private static let python = ExecutableSearch.find("python3", path: "/usr/bin:/bin")

    /// Signs in, calls a service, keeps everything it got in memory and in a file, says so and waits.
    private static let script = """
        import json, sys, urllib.request, urllib.parse
        kept = []
        def ask(url, form=None, token=None):
            request = urllib.request.Request(url, data=urllib.parse.urlencode(form).encode() if form else None)
            if token: request.add_header("Authorization", "Bearer " + token)
            kept.append(urllib.request.urlopen(request).read())
            return json.loads(kept[-1])
        login = "https://login.microsoftonline.com/organizations/oauth2/v2.0"
        code = ask(login + "/devicecode", {"client_id": "app", "scope": "offline_access"})
        tokens = ask(login + "/token", {"client_id": "app", "device_code": code["device_code"]})
        ask("https://graph.microsoft.com/v1.0/me", token=tokens["access_token"])
        renewed = ask(login + "/token", {"client_id": "app", "refresh_token": tokens["refresh_token"]})
        ask("https://graph.microsoft.com/v1.0/me", token=sys.argv[1])
        open(sys.argv[2], "w").write(json.dumps([code, tokens, renewed]))
        print(tokens["access_token"][-40:], flush=True)
        sys.stdin.read()
        """

    @Test("contains no real token, nor do its environment and files", .enabled(if: python != nil, "needs python3"))
    func dump() async throws {
        let access = TestToken.access(audience: "https://graph.microsoft.com")
        let secrets = [
            "1.AXoAreal-refresh_token.0123456789abcdefghijklmnopqrstuvwxyz",
            "DAQABreal-device_code.0123456789abcdefghijklmn",
            String(access.split(separator: ".")[2]), "real-token-of-admin@contoso.com",
        ]
        let upstream = try Upstream { request in
            let answer: JSONValue =
                switch request.path.split(separator: "/").last {
                case "devicecode":
                    [
                        "device_code": .string(secrets[1]), "user_code": "ABC",
                        "verification_uri": "https://x.example/", "expires_in": 900,
                    ]
                case "token":
                    [
                        "access_token": .string(access), "refresh_token": .string(secrets[0]), "expires_in": 3_600,
                        "id_token": .string(TestToken.identity()), "scope": "https://graph.microsoft.com/.default",
                    ]
                default: [:]
                }
            return HTTPServerResponse(
                headers: ["Content-Type": "application/json"], body: .bytes(JSONWriter.bytes(answer)))
        }
        let wire = try await TestWire(upstream: upstream.port)
        let file = wire.home.path + "/kept.json"
        var environment = wire.session.environment
        environment["PATH"] = "/usr/bin:/bin"
        var command = ChildCommand(
            try #require(Self.python), ["-c", Self.script, try wire.placeholder(), file], environment: environment)
        command.input = .pipe
        let child = try await ChildProcess.start(command)
        defer { child.signalGroup(SIGKILL) }
        let ready = try #require(try await child.output?.read())
        let placeholder = String(decoding: ready, as: UTF8.self).filter { !$0.isNewline }
        try #require(placeholder.utf8.count == 40)

        let sent = upstream.received.compactMap { $0.headers["authorization"] }
        #expect(sent == ["Bearer \(access)", "Bearer real-token-of-admin@contoso.com-for-graph.microsoft.com"])
        let memory = try ProcessMemory.bytes(of: child.pid)
        let environ = ProcFile.read("/proc/\(child.pid)/environ", limit: 1 << 20) ?? []
        let files = try ProtectedFile.read(file) ?? []
        // The search works: it finds the placeholder.
        #expect(Self.holds(memory, placeholder) && Self.holds(files, placeholder))
        for secret in secrets {
            for place in [memory, environ, files] { #expect(!Self.holds(place, secret)) }
        }
        await wire.session.close()
        await upstream.stop()
    }

    private static func holds(_ bytes: [UInt8], _ text: String) -> Bool {
        ByteSearch.find(Array(text.utf8), in: bytes) != nil
    }
}
