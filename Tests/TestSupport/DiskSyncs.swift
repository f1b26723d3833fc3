import CTestGuard

/// Counts how often code asks the kernel to flush a file to disk, which nothing else can observe.
package enum DiskSyncs {
    private final class Work {
        let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
    }

    /// Runs the body on a thread of its own, where such calls are counted but not performed.
    /// - Returns: the number of calls; `nil` where the kernel doesn't allow counting them.
    package static func count(_ body: @escaping @Sendable () -> Void) -> Int? {
        let work = Work(body)
        let count = withExtendedLifetime(work) {
            mm_test_disk_syncs(
                { context in
                    guard let context else { return }
                    Unmanaged<Work>.fromOpaque(context).takeUnretainedValue().body()
                }, Unmanaged.passUnretained(work).toOpaque())
        }
        return count < 0 ? nil : Int(count)
    }
}
