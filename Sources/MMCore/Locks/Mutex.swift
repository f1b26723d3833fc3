package import Glibc

/// A value that one thread at a time works on.
///
/// It stands on a POSIX mutex and not on the standard library's `Mutex`, because the thread sanitizer follows the first
/// and reports every use of the second as a race: a sanitizer that cries wolf finds nothing.
///
/// `@unchecked Sendable`: the value is reached through `withLock` alone, under the mutex that was made for it.
package struct Mutex<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
    @usableFromInline let lock: UnsafeMutablePointer<pthread_mutex_t>
    @usableFromInline let value: UnsafeMutablePointer<Value>

    package init(_ initial: consuming sending Value) {
        lock = .allocate(capacity: 1)
        lock.initialize(to: pthread_mutex_t())
        // The default kind of mutex can't be refused.
        pthread_mutex_init(lock, nil)
        value = .allocate(capacity: 1)
        value.initialize(to: initial)
    }

    deinit {
        value.deinitialize(count: 1)
        value.deallocate()
        pthread_mutex_destroy(lock)
        lock.deallocate()
    }

    /// Works on the value while nobody else does.
    /// - Parameter body: the work; it must not wait for anything, nor take the same lock again.
    /// - Throws: what the work throws.
    @inlinable
    package borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return try body(&value.pointee)
    }
}
