import Glibc
internal import MMCore

/// A mark of its own on one program and everything that it starts, which none of them can take off: a lowered hard limit
/// that no other program has.
///
/// It is handed down as `SessionMark` is. The limit is that on processor time without a pause under real-time scheduling,
/// in microseconds: it is unlimited unless somebody sets it, and the numbers that are marks are thousands of years.
package struct LineageMark: Sendable, Hashable {
    private static let resource: Int32 = 15

    private let value: UInt64

    /// A mark that no other program has. It is lower than this process's own, which could not be raised.
    package init() {
        var limit = rlimit()
        let isKnown = getrlimit(__rlimit_resource_t(UInt32(Self.resource)), &limit) == 0
        let own = isKnown ? min(UInt64(limit.rlim_max), 1 << 62) : 1 << 62
        value = own > 1 ? .random(in: own / 2..<own) : own
    }

    /// What puts the mark on a program that is started.
    package var limit: ChildCommand.Limit { ChildCommand.Limit(resource: Self.resource, value: value) }

    /// Whether a process bears this mark.
    package func isOn(_ process: Int32) -> Bool {
        guard let bytes = ProcFile.read("/proc/\(process)/limits", limit: 16_384) else { return false }
        let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first {
            $0.hasPrefix("Max realtime timeout")
        }
        // Name, soft limit, hard limit, unit.
        return line?.split(separator: " ").dropFirst(4).first.map(String.init) == String(value)
    }
}
