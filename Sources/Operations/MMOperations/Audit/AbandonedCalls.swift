import Glibc
import MMCore
import MMIdentity
import MMSystem

/// Calls that began to change something according to the audit log, and whose process has ended without writing their
/// end. Each gets its final line, with the outcome of its writes in the journal.
struct AbandonedCalls: Sendable {
    let audit: AuditLog
    let journal: ChangeJournal

    /// The size in bytes of the log's end that is read: older calls were closed at an earlier start.
    private static let window = 4 << 20

    /// The id of this process, as the line of a call's beginning names it.
    static var ownProcess: String {
        ProcessIdentity(running: getpid()).map { "\($0.pid) \($0.startTime)" } ?? "\(getpid()) 0"
    }

    /// Writes the missing final lines.
    /// - Returns: the number of lines.
    @discardableResult
    func close() async throws(MMError) -> Int {
        var open: [String: JSONObject] = [:]
        for entry in try audit.newest(.max, within: Self.window) {
            guard let call = entry["call"]?.string, let outcome = entry["outcome"]?.string else { continue }
            if outcome == "begun" {
                open[call] = entry
            } else if open[call]?["operation"] == entry["operation"] {
                open[call] = nil
            }
        }
        open = open.filter { !Self.isRunning($0.value["process"]?.string) }
        guard !open.isEmpty else { return 0 }
        let written = try await journal.entries()
        for (call, begun) in open.sorted(by: { $0.key < $1.key }) {
            try await audit.append(end(of: begun, written.filter { $0.call == call }))
        }
        return open.count
    }

    private func end(of begun: JSONObject, _ writes: [JournalEntry]) -> JSONObject {
        var entry = begun
        for name in ["seq", "time", "prev", "hash", "durationMilliseconds", "process"] { entry[name] = nil }
        entry["outcome"] = "unknown"
        entry["reason"] = "The process ended before the call did."
        entry["writes"] = Self.numbers(of: writes)
        return entry
    }

    /// Returns the numbers of a call's writes in the journal by outcome; null where it has none.
    static func writes(of call: String, in journal: ChangeJournal) async -> JSONValue {
        let entries = (try? await journal.entries()) ?? []
        return numbers(of: entries.filter { $0.isOf(call: call) }) ?? .null
    }

    private static func numbers(of writes: [JournalEntry]) -> JSONValue? {
        guard !writes.isEmpty else { return nil }
        func count(_ outcome: JournalEntry.Outcome) -> JSONValue {
            .int(Int64(writes.count { $0.outcome == outcome }))
        }
        return ["done": count(.done), "refused": count(.refused), "unknown": count(.unknown)]
    }

    private static func isRunning(_ mark: String?) -> Bool {
        // Lines without a process are from an earlier version; these calls are treated as running.
        guard let parts = mark?.split(separator: " "), parts.count == 2, let pid = Int32(parts[0]),
            let start = UInt64(parts[1])
        else { return true }
        return ProcessIdentity(pid: pid, startTime: start).isRunning
    }
}
