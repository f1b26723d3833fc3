import MMCore
import MMGuard

/// What became of a call's requests, as far as its caller has to know.
struct CallTraffic: Sendable {
    /// What was sent and held back.
    var report: CallReport
    /// Hosts that the session may not reach.
    var foreignHosts: [String]
    /// Where a yes to what was held back can be given.
    var pending: PendingConfirmation?

    /// The error that a call ends with whose requests were held back; nil where none was.
    var error: MMError? {
        if let error = report.error(pending: pending) { return error }
        guard let first = report.held.first else { return nil }
        return MMError(
            .denied, "Denied: the script wanted to send \(first.line). It was not sent.",
            hint: "The connection's policy does not let it through, whoever asks.", details: report.details)
    }

    /// What is said beside an answer.
    func notes(connection: String) -> [String] {
        notes {
            "The session may not reach \($0). To let it: mm connections edit \(ShellWord.quoted(connection)) "
                + "egress.allow=\($0)"
        }
    }

    /// What is said beside the end of a program of `mm exec`, which is let reach a host for itself alone.
    var notesOfProgram: [String] {
        notes { "The program may not reach \($0). To let it: mm exec --host \($0) …" }
    }

    private func notes(of foreignHost: (String) -> String) -> [String] {
        report.notes + foreignHosts.prefix(5).map(foreignHost)
    }
}
