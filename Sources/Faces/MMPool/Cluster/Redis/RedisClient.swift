import Glibc
package import MMCore
import MMSystem

/// Redis, as tasks use it: commands run one after the other on a thread of their own.
package final class RedisClient: Sendable {
    /// An answer with the server's run.
    package struct Answer: Sendable {
        package let value: RedisValue
        /// Which run of which server gave it.
        package let run: String
        /// Whether what others wrote may be missing there: it has taken another one's place, or started lately.
        package let isYoung: Bool
    }

    private struct Job: Sendable {
        let words: [[UInt8]]
        let key: String
        let isRepeatable: Bool
        let outcome: OneShot<Result<RedisWorker.Answer, MMError>>
        let end: ContinuousClock.Instant
    }

    private struct State {
        var jobs: [Job] = []
        var isClosed = false
        var isRunning = false
    }

    /// Where it is.
    package let address: RedisAddress
    private let limit: Duration
    private let state = Mutex(State())
    private let ready = ThreadSemaphore()

    /// A client. It connects with its first command.
    /// - Parameters:
    ///   - address: where Redis is.
    ///   - limit: how long a connection, and a command, may take.
    package init(_ address: RedisAddress, limit: Duration = .seconds(2)) {
        self.address = address
        self.limit = limit
    }

    deinit { close() }

    /// Carries out a command.
    /// - Parameters:
    ///   - words: the command and its arguments.
    ///   - key: whose server is asked.
    ///   - isRepeatable: whether it may be sent again where it is not known whether it was carried out.
    /// - Throws: `unavailable` with the detail `cluster` where Redis can't be reached; `remoteFailed` for an error of its own.
    package func ask(_ words: [String], key: String, isRepeatable: Bool = true) async throws(MMError) -> Answer {
        try await ask(words.map { Array($0.utf8) }, key: key, isRepeatable: isRepeatable)
    }

    /// The same with words of any bytes.
    package func ask(_ words: [[UInt8]], key: String, isRepeatable: Bool = true) async throws(MMError) -> Answer {
        let outcome = OneShot<Result<RedisWorker.Answer, MMError>>()
        let job = Job(
            words: words, key: key, isRepeatable: isRepeatable, outcome: outcome, end: .now + limit * 3)
        let (isOpen, needsThread) = state.withLock { state in
            guard !state.isClosed else { return (false, false) }
            state.jobs.append(job)
            defer { state.isRunning = true }
            return (true, !state.isRunning)
        }
        guard isOpen else { throw Self.away(address, "it was closed") }
        if needsThread { try start() }
        ready.post()
        let answer = try await outcome.wait().get()
        if case .error(let text) = answer.value {
            throw MMError(
                .remoteFailed, "Redis refuses: \(text.prefix(200))",
                hint: "Check its version (6.2 or later) and the rights of its user.", details: ["cluster": "refused"])
        }
        return Answer(value: answer.value, run: answer.run, isYoung: answer.isYoung)
    }

    /// Runs a script of keys that one server has.
    package func script(
        _ text: String, keys: [String], _ arguments: [[UInt8]], isRepeatable: Bool = true
    ) async throws(MMError) -> Answer {
        var words = [Array("EVAL".utf8), Array(text.utf8), Array("\(keys.count)".utf8)]
        words += keys.map { Array($0.utf8) } + arguments
        return try await ask(words, key: keys.first ?? "", isRepeatable: isRepeatable)
    }

    /// Ends the thread; later commands fail.
    package func close() {
        let left = state.withLock { state in
            state.isClosed = true
            defer { state.jobs = [] }
            return state.jobs
        }
        for job in left { job.outcome.resolve(.failure(Self.away(address, "it was closed"))) }
        ready.post()
    }

    /// The error where Redis can't be reached.
    package static func away(_ address: RedisAddress, _ why: String) -> MMError {
        MMError(
            .unavailable, "Redis at \(address) can't be reached: \(why).",
            hint: "Check it and --cluster; `mm pool status` shows when it is back.", retry: .after(.seconds(1)),
            details: ["cluster": "away"], cause: why)
    }

    private func start() throws(MMError) {
        let (address, limit, ready) = (address, limit, ready)
        do throws(MMError) {
            try DedicatedThread.start("mm-redis") { [weak self] in
                let worker = RedisWorker(address, connectLimit: min(limit, .seconds(1)))
                while true {
                    ready.wait()
                    guard let next = self?.next() else { return }
                    if let job = next { Self.carryOut(job, worker, address, limit) }
                }
            }
        } catch {
            state.withLock { $0.isRunning = false }
            throw error
        }
    }

    /// The next job; `nil` within for none, `nil` for the end.
    private func next() -> Job?? {
        state.withLock { state in
            if state.isClosed { return .none }
            return .some(state.jobs.isEmpty ? nil : state.jobs.removeFirst())
        }
    }

    private static func carryOut(_ job: Job, _ worker: RedisWorker, _ address: RedisAddress, _ limit: Duration) {
        // Who waits for one that hangs is told so in time, and not after all who came before.
        guard job.end > .now else {
            job.outcome.resolve(.failure(away(address, "others wait for it already")))
            return
        }
        let milliseconds = Int32(limit.milliseconds)
        do throws(RedisSocket.Fault) {
            job.outcome.resolve(
                .success(
                    try worker.run(
                        job.words, key: job.key, isRepeatable: job.isRepeatable, milliseconds: milliseconds)))
        } catch {
            var failure = away(address, error.text)
            if error.mayHaveRun { failure.details["mayHaveRun"] = true }
            job.outcome.resolve(.failure(failure))
        }
    }
}
