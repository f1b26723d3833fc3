import MMCore
import MMIdentity
import MMOperations
import MMSessions
import TestSupport
import Testing

@testable import MMPool

@Suite("Lines that nodes share", .enabled(if: RedisServer.missing == nil, "\(RedisServer.missing ?? "")"))
struct RedisLinesTests {
    @Test("are in order, can be read from a mark on and backwards, and are encrypted")
    func order() async throws {
        try await withHome { home in
            let server = try await RedisServer.start(in: home.path)
            let redis = RedisClient(try RedisAddress(server.url))
            let lines = RedisLines(redis, seal: try SharedRecordTests.seal(in: home), kind: "test")
            #expect(try await lines.following(nil).isEmpty)
            try await lines.add((0..<450).map { Array("line \($0)".utf8) }, from: "a")
            try await lines.add([[0, 255, 10]], from: "b")
            var found: [SharedLine] = []
            while true {
                let next = try await lines.following(found.last?.mark)
                if next.isEmpty { break }
                found += next
            }
            #expect(found.count == 451 && found[7].bytes == Array("line 7".utf8) && found[7].origin == "a")
            #expect(found.last?.bytes == [0, 255, 10] && found.last?.origin == "b")
            let newest = try await lines.preceding(nil)
            #expect(newest.first == found.last && newest.count == 200)
            #expect(try await lines.preceding(newest.last?.mark).first == found[250])
            let stranger = RedisLines(redis, seal: try SharedRecordTests.seal(in: home, "other"), kind: "test")
            await #expect(throws: MMError.self) { try await stranger.following(nil) }
        }
    }

    @Test("a journal's lines are shared once, whoever copies them and when")
    func journal() async throws {
        try await withHome { home in
            let server = try await RedisServer.start(in: home.path)
            let redis = RedisClient(try RedisAddress(server.url))
            let lines = RedisLines(redis, seal: try SharedRecordTests.seal(in: home), kind: "journal")
            let journals = try (0..<3).map { number in
                let paths = StatePaths(environment: ["HOME": home.path, "MM_STATE_DIR": "\(home.path)/node\(number)"])
                let cluster = try ClusterLines(
                    journal: lines, claims: SharedClaims(redis, kind: "undos"), audit: lines, paths: paths)
                return ChangeJournal(
                    paths: paths, seal: TokenSeal(paths: paths, environment: [:]), sharing: cluster.journal)
            }
            func entry(_ name: String) throws -> JournalEntry {
                JournalEntry(
                    connection: "Contoso", call: name, session: nil, client: "test", request: "PATCH /users/\(name)",
                    change: try #require(
                        Change(json: [
                            "kind": "properties", "service": "graph", "version": "v1.0",
                            "place": .string("/users/\(name)"),
                            "subject": ["id": .string(name)],
                        ])))
            }
            let (a, b) = (try entry("a"), try entry("b"))
            try await journals[0].begin(a)
            #expect(try await journals[1].entries().map(\.id) == [a.id])
            try await journals[1].begin(b)
            try await journals[0].end(a, .done)
            // Two nodes copy at once: nothing is duplicated.
            async let one = journals[2].entries()
            async let two = journals[2].entries()
            for entries in try await [one, two] {
                #expect(entries.map(\.id) == [a.id, b.id] && entries.map(\.outcome) == [.done, .unknown])
            }
            try await journals[1].end(b, .refused, message: "no")
            for journal in journals {
                #expect(try await journal.entries().map(\.outcome) == [.done, .refused])
            }
        }
    }

    @Test("a change is undone by one node at a time, until that node releases it")
    func claims() async throws {
        try await withHome { home in
            let server = try await RedisServer.start(in: home.path)
            let redis = RedisClient(try RedisAddress(server.url))
            let lines = RedisLines(redis, seal: try SharedRecordTests.seal(in: home), kind: "journal")
            let journals = try (0..<2).map { number in
                let paths = StatePaths(environment: ["HOME": home.path, "MM_STATE_DIR": "\(home.path)/node\(number)"])
                let cluster = try ClusterLines(
                    journal: lines, claims: SharedClaims(redis, kind: "undos"), audit: lines, paths: paths)
                return ChangeJournal(
                    paths: paths, seal: TokenSeal(paths: paths, environment: [:]), sharing: cluster.journal)
            }
            let first = try await journals[0].claim(["chg_a", "chg_b"], until: .after(.seconds(300)))
            let error = await #expect(throws: MMError.self) {
                _ = try await journals[1].claim(["chg_b", "chg_c"], until: .after(.zero))
            }
            #expect(error?.code == .conflict && error?.message.contains("another node") == true, "\(error as Any)")
            // Nobody has claimed another change.
            try await journals[1].claim(["chg_c"], until: .after(.seconds(300))).end()
            async let waiting = journals[1].claim(["chg_b"], until: .after(.seconds(300)))
            first.end()
            try await waiting.end()
        }
    }

    @Test("names of variables are known to all nodes until they are forgotten")
    func variables() async throws {
        try await withHome { home in
            let server = try await RedisServer.start(in: home.path)
            let nodes = try (0..<2).map { _ in RedisVariableNames(RedisClient(try RedisAddress(server.url))) }
            let keys = ["exo", "azure"].map { SessionKey(connection: "Contoso {a}", module: $0) }
            try await nodes[0].add(["users", "count"], to: keys[0])
            try await nodes[0].add(["users"], to: keys[1])
            #expect(try await nodes[1].known(["users", "other"], of: keys[0]) == ["users"])
            #expect(try await nodes[1].known(["count"], of: keys[1]).isEmpty)
            try await nodes[1].forget(connection: "Contoso {a}", module: "exo", signedIn: nil)
            #expect(try await nodes[0].known(["users"], of: keys[0]).isEmpty)
            #expect(try await nodes[0].known(["users"], of: keys[1]) == ["users"])
            try await nodes[1].forget(connection: "Contoso {a}", module: nil, signedIn: nil)
            #expect(try await nodes[0].known(["users"], of: keys[1]).isEmpty)
        }
    }
}
