import MMCore
import MMGuard

/// What became of a call's requests, as far as its caller has to know.
struct CallTraffic: Sendable {
    /// A request that was held back.
    struct HeldBack: Sendable {
        /// Method, host and path, without what names anybody.
        let line: String
        /// What the guard says of it.
        let verdict: Verdict
    }

    /// The requests that were held back.
    var heldBack: [HeldBack] = []
    /// Those that change something and were sent, in their order, each with how it ended.
    var changes: [(number: UInt64, line: String)] = []
    /// Hosts that the session may not reach.
    var foreignHosts: [String] = []

    private static let most = 20

    /// The error that a call ends with whose requests were held back; nil where none was.
    var error: MMError? {
        guard let worst = heldBack.max(by: { $0.verdict.decision < $1.verdict.decision }) else { return nil }
        let isDenied = worst.verdict.decision == .deny
        let lines = heldBack.prefix(Self.most).map(\.line)
        var message =
            isDenied
            ? "Denied: the script wanted to send \(worst.line): \(worst.verdict.reason)"
            : "The script wanted to send what it was not judged for: \(worst.line): \(worst.verdict.reason)"
        message += " It was not sent, nor was anything behind it that changes something."
        if !changes.isEmpty {
            message += " Sent before it: \(changes.prefix(Self.most).map(\.line).joined(separator: "; "))."
        }
        return MMError(
            isDenied ? .denied : .confirmationNeeded, message,
            hint: changes.isEmpty
                ? worst.verdict.instead
                : "The same script would send again what it has sent already: run the rest of it alone.",
            details: [
                "verdict": .string(worst.verdict.decision.rawValue),
                "class": .string(worst.verdict.guardClass.rawValue), "rule": .string(worst.verdict.rule),
                "heldBack": .array(lines.map { .string($0) }),
                "sent": .array(changes.prefix(Self.most).map { .string($0.line) }),
            ])
    }

    /// What is said beside an answer.
    func notes(connection: String) -> [String] {
        foreignHosts.prefix(5).map { host in
            "The session may not reach \(host). To let it: mm connections edit \(ShellWord.quoted(connection)) "
                + "egress.allow=\(host)"
        }
    }
}
