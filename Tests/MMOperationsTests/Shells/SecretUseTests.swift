import Glibc
import MMCore
import MMShell
import MMSystem
import TestSupport
import Testing

@testable import MMOperations

@Suite("Stored secrets", .timeLimit(.minutes(10)))
struct SecretUseTests {
    private let home = JobHome()
    private let service: LocalOperationService
    private let secret = "stored-" + Hex.text(RandomBytes.make(10))

    init() throws {
        Signals.ignoreBrokenPipes()
        service = LocalOperationService(services: home.services)
        mkdir(home.path, 0o700)
        try ProtectedFile.replace(home.path + "/state/secrets/db", with: Array((secret + "\n").utf8))
        try configure([:])
    }

    private func configure(_ uses: JSONObject) throws {
        try ProtectedFile.replace(
            home.path + "/.m365-shells.json",
            with: JSONWriter.bytes(["sandbox": "guard", "secrets": ["db": .object(uses)]]))
    }

    private func call(_ name: String, _ arguments: JSONObject, as surface: Caller.Surface = .mcp) async throws
        -> JSONValue
    {
        let context = CallContext(
            caller: Caller(surface: surface, name: "test", server: surface == .mcp ? "mm" : nil),
            timeLimit: .seconds(600), sessionID: surface == .terminal ? nil : "a")
        guard case .value(let value) = try await service.call(name, arguments, in: context).body else {
            throw MMError(.internalError, "no value")
        }
        return value
    }

    private func failure(_ work: () async throws -> JSONValue) async throws -> MMError {
        do {
            let value = try await work()
            Issue.record("it answered \(value)")
            throw MMError(.internalError, "no error")
        } catch let error as MMError {
            return error
        }
    }

    @Test("is typed only where it stays unseen, into the program that it is named for, and never comes back")
    func typed() async throws {
        var room = [CChar](repeating: 0, count: Int(PATH_MAX))
        let head = try #require(ExecutableSearch.find("head", path: "/usr/bin:/bin"))
        let program =
            realpath(head, &room) == nil
            ? head : String(decoding: room.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let open = try #require(
            try await call("shell_run", ["command": "cat", "input": "terminal", "yield": 1])["job"])
        let shown = try await failure { try await call("shell_write", ["job": open, "secret": "db"]) }
        #expect(shown.code == .conflict)
        _ = try await call("shell_jobs", ["cancel": open])
        let command = JSONValue.string("stty -echo; x=$(head -n1); stty echo; echo \"got $x\"")
        let asks = try #require(
            try await call("shell_run", ["command": command, "input": "terminal", "yield": 1])["job"])
        var refused: MMError?
        // It takes a while until the program reads, and unseen.
        let isNamed = try await eventually {
            refused = try await failure { try await call("shell_write", ["job": asks, "secret": "db"]) }
            return refused?.hint?.contains(program) == true
        }
        #expect(isNamed, "\(String(describing: refused))")
        #expect(refused?.code == .denied)
        #expect(refused?.details["rule"] == "secret-use")
        try configure(["programs": [.string(program)]])
        _ = try await call("shell_write", ["job": asks, "secret": "db"])
        let end = try await call("shell_wait", ["job": asks, "yield": 300])
        #expect(end["stdout"]?.string?.hasPrefix("got ") == true, "\(end)")
        #expect(!"\(end)".contains(secret))
        await home.services.close()
    }

    @Test("goes to no host but those that its owner has named", arguments: ["password_secret", "passphrase_secret"])
    func hosts(field: String) async throws {
        // No label of a name is so long: nobody is asked for it.
        let host = String(repeating: "x", count: 70) + ".invalid"
        let arguments: JSONObject = ["host": .string(host), "command": "true", field: "db"]
        for surface in [Caller.Surface.mcp, .rest] {
            let refused = try await failure { try await call("ssh_run", arguments, as: surface) }
            #expect(refused.code == .denied && refused.details["rule"] == "secret-use")
        }
        try configure(["hosts": ["other", "*.example"]])
        #expect(try await failure { try await call("ssh_run", arguments) }.code == .denied)
        try configure(["hosts": ["other", "*.INVALID"]])
        #expect(try await failure { try await call("ssh_run", arguments) }.code == .notFound, "the host is looked for")
        try configure(["hosts": ["other"]])
        #expect(
            try await failure { try await call("ssh_run", arguments, as: .terminal) }.code == .notFound,
            "a person names the host in the call itself")
        await home.services.close()
    }

    @Test(
        "uses that can't be understood start no shell",
        arguments: [
            #"{"secrets": []}"#, #"{"secrets": {"db": []}}"#, #"{"secrets": {"db": {"hosts": []}}}"#,
            #"{"secrets": {"db": {"hosts": [1]}}}"#, #"{"secrets": {"db": {"programs": ["sudo"]}}}"#,
            #"{"secrets": {"db": {"users": ["x"]}}}"#,
        ])
    func misread(text: String) async throws {
        try ProtectedFile.replace(home.path + "/.m365-shells.json", with: Array(text.utf8))
        let error = try await failure { try await call("shell_run", ["command": "true"]) }
        #expect(error.code == .invalidInput)
        #expect(error.message.contains("secrets"))
    }
}
