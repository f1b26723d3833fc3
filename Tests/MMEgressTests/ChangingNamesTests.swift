import Glibc
import MMCore
import MMHTTP
import MMSystem
import TestSupport
import Testing

@testable import MMEgress

/// Names whose addresses change: an outer proxy plays a name server with changing answers.
@Suite(
    "Names whose answers change", .timeLimit(.minutes(5)),
    .enabled(if: Curl.path != nil && RawSession.openssl != nil, "needs curl and openssl"))
struct ChangingNamesTests {

    /// Leads every tunnel to one port of this machine, and records the requested names.
    private final class Names: Sendable {
        let port: UInt16
        private let listener: PolledListener
        private let target: Mutex<UInt16>
        private let names = Mutex<[String]>([])
        private let serving = Mutex<Task<Void, Never>?>(nil)

        init(leadingTo first: UInt16) throws {
            listener = try PolledListener(loopback: ())
            port = listener.port
            target = Mutex(first)
            let task = Task { [weak self, listener] in
                await withDiscardingTaskGroup { group in
                    while let client = try? await listener.accept() {
                        let raw = client.release()
                        group.addTask { try? await self?.serve(FileDescriptor(owning: raw)) }
                    }
                }
            }
            serving.withLock { $0 = task }
        }

        var asked: [String] { names.withLock { $0 } }

        func lead(to port: UInt16) { target.withLock { $0 = port } }

        func stop() {
            listener.close()
            serving.withLock { $0 }?.cancel()
        }

        private func serve(_ client: consuming FileDescriptor) async throws {
            let (input, output) = (try PolledReader(try client.duplicate()), try PolledWriter(client))
            var head: [UInt8] = []
            while !head.suffix(4).elementsEqual("\r\n\r\n".utf8), let piece = try await input.read() { head += piece }
            let words = String(decoding: head, as: UTF8.self).split(separator: " ")
            names.withLock { $0.append(words.count > 1 ? String(words[1]) : "") }
            let server = try RawSession.connected(to: target.withLock { $0 })
            let (from, to) = (try PolledReader(try server.duplicate()), try PolledWriter(server))
            try await output.write(Array("HTTP/1.1 200 OK\r\n\r\n".utf8))
            await withTaskGroup(of: Void.self) { group in
                group.addTask { while let piece = try? await input.read() { try? await to.write(piece) } }
                group.addTask { while let piece = try? await from.read() { try? await output.write(piece) } }
                await group.next()
                for end in [input, from] { end.close() }
                for end in [output, to] { end.close() }
            }
        }
    }

    /// A server with its own certificate for a name of the cloud.
    private func server(_ word: String, in home: TestHome, _ received: RequestList) async throws -> HTTPListener {
        let certificate = try await TestCertificate.make(word, for: "graph.microsoft.com", in: home.path)
        return try HTTPListener.start(.tcp(host: "127.0.0.1", port: 0), certificate: certificate) { request in
            received.add(request)
            return .text(word)
        }
    }

    @Test("a request whose name leads elsewhere once it was judged reaches nobody, and gives no token away")
    func changed() async throws {
        let home = try TestHome()
        let (meant, foreign) = (RequestList(), RequestList())
        let service = try await server("service", in: home, meant)
        let elsewhere = try await server("elsewhere", in: home, foreign)
        let names = try Names(leadingTo: service.port)
        let wire = try await TestWire(upstream: 1) { configuration in
            configuration.transport = nil
            configuration.environment = [
                "HTTPS_PROXY": "http://127.0.0.1:\(names.port)", "SSL_CERT_FILE": home.path + "/service.pem",
            ]
        }
        let arguments = [
            "-H", "Authorization: Bearer \(try wire.placeholder())", "https://graph.microsoft.com/v1.0/me",
        ]
        wire.judge.say { _ in
            names.lead(to: elsewhere.port)
            return .allow(class: "read")
        }
        let lost = try await Curl.run(wire, arguments)
        #expect(lost.status == "502" && foreign.all.isEmpty && meant.all.isEmpty, "\(lost)")
        wire.judge.say { _ in
            names.lead(to: service.port)
            return .allow(class: "read")
        }
        let found = try await Curl.run(wire, arguments)
        #expect(found.status == "200" && found.text == "service", "\(found)")
        #expect(foreign.all.isEmpty && meant.all.count == 1)
        // Only the outer proxy has looked up the name.
        #expect(Set(names.asked) == ["graph.microsoft.com:443"])
        await wire.session.close()
        names.stop()
        for listener in [service, elsewhere] { await listener.stop(graceful: .zero) }
    }
}
