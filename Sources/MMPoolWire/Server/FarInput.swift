import MMCore
import MMOperations

/// The standard input of a front-end at the far end of a stream, asked for piece by piece.
struct FarInput: CallInput {
    let call: String
    let outbox: CallOutbox
    let questions: OpenQuestions<[UInt8]>

    func next() async throws(MMError) -> [UInt8]? {
        let bytes = await questions.ask(call) { id in outbox.tell(.wantsInput(id: id)) }
        guard let bytes else { throw MMError(.cancelled, "The call was called off while input was awaited.") }
        return bytes.isEmpty ? nil : bytes
    }
}
