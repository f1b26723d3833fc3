import Glibc
internal import MMCore

/// A mark on a process and everything that it starts from then on, which none of them can take off: a lowered hard limit.
///
/// The kernel hands limits down over fork, exec, new sessions, new users and the adoption of orphans, and lets nobody
/// without CAP_SYS_RESOURCE raise one again (setrlimit(2)). The limit is that on file locks, which Linux has not looked at
/// since 2.4 and which is unlimited unless somebody sets it; an environment variable could simply be left out.
package enum SessionMark {
    private static let resource = __rlimit_resource_t(10)
    private static let most: rlim_t = 1 << 20

    /// Marks this process.
    package static func leave() {
        var limit = rlimit(rlim_cur: most, rlim_max: most)
        _ = setrlimit(resource, &limit)
    }

    /// Whether a process is marked; `true` also for one that can't be looked at.
    package static func isOn(_ process: Int32) -> Bool {
        guard let bytes = ProcFile.read("/proc/\(process)/limits", limit: 16_384) else { return true }
        let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first {
            $0.hasPrefix("Max file locks")
        }
        // Name, soft limit, hard limit, unit.
        guard let hard = line?.split(separator: " ").dropFirst(4).first else { return true }
        return hard != "unlimited"
    }
}
