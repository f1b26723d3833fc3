import TestSupport
import Testing

@testable import MMHTTP

@Suite("Client with mutated answers", .timeLimit(.minutes(5)))
struct AnswerFuzzTests {
    @Test(
        "a broken answer is an error or an answer without control characters, never a hang", arguments: 0..<30,
        [false, true])
    func fuzz(seed: UInt64, isLocal: Bool) async throws {
        let home = try TestHome()
        let whole = Array(
            "HTTP/1.1 200 OK\r\nX-One: 1\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
                .utf8)
        let server = try RawServer(path: isLocal ? home.path + "/s" : nil) { connection, server in
            // The number seeds the mutation, so that each run has the same answers.
            let request = connection.readRequest()
            let number = request.split(separator: " ").dropFirst().first.flatMap { UInt64($0.dropFirst()) } ?? 0
            var random = SeededRandom(seed: number)
            var bytes = whole
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.removeSubrange(place..<min(bytes.count, place + 3))
                case 2:
                    bytes.insert([0x00, 0x0A, 0x0D, 0x20, 0x3A, 0xFF].randomElement(using: &random) ?? 0, at: place)
                default: bytes.insert(contentsOf: bytes[place...].prefix(20), at: place)
                }
            }
            connection.send(bytes)
        }
        defer { server.stop() }
        let client = makeClient()
        for number in 0..<20 {
            let request = local(
                server.url("/\(seed * 1_000 + UInt64(number))"), timeout: .seconds(200),
                unixSocket: isLocal ? home.path + "/s" : nil)
            do throws(HTTPError) {
                let response = try await client.send(request)
                #expect((100...999).contains(response.status))
                #expect(response.headers.allSatisfy { !$0.name.contains("\n") && !$0.value.contains("\n") })
            } catch {
                #expect([.protocolViolation, .connectionLost, .tooLarge].contains(error.kind), "\(error)")
            }
        }
        await client.shutdown()
    }
}
