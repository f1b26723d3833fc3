import MMCore
import MMSystem

/// Has what is typed judged beside the typing: only the last state of a line counts, and no key waits for a verdict.
final class RemarkWatch: Sendable {
    /// What is typed: the whole text, and the part of it before the cursor.
    private struct Typed {
        let text: String
        let beforeCursor: String
    }

    private struct State {
        var before: [String] = []
        var line: (whole: String, beforeCursor: String)?
        /// Counts the changes, so that a verdict is shown of what still stands there and of nothing else.
        var change = 0
        var waiter: OneShot<Void>?
    }

    private let guide: any PromptGuide
    private let state = Mutex(State())

    init(guide: any PromptGuide) { self.guide = guide }

    /// A new line begins; what is being judged is of no interest any more.
    /// - Parameter before: the lines of the same text.
    func begin(_ before: [String]) {
        state.withLock { state in
            state.before = before
            state.line = nil
            state.change += 1
        }
    }

    /// The line has changed.
    func changed(_ line: String, _ beforeCursor: String) {
        let waiter = state.withLock { state in
            state.line = (line, beforeCursor)
            state.change += 1
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resolve(())
    }

    /// Shows what the guard would say, until the task is cancelled.
    func follow(_ show: @Sendable (PromptRemark?) -> Void) async {
        while !Task.isCancelled {
            let turn = OneShot<Void>()
            let next = state.withLock { state -> (typed: Typed, change: Int)? in
                defer { state.line = nil }
                guard let line = state.line else {
                    state.waiter = turn
                    return nil
                }
                let typed = Typed(
                    text: (state.before + [line.whole]).joined(separator: "\n"),
                    beforeCursor: (state.before + [line.beforeCursor]).joined(separator: "\n"))
                return (typed, state.change)
            }
            if let next {
                let remark = await remark(on: next.typed)
                state.withLock { state in
                    // What was typed meanwhile is judged next; this verdict would be of something else.
                    if state.change == next.change { show(remark) }
                }
                continue
            }
            await withTaskCancellationHandler {
                await turn.wait()
            } onCancel: {
                turn.resolve(())
            }
        }
    }

    private func remark(on typed: Typed) async -> PromptRemark? {
        guard !typed.text.allSatisfy(\.isWhitespace) else { return nil }
        return try? await BlockingWork.run { [guide] in
            guide.remark(on: typed.text, beforeCursor: typed.beforeCursor)
        }
    }
}
