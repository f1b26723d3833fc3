internal import MMCore

/// The mail and chat messages that were sent, for tests to inspect.
final class Outbox {
    private(set) var sent: [JSONValue] = []

    func add(_ message: JSONValue) {
        sent.append(message)
        if sent.count > 1_000 { sent.removeFirst(sent.count - 1_000) }
    }

    func clear() { sent = [] }
}
