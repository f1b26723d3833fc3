import CMMSystem

/// A semaphore for dedicated threads. Never wait for it on the cooperative pool.
package final class ThreadSemaphore: @unchecked Sendable {
    // `@unchecked Sendable`: the pointer never changes, and a semaphore may be used from any thread.
    private let semaphore: UnsafeMutableRawPointer

    /// Creates a semaphore with count zero.
    package init() {
        guard let semaphore = mm_semaphore_create() else { fatalError("Out of memory") }
        self.semaphore = semaphore
    }

    deinit { mm_semaphore_free(semaphore) }

    /// Lets one waiter continue, now or later.
    package func post() {
        mm_semaphore_post(semaphore)
    }

    /// Waits for a post.
    /// - Parameter milliseconds: how long to wait; nil to wait forever.
    /// - Returns: false when the time ran out.
    @discardableResult
    package func wait(milliseconds: Int32? = nil) -> Bool {
        mm_semaphore_wait(semaphore, milliseconds.map { max($0, 0) } ?? -1) == 0
    }
}
