package import MMCore

/// What became of a call's requests, as far as its caller has to know.
package struct CallReport: Sendable, Hashable {
    /// What changes something and was sent, in its order.
    package internal(set) var sent: [SentRequest] = []
    /// What was held back, and is not sent.
    package internal(set) var held: [SentRequest] = []
    /// What a person said no to.
    package internal(set) var refused: [SentRequest] = []
    /// The request that nobody could be asked about.
    package internal(set) var question: RequestQuestion?
    /// What a dry run saw, in its order; of very many the first.
    package private(set) var rehearsed: [DryRunRequest] = []
    /// How many requests of a dry run are not listed.
    package private(set) var unlisted = 0

    /// Nothing sent yet.
    package init() {}

    private static let most = 50
    private static let mostRehearsed = (reads: 100, changes: 400)

    /// A request of a dry run.
    mutating func rehearse(_ intent: RequestIntent, number: UInt64, _ decision: GuardDecision) {
        let most = intent.isRead ? Self.mostRehearsed.reads : Self.mostRehearsed.changes
        guard rehearsed.count(where: { $0.isRead == intent.isRead }) < most else {
            unlisted += 1
            return
        }
        rehearsed.append(DryRunRequest(intent, number: number, decision: decision))
    }

    mutating func ended(_ number: UInt64, status: Int, wasSent: Bool) {
        if let place = rehearsed.lastIndex(where: { $0.number == number }), wasSent {
            rehearsed[place].wasSent = true
            rehearsed[place].status = status == 0 ? nil : status
        }
        guard let place = sent.lastIndex(where: { $0.number == number }) else { return }
        if wasSent { sent[place].status = status == 0 ? nil : status } else { sent.remove(at: place) }
    }

    /// The error that a call ends with of which a request waits for a person; nil where none does.
    /// - Parameter pending: the entry of the ledger, where a yes can be given later.
    package func error(pending: PendingConfirmation?) -> MMError? {
        guard let question, var error = question.verdict.error(pending: pending) else { return nil }
        error.message += " It was not sent, nor was anything behind it that changes something. " + told
        error.hint = hint(pending, question)
        for (key, value) in details { error.details[key] = value }
        return error
    }

    /// What was sent and held back, for details of answers and errors.
    package var details: JSONObject {
        [
            "heldBack": .array(held.prefix(Self.most).map(\.json)), "heldBackCount": .int(Int64(held.count)),
            "sent": .array(sent.prefix(Self.most).map(\.json)), "sentCount": .int(Int64(sent.count)),
        ]
    }

    /// What is said beside the answer of a call that came to its end.
    package var notes: [String] {
        refused.prefix(Self.most).map { "The person said no, and it was not sent: \($0.line)" }
    }

    private var told: String {
        guard !sent.isEmpty else { return "Nothing was changed before it." }
        let lines = sent.prefix(Self.most).map(\.line).joined(separator: "; ")
        let more = sent.count > Self.most ? "; and \(sent.count - Self.most) more" : ""
        let count =
            sent.count == 1
            ? "1 request that changes something was" : "\(sent.count) requests that change something were"
        return "\(count) sent before it: \(lines)\(more)."
    }

    private func hint(_ pending: PendingConfirmation?, _ question: RequestQuestion) -> String {
        let again =
            sent.isEmpty
            ? "Then repeat exactly this call."
            : "Then run only what is left of the script: restarted from the top, it would send what was sent before a "
                + "second time."
        guard let pending else {
            return question.canWait
                ? "Repeat the call where a person can be asked. \(again)"
                : "It is too large to be confirmed beforehand: run it where a person can be asked, in a terminal. \(again)"
        }
        return "Ask them to run: mm confirm \(pending.token). \(again)"
    }
}
