import Glibc
import MMSystem

/// A session's process, which has another number within its own tree than it has here.
package enum SessionProcess {
    /// Returns the number that a process has here.
    /// - Parameters:
    ///   - inner: the number that it has where it runs, as it tells it itself.
    ///   - home: a path below which the session's home lies, which stands in its environment.
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
