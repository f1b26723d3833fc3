import MMCore
import MMSystem

/// What calls under way have asked their far ends for: a yes or no, the next bytes of input.
final class OpenQuestions<Answer: Sendable>: Sendable {
    private struct Name: Hashable {
        let call: String
        let question: String
    }
    private let open = Mutex<[Name: OneShot<Answer?>]>([:])

    /// Waits for the answer to a question.
    /// - Parameters:
    ///   - call: the call that asks.
    ///   - put: puts the question, once answers to it are awaited; it gets the question's name.
    /// - Returns: what was answered; `nil` when the call was called off.
    func ask(_ call: String, put: (String) -> Void) async -> Answer? {
        let name = Name(call: call, question: RandomBytes.text(bytes: 12))
        let answer = OneShot<Answer?>()
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
    func answer(_ call: String, _ question: String, _ given: Answer) -> Bool {
        let waiting = open.withLock { $0.removeValue(forKey: Name(call: call, question: question)) }
        return waiting?.give(given) ?? false
    }
}
