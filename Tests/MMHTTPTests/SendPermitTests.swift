import MMCore
import TestSupport
import Testing

@testable import MMHTTP

@Suite("Requests that may be sent only for a limited time", .timeLimit(.minutes(5)))
struct SendPermitTests {
    private let client = makeClient()

    @Test("aren't sent after that, by the task's permit or their own", arguments: [true, false])
    func over(_ isOwn: Bool) async throws {
        let server = try RawServer(answer: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        defer { server.stop() }
        let permit = SendPermit { "the lease is over" }
        var request = local(server.url("/"), method: "POST", body: [1, 2, 3])
        if isOwn { request.permit = permit }
        let sent = request
        let error = await SendPermit.$current.withValue(isOwn ? nil : permit) {
            await failure { () async throws(HTTPError) in try await client.send(sent) }
        }
        #expect(error?.message.contains("the lease is over") == true, "\(error?.message ?? "sent")")
        #expect(error?.mayHaveBeenSent == false)
        #expect(server.seen.isEmpty)
    }

    @Test("the permit is checked last, after connecting")
    func last() async throws {
        let server = try RawServer(answer: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        defer { server.stop() }
        let asked = Mutex(0)
        var request = local(server.url("/"))
        request.permit = SendPermit {
            asked.withLock { $0 += 1 }
            return nil
        }
        #expect(try await client.send(request).status == 200)
        #expect(asked.withLock { $0 } == 1)
        #expect(server.seen.count > 0)
    }
}
