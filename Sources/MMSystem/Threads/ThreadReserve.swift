package import MMCore

/// Threads of one kind that wait a while for more work: for bodies that need a thread of their own, but not a new one.
package final class ThreadReserve: Sendable {
    private final class Worker: Sendable {
        let work = Mutex<(@Sendable () -> Void)?>(nil)
        let given = ThreadSemaphore()
    }

    private let name: String
    private let stackSize: Int
    private let most: Int
    private let idle = Mutex<[Worker]>([])

    private static let patience: Int32 = 2_000

    /// A reserve without threads.
    /// - Parameters:
    ///   - name: what debuggers and `/proc` show, cut to 15 bytes.
    ///   - stackSize: bytes of address space for each stack.
    ///   - most: how many threads wait at a time; more may work.
    package init(_ name: String, stackSize: Int, most: Int = 4) {
        self.name = name
        self.stackSize = stackSize
        self.most = most
    }

    /// Runs a body on a thread that does nothing else meanwhile.
    /// - Throws: `.unavailable` when the system has no thread left.
    package func run(_ body: @escaping @Sendable () -> Void) throws(MMError) {
        if let worker = idle.withLock({ $0.popLast() }) {
            worker.work.withLock { $0 = body }
            return worker.given.post()
        }
        let worker = Worker()
        worker.work.withLock { $0 = body }
        try DedicatedThread.start(name, stackSize: stackSize) { [weak self] in
            while let body = worker.work.withLock({ $0.take() }) {
                body()
                guard let self, self.keeps(worker) else { return }
            }
        }
    }

    /// Waits for more work.
    /// - Returns: false when none came.
    private func keeps(_ worker: Worker) -> Bool {
        let waits = idle.withLock { idle in
            guard idle.count < most else { return false }
            idle.append(worker)
            return true
        }
        guard waits else { return false }
        if worker.given.wait(milliseconds: Self.patience) { return true }
        let isGivenUp = idle.withLock { idle in
            guard let place = idle.firstIndex(where: { $0 === worker }) else { return false }
            idle.remove(at: place)
            return true
        }
        // Somebody has taken it from the list at the last moment, and gives it work now.
        if !isGivenUp { worker.given.wait() }
        return !isGivenUp
    }
}
