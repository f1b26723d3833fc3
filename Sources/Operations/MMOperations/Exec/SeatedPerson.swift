import MMCore
import MMGuard

/// The person at whose terminal a program runs: asked while the program has none of it, one question at a time.
struct SeatedPerson: ConfirmingPerson {
    let person: any ConfirmingPerson
    let seat: any ProgramSeat

    var canBeAsked: Bool { person.canBeAsked }
    var isAtTerminal: Bool { person.isAtTerminal }

    func showSignIn(_ details: JSONObject) async {
        await seat.aside { await person.showSignIn(details) }
    }

    func confirm(_ question: ConfirmationQuestion) async throws(MMError) -> Bool {
        try await asked { () async throws(MMError) in try await person.confirm(question) }
    }

    func answer(to question: String) async throws(MMError) -> String? {
        try await asked { () async throws(MMError) in try await person.answer(to: question) }
    }

    func decide(_ question: ConfirmationQuestion) async throws(MMError) -> ConfirmationAnswer {
        try await asked { () async throws(MMError) in try await person.decide(question) }
    }

    private func asked<Value: Sendable>(
        _ ask: @Sendable () async throws(MMError) -> Value
    ) async throws(MMError) -> Value {
        try await seat.aside { await Result { () async throws(MMError) in try await ask() } }.get()
    }
}
