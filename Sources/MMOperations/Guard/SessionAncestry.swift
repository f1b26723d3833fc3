import Glibc
package import MMCore
import MMSystem

/// Whether this process descends from a session of `mm`, where an agent could confirm for itself.
///
/// Sessions put `MM_SESSION` into their children's environment. A shell can unset it, but not in the processes above it:
/// `/proc` shows the environment that each was started with.
package enum SessionAncestry {
    private static let mark = "MM_SESSION"

    /// Refuses to go on inside a session.
    /// - Parameter environment: of this process.
    /// - Throws: `forbidden` inside a session.
    static func refuseInside(_ environment: [String: String]) throws(MMError) {
        guard environment[mark] != nil || isMarked(getppid()) else { return }
        throw refusal
    }

    /// Refuses to take a confirmation from another process that is, or descends from, a session.
    /// - Parameter process: the one at the far end of a socket.
    /// - Throws: `forbidden` inside a session.
    package static func refuseInside(process: Int32) throws(MMError) {
        if isMarked(process) { throw refusal }
    }

    private static var refusal: MMError {
        MMError(
            .forbidden, "This is a session of mm: what runs here can't confirm.",
            hint: "Confirm in a terminal of your own.")
    }

    /// Whether the process or one above it was started with the mark.
    private static func isMarked(_ process: pid_t) -> Bool {
        var process = process
        // A chain longer than this is none that a person's terminal has.
        for _ in 0..<64 where process > 1 {
            let prefix = Array("\(mark)=".utf8)
            if let bytes = ProcFile.read("/proc/\(process)/environ", limit: 4 << 20),
                bytes.split(separator: 0).contains(where: { $0.starts(with: prefix) })
            {
                return true
            }
            guard let status = ProcFile.read("/proc/\(process)/stat", limit: 4096), let parent = Self.parent(in: status)
            else {
                return false
            }
            process = parent
        }
        return false
    }

    /// The fourth field of `/proc/PID/stat` (proc(5)); the second may hold blanks and parentheses.
    private static func parent(in status: [UInt8]) -> pid_t? {
        guard let end = status.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = status[(end + 1)...].split(separator: 0x20)
        return fields.count > 1 ? pid_t(String(decoding: fields[1], as: UTF8.self)) : nil
    }
}
