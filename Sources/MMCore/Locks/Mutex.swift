package import Glibc

/// A value that only one thread at a time can access.
///
/// It wraps a POSIX mutex instead of using the standard library's `Mutex`, because the thread sanitizer understands the
/// former and reports every use of the latter as a race.
///
/// `@unchecked Sendable`: the value is reached only through `withLock`, under its own mutex.
package struct Mutex<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
    @usableFromInline let lock: UnsafeMutablePointer<pthread_mutex_t>
    @usableFromInline let value: UnsafeMutablePointer<Value>

    package init(_ initial: consuming sending Value) {
        // Mutex and value share one allocation, because each call creates dozens of these.
        let alignment = max(MemoryLayout<pthread_mutex_t>.alignment, MemoryLayout<Value>.alignment)
        let offset = (MemoryLayout<pthread_mutex_t>.size + alignment - 1) / alignment * alignment
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: offset + MemoryLayout<Value>.size, alignment: alignment)
        lock = memory.initializeMemory(as: pthread_mutex_t.self, to: pthread_mutex_t())
        // Initialising a mutex of the default kind can't fail.
        pthread_mutex_init(lock, nil)
        value = (memory + offset).bindMemory(to: Value.self, capacity: 1)
        value.initialize(to: initial)
    }

    deinit {
        value.deinitialize(count: 1)
        pthread_mutex_destroy(lock)
        UnsafeMutableRawPointer(lock).deallocate()
    }

    /// Calls `body` with exclusive access to the value.
    /// - Parameter body: the work; it must neither wait for anything nor take the same lock again.
    /// - Throws: what `body` throws.
    @inlinable
    package borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return try body(&value.pointee)
    }
}
