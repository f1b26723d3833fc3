import Glibc
import MMCore
import TestSupport
import Testing

@testable import MMHTTP

@Suite("Checking the owner of a Unix socket", .timeLimit(.minutes(5)))
struct SocketOwnerTests {
    @Test("its owner is spoken to again and again; to anybody else nothing is sent", arguments: [true, false])
    func owner(isOwn: Bool) async throws {
        let folder = try TestHome()
        let asked = Noted(0)
        let listener = try HTTPListener.start(.unix(path: folder.path + "/a.sock")) { _ in
            asked.change { $0 += 1 }
            return .text("here")
        }
        let client = makeClient()
        for _ in 0..<2 {
            var request = local("http://pool/", method: "POST", body: [1, 2], unixSocket: folder.path + "/a.sock")
            request.unixSocketOwner = isOwn ? geteuid() : geteuid() &+ 1
            let sent = request
            if isOwn {
                #expect(text(try await client.send(sent).body) == "here")
            } else {
                let refused = await failure { () async throws(HTTPError) in try await client.send(sent) }
                #expect(refused?.kind == .connect && refused?.mayHaveBeenSent == false)
                #expect(refused?.message.contains("another user") == true)
            }
        }
        #expect(asked.now == (isOwn ? 2 : 0))
        await client.shutdown()
        await listener.stop(graceful: .zero)
    }

    @Test("a missing listener is reported")
    func nobody() async throws {
        let folder = try TestHome()
        let client = makeClient()
        var request = local("http://pool/", unixSocket: folder.path + "/none.sock")
        request.unixSocketOwner = geteuid()
        let sent = request
        let refused = await failure { () async throws(HTTPError) in try await client.send(sent) }
        #expect(refused?.kind == .connect && refused?.message.contains("could not connect") == true)
        await client.shutdown()
    }
}
