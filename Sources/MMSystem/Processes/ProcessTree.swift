import Glibc

/// A process and all that descends from it.
package enum ProcessTree {
    /// The memory that they hold by themselves, in bytes: what is shared with others counts once at most for each.
    package static func memory(of pid: Int32) -> Int {
        var sum = 0
        var level = [pid]
        var seen: Set<Int32> = []
        while !level.isEmpty {
            var next: [Int32] = []
            for one in level where seen.insert(one).inserted {
                sum += resident(one)
                next += Descendants.children(of: one)
            }
            level = next
        }
        return sum
    }

    /// The second and third field of `/proc/PID/statm` in pages (proc(5)): resident, and of that shared.
    private static func resident(_ pid: Int32) -> Int {
        guard let bytes = ProcFile.read("/proc/\(pid)/statm", limit: 4096) else { return 0 }
        let fields = String(decoding: bytes, as: UTF8.self).split(separator: " ")
        guard fields.count > 2, let resident = Int(fields[1]), let shared = Int(fields[2]) else { return 0 }
        return max(0, resident - shared) * Int(getpagesize())
    }
}
