import MMCore
import MMSystem

/// The questions that calls under way have put to people at far ends.
final class OpenQuestions: Sendable {
    private struct Name: Hashable {
        let call: String
        let question: String
    }
    private let open = Mutex<[Name: OneShot<Bool?>]>([:])

    /// Waits for the answer to a question.
    /// - Parameters:
    ///   - call: the call that asks.
    ///   - put: puts the question, once answers to it are awaited; it gets the question's name.
    /// - Returns: what the person said; `nil` when the call was called off.
    func ask(_ call: String, put: (String) -> Void) async -> Bool? {
        let name = Name(call: call, question: RandomBytes.text(bytes: 12))
        let answer = OneShot<Bool?>()
        open.withLock { $0[name] = answer }
        defer { _ = open.withLock { $0.removeValue(forKey: name) } }
        put(name.question)
        return await withTaskCancellationHandler {
            await answer.wait()
        } onCancel: {
            answer.give(nil)
        }
    }

    /// Takes the answer to a question.
    /// - Returns: whether the question was open.
    func answer(_ call: String, _ question: String, _ confirmed: Bool) -> Bool {
        let waiting = open.withLock { $0.removeValue(forKey: Name(call: call, question: question)) }
        return waiting?.give(confirmed) ?? false
    }
}
