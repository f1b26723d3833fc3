internal import MMCore

/// Mail and chat messages that left a mailbox, for tests to look at.
final class Outbox {
    private(set) var sent: [JSONValue] = []

    func add(_ message: JSONValue) {
        sent.append(message)
        if sent.count > 1_000 { sent.removeFirst(sent.count - 1_000) }
    }

    func clear() { sent = [] }
}
