import MMCore

/// Collects the answers to a batch of messages (revision 2025-03-26) and sends them as one array.
final class BatchChannel: MessageChannel {
    private struct State: Sendable {
        var missing: Int
        var answers: [[UInt8]] = []
    }

    private let target: any MessageChannel
    private let state: Mutex<State>

    init(items: Int, into target: any MessageChannel) {
        self.target = target
        self.state = Mutex(State(missing: items))
    }

    var isCongested: Bool { target.isCongested }

    func waitForRoom() async { await target.waitForRoom() }

    func send(_ message: [UInt8]) { target.send(message) }

    func finish(_ answer: Reply?) {
        let all: [[UInt8]]? = state.withLock { state in
            if let answer { state.answers.append(answer.bytes) }
            state.missing -= 1
            return state.missing == 0 ? state.answers : nil
        }
        guard let all else { return }
        guard !all.isEmpty else {
            target.finish(nil)
            return
        }
        var bytes = [UInt8(ascii: "[")]
        for (position, answer) in all.enumerated() {
            if position > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(contentsOf: answer)
        }
        bytes.append(UInt8(ascii: "]"))
        target.finish(Reply(bytes: bytes, errorCode: nil))
    }
}
