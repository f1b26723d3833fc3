import CTestGuard

/// Counts how often work asks the disk to have what was written; nothing else shows whether it did.
package enum DiskSyncs {
    private final class Work {
        let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
    }

    /// Runs the work on a thread of its own, where such calls are counted and not made.
    /// - Returns: how many there were; `nil` where the kernel lets nobody count.
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
