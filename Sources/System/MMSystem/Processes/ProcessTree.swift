import Glibc

/// A process and all its descendants.
package enum ProcessTree {
    /// Returns the memory in bytes that the processes hold by themselves: the sum of their resident memory without
    /// shared pages.
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

    /// Reads the second and third field of `/proc/PID/statm`, in pages (proc(5)): resident, and the shared part of
    /// that.
    private static func resident(_ pid: Int32) -> Int {
        guard let bytes = ProcFile.read("/proc/\(pid)/statm", limit: 4096) else { return 0 }
        let fields = String(decoding: bytes, as: UTF8.self).split(separator: " ")
        guard fields.count > 2, let resident = Int(fields[1]), let shared = Int(fields[2]) else { return 0 }
        return max(0, resident - shared) * Int(getpagesize())
    }
}
