import MMCore
import MMGuard
import MMIdentity
import MMSystem
import TestSupport
import Testing

@testable import MMOperations

@Suite("What begins to change something", .timeLimit(.minutes(5)))
struct AuditedBeginningTests {
    private let home = JobHome()

    /// A script that changes something.
    private static let write = "Set-Mailbox ann -CustomAttribute1 x"

    /// An operation whose scripts are let through, and that says what the log held at that moment.
    private struct Writing: CatalogueOperation {
        struct Input: OperationInput {
            @Argument(.connection) var connection: String
        }

        let scripts: [String]
        let declaration = OperationDeclaration(
            "test_write", command: ["test", "write"], title: "Write", summary: "Writes.",
            effects: .init(readOnly: false, openWorld: true))

        func run(
            _ input: Input, in context: OperationContext, with services: OperationServices
        ) async throws(MMError) -> OperationAnswer {
            let connection = try services.registry.connection(named: input.connection, in: context)
            for script in scripts {
                let verdict = GuardEngine().judge(
                    script: script, in: ScriptContext(module: "exo"), policy: .standard)
                try await Clearance(
                    ConfirmationRequest(on: connection, module: "exo", title: "run", text: script, verdict: verdict)
                ).settle(in: context, with: services.guardServices)
            }
            let lines = (try? services.audit.entries()) ?? []
            return .value(.array(lines.compactMap { $0["outcome"] }))
        }
    }

    private func call(
        _ keys: JSONObject = [:], _ scripts: [String] = [write]
    ) async throws(MMError) -> OperationAnswer {
        var entry: JSONObject = ["tenant": "contoso.com", "cloud": "sandbox"]
        for (key, value) in keys { entry[key] = value }
        let written = entry
        try home.services.registry.edit { document throws(MMError) in
            document["connections"] = ["Demo": .object(written)]
        }
        let service = LocalOperationService(
            catalogue: Catalogue([AnyOperation(Writing(scripts: scripts)) { $0 }]), services: home.services)
        guard let operation = service.catalogue.operation(named: "test_write") else {
            throw MMError(.notFound, "no such operation")
        }
        return try await service.call(
            operation, ["connection": "Demo"],
            in: CallContext(caller: Caller(surface: .terminal, name: "mm", server: nil)))
    }

    @Test("stands in the log before it is sent, and its end after it")
    func begun() async throws {
        let answer = try await call()
        guard case .value(let seen) = answer.body else { return #expect(Bool(false), "\(answer.body)") }
        #expect(seen == ["begun"])
        let lines = try home.services.audit.entries()
        #expect(lines.map { $0["outcome"] } == ["begun", "done"])
        #expect(lines[0]["call"] == lines[1]["call"] && lines[0]["process"] != nil && lines[0]["class"] == "write")
        // Its process runs: nothing is missing.
        #expect(try await abandoned.close() == 0)
    }

    @Test(
        "is no read, whatever the call reads afterwards",
        arguments: [(["Get-Mailbox ann"], true), ([write], false), ([write, "Get-Mailbox ann"], false)])
    func reads(scripts: [String], isRead: Bool) async throws {
        #expect(try await call([:], scripts).isOfRead == isRead)
    }

    @Test(
        "is refused where a connection requires its line and the log can't be written, else told",
        arguments: [([:], false), (["audit": "required"], true), (["guard": ["approvals": ["send": 2]]], true)]
            as [(JSONObject, Bool)])
    func unwritable(_ keys: JSONObject, _ isRefused: Bool) async throws {
        try ProtectedFile.makeDirectory(home.services.audit.path)
        do {
            let answer = try await call(keys)
            #expect(!isRefused && answer.notes.contains { $0.contains("audit log could not be written") }, "\(answer)")
        } catch {
            #expect(
                isRefused && error.code == .unavailable && error.hint?.contains("Nothing was sent") == true, "\(error)")
        }
    }

    /// An operation that shows its record to the test.
    private struct Watched: CatalogueOperation {
        struct Input: OperationInput {
            @Argument("fails", "Whether it fails.") var fails: Bool
        }

        let see: @Sendable (CallRecord) -> Void
        let declaration = OperationDeclaration(
            "test_watched", command: ["test", "watched"], title: "Watched", summary: "Is watched.",
            effects: .init(readOnly: true, openWorld: true))

        func run(
            _ input: Input, in context: OperationContext, with services: OperationServices
        ) async throws(MMError) -> OperationAnswer {
            see(context.record)
            if input.fails { throw MMError(.unavailable, "It failed.") }
            return .value([])
        }
    }

    /// Refers to a record without holding it.
    private struct WeakRecord: Sendable {
        weak var record: CallRecord?
    }

    @Test("of a call that changed nothing is forgotten with the call", arguments: [false, true])
    func forgotten(fails: Bool) async throws {
        let seen = Mutex(WeakRecord())
        let wasThere = Mutex(false)
        let watched = Watched { record in
            seen.withLock { $0.record = record }
            wasThere.withLock { $0 = true }
        }
        let service = LocalOperationService(
            catalogue: Catalogue([AnyOperation(watched) { $0 }]), services: home.services)
        let operation = try #require(service.catalogue.operation(named: "test_watched"))
        let context = CallContext(caller: Caller(surface: .terminal, name: "mm", server: nil))
        _ = try? await service.call(operation, fails ? ["fails": true] : [:], in: context)
        #expect(wasThere.withLock { $0 })
        #expect(seen.withLock { $0.record == nil })
        #expect(try home.services.audit.entries().count == 1)
    }

    private var abandoned: AbandonedCalls {
        AbandonedCalls(
            audit: home.services.audit,
            journal: ChangeJournal(paths: home.services.paths, seal: home.services.identity.seal))
    }

    @Test("and died with its process gets its end at the next start, once")
    func died() async throws {
        let audit = home.services.audit
        for (call, process) in [("dead", "1 1"), ("alive", AbandonedCalls.ownProcess), ("ended", "1 1")] {
            try await audit.append([
                "operation": "graph_request", "call": .string(call), "outcome": "begun", "process": .string(process),
                "connection": "Demo",
            ])
        }
        try await audit.append(["operation": "graph_request", "call": "ended", "outcome": "done"])
        #expect(try await abandoned.close() == 1)
        #expect(try await abandoned.close() == 0)
        let last = try #require(try audit.entries().last)
        #expect(last["call"] == "dead" && last["outcome"] == "unknown" && last["connection"] == "Demo", "\(last)")
        #expect(try audit.verify().isSound)
    }
}
