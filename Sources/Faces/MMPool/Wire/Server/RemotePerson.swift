import MMCore
import MMOperations

/// The person behind the front-end at the other end of a stream.
struct RemotePerson: ConfirmingPerson {
    let call: String
    let outbox: CallOutbox
    let questions: PendingAnswers<Result<ConfirmationAnswer, MMError>>
    /// Whether the front-end is one of this product's own that has a terminal and performs the checks there.
    let isAtTerminal: Bool

    func showSignIn(_ details: JSONObject) async {
        outbox.tell(.signIn(details))
    }

    func confirm(_ question: ConfirmationQuestion) async throws(MMError) -> Bool {
        try await decide(question) != .no
    }

    func decide(_ question: ConfirmationQuestion) async throws(MMError) -> ConfirmationAnswer {
        let said = await questions.ask(call) { id in outbox.tell(.question(id: id, question)) }
        guard let said else { throw MMError(.cancelled, "The call was cancelled while a person was asked.") }
        return try said.get()
    }
}
