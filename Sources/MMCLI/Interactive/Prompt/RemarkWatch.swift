import MMCore
import MMSystem

/// Has what is typed judged beside the typing: only the last state of a line counts, and no key waits for a verdict.
final class RemarkWatch: Sendable {
    private struct State {
        var before: [String] = []
        var line: String?
        var waiter: OneShot<Void>?
    }

    private let guide: any PromptGuide
    private let state = Mutex(State())

    init(guide: any PromptGuide) { self.guide = guide }

    /// A new line begins.
    /// - Parameter before: the lines of the same text.
    func begin(_ before: [String]) {
        state.withLock { state in
            state.before = before
            state.line = nil
        }
    }

    /// The line has changed.
    func changed(_ line: String) {
        let waiter = state.withLock { state in
            state.line = line
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resolve(())
    }

    /// Shows what the guard would say, until the task is cancelled.
    func follow(_ show: @Sendable (PromptRemark?) -> Void) async {
        while !Task.isCancelled {
            let turn = OneShot<Void>()
            let text = state.withLock { state -> String? in
                defer { state.line = nil }
                guard let line = state.line else {
                    state.waiter = turn
                    return nil
                }
                return (state.before + [line]).joined(separator: "\n")
            }
            if let text {
                let isEmpty = text.allSatisfy(\.isWhitespace)
                show(isEmpty ? nil : try? await BlockingWork.run { [guide] in guide.remark(on: text) })
                continue
            }
            await withTaskCancellationHandler {
                await turn.wait()
            } onCancel: {
                turn.resolve(())
            }
        }
    }
}
