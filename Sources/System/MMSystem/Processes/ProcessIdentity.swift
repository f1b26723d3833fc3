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
        guard let entry = ProcessEntry(pid), !entry.isDead else { return nil }
        self.init(pid: pid, startTime: entry.start)
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

/// The descendants of this process.
package enum Descendants {
    /// Makes this process adopt descendants that lose their parent from now on, so that they can be found and ended
    /// (prctl(2), PR_SET_CHILD_SUBREAPER).
    /// - Returns: false if the kernel refuses.
    @discardableResult
    package static func adopt() -> Bool { mm_become_subreaper() == 0 }

    /// Returns all running descendants of a process, this one by default; nearest first.
    package static func running(below ancestor: Int32 = getpid()) -> [ProcessIdentity] {
        var found: [ProcessIdentity] = []
        var level = children(of: ancestor)
        var seen: Set<Int32> = [ancestor]
        while !level.isEmpty {
            var next: [Int32] = []
            for pid in level where seen.insert(pid).inserted {
                if let identity = ProcessIdentity(running: pid) { found.append(identity) }
                next += children(of: pid)
            }
            level = next
        }
        return found
    }

    /// Returns the children of this process that have ended but haven't been reaped.
    package static func ended() -> Set<Int32> {
        Set(children(of: getpid()).filter { ProcessIdentity(running: $0) == nil })
    }

    /// Reaps a child that has ended. Don't use it for one that a `ChildProcess` waits for.
    package static func reap(_ pid: Int32) {
        var signalled: Int32 = 0
        _ = mm_reap(pid, &signalled)
    }

    /// Returns the children of all threads of a process (proc_pid_task_children(5)).
    static func children(of pid: Int32) -> [Int32] {
        ProcFile.numericNames(in: "/proc/\(pid)/task").flatMap { thread -> [Int32] in
            guard let bytes = ProcFile.read("/proc/\(pid)/task/\(thread)/children", limit: 1 << 20) else { return [] }
            return bytes.split(separator: 0x20).compactMap { Int32(String(decoding: $0, as: UTF8.self)) }
        }
    }
}
