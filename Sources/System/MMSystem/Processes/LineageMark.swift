import Glibc
internal import MMCore

/// A unique mark on a program and everything it starts, which none of them can remove: a lowered hard limit with a
/// value that no other program has.
///
/// Processes inherit it as they do `SessionMark`. The resource is the processor time that real-time scheduling allows
/// without a pause (RLIMIT_RTTIME), in microseconds. It is unlimited by default, and the values used as marks amount to
/// thousands of years.
package struct LineageMark: Sendable, Hashable {
    private static let resource: Int32 = 15

    private let value: UInt64

    /// Creates a unique mark, lower than this process's own limit, which can't be raised.
    package init() {
        var limit = rlimit()
        let isKnown = getrlimit(__rlimit_resource_t(UInt32(Self.resource)), &limit) == 0
        let own = isKnown ? min(UInt64(limit.rlim_max), 1 << 62) : 1 << 62
        value = own > 1 ? .random(in: own / 2..<own) : own
    }

    /// The limit that puts the mark on a program being started.
    package var limit: ChildCommand.Limit { ChildCommand.Limit(resource: Self.resource, value: value) }

    /// Returns whether a process bears this mark.
    package func marks(_ process: Int32) -> Bool {
        guard let bytes = ProcFile.read("/proc/\(process)/limits", limit: 16_384) else { return false }
        let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first {
            $0.hasPrefix("Max realtime timeout")
        }
        // Columns: name, soft limit, hard limit, unit.
        return line?.split(separator: " ").dropFirst(4).first.map(String.init) == String(value)
    }
}
