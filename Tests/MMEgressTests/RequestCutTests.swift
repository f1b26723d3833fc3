import MMCore
import MMHTTP
import MMSystem
import TestSupport
import Testing

@testable import MMEgress

@Suite(
    "Requests of a command that is being stopped", .timeLimit(.minutes(5)),
    .enabled(if: Curl.path != nil, "needs curl (apt-get install curl)"))
struct RequestCutTests {
    private static let slow = "https://graph.microsoft.com/v1.0/slow"

    @Test("waiting requests are refused at once, and so are further ones until the command has ended")
    func waiting() async throws {
        let gate = OneShot<Void>()
        let upstream = try Upstream { request in
            if request.path.hasSuffix("slow") { await gate.wait() }
            return .text("{}")
        }
        let wire = try await TestWire(upstream: upstream.port)
        let waiting = Task { try await Curl.run(wire, [Self.slow]).status }
        #expect(await eventually { upstream.received.count == 1 })
        wire.session.cutRequests()
        #expect(try await waiting.value == "403")
        #expect(try await Curl.run(wire, ["https://graph.microsoft.com/v1.0/me"]).status == "403")
        #expect(upstream.received.count == 1)
        wire.session.admitRequests()
        #expect(try await Curl.run(wire, ["https://graph.microsoft.com/v1.0/me"]).status == "200")
        let records = await wire.records(3)
        #expect(records.map(\.fault) == ["command_stopped", "command_stopped", nil])
        #expect(records.map(\.wasSent) == [true, false, true])
        gate.resolve(())
        await wire.session.close()
        await upstream.stop()
    }

    @Test("a request that waits for a person isn't sent any more")
    func held() async throws {
        let gate = OneShot<Void>()
        let upstream = try Upstream()
        let wire = try await TestWire(upstream: upstream.port)
        wire.judge.say { _ in
            .hold(class: "write") {
                await gate.wait()
                return nil
            }
        }
        let waiting = Task { try await Curl.run(wire, ["-X", "DELETE", Self.slow]).status }
        #expect(await eventually { wire.judge.judged.count == 1 })
        wire.session.cutRequests()
        gate.resolve(())
        #expect(try await waiting.value == "403")
        #expect(upstream.received.isEmpty)
        await wire.session.close()
        await upstream.stop()
    }
}
