package import MMCore

/// Keeps idle threads for a while, for work that needs a dedicated thread but not a new one each time.
package final class ThreadReserve: Sendable {
    private final class Worker: Sendable {
        let work = Mutex<(@Sendable () -> Void)?>(nil)
        let workAvailable = ThreadSemaphore()
    }

    private let name: String
    private let stackSize: Int
    private let maxIdle: Int
    private let idle = Mutex<[Worker]>([])

    private static let idleTimeout: Int32 = 2_000

    /// Creates a reserve without threads.
    /// - Parameters:
    ///   - name: the name shown by debuggers and `/proc`, truncated to 15 bytes.
    ///   - stackSize: the size of each stack in bytes of address space.
    ///   - maxIdle: the maximum number of idle threads; more may be busy.
    package init(_ name: String, stackSize: Int, maxIdle: Int) {
        self.name = name
        self.stackSize = stackSize
        self.maxIdle = maxIdle
    }

    /// Runs a body on a thread that does nothing else meanwhile.
    /// - Throws: `.unavailable` when the system has no thread left.
    package func run(_ body: @escaping @Sendable () -> Void) throws(MMError) {
        if let worker = idle.withLock({ $0.popLast() }) {
            worker.work.withLock { $0 = body }
            return worker.workAvailable.post()
        }
        let worker = Worker()
        worker.work.withLock { $0 = body }
        try DedicatedThread.start(name, stackSize: stackSize) { [weak self] in
            while let body = worker.work.withLock({ $0.take() }) {
                body()
                guard let self, self.waitForWork(worker) else { return }
            }
        }
    }

    /// Waits for more work.
    /// - Returns: false when none came.
    private func waitForWork(_ worker: Worker) -> Bool {
        let waits = idle.withLock { idle in
            guard idle.count < maxIdle else { return false }
            idle.append(worker)
            return true
        }
        guard waits else { return false }
        if worker.workAvailable.wait(milliseconds: Self.idleTimeout) { return true }
        let isGivenUp = idle.withLock { idle in
            guard let place = idle.firstIndex(where: { $0 === worker }) else { return false }
            idle.remove(at: place)
            return true
        }
        // Another caller has just taken this worker from the list and is about to give it work.
        if !isGivenUp { worker.workAvailable.wait() }
        return !isGivenUp
    }
}
