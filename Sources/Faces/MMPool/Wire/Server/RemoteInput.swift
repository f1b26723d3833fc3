import MMCore
import MMOperations

/// The standard input of the front-end at the other end of a stream, requested piece by piece.
struct RemoteInput: CallInput {
    let call: String
    let outbox: CallOutbox
    let questions: PendingAnswers<[UInt8]>

    func next() async throws(MMError) -> [UInt8]? {
        let bytes = await questions.ask(call) { id in outbox.tell(.wantsInput(id: id)) }
        guard let bytes else { throw MMError(.cancelled, "The call was cancelled while input was awaited.") }
        return bytes.isEmpty ? nil : bytes
    }
}
