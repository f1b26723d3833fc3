import Glibc
import MMCore
import MMHTTP
import MMSystem
import TestSupport
import Testing

@testable import MMOperations

/// A syslog server over TLS: `openssl s_server`, whose output is what came.
private final class SecureServer: Sendable {
    let port: UInt16
    private let process: ChildProcess
    private let received = Received()

    /// What came, which the task that reads goes on to fill.
    private final class Received: Sendable {
        private let held = Mutex<[UInt8]>([])
        var text: String { held.withLock { String(decoding: $0, as: UTF8.self) } }
        func add(_ piece: [UInt8]) { held.withLock { $0 += piece } }

        /// The port of the line that says that the server listens; it's named only where the system chose it.
        func announcedPort(else wanted: UInt16) -> UInt16? {
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            guard let line = lines.first(where: { $0.hasPrefix("ACCEPT") }) else { return nil }
            return line.split(separator: ":").last.flatMap { UInt16($0) } ?? wanted
        }
    }

    static let program = ExecutableSearch.find("openssl", path: "/usr/local/bin:/usr/bin:/bin")

    init(_ folder: String, port wanted: UInt16 = 0, more: [String] = []) async throws {
        let program = try #require(Self.program)
        var command = ChildCommand(
            program,
            [
                "s_server", "-accept", "127.0.0.1:\(wanted)", "-cert", folder + "/server.pem", "-key",
                folder + "/server.key",
            ]
                + more, environment: ["PATH": "/usr/bin:/bin"])
        command.input = .pipe
        command.output = .pipe
        command.error = .null
        process = try await ChildProcess.start(command)
        // A sender that waits for this server may follow at once, with frames that end without a line break.
        var found: UInt16?
        while found == nil, let piece = try await process.output?.read() {
            received.add(piece)
            found = received.announcedPort(else: wanted)
        }
        port = try #require(found, "\(received.text)")
        Task { [process, received] in
            while let piece = try? await process.output?.read() {
                received.add(piece)
            }
        }
    }

    deinit { process.signalGroup(SIGKILL) }

    func stop() async { _ = await process.terminate(grace: .zero) }

    /// The audit lines that came, by their numbers.
    var numbers: [Int] {
        text.split(separator: "\n").flatMap { $0.split(separator: "\"number\":").dropFirst() }
            .compactMap { Int($0.prefix { $0.isNumber }) }
    }

    var text: String { received.text }

    /// A certificate for `localhost` of an authority of its own, and one for a client.
    static func certificates(in folder: String) async throws {
        let script = """
            set -e; cd "$0"
            new() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1"; \
            printf 'subjectAltName=DNS:localhost' >"$1.ext"; \
            openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile "$1.ext" -out "$1.pem"; }
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=ca
            new server; new client
            """
        let outcome = try await ChildProcess.run(
            ChildCommand("/bin/sh", ["-c", script, folder], environment: ["PATH": "/usr/bin:/bin", "HOME": folder]),
            input: [], limit: 1 << 20, timeout: .seconds(60))
        try #require(outcome.exit.code == 0, "\(String(decoding: outcome.error, as: UTF8.self))")
    }
}

@Suite(
    "Syslog over TLS", .enabled(if: SecureServer.program != nil, "needs openssl (apt-get install openssl)"),
    .timeLimit(.minutes(5)))
struct SecureSyslogTests {
    private let home: TestHome
    private let audit: AuditLog

    init() async throws {
        home = try TestHome()
        audit = AuditLog(path: home.paths.auditLog)
        try await SecureServer.certificates(in: home.path)
    }

    private func write(_ numbers: Range<Int>) throws {
        for number in numbers {
            try audit.append(["operation": "run", "outcome": "done", "number": .int(Int64(number)), "text": "für alle"])
        }
    }

    /// Sends copies as a pool does, with an environment of its own.
    private func copies(_ port: UInt16, host: String = "localhost", _ more: [String: String] = [:]) -> Task<Void, Never>
    {
        let environment = [
            "MM_AUDIT_TO": "tls://\(host):\(port)", "MM_AUDIT_CA_FILE": home.path + "/ca.pem",
            // TLS to a syslog server goes through no proxy, like TCP.
            "https_proxy": "http://127.0.0.1:9",
        ].merging(more) { $1 }
        let copies = AuditCopies(environment: environment, audit: audit, paths: home.paths, log: .off)
        return Task { await copies.run() }
    }

    private func state(_ port: UInt16, host: String = "localhost") throws -> JSONObject {
        try AuditCopyState.read(try AuditDestination("tls://\(host):\(port)"), home.paths).json
    }

    @Test("lines arrive whole, in frames that count their octets, and go on when the server comes back")
    func delivered() async throws {
        let first = try await SecureServer(home.path)
        try write(0..<20)
        let running = copies(first.port)
        #expect(await eventually { first.numbers.count == 20 })
        #expect(first.numbers == Array(0..<20))
        let line = try #require(try audit.following(.start, limit: 1 << 20).lines.first)
        let message = SyslogMessage.bytes(of: line)
        #expect(first.text.contains("\(message.count) \(String(decoding: message, as: UTF8.self))"))
        await first.stop()
        try write(20..<25)
        let second = try await SecureServer(home.path, port: first.port)
        #expect(await eventually { Set(second.numbers).isSuperset(of: 20..<25) })
        running.cancel()
        await running.value
        await second.stop()
    }

    @Test("a server that does not prove itself gets nothing", arguments: ["an unknown authority", "another name"])
    func unproven(fault: String) async throws {
        let server = try await SecureServer(home.path)
        try write(0..<3)
        let host = fault == "another name" ? "127.0.0.1" : "localhost"
        let running = copies(
            server.port, host: host, fault == "another name" ? [:] : ["MM_AUDIT_CA_FILE": home.path + "/client.pem"])
        #expect(await eventually { (try? state(server.port, host: host))?["fault"] != nil })
        #expect(server.numbers.isEmpty)
        running.cancel()
        await running.value
        await server.stop()
    }

    @Test("a server that asks for a certificate gets this machine's")
    func mutual() async throws {
        let server = try await SecureServer(
            home.path, more: ["-Verify", "1", "-verify_return_error", "-CAfile", home.path + "/ca.pem"])
        try write(0..<3)
        let running = copies(
            server.port,
            ["MM_AUDIT_CERT_FILE": home.path + "/client.pem", "MM_AUDIT_KEY_FILE": home.path + "/client.key"])
        #expect(await eventually { server.numbers.count == 3 })
        running.cancel()
        await running.value
        await server.stop()
    }

    @Test("lines wait while the server refuses this machine's certificate, which it does after the handshake")
    func refused() async throws {
        let server = try await SecureServer(
            home.path, more: ["-Verify", "1", "-verify_return_error", "-CAfile", home.path + "/ca.pem"])
        try write(0..<3)
        let running = copies(server.port)
        #expect(await eventually { (try? state(server.port))?["fault"] != nil })
        #expect(try state(server.port)["seq"] == 0)
        running.cancel()
        await running.value
        await server.stop()
    }
}
