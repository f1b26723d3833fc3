import CMMSystem
import Glibc

/// A process that can be distinguished from a later one with the same id, for records that outlive the process that
/// wrote them.
package struct ProcessIdentity: Sendable, Hashable {
    /// The process id.
    package let pid: Int32
    /// The start time in clock ticks since boot (proc_pid_stat(5), field 22).
    package let startTime: UInt64

    /// Creates an identity from a record.
    package init(pid: Int32, startTime: UInt64) {
        self.pid = pid
        self.startTime = startTime
    }

    /// Identifies the running process with this id; nil when there is none or it has ended and waits to be reaped.
    package init?(running pid: Int32) {
        guard pid > 0, let file = try? FileDescriptor.open("/proc/\(pid)/stat", O_RDONLY) else { return nil }
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = read(file.raw, &bytes, bytes.count)
        // The second field is the program's name, which may contain anything; only what follows its last parenthesis is
        // reliable.
        guard count > 0, let bracket = bytes[..<count].lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = bytes[(bracket + 1)..<count].split(separator: 0x20)
        guard fields.count > 19, fields[0] != [UInt8(ascii: "Z")], fields[0] != [UInt8(ascii: "X")],
            let startTime = UInt64(String(decoding: fields[19], as: UTF8.self))
        else { return nil }
        self.init(pid: pid, startTime: startTime)
    }

    /// Whether the process is still running.
    package var isRunning: Bool { ProcessIdentity(running: pid) == self }

    /// Sends a signal to the process, but never to another one that has its id now.
    /// - Returns: false when it is no longer running or may not be signalled.
    @discardableResult
    package func signal(_ number: Int32) -> Bool {
        let raw = mm_pidfd_open(pid)
        guard raw >= 0 else { return false }
        let pidfd = FileDescriptor(owning: raw)
        // Check the identity only now: the open pidfd pins whichever process has the id.
        return isRunning && mm_pidfd_signal(pidfd.raw, number) == 0
    }
}
