import CMMSystem
import Glibc
package import MMCore

/// A dedicated thread for blocking calls, which must not run on the cooperative pool.
///
/// All signals are blocked in it, so that they reach the thread that waits for them.
package final class DedicatedThread: Sendable {
    private struct State {
        var ended = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    private init() {}

    /// Starts a thread.
    /// - Parameters:
    ///   - name: the name shown by debuggers and `/proc`, truncated to 15 bytes.
    ///   - stackSize: the size of its stack in bytes of address space; memory is used only as it is touched.
    ///   - body: the thread's work; the thread ends when it returns.
    /// - Throws: `.unavailable` when the system has no thread left.
    @discardableResult
    package static func start(
        _ name: String, stackSize: Int = 512 << 10, _ body: @escaping @Sendable () -> Void
    ) throws(MMError) -> DedicatedThread {
        let thread = DedicatedThread()
        let start = Unmanaged.passRetained(ThreadStart(name: name, body: body, thread: thread))
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, max(stackSize, 64 << 10))
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        var handle = pthread_t()
        let problem = pthread_create(
            &handle, &attributes,
            { argument in
                guard let argument else { return nil }
                let start = Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue()
                mm_block_signals_in_thread()
                mm_name_thread(start.name)
                start.body()
                start.thread.end()
                return nil
            }, start.toOpaque())
        guard problem == 0 else {
            start.release()
            throw MMError(
                .unavailable, "A thread could not be started: \(SystemError.text(problem)).",
                hint: "Check the process limit (ulimit -u) and free memory.")
        }
        return thread
    }

    /// Runs a call that may block forever, such as a read from a pipe, on a thread of its own and awaits its result.
    ///
    /// Cancellation stops the waiting, not the call: its thread ends when the call returns, or with the process.
    /// - Parameters:
    ///   - name: the thread's name.
    ///   - stackSize: the size of its stack in bytes.
    ///   - call: the call.
    /// - Throws: what the call throws; `.cancelled` when the task is cancelled; `.unavailable` when no thread is left.
    package static func run<Value: Sendable>(
        _ name: String, stackSize: Int = 512 << 10, _ call: @escaping @Sendable () throws(MMError) -> Value
    ) async throws(MMError) -> Value {
        let outcome = OneShot<Result<Value, MMError>>()
        try start(name, stackSize: stackSize) {
            do throws(MMError) { outcome.resolve(.success(try call())) } catch { outcome.resolve(.failure(error)) }
        }
        let result = await withTaskCancellationHandler {
            await outcome.wait()
        } onCancel: {
            outcome.resolve(.failure(MMError(.cancelled, "The call was cancelled.")))
        }
        return try result.get()
    }

    /// Waits until the thread's body has returned.
    package func ended() async {
        await withCheckedContinuation { continuation in
            let already = state.withLock { state in
                if !state.ended { state.waiters.append(continuation) }
                return state.ended
            }
            if already { continuation.resume() }
        }
    }

    private func end() {
        let waiters = state.withLock { state in
            state.ended = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    private final class ThreadStart: Sendable {
        let name: String
        let body: @Sendable () -> Void
        let thread: DedicatedThread

        init(name: String, body: @escaping @Sendable () -> Void, thread: DedicatedThread) {
            self.name = name
            self.body = body
            self.thread = thread
        }
    }
}
