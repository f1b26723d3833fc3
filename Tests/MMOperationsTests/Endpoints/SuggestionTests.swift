import MMCore
import MMSandbox
import TestSupport
import Testing

@testable import MMOperations

@Suite("What is suggested can be tried", .timeLimit(.minutes(10)))
struct SuggestionTests {
    /// The questions of the search's own tests, as administrators ask them.
    private static func questions() throws -> [String] {
        let folder = #filePath.split(separator: "/").prefix { $0 != "Tests" }.joined(separator: "/")
        let bytes = try #require(try ProtectedFile.read("/\(folder)/Tests/Fixtures/endpoints/questions.txt"))
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("#") }
            .compactMap { $0.split(separator: "|").first.map { String($0.trimmingBlanks()) } }
    }

    /// The reads of Graph that an answer of the search names, as they are to be sent.
    private static func reads(_ found: JSONValue) -> [JSONObject] {
        (found["calls"]?.array ?? []).filter { $0["call"]?.string?.hasPrefix("GET ") == true }
            .compactMap { $0["request"]?.object }.filter { $0["resource"] == nil }
    }

    @Test("nine tenths of the reads that the search names are served by the sandbox")
    func served() async throws {
        let home = try await ChangesHome(users: 60)
        defer { Task { await home.stop() } }
        func first(_ path: String) async throws -> String {
            let answer = ChangesHome.value(
                try await home.call("graph_request", ["connection": "Demo", "endpoint": .string(path)]))
            return try #require(answer["value"]?[0]?["id"]?.string ?? answer[0]?["id"]?.string)
        }
        // Keys stand for objects that are there: suggestions come with names of examples or of keys.
        let team = try await first("/groups?$filter=resourceProvisioningOptions/any(x:x eq 'Team')&$top=1")
        let user = "lena.vogt@contoso-sandbox.example"
        let keys = [
            ("ada@contoso.com", user), ("{user-id}", user), ("{group-id}", team), ("{team-id}", team),
        ]
        var sent: Set<String> = []
        var refused: [String] = []
        for question in try Self.questions() {
            let found = ChangesHome.value(try await home.call("endpoints", ["question": .string(question)]))
            for request in Self.reads(found) {
                guard var path = request["endpoint"]?.string else { continue }
                for (key, value) in keys { path = path.replacing(key, with: value) }
                guard !path.contains("{"), !path.contains("…"), sent.insert(path).inserted else { continue }
                do throws(MMError) {
                    _ = try await home.call(
                        "graph_request", ["connection": "Demo", "endpoint": .string(path), "output": "json"])
                } catch {
                    refused.append("\(path): \(error.message)")
                }
            }
        }
        #expect(sent.count > 200)
        #expect(
            refused.count * 10 <= sent.count,
            "\(refused.count) of \(sent.count) are refused:\n\(refused.joined(separator: "\n"))")
    }
}

extension StringProtocol {
    fileprivate func trimmingBlanks() -> SubSequence {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        while text.first == " " { text.removeFirst() }
        return text
    }
}
