import Glibc
import MMCore
import MMEgress
import MMHTTP
import MMIdentity
import MMSystem

/// Measures the proxy ("wire") of a session for `Benchmarks/egress.py`: `egress-benchmark COUNT MEGABYTES FOLDER`.
/// Prints one JSON object with times in microseconds and memory in megabytes.
///
/// The same client gets the same small answer from the same server, directly and through the proxy. The difference
/// includes both ends of TLS, the judge and the replacement of the token.
@main
enum EgressBenchmark {
    static func main() async {
        Signals.ignoreBrokenPipes()
        let words = CommandLine.arguments.dropFirst().prefix(2).compactMap { Int($0) }
        guard words.count == 2, let folder = CommandLine.arguments.dropFirst(3).first, words[0] >= 100, words[1] >= 1
        else {
            print("egress-benchmark COUNT MEGABYTES FOLDER")
            exit(2)
        }
        do {
            let figures = try await figures(words[0], megabytes: words[1], folder: folder)
            print(JSONWriter.string(.object(figures)))
            exit(0)
        } catch {
            print("\(error)")
            exit(1)
        }
    }

    private static func figures(_ count: Int, megabytes: Int, folder: String) async throws -> JSONObject {
        let service = try Service(answerBytes: megabytes << 20)
        let vault = PlaceholderVault()
        let cloud = try Cloud.named("public", paths: StatePaths(environment: ["HOME": folder]))
        var configuration = EgressConfiguration(
            session: "bench", hosts: EgressHosts(cloud: cloud), judge: Everything(), tokens: OneToken(),
            vault: vault,
            folder: folder, environment: [:], events: { _ in })
        configuration.transport = ToService(port: service.port)
        let wire = try await EgressSession.start(configuration)
        let token = benchmarkToken()
        let headers: HTTPHeaders = [
            "Authorization": "Bearer \(try vault.placeholder(for: token, account: "bench"))"
        ]
        let through = HTTPClient(configuration: HTTPClientConfiguration(environment: wire.environment))
        let straight = ToService(port: service.port)
        let url = "https://graph.microsoft.com/v1.0/me"
        var times: [String: [Double]] = [:]
        // Measure both in turns, so that the load of the machine affects both equally.
        for round in 0...(count / 50) {
            for (name, client) in [("straight", straight as any HTTPTransport), ("through", through)] {
                for _ in 0..<50 {
                    let begin = ContinuousClock.now
                    let answer = try await client.send(HTTPRequest(url: url, headers: headers))
                    let parts = (ContinuousClock.now - begin).components
                    guard answer.status == 200 else { throw MMError(.internalError, "status \(answer.status)") }
                    if round > 0 { times[name, default: []].append(Double(parts.attoseconds) / 1e12) }
                }
            }
        }
        var figures = JSONObject()
        for (name, all) in times {
            let sorted = all.sorted()
            figures[name + "50"] = .double(sorted[sorted.count / 2])
            figures[name + "99"] = .double(sorted[sorted.count * 99 / 100])
        }
        let before = OwnMemory.resident() ?? 0
        let peak = PeakMemory()
        figures["downSeconds"] = .double(
            try await seconds {
                let stream = try await through.open(HTTPRequest(url: url + "/large", headers: headers))
                var total = 0
                for try await piece in stream.chunks { total += piece.count }
                guard total == megabytes << 20 else { throw MMError(.internalError, "\(total) bytes came down.") }
            })
        figures["upSeconds"] = .double(
            try await seconds {
                let rest = Mutex(megabytes)
                var request = HTTPRequest(method: "PUT", url: url + "/large", headers: headers, timeout: .seconds(600))
                request.upload = HTTPUpload(
                    length: megabytes << 20,
                    pieces: HTTPBody(next: { () async throws(HTTPError) -> [UInt8]? in
                        let isMore = rest.withLock { rest in
                            rest -= 1
                            return rest >= 0
                        }
                        return isMore ? [UInt8](repeating: 7, count: 1 << 20) : nil
                    }))
                let answer = try await through.send(request)
                guard answer.status == 200, service.bytesTaken >= megabytes << 20 else {
                    throw MMError(.internalError, "\(service.bytesTaken) bytes went up.")
                }
            })
        figures["memoryBefore"] = .double(Double(before) / 1e6)
        figures["memoryPeak"] = .double(Double(peak.stop()) / 1e6)
        await wire.close()
        let many = try await ManySessions.run(sessions: 8, requests: 10_000, port: service.port, folder: folder)
        figures["mixed"] = .int(Int64(many.mixed))
        figures["manySeconds"] = .double(many.seconds)
        return figures
    }

    private static func seconds(_ work: () async throws -> Void) async throws -> Double {
        let begin = ContinuousClock.now
        try await work()
        let parts = (ContinuousClock.now - begin).components
        return Double(parts.seconds) + Double(parts.attoseconds) / 1e18
    }
}

/// Samples the memory of this process and keeps the maximum.
private final class PeakMemory: Sendable {
    private let most = Mutex(0)
    private let task = Mutex<Task<Void, Never>?>(nil)

    init() {
        let task = Task {
            while !Task.isCancelled {
                let now = OwnMemory.resident() ?? 0
                self.most.withLock { $0 = max($0, now) }
                try? await Task.sleep(for: .milliseconds(5))
            }
        }
        self.task.withLock { $0 = task }
    }

    func stop() -> Int {
        task.withLock { $0 }?.cancel()
        return most.withLock { $0 }
    }
}
