package import MMCore

/// What is known of accounts whose tokens have no room for their groups: a directory is asked, and what it answers holds for a
/// few minutes.
package final class GroupMemberships: Sendable {
    /// Asks a directory of which of these groups the owner of a token is a member.
    package typealias Directory = @Sendable (SignedToken, Set<String>) async throws(CallerRefusal) -> Set<String>

    /// Whether an account is in one of the groups, or why that can't be told.
    typealias Answer = Result<Bool, CallerRefusal>

    private struct State {
        var known: [String: (answer: Answer, until: Timestamp)] = [:]
        var flights: [String: Task<Answer, Never>] = [:]
    }

    /// How long an answer holds.
    private static let life = Duration.seconds(300)
    /// How long a failure holds, so that a client which tries again and again asks nobody as often.
    private static let pause = Duration.seconds(10)
    /// At how many accounts those whose answers are old are looked for.
    private static let many = 1000

    private let state = Mutex(State())
    private let directory: Directory
    private let clock: WallClock

    /// Knows nothing yet.
    /// - Parameter directory: is asked.
    package init(clock: WallClock = .system, directory: @escaping Directory) {
        self.directory = directory
        self.clock = clock
    }

    /// What an account is told whose groups nobody can see.
    /// - Parameter remedy: what mends it, as a sentence.
    package static func unseen(_ remedy: String) -> String {
        "This account is in more groups than an access token names, so its membership can't be seen. \(remedy)"
    }

    /// What is known of an account.
    func known(_ account: String) -> Answer? {
        let now = clock.now
        return state.withLock { state in
            guard let known = state.known[account], known.until > now else { return nil }
            return known.answer
        }
    }

    /// What is known of an account, after asking where nothing is. Callers at the same time share one question.
    func ask(_ account: String, _ token: SignedToken, among groups: Set<String>) async -> Answer {
        if let known = known(account) { return known }
        let flight = state.withLock { state in
            if let flight = state.flights[account] { return flight }
            let flight = Task<Answer, Never> { [self] in
                let answer: Answer
                do throws(CallerRefusal) {
                    answer = .success(!(try await directory(token, groups)).isDisjoint(with: groups))
                } catch {
                    answer = .failure(error)
                }
                finish(account, answer)
                return answer
            }
            state.flights[account] = flight
            return flight
        }
        return await flight.value
    }

    private func finish(_ account: String, _ answer: Answer) {
        let now = clock.now
        let isKnown = if case .success = answer { true } else { false }
        state.withLock { state in
            state.flights[account] = nil
            if state.known.count >= Self.many { state.known = state.known.filter { $0.value.until > now } }
            state.known[account] = (answer, now + (isKnown ? Self.life : Self.pause))
        }
    }
}
