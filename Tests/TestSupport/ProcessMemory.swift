import Glibc
import MMSystem

/// The memory of another process.
package enum ProcessMemory {
    /// All writable memory of a process, from the kernel.
    package static func bytes(of process: Int32) throws -> [UInt8] {
        let maps = String(decoding: ProcFile.read("/proc/\(process)/maps", limit: 1 << 20) ?? [], as: UTF8.self)
        let file = try FileDescriptor.open("/proc/\(process)/mem", O_RDONLY)
        var bytes: [UInt8] = []
        for line in maps.split(separator: "\n") where line.contains(" rw") {
            let range = line.prefix { $0 != " " }.split(separator: "-").compactMap { Int($0, radix: 16) }
            guard range.count == 2, range[1] - range[0] < 256 << 20 else { continue }
            var room = [UInt8](repeating: 0, count: range[1] - range[0])
            let count = pread(file.raw, &room, room.count, off_t(range[0]))
            if count > 0 { bytes += room.prefix(count) }
        }
        return bytes
    }
}
