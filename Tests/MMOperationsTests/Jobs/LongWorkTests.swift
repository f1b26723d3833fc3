import Glibc
import MMCore
import MMSystem
import Testing

@testable import MMOperations

/// Calls and commands of shells, by one kind of handle.
@Suite("Long work", .timeLimit(.minutes(10)))
struct LongWorkTests {
    /// Waits for a test's word.
    private struct Slow: CatalogueOperation {
        let release: OneShot<Void>
        let declaration = OperationDeclaration(
            "slow", command: ["slow"], title: "Slow", summary: "Waits.",
            effects: .init(readOnly: true, openWorld: true))

        func run(_ input: NoInput, in context: OperationContext, with services: Void) async throws(MMError)
            -> OperationAnswer
        {
            await withTaskCancellationHandler {
                await release.wait()
            } onCancel: {
                release.resolve(())
            }
            guard !Task.isCancelled else { throw MMError(.cancelled, "Called off.") }
            return .value(["rows": 3])
        }
    }

    private let home = JobHome()
    private let release = OneShot<Void>()
    private let service: LocalOperationService

    init() throws {
        Signals.ignoreBrokenPipes()
        service = LocalOperationService(
            catalogue: Catalogue(Catalogue.standard.operations + [AnyOperation(Slow(release: release))]),
            services: home.services)
        mkdir(home.path, 0o700)
        mkdir(home.path + "/work", 0o755)
        try ProtectedFile.replace(
            home.path + "/.m365-shells.json",
            with: JSONWriter.bytes(["directory": .string(home.path + "/work"), "sandbox": "guard"]))
    }

    private func call(
        _ name: String, _ arguments: JSONObject, of session: String = "a", patience: Duration? = nil,
        _ surface: Caller.Surface = .mcp
    ) async throws -> JSONValue {
        let context = CallContext(
            caller: Caller(surface: surface, name: "t", server: surface == .terminal ? nil : "mm"),
            timeLimit: .seconds(600), backgroundAfter: patience, sessionID: session)
        guard case .value(let value) = try await service.call(name, arguments, in: context).body else {
            throw MMError(.internalError, "no value")
        }
        return value
    }

    private func error(_ code: MMErrorCode, _ work: () async throws -> JSONValue) async throws -> MMError {
        let error = await #expect(throws: MMError.self) { _ = try await work() }
        #expect(error?.code == code)
        return try #require(error)
    }

