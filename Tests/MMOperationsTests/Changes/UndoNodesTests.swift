import MMCore
import TestSupport
import Testing

@testable import MMOperations

@Suite("Undo at several nodes", .timeLimit(.minutes(10)))
struct UndoNodesTests {
    private static let collection = "/me/mailFolders/inbox/messageRules"

    private func rules(_ home: ChangesHome, of connection: String) async throws -> [String] {
        let answer = try await home.call(
            "graph_request", ["connection": .string(connection), "endpoint": .string(Self.collection)])
        return (ChangesHome.value(answer)["value"]?.array ?? []).compactMap { $0["displayName"]?.string }
            .filter { $0.hasPrefix("RR") }
    }

    private func send(
        _ home: ChangesHome, _ connection: String, _ method: String, _ path: String, _ body: JSONValue? = nil,
        session: String = "making"
    ) async throws -> JSONValue {
        var arguments: JSONObject = [
            "connection": .string(connection), "endpoint": .string(path), "method": .string(method), "unlisted": true,
        ]
        arguments["body"] = body
        return ChangesHome.value(
            try await home.service.call("graph_request", arguments, in: Self.context(home, session)))
    }

    private static func context(_ home: ChangesHome, _ session: String) -> CallContext {
        CallContext(
            caller: Caller(surface: .terminal, name: "test", server: nil), sessionID: session, person: home.person)
    }

    /// Makes a rule and deletes it.
    private func delete(_ home: ChangesHome, _ connection: String) async throws {
        let made = try await send(
            home, connection, "POST", Self.collection,
            [
                "displayName": .string("RR \(connection)"), "sequence": 1, "isEnabled": false,
                "conditions": ["subjectContains": ["offer"]], "actions": ["markAsRead": true],
            ])
        _ = try await send(
            home, connection, "DELETE", "\(Self.collection)/\(made["id"]?.string ?? "")", session: "deleting")
    }

    @Test("of several connections, or of one of them, makes each thing anew once, wherever it is asked for")
    func together() async throws {
        let shared = SharedNodes()
        let home = try await ChangesHome(users: 12, sharing: shared)
        try await home.add("Lena", account: "lena.vogt@contoso-sandbox.example")
        for connection in ["Demo", "Lena"] { try await delete(home, connection) }
        let deletions = try await home.journal.entries().filter { $0.change.kind == .deletion }
        let other = try home.node(sharing: shared)
        let context = Self.context(home, "undoing")
        @Sendable func undo(_ node: LocalOperationService, _ arguments: JSONObject) async -> [String] {
            do throws(MMError) {
                let answer = ChangesHome.value(try await node.call("undo", arguments, in: context))
                return (answer.array ?? []).compactMap { $0["result"]?.string }
            } catch {
                return [error.message]
            }
        }
        let ids = deletions.map(\.id)
        let first = home.service
        try #require(ids.count == 2)
        let results = await withTaskGroup(of: [String].self) { group in
            for node in [first, other] {
                group.addTask { await undo(node, ["session": "deleting"]) }
                for id in ids { group.addTask { await undo(node, ["id": .string(id)]) } }
            }
            return await group.reduce(into: [String]()) { $0 += $1 }
        }
        for connection in ["Demo", "Lena"] {
            #expect(try await rules(home, of: connection) == ["RR \(connection)"], "\(results)")
        }
        #expect(results.count { $0 == "undone" } == 2, "\(results)")
        await other.services.close()
        await home.stop()
    }
}

/// What two nodes of a test share, kept in memory.
final class SharedNodes: SharedLines, ChangeClaims {
    private struct State {
        var lines: [SharedLine] = []
        var holders: [String: String] = [:]
    }

    private let state = Mutex(State())

    /// What a node tells the others.
    func lines(of paths: StatePaths) throws(MMError) -> ClusterLines {
        try ClusterLines(journal: self, claims: self, audit: Silent(), paths: paths)
    }

    func add(_ lines: [[UInt8]], from origin: String) {
        state.withLock { state in
            for line in lines {
                let mark = String(state.lines.count + 1_000_000)
                state.lines.append(SharedLine(mark: mark, origin: origin, bytes: line))
            }
        }
    }

    func following(_ mark: String?) -> [SharedLine] {
        state.withLock { state in state.lines.filter { $0.mark > mark ?? "" } }
    }

    func preceding(_ mark: String?) -> [SharedLine] { [] }

    func take(_ name: String, for holder: String, lease: Duration) -> Bool {
        state.withLock { state in
            guard state.holders[name] ?? holder == holder else { return false }
            state.holders[name] = holder
            return true
        }
    }

    func renew(_ name: String, for holder: String, lease: Duration) -> Bool {
        state.withLock { $0.holders[name] == holder }
    }

    func release(_ name: String, from holder: String) {
        state.withLock { state in if state.holders[name] == holder { state.holders[name] = nil } }
    }

    /// Lines of calls that nobody keeps.
    private struct Silent: SharedLines {
        func add(_ lines: [[UInt8]], from origin: String) {}
        func following(_ mark: String?) -> [SharedLine] { [] }
        func preceding(_ mark: String?) -> [SharedLine] { [] }
    }
}
