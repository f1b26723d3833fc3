import Glibc

/// Runs work on a thread with as little stack as the ones of a concurrency pool may have.
enum SmallStack {
    private final class Job {
        let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
    }

    /// Runs a closure on a thread with a stack of `bytes` and waits for it.
    /// - Returns: whether the thread could be made.
    static func run(bytes: Int = 512 << 10, _ body: @escaping () -> Void) -> Bool {
        var attributes = pthread_attr_t()
        guard pthread_attr_init(&attributes) == 0, pthread_attr_setstacksize(&attributes, bytes) == 0 else {
            return false
        }
        defer { pthread_attr_destroy(&attributes) }
        var thread = pthread_t()
        let job = Unmanaged.passRetained(Job(body))
        let status = pthread_create(
            &thread, &attributes,
            { argument in
                if let argument { Unmanaged<Job>.fromOpaque(argument).takeRetainedValue().body() }
                return nil
            }, job.toOpaque())
        guard status == 0 else {
            job.release()
            return false
        }
        return pthread_join(thread, nil) == 0
    }
}
