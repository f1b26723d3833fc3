import CMMSystem
import Glibc

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
