import MMCore

/// What a pool says behind a list: the notes of its end that its head did not have yet.
final class ClosingNotes: Sendable {
    private struct State {
        var told = 0
        var texts: [String] = []
    }

    private let state = Mutex(State())

    /// The notes, once the list has ended.
    var texts: [String] { state.withLock { $0.texts } }

    /// The list begins.
    func begin(with head: JSONObject) { state.withLock { $0.told = Self.notes(of: head).count } }

    /// The list has ended.
    func take(from whole: JSONObject) {
        state.withLock { $0.texts = Array(Self.notes(of: whole).dropFirst($0.told)) }
    }

    private static func notes(of object: JSONObject) -> [String] {
        (object["notes"]?.array ?? []).compactMap(\.string)
    }
}
