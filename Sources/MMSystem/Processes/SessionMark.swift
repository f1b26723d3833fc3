import Glibc
internal import MMCore

/// A mark on a process and everything that it starts from then on, which none of them can take off: a lowered hard limit.
///
/// The kernel hands limits down over fork, exec, new sessions, new users and the adoption of orphans, and lets nobody
/// without CAP_SYS_RESOURCE raise one again (setrlimit(2)). The limit is that on file locks, which Linux has not looked at
/// since 2.4 and which is unlimited unless somebody sets it; an environment variable could simply be left out.
package enum SessionMark {
    private static let resource = __rlimit_resource_t(10)

    /// Marks this process with its own number and start, which tell its descendants from all others'.
    package static func leave() {
        let most = rlim_t(ProcessIdentity(running: getpid()).map(value(of:)) ?? 1 << 20)
        var limit = rlimit(rlim_cur: most, rlim_max: most)
        _ = setrlimit(resource, &limit)
    }

    /// The limit that marks a process and what it starts. It falls with time: a process that was marked as a descendant
    /// could not raise it to a mark of its own.
    package static func value(of process: ProcessIdentity) -> UInt64 {
        (1 << 61) - ((process.startTime & (1 << 38 - 1)) << 22 | UInt64(process.pid) & (1 << 22 - 1))
    }

    /// What carries the mark that a process has left, but that process itself.
    package static func bearers(of process: ProcessIdentity) -> [ProcessIdentity] {
        let wanted = String(value(of: process))
        return ProcFile.numbers(in: "/proc").compactMap { number in
            guard number != process.pid, limit(of: number) == wanted else { return nil }
            return ProcessIdentity(running: number)
        }
    }

    /// Whether a process is marked; `true` also for one that can't be looked at.
    package static func isOn(_ process: Int32) -> Bool {
        limit(of: process) != "unlimited"
    }

    private static func limit(of process: Int32) -> String? {
        guard let bytes = ProcFile.read("/proc/\(process)/limits", limit: 16_384) else { return nil }
        let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first {
            $0.hasPrefix("Max file locks")
        }
        // Name, soft limit, hard limit, unit.
        return line?.split(separator: " ").dropFirst(4).first.map(String.init)
    }
}
