import Glibc
import MMCore
import MMMCP
import MMOperations

/// The person behind an AI client that can show forms.
struct MCPPerson: ConfirmingPerson {
    private let context: ToolContext

    /// Returns the person behind the client of a call.
    ///
    /// The answer to a form only counts as a person's if the client owns the transport: it started this server and
    /// holds its pipes, or it has the secret or an access token of the person. Otherwise it proves nothing, because any
    /// program of the user can connect by TCP and answer its own question; so can a program in a session that started
    /// this server.
    /// - Returns: `nil` if the answer to a form would prove nothing.
    static func behind(_ context: ToolContext) -> MCPPerson? {
        guard context.canAskForms else { return nil }
        switch context.principal {
        case .standardPipes: return isInSession ? nil : MCPPerson(context: context)
        case .secretHolder: return MCPPerson(context: context)
        case let principal where PrincipalTable.holds(principal): return MCPPerson(context: context)
        default: return nil
        }
    }

    /// Determined once, before this process can have marked itself as one with sessions.
    private static let isInSession = (try? PersonProof.isInSession(process: getpid())) ?? true

    /// Determines whether this server was started from within a session; must be called before it marks itself.
    static func lookAround() { _ = isInSession }

    /// Does nothing, since the call's answer contains the sign-in for the client's person.
    func showSignIn(_ details: JSONObject) async {}

    /// Shows exactly what would be done, in a form with one check box.
    ///
    /// A client of the modern era answers with another request. Until then the call ends with `confirmation_needed`,
    /// which the protocol engine turns into the question.
    func confirm(_ question: ConfirmationQuestion) async throws(MMError) -> Bool {
        try await decide(question) != .no
    }

    /// Asks for a line of text in a form. Returns `nil` for a modern client, which would have to repeat the whole call
    /// with the answer.
    func answer(to question: String) async throws(MMError) -> String? {
        guard context.era == .legacy else { return nil }
        do {
            let answer = try await context.elicit(
                "answer", question, form: Form([.text("answer", title: "Answer", length: 0...2_000)]))
            guard case .accepted(let said) = answer else {
                throw MMError(
                    .cancelled, "The question was closed without an answer.", hint: "Repeat the call to be asked again."
                )
            }
            return said["answer"]?.string ?? ""
        } catch let error as MMError {
            throw error
        } catch {
            return nil
        }
    }

    /// Asks as `confirm` does, with a second check box if a yes may also hold for more of the same kind.
    func decide(_ question: ConfirmationQuestion) async throws(MMError) -> ConfirmationAnswer {
        // A modern client would repeat the whole call with the answer, and with it the part that is already done.
        guard !question.isMidway || context.era == .legacy else {
            throw MMError(.confirmationNeeded, "This client supports questions only before a call runs.")
        }
        do {
            for (number, page) in question.pages.enumerated() {
                let isLast = number == question.pages.count - 1
                var fields: [Form.Field] = [.boolean("confirm", title: "Yes, do only this")]
                if question.moreOfKind > 0 {
                    let title = "Yes, and also up to \(question.moreOfKind) more of this kind"
                    fields.append(.boolean("alike", title: title, default: false).optional)
                }
                if !isLast { fields.append(.boolean("more", title: "Show the rest first", default: false).optional) }
                let said = try await entered(
                    number == 0 ? "confirm" : "confirm-\(number + 1)",
                    [question.title, page, question.reason].filter { !$0.isEmpty }.joined(separator: "\n\n"),
                    in: Form(fields))
                if said?["more"] == true, !isLast { continue }
                // A no is as final as a yes: a client must not turn it into a yes by answering the same question again.
                try context.claimOnce()
                guard let said, said["confirm"] == true else { return .no }
                return question.moreOfKind > 0 && said["alike"] == true ? .yesToAlike : .yes
            }
            return .no
        } catch let error as MMError {
            throw error
        } catch is CancellationError {
            throw MMError(.cancelled, "The call was cancelled while a person was asked.")
        } catch {
            throw MMError(.confirmationNeeded, "The person has been asked: \(question.title)")
        }
    }

    /// Shows a form.
    /// - Returns: what the person entered; `nil` for a no.
    /// - Throws: the error of an unanswered question if the form was closed, not shown, not answered in time or
    ///   answered with something unusable; `AnswerPending` if the answer arrives with a later request.
    private func entered(_ key: String, _ message: String, in form: Form) async throws -> JSONObject? {
        let answer: ElicitationAnswer
        do {
            answer = try await context.elicit(key, message, form: form)
        } catch let error as MMError {
            throw MMError.unanswered(error.message)
        }
        switch answer {
        case .accepted(let said): return said
        case .declined: return nil
        case .dismissed: throw MMError.unanswered("The question was closed without an answer.")
        }
    }
}
