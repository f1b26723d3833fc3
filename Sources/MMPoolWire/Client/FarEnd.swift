import MMCore
import MMOperations

/// What a pool says behind an answer that flows: the notes of its end that its head did not have yet, and the exit status.
final class FarEnd: Sendable {
    private struct State {
        var told = 0
        var end = AnswerEnd()
    }

    private let state = Mutex(State())

    /// What was said, once the answer has ended.
    var told: AnswerEnd { state.withLock { $0.end } }

    /// The answer begins.
    func begin(with head: JSONObject) { state.withLock { $0.told = Self.notes(of: head).count } }

    /// The answer has ended.
    func take(from whole: JSONObject) {
        state.withLock { state in
            state.end.notes = Array(Self.notes(of: whole).dropFirst(state.told))
            state.end.exitStatus = AnswerWire.exitStatus(of: whole)
        }
    }

    private static func notes(of object: JSONObject) -> [String] {
        (object["notes"]?.array ?? []).compactMap(\.string)
    }
}
