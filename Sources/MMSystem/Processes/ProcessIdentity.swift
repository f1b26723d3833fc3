import CMMSystem
import Glibc

/// A process that can be told from a later one with the same number: for records that outlive the process that wrote
/// them.
package struct ProcessIdentity: Sendable, Hashable {
    /// The process's number.
    package let pid: Int32
    /// When it started, in the kernel's clock ticks since boot (proc_pid_stat(5), field 22).
    package let startTime: UInt64

    /// A process as it was recorded.
    package init(pid: Int32, startTime: UInt64) {
        self.pid = pid
        self.startTime = startTime
    }

    /// The process that has this number now; nil when there is none, or it has ended and waits to be reaped.
    package init?(running pid: Int32) {
        guard pid > 0, let file = try? FileDescriptor.open("/proc/\(pid)/stat", O_RDONLY) else { return nil }
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = read(file.raw, &bytes, bytes.count)
        // The second field is the program's name, which may hold anything: what follows its last bracket is plain.
        guard count > 0, let bracket = bytes[..<count].lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = bytes[(bracket + 1)..<count].split(separator: 0x20)
        guard fields.count > 19, fields[0] != [UInt8(ascii: "Z")], fields[0] != [UInt8(ascii: "X")],
            let startTime = UInt64(String(decoding: fields[19], as: UTF8.self))
        else { return nil }
        self.init(pid: pid, startTime: startTime)
    }

    /// Whether it still runs.
    package var isRunning: Bool { ProcessIdentity(running: pid) == self }

    /// Sends it a signal; never to another process that has its number now.
    /// - Returns: false when it does not run any more, or belongs to somebody else.
    @discardableResult
    package func signal(_ number: Int32) -> Bool {
        let raw = mm_pidfd_open(pid)
        guard raw >= 0 else { return false }
        let pidfd = FileDescriptor(owning: raw)
        // Looked at only now: the descriptor holds on to whoever has the number.
        return isRunning && mm_pidfd_signal(pidfd.raw, number) == 0
    }
}
