import MMCore
import MMMCP
import MMOperations

/// The person behind an AI client that can show forms.
struct MCPPerson: PersonAtHand {
    private let context: ToolContext

    /// The person behind the client of a call.
    init(context: ToolContext) {
        self.context = context
    }

    /// Sign-ins are told in the answer: the client's person reads it there.
    func showSignIn(_ details: JSONObject) async {}

    /// Shows exactly what would be done in a form with one box.
    ///
    /// A client of the modern era answers with another request; until then the call ends with `confirmation_needed`, which
    /// the engine turns into the question.
    func confirms(_ question: ConfirmationQuestion) async throws(MMError) -> Bool {
        let text = "\(question.title)\n\n\(question.request)\n\n\(question.reason)"
        do {
            let form = try Form([.boolean("confirm", title: "Yes, do exactly this")])
            let answer = try await context.elicit("confirm", text, form: form)
            guard case .accepted(let fields) = answer, fields["confirm"] == true else { return false }
            try context.claimOnce()
            return true
        } catch let error as MMError {
            throw error
        } catch {
            throw MMError(.confirmationNeeded, "The person has been asked: \(question.title)")
        }
    }
}
