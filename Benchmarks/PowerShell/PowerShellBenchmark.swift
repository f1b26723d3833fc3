import Glibc
import MMCore
import MMPowerShell
import MMSessions
import MMSystem

/// Drives PowerShell sessions for `Benchmarks/powershell.py`: `calls COUNT`, `records COUNT BYTES`, `sessions COUNT`, each
/// with the command line that stands in for PowerShell. One JSON object on standard output holds the figures.
@main
enum PowerShellBenchmark {
    static func main() async {
        let words = CommandLine.arguments
        guard words.count >= 5, let count = Int(words[4]) else {
            print("powershell-benchmark COMMAND FOLDER calls|records|sessions COUNT [BYTES]")
            exit(2)
        }
        ResourceLimits.raiseDescriptors()
        do {
            let location = try PowerShellLocator(environment: [:]).command(words[1], reason: .named)
            let bench = Bench(location: location, folder: words[2], count: count)
            let figures =
                switch words[3] {
                case "calls": try await bench.calls()
                case "records": try await bench.records(bytes: words.count > 5 ? Int(words[5]) ?? 200 : 200)
                default: try await bench.sessions()
                }
            print(JSONWriter.string(.object(figures)))
            exit(0)
        } catch {
            print("\(error)")
            exit(1)
        }
    }
}

/// One measurement.
struct Bench: Sendable {
    let location: PowerShellLocation
    let folder: String
    let count: Int

    func session(_ number: Int = 0) -> PowerShellSession {
        PowerShellSession(
            PowerShellSessionSettings(
                host: HostSettings(
                    location: location, folder: "\(folder)/s\(number)", environment: ["HOME": folder])))
    }

    /// Warm calls one after the other, through the queue, the deadline, the socket and the decoder.
    func calls() async throws -> JSONObject {
        let session = session()
        let command = PowerShellCommand("1")
        var times: [Double] = []
        for round in 0..<(count + 200) {
            let start = ContinuousClock.now
            let answer = try await session.answer(command, deadline: .after(.seconds(60)))
            let took = (ContinuousClock.now - start) / .microseconds(1)
            guard answer.values == [1] else { throw MMError(.internalError, "a wrong answer: \(answer.values)") }
            if round >= 200 { times.append(took) }
        }
        await session.close()
        times.sort()
        return [
            "medianMicroseconds": .double(times[times.count / 2]),
            "p99Microseconds": .double(times[times.count * 99 / 100]),
        ]
    }

    /// The records of one command, read as fast as they arrive.
    func records(bytes: Int) async throws -> JSONObject {
        let session = session()
        _ = try await session.answer(PowerShellCommand("1"), deadline: .after(.seconds(60)))
        // `flood` is faster than a loop that the stand-in evaluates, so that the driver is the bottleneck.
        let flood =
            if await session.isStandIn { "Invoke-StandIn flood \(count) \(bytes)" } else {
                "$record = 'x' * \(bytes); foreach ($number in 1..\(count)) { $record }"
            }
        let start = ContinuousClock.now
        var seen = 0
        let run = try await session.run(PowerShellCommand(flood), deadline: .after(.seconds(300)))
        for try await event in run {
            if case .record = event { seen += 1 }
        }
        let took = (ContinuousClock.now - start) / .seconds(1)
        await session.close()
        guard seen == count else { throw MMError(.internalError, "\(seen) records came") }
        return ["recordsPerSecond": .double(Double(count) / took)]
    }

    /// The memory per idle session of a pool, without the costs that only the first ones cause.
    func sessions() async throws -> JSONObject {
        var settings = PoolSettings()
        settings.maxSessions = count + 20
        let pool = SessionPool(factory: Factory(bench: self), settings: settings)
        func connect(_ range: Range<Int>) async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in range {
                    group.addTask {
                        _ = try await pool.connect(SessionKey(connection: "C\(number)", module: "exo"))
                    }
                }
                try await group.waitForAll()
            }
        }
        try await connect(0..<10)
        let before = Self.residentBytes()
        let start = ContinuousClock.now
        for begin in stride(from: 10, to: count + 10, by: 20) { try await connect(begin..<min(count + 10, begin + 20)) }
        let took = (ContinuousClock.now - start) / .seconds(1)
        let after = Self.residentBytes()
        let live = await pool.reports().count
        await pool.close()
        guard live == count + 10 else { throw MMError(.internalError, "\(live) sessions live") }
        return [
            "bytesPerSession": .int(Int64((after - before) / count)), "startedPerSecond": .double(Double(count) / took),
        ]
    }

    private static func residentBytes() -> Int {
        let text = ProcFile.read("/proc/self/statm", limit: 256) ?? []
        let fields = String(decoding: text, as: UTF8.self).split(separator: " ")
        return (fields.count > 1 ? Int(fields[1]) ?? 0 : 0) * Int(getpagesize())
    }
}

/// Plain sessions without a sign-in.
private struct Factory: SessionFactory {
    let bench: Bench

    func start(_ key: SessionKey) async throws(MMError) -> PlainSession {
        PlainSession(session: bench.session(Int(key.connection.dropFirst()) ?? 0))
    }
}

private struct PlainSession: PooledSession {
    let session: PowerShellSession

    func connect(report: @escaping @Sendable (SignInStep) -> Void) async throws(MMError) -> String {
        try await session.connect(deadline: .after(.seconds(120))).name
    }

    func checkHealth() async throws(MMError) { try await session.checkHealth(deadline: .after(.seconds(30))) }
    var isUsable: Bool { get async { await session.isUsable } }
    var memory: Int? { get async { await session.memory } }
    func close() async { await session.close() }
}
