import MMCore
import MMDesk
import MMIdentity
import TestSupport
import Testing

@testable import MMOperations

@Suite("Many requests in one call", .timeLimit(.minutes(5)))
struct BatchOfRequestsTests {
    private let home: TestHome

    init() throws { home = try TestHome() }

    private func read(_ text: String) throws -> [BatchPart] { try batch(text).parts }

    private func batch(_ text: String) throws -> BatchOfRequests {
        let connection = try Connection(
            name: "Contoso", entry: ["appId": "5a1c9e70-2d34-4b6f-8e19-c0ffee5eed01", "tenant": "contoso.com"])
        let client = try GuardedClient(
            identity: IdentityService(environment: home.environment), connection: connection)
        return try BatchOfRequests(text, client: client)
    }

    @Test(
        "lines, a list and the body of a batch are read alike",
        arguments: [
            "{\"url\":\"/me\"}\n\n{\"id\":7,\"method\":\"patch\",\"url\":\"/users/1\",\"body\":{\"a\":1},\"dependsOn\":[\"1\"]}\n",
            "{\"url\":\"/me\"}\r\n\r\n{\"id\":7,\"method\":\"patch\",\"url\":\"/users/1\",\"body\":{\"a\":1},\"dependsOn\":[\"1\"]}\r\n",
            "[{\"url\":\"/me\"},{\"id\":\"7\",\"method\":\"PATCH\",\"url\":\"/users/1\",\"body\":{\"a\":1},\"dependsOn\":[1]}]",
            "{\"requests\":[{\"url\":\"/me\"},{\"id\":\"7\",\"method\":\"PATCH\",\"url\":\"users/1\",\"body\":{\"a\":1},\"dependsOn\":[\"1\"]}]}",
        ])
    func forms(text: String) throws {
        let parts = try read(text)
        #expect(parts.map(\.id) == ["1", "7"])
        #expect(parts.map(\.request.method) == ["GET", "PATCH"])
        #expect(parts.map(\.request.target.path) == ["/v1.0/me", "/v1.0/users/1"])
        #expect(parts.last?.request.body == Array("{\"a\":1}".utf8) && parts.last?.dependsOn == ["1"])
    }

    @Test("only LF ends a line, since a string may contain what else does", arguments: ["\u{2028}", "\u{85}"])
    func separators(character: String) throws {
        let parts = try read(
            "{\"url\":\"/me\"}\n{\"method\":\"PATCH\",\"url\":\"/me\",\"body\":{\"a\":\"x\(character)y\"}}")
        #expect(parts.count == 2)
    }

    @Test(
        "what waits for another request is told by numbers, whatever the ids",
        arguments: [
            (#"{"id":"a","url":"/me"}\#n{"id":"b","url":"/me","dependsOn":["A"]}"#, [2, 1]),
            (#"{"id":"a","url":"/me","dependsOn":["b"]}\#n{"id":"b","url":"/me"}"#, [1, 2]),
            (#"{"url":"/me"}\#n{"url":"/me"}"#, []),
        ])
    func order(text: String, numbers: [Int]) throws {
        let lines = numbers.isEmpty ? [] : ["request \(numbers[0]) is only sent if request \(numbers[1]) succeeds"]
        #expect(try batch(text).order == lines)
    }

    @Test(
        "what is no request is refused by its number",
        arguments: [
            ("", "no request"), ("{\"url\":\"/me\"}\n{", "Line 2"), ("{\"url\":\"/me\"}\r\n{", "Line 2"),
            ("[1]", "Request 1"),
            ("{\"method\":\"GET\"}", "Request 1"),
            ("{\"url\":\"/me\"}\n{\"url\":\"https://evil.example/x\"}", "Request 2"),
            ("{\"url\":\"/me\",\"verb\":\"GET\"}", "verb"),
            ("{\"url\":\"/me\",\"headers\":{\"Authorization\":\"x\"}}", "Authorization"),
        ])
    func refused(text: String, part: String) throws {
        let error = #expect(throws: MMError.self) { try read(text) }
        let message = error?.message ?? ""
        #expect(error?.code == .invalidInput && message.contains(part))
    }

    @Test(
        "the journal keeps a change as refused that was never sent, and as unknown whose answer was lost",
        arguments: [
            (503, .unsent, true), (503, .unknown, false), (503, .answered, false), (499, .unsent, true),
            (499, .unknown, false), (403, .unknown, false), (403, .answered, true),
        ] as [(Int, BatchAnswer.Arrival, Bool)])
    func endings(status: Int, arrival: BatchAnswer.Arrival, isRefused: Bool) {
        let ending = WriteEnding(status: status, headers: [:], body: .null, arrival: arrival)
        guard case .failed(let error) = ending else {
            Issue.record("\(ending)")
            return
        }
        #expect(error.isRefusal == isRefused)
    }

    @Test("an answer that only names another address shows it")
    func location() async throws {
        let home = try await ChangesHome()
        let line = #"{"url":"/reports/getOffice365ActiveUserDetail(period='D7')"}"#
        let answer = try await home.call("graph_request", ["connection": "Demo", "batch": .string(line)])
        let row = try #require(ChangesHome.value(answer).array?.first)
        #expect(row["status"] == 302 && row["headers"]?["Location"]?.string?.hasPrefix("http") == true, "\(row)")
        await home.stop()
    }
}
