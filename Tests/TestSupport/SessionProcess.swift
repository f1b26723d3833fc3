import Glibc
import MMSystem

/// A session's process, which has another number in its own namespace.
package enum SessionProcess {
    /// Returns the number of a process in this namespace.
    /// - Parameters:
    /// - inner: its number in its own namespace, as it reports it.
    /// - home: a path above the session's home, which is in its environment.
    package static func here(_ inner: Int32, home: String) -> Int32? {
        ProcessEntry.all().first { entry in
            guard ProcessEntry.numbers(of: entry.id).last == inner,
                let bytes = ProcFile.read("/proc/\(entry.id)/environ", limit: 1 << 20)
            else { return false }
            return bytes.split(separator: 0).contains { line in
                line.starts(with: "HOME=".utf8) && String(decoding: line, as: UTF8.self).contains(home)
            }
        }?.id
    }
}
