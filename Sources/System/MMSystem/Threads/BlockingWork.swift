package import MMCore

/// A few threads for short blocking calls: file locks, name look-ups, syncing to disk.
///
/// Threads start on demand and end when idle. A call that may block for long needs a dedicated thread.
package enum BlockingWork {
    private struct State {
        var jobs: [@Sendable () -> Void] = []
        var threads = 0
        var idle = 0
    }

    private static let maxThreads = 8
    private static let idleMilliseconds: Int32 = 2_000
    private static let state = Mutex(State())
    private static let ready = ThreadSemaphore()

    /// Runs a blocking call on one of the threads and awaits its result. Cancellation doesn't interrupt the call.
    /// - Throws: what the call throws, or `.unavailable` when no thread can be started.
    package static func run<Value: Sendable>(
        _ work: @escaping @Sendable () throws(MMError) -> Value
    ) async throws(MMError) -> Value {
        let outcome = OneShot<Result<Value, MMError>>()
        try state.withLock { (state) throws(MMError) in
            if state.idle <= state.jobs.count, state.threads < maxThreads {
                do throws(MMError) {
                    try DedicatedThread.start("mm-blocking") { serve() }
                    state.threads += 1
                } catch {
                    // Without any thread, nothing would ever run the job.
                    guard state.threads > 0 else { throw error }
                }
            }
            state.jobs.append {
                do throws(MMError) { outcome.resolve(.success(try work())) } catch { outcome.resolve(.failure(error)) }
            }
        }
        ready.post()
        return try await outcome.wait().get()
    }

    private static func serve() {
        while true {
            state.withLock { $0.idle += 1 }
            let isPosted = ready.wait(milliseconds: idleMilliseconds)
            let job: (@Sendable () -> Void)? = state.withLock { state in
                state.idle -= 1
                if !state.jobs.isEmpty { return state.jobs.removeFirst() }
                if !isPosted { state.threads -= 1 }
                return nil
            }
            if let job { job() } else if !isPosted { return }
        }
    }
}
