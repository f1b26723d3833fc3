import Glibc
import MMCore
import MMGuard
import MMHTTP
import MMShell
import MMSystem
import TestSupport
import Testing

@testable import MMOperations

private enum Tools {
    static let openssl = ExecutableSearch.find("openssl", path: "/usr/bin:/bin")
    static let curl = ExecutableSearch.find("curl", path: "/usr/bin:/bin")
    static let git = ExecutableSearch.find("git", path: "/usr/bin:/bin")
    static let python = ExecutableSearch.find("python3", path: "/usr/bin:/bin")
    static let canTry = SandboxProfile.workspaceProblem(.ports([443])) == nil && openssl != nil
}

/// Shells whose owner lists hosts, with a server on this machine that speaks TLS and one that doesn't.
@Suite(
    "Shells that reach listed hosts alone", .timeLimit(.minutes(10)),
    .enabled(if: Tools.canTry, "needs Landlock and openssl"))
struct ShellNetworkTests {
    /// Somebody who says yes.
    private struct Somebody: ConfirmingPerson {
        func showSignIn(_ details: JSONObject) async {}
        func confirm(_ question: ConfirmationQuestion) async throws(MMError) -> Bool { true }
    }

    /// The requests that reached a server.
    private final class Received: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
    }

    private let home: JobHome
    private let service: LocalOperationService
    private let received = Received()
    private let listed: HTTPListener
    private let plain: HTTPListener
    private let other: HTTPListener

    init() async throws {
        Signals.ignoreBrokenPipes()
        home = JobHome { ["SSL_CERT_FILE": $0 + "/server.pem", "TMPDIR": $0 + "/tmp"] }
        mkdir(home.path, 0o700)
        mkdir(home.path + "/tmp", 0o700)
        mkdir(home.path + "/work", 0o755)
        let (pem, key) = (home.path + "/server.pem", home.path + "/server.key")
        let made = try await ChildProcess.run(
            ChildCommand(
                try #require(Tools.openssl),
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                    key,
                    "-out", pem, "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                ], environment: ["PATH": "/usr/bin:/bin"]), timeout: .seconds(300))
        try #require(made.exit == .status(0))
        chmod(key, 0o600)
        let (received, root) = (received, home.path + "/served")
        let certificate = try ServerCertificate(certificate: pem, key: key)
        let answer: @Sendable (HTTPServerRequest) async -> HTTPServerResponse = { request in
            received.add("\(request.method) \(request.path) \(request.body.count)")
            if let file = try? ProtectedFile.read(root + request.path) { return HTTPServerResponse(body: .bytes(file)) }
            return request.path.hasPrefix("/repo") ? .text("", status: 404) : .text("answer to \(request.method)")
        }
        listed = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0), certificate: certificate, handler: answer)
        other = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0), certificate: certificate, handler: answer)
        plain = try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0), handler: answer)
        service = LocalOperationService(services: home.services)
        try configure([
            "directory": .string(home.path + "/work"), "network": "egress",
            "hosts": [.string("localhost:\(listed.port)"), .string("localhost:\(plain.port)"), "*.allowed.example"],
        ])
    }

    private func configure(_ members: JSONObject) throws {
        try ProtectedFile.replace(home.path + "/.m365-shells.json", with: JSONWriter.bytes(.object(members)))
    }

    private func run(_ command: String, shell: String? = nil) async throws -> JSONValue {
        let context = CallContext(
            caller: Caller(surface: .mcp, name: "test", server: nil), timeLimit: .seconds(600),
            sessionID: "network", person: Somebody())
        var arguments: JSONObject = ["command": .string(command), "yield": 600, "timeout": 600]
        if let shell {
            arguments["shell"] = .string(shell)
            arguments["session"] = .string(shell)
        }
        guard case .value(let value) = try await service.call("shell_run", arguments, in: context).body else {
            throw MMError(.internalError, "no value")
        }
        return value
    }

    /// The audit lines of the requests. The line of the last one may come a moment after the call that sent it.
    private func requests(_ count: Int) async throws -> [JSONObject] {
        _ = try await eventually { try await written().count >= count }
        return try await written()
    }

    private func written() async throws -> [JSONObject] {
        await home.services.sent.flush()
        let text = String(decoding: try ProtectedFile.read(home.services.paths.auditLog) ?? [], as: UTF8.self)
        return try text.split(separator: "\n").compactMap { try JSONParser.parse(String($0)).object }
            .filter { $0["operation"] == "request" }
    }

    private func end() async {
        await home.services.close()
        for listener in [listed, plain, other] { await listener.stop(graceful: .zero) }
    }

    @Test(
        "curl reads and writes there, and its requests are recorded with the call",
        .enabled(if: Tools.curl != nil, "needs curl"))
    func curl() async throws {
        let origin = "https://localhost:\(listed.port)"
        let read = try await run("curl -sS \(origin)/a; curl -sS -X PUT -d 12345 \(origin)/b")
        #expect(read["stdout"] == "answer to GETanswer to PUT", "\(read)")
        #expect(read["sandbox_note"]?.string?.contains("localhost:\(listed.port)") == true)
        #expect(read["network_note"] == nil)
        let clear = try await run("curl -sS http://localhost:\(plain.port)/c")
        #expect(clear["stdout"] == "answer to GET", "\(clear)")
        #expect(received.all == ["GET /a 0", "PUT /b 5", "GET /c 0"])
        let lines = try await requests(3)
        try #require(lines.map { $0["method"] } == ["GET", "PUT", "GET"])
        #expect(lines.map { $0["class"] } == ["read", "write", "read"])
        #expect(lines.allSatisfy { $0["call"]?.string != nil && $0["module"] == "shell" && $0["session"] == "default" })
        #expect(lines[0]["call"] == lines[1]["call"] && lines[1]["call"] != lines[2]["call"])
        await end()
    }

    @Test(
        "what isn't listed is refused by name, with the key that adds it", .enabled(if: Tools.curl != nil, "needs curl")
    )
    func refused() async throws {
        let file = home.path + "/.m365-shells.json"
        let answer = try await run(
            "curl -sS https://evil.example/; curl -sS https://localhost:\(other.port)/; curl -sS https://127.0.0.1:\(listed.port)/"
        )
        #expect(answer["exit_code"] != 0)
        let note = try #require(answer["network_note"]?.string)
        for part in ["evil.example, localhost:\(other.port), 127.0.0.1:\(listed.port)", "`hosts`", file] {
            #expect(note.contains(part), "\(note)")
        }
        let plainly = try await run("curl -sS http://evil.example/")
        let body = try #require(plainly["stdout"]?.string)
        #expect(body.contains("evil.example") && body.contains("`hosts` in \(file)"), "\(plainly)")
        #expect(received.all.isEmpty)
        #expect(try await requests(4).map { $0["outcome"] } == Array(repeating: "host_not_allowed", count: 4))
        await end()
    }

    @Test(
        "sockets that go past it are refused: TCP to other ports, UDP, Unix sockets, listening",
        .enabled(if: Tools.python != nil, "needs python3"))
    func sockets() async throws {
        let script = """
            import socket
            def attempt(name, work):
                try: work(); print(name, "done")
                except OSError as error: print(name, error.errno)
            attempt("tcp", lambda: socket.create_connection(("127.0.0.1", \(listed.port)), 5))
            attempt("udp", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            attempt("unix", lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            attempt("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
            attempt("listen", lambda: socket.socket().listen())
            """
        let direct = try await run(
            "exec 3<>/dev/tcp/127.0.0.1/\(listed.port) && echo open; python3 - <<'END'\n\(script)\nEND")
        #expect(direct["stdout"] == "tcp 13\nudp 1\nunix 1\nraw 1\nlisten 1\n", "\(direct)")
        let around = try await run("curl -sS --noproxy '*' --max-time 20 https://localhost:\(listed.port)/")
        #expect(around["exit_code"] != 0)
        #expect(received.all.isEmpty)
        await end()
    }

    @Test(
        "Python finds the way by its variables alone, also as the session's own language",
        .enabled(if: Tools.python != nil, "needs python3"))
    func pythonClient() async throws {
        let lines = """
            import urllib.request
            print(urllib.request.urlopen("https://localhost:\(listed.port)/p").read().decode())
            print(urllib.request.urlopen(urllib.request.Request("https://localhost:\(listed.port)/q", data=b"abc", method="POST")).read().decode())
            """
        let program = try await run("python3 - <<'END'\n\(lines)\nEND")
        #expect(program["stdout"] == "answer to GET\nanswer to POST\n", "\(program)")
        let session = try await run(lines, shell: "python")
        #expect(session["stdout"] == "answer to GET\nanswer to POST\n", "\(session)")
        #expect(received.all == ["GET /p 0", "POST /q 3", "GET /p 0", "POST /q 3"])
        await end()
    }

    @Test("git clones from a listed server", .enabled(if: Tools.git != nil, "needs git"))
    func gitClone() async throws {
        let served = home.path + "/served"
        mkdir(served, 0o700)
        let script = """
            set -e
            git init -q -b main source && cd source && echo hello > file && git add file
            git -c user.name=a -c user.email=a@example.com commit -qm first
            git clone -q --bare . ../repo.git && cd ../repo.git && git update-server-info
            """
        let made = try await ChildProcess.run(
            ChildCommand(
                "/bin/sh", ["-c", script],
                environment: ["PATH": "/usr/bin:/bin", "HOME": served, "GIT_CONFIG_NOSYSTEM": "1"], directory: served),
            timeout: .seconds(300))
        try #require(made.exit == .status(0), "\(String(decoding: made.error, as: UTF8.self))")
        let cloned = try await run("git clone -q https://localhost:\(listed.port)/repo.git copy && cat copy/file")
        #expect(cloned["stdout"] == "hello\n" && cloned["exit_code"] == 0, "\(cloned)")
        #expect(received.all.contains { $0.hasPrefix("GET /repo.git/info/refs") })
        let unlisted = try await run("git clone -q https://localhost:\(other.port)/repo.git second")
        #expect(unlisted["exit_code"] != 0)
        await end()
    }

    @Test("another process that knows its address is refused", .enabled(if: Tools.curl != nil, "needs curl"))
    func neighbour() async throws {
        let hosts = try #require(try ShellsConfiguration.read([:], home: home.path).egress)
        let wire = try await ShellWire.open(
            "x", to: hosts, policy: GuardPolicy.standard, with: home.services.shellServices)
        var environment = wire.environment
        environment["PATH"] = "/usr/bin:/bin"
        let done = try await ChildProcess.run(
            ChildCommand(
                try #require(Tools.curl), ["-sS", "https://localhost:\(listed.port)/"], environment: environment),
            timeout: .seconds(300))
        #expect(done.exit != .status(0) && received.all.isEmpty)
        #expect(try await requests(1).map { $0["outcome"] } == ["process_not_of_session"])
        await wire.close()
        #expect(access(wire.folder, F_OK) != 0)
        await end()
    }

    @Test("the way goes with the session, and what it put into files", .enabled(if: Tools.curl != nil, "needs curl"))
    func closed() async throws {
        #expect(try await run("curl -sS https://localhost:\(listed.port)/a")["exit_code"] == 0)
        let context = CallContext(caller: Caller(surface: .mcp, name: "test", server: nil), sessionID: "network")
        #expect(try FolderListing.names(in: home.path + "/tmp").contains { $0.hasPrefix("mm-wire-") })
        _ = try await service.call("shell_close", [:], in: context)
        #expect(try !FolderListing.names(in: home.path + "/tmp").contains { $0.hasPrefix("mm-wire-") })
        await end()
    }
}
