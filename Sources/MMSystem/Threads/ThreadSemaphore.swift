import CMMSystem

/// Lets a thread of its own wait for others. Never to be waited for on the cooperative pool.
package final class ThreadSemaphore: @unchecked Sendable {
    // The pointer never changes, and what it points to is made for use from any thread.
    private let semaphore: UnsafeMutableRawPointer

    /// At zero.
    package init() {
        guard let semaphore = mm_semaphore_create() else { fatalError("Out of memory") }
        self.semaphore = semaphore
    }

    deinit { mm_semaphore_free(semaphore) }

    /// Lets one waiter go on, now or later.
    package func post() {
        mm_semaphore_post(semaphore)
    }

    /// Waits for a post.
    /// - Parameter milliseconds: how long; nil for ever.
    /// - Returns: false when the time ran out.
    @discardableResult
    package func wait(milliseconds: Int32? = nil) -> Bool {
        mm_semaphore_wait(semaphore, milliseconds.map { max($0, 0) } ?? -1) == 0
    }
}