    /// A command that goes on, and its handle.
    private func command(_ text: String = "echo one; read -r x; echo \"got $x\"; sleep 1000") async throws -> JSONValue
    {
        try #require(
            try await call(
                "shell_run", ["command": .string(text), "input": "terminal", "wait_for": "one", "yield": 600])["job"])
    }

    /// A call that goes on, and its handle.
    private func slow() async throws -> JSONValue {
        try #require(try await call("slow", [:], patience: .milliseconds(1))["handle"])
    }

    /// What is told of a command or call that was called off, once it has ended.
    private func ended(_ handle: JSONValue, _ surface: Caller.Surface = .mcp) async throws -> JSONValue {
        while true {
            let answer = try await call("output", ["handle": handle], surface)
            if !["running", "awaiting_input"].contains(answer["status"]?.string ?? "") { return answer }
            // A call that meets nobody else holds its thread from one to the next: what is waited for needs one, too.
            await Task.yield()
        }
    }

    @Test("a command is read, waited for and ended by the operation that pages answers")
    func commandInOutput() async throws {
        let handle = try await command()
        let first = try await call("output", ["handle": handle])
        #expect(first["stdout"] == "one\n")
        #expect(["running", "awaiting_input"].contains(first["status"]?.string ?? ""))
        while try await call("output", ["handle": handle, "action": "wait"])["status"] != "awaiting_input" {
            await Task.yield()
        }
        _ = try await call("shell_write", ["job": handle, "text": "it"])
        _ = try await call("shell_wait", ["job": handle, "for": "got it", "yield": 600])
        let page = try await call("output", ["handle": handle, "offset": 4, "limit": 100])
        #expect(page["text"] == "got it\n")
        _ = try await error(.invalidInput) {
            try await call("output", ["handle": handle, "offset": 1, "unit": "rows"])
        }
        _ = try await call("output", ["handle": handle, "action": "cancel"])
        #expect(try await ended(handle)["status"] == "cancelled")
        await home.services.close()
    }

    @Test("what a command wrote leaves without tokens, whichever operation reads it")
    func tokens() async throws {
        let token = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL2dyYXBoIn0.c2lnbmF0dXJl"
        let handle = try await command("echo '\(token)'; echo one; sleep 1000")
        for arguments in [[:], ["offset": 0, "limit": 1000], ["action": "cancel"]] as [JSONObject] {
            var whole = arguments
            whole["handle"] = handle
            let shown = JSONWriter.string(try await call("output", whole))
            #expect(!shown.contains(token) && shown.contains(Redactor.mark))
        }
        await home.services.close()
    }

    @Test("a command that was let go stands among the jobs, one that was waited for doesn't")
    func listed() async throws {
        _ = try await call("shell_run", ["command": "echo short"])
        let handle = try await command()
        let jobs = try await call("jobs", [:])["jobs"]
        #expect(jobs?.array?.count == 1)
        #expect(jobs?[0]?["job"] == handle)
        #expect(jobs?[0]?["operation"] == "shell_run")
        #expect(jobs?[0]?["state"] == "running")
        _ = try await call("shell_jobs", ["cancel": handle])
        _ = try await ended(handle)
        #expect(try await call("jobs", [:])["jobs"]?[0]?["state"] == "cancelled")
        await home.services.close()
    }

    @Test("another client has no such command, whichever operation asks; this user's terminal has")
    func owners() async throws {
        let handle = try await command()
        for (name, arguments) in [
            ("output", ["handle": handle]), ("shell_read", ["job": handle]), ("ssh_read", ["job": handle]),
            ("shell_wait", ["job": handle, "yield": 0]), ("shell_write", ["job": handle, "text": "x"]),
            ("shell_keys", ["job": handle, "keys": "x"]), ("shell_jobs", ["cancel": handle]),
        ] as [(String, JSONObject)] {
            _ = try await error(.notFound) { try await call(name, arguments, of: "b") }
        }
        #expect(try await call("jobs", [:], of: "b")["jobs"]?.array?.isEmpty == true)
        let seen = try await call("jobs", [:], .terminal)["jobs"]?[0]
        #expect(seen?["job"] == handle)
        // Whoever knows the name of a client's session could use it.
        #expect(seen?["owner"] == "session")
        _ = try await call("output", ["handle": handle, "action": "cancel"], .terminal)
        #expect(try await ended(handle, .terminal)["status"] == "cancelled")
        await home.services.close()
    }

    @Test("a command is reached through the operations of either place", arguments: ["shell", "ssh"])
    func eitherPlace(place: String) async throws {
        let handle = try await command()
        #expect(try await call("\(place)_read", ["job": handle])["text"] == "one\n")
        _ = try await call("\(place)_write", ["job": handle, "text": "it"])
        #expect(
            try await call("\(place)_wait", ["job": handle, "for": "got it", "yield": 600])["stdout"] == "one\ngot it\n"
        )
        _ = try await call("\(place)_jobs", ["cancel": handle])
        #expect(try await ended(handle)["status"] == "cancelled")
        await home.services.close()
    }

    @Test("a call is read, waited for and ended by the operations of shells, and says that nothing can be typed")
    func callInShells() async throws {
        let handle = try await slow()
        #expect(try await call("shell_read", ["job": handle])["status"] == "running")
        #expect(try await call("shell_wait", ["job": handle, "yield": 0])["status"] == "running")
        for (name, more) in [
            ("shell_write", ["text": "x"]), ("ssh_keys", ["keys": "x"]), ("shell_jobs", ["signal": "INT"]),
            ("shell_wait", ["for": "x"]), ("shell_read", ["stream": "display"]),
        ] as [(String, JSONObject)] {
            var arguments = more
            arguments[name == "shell_jobs" ? "cancel" : "job"] = handle
            let refusal = try await error(.unsupported) { try await call(name, arguments) }
            #expect(refusal.message.contains("is a call of slow"))
        }
        release.resolve(())
        while try await call("shell_wait", ["job": handle])["status"] == "running" { await Task.yield() }
        #expect(try await call("shell_read", ["job": handle])["rows"] == 3)
        #expect(try await call("ssh_wait", ["job": handle])["rows"] == 3)
        await home.services.close()
    }

    @Test("a call is ended by the operations of shells")
    func callCancelled() async throws {
        let handle = try await slow()
        _ = try await call("ssh_jobs", ["cancel": handle])
        while try await call("jobs", [:])["jobs"]?[0]?["state"] == "running" { await Task.yield() }
        #expect(try await call("jobs", [:])["jobs"]?[0]?["state"] == "cancelled")
    }
}
