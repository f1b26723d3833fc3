import Glibc
package import MMCore

/// A mark on a process and everything it starts afterwards, which none of them can remove: a lowered hard limit.
///
/// The kernel preserves limits across fork, exec, new sessions, changes of user and the adoption of orphans, and a hard
/// limit can't be raised again without CAP_SYS_RESOURCE (setrlimit(2)). The resource is the number of file locks
/// (RLIMIT_LOCKS), which Linux has ignored since 2.4 and which is unlimited by default. An environment variable could
/// simply be dropped.
package enum SessionMark {
    private static let resource = __rlimit_resource_t(10)

    /// Marks this process with its own id and start time, which distinguish its descendants from all others.
    package static func markThisProcess() {
        let most = rlim_t(ProcessIdentity(running: getpid()).map(value(of:)) ?? 1 << 20)
        var limit = rlimit(rlim_cur: most, rlim_max: most)
        _ = setrlimit(resource, &limit)
    }

    /// Returns the limit that marks a process and what it starts. The value falls with start time, because a process
    /// that is already marked as a descendant couldn't raise its limit to a mark of its own.
    package static func value(of process: ProcessIdentity) -> UInt64 {
        (1 << 61) - ((process.startTime & (1 << 38 - 1)) << 22 | UInt64(process.pid) & (1 << 22 - 1))
    }

    /// Returns the processes that bear the mark left by a process, without that process itself.
    package static func descendants(of process: ProcessIdentity) -> [ProcessIdentity] {
        let wanted = String(value(of: process))
        return ProcFile.numericNames(in: "/proc").compactMap { number in
            guard number != process.pid, (try? limit(of: number)) == wanted else { return nil }
            return ProcessIdentity(running: number)
        }
    }

    /// Returns whether a process is marked; `true` also for a process that isn't shown to this one.
    /// - Throws: `unavailable` if this process lacks the means to look.
    package static func isMarked(
        _ process: Int32, reading read: ProcFile.Reader = ProcFile.look
    ) throws(MMError) -> Bool {
        try limit(of: process, reading: read) != "unlimited"
    }

    private static func limit(
        of process: Int32, reading read: ProcFile.Reader = ProcFile.look
    ) throws(MMError) -> String? {
        guard let bytes = try read("/proc/\(process)/limits", 16_384) else { return nil }
        let line = bytes.split(separator: 0x0A).first { $0.starts(with: "Max file locks".utf8) }
        // Columns: name, soft limit, hard limit, unit.
        return line?.split(separator: 0x20).dropFirst(4).first.map { String(decoding: $0, as: UTF8.self) }
    }
}
