import CMMSystem
import Glibc

/// The memory of this process.
package enum OwnMemory {
    /// Returns the resident memory in bytes: the second field of `/proc/self/statm`, in pages (proc(5)).
    package static func resident() -> Int? {
        guard let text = ProcFile.read("/proc/self/statm", limit: 4096) else { return nil }
        let fields = text.split(separator: 0x20)
        guard fields.count > 1, let pages = Int(String(decoding: fields[1], as: UTF8.self)) else { return nil }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// Returns freed heap memory to the system. Takes milliseconds on a large heap.
    package static func releaseUnused() { mm_trim_heap() }
}
