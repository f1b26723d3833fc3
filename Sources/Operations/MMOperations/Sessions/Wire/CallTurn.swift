import MMCore
import MMGuard

/// A call's turn in a session: what it may send, and who is asked about what it may not.
package struct CallTurn: Sendable {
    /// The call, as its audit line names it.
    let call: String
    /// What it was let through for.
    let grant: RequestGrant
    /// Whether all that changes something is held back.
    let isDryRun: Bool
    /// The call's span, where it is traced: what the session sends is a part of it.
    let span: Span?
    /// What binds a person's yes to the place where it counts.
    private let confirmation: @Sendable (RequestQuestion) -> ConfirmationRequest
    private let guarding: GuardServices
    private let requester: Requester
    private let person: (any ConfirmingPerson)?
    /// Whether each request that nobody could be asked about is noted by itself: the program that sends it goes on.
    let goesOn: Bool
    /// Notes what the call changes; nil where nothing does at the wire.
    let journal: WireJournal?
    /// Takes what the call would change, where only a plan of it is made.
    let planned: PlannedProgram?
    /// Carries out the cmdlets that its script calls in other sessions; nil where it calls none.
    var cmdlets: OtherSessions?

    /// The turn of a call that was let through.
    /// - Parameters:
    ///   - context: the call.
    ///   - authority: what it was let through for.
    ///   - connection: whose session it runs in.
    ///   - module: the session's module.
    ///   - guarding: how strictly its requests are judged, and where one waits for a person.
    ///   - isDryRun: whether all that changes something is held back.
    ///   - journal: notes what it changes.
    ///   - planned: takes what it would change, where only a plan of it is made.
    init(
        of context: OperationContext, _ authority: CallAuthority, connection: Connection, module: String,
        with guarding: GuardServices, isDryRun: Bool = false, journal: WireJournal? = nil,
        planned: PlannedProgram? = nil
    ) {
        call = context.record.call
        grant = RequestGrant(authority, policy: guarding.policy(of: connection, in: context), isDryRun: isDryRun)
        self.isDryRun = isDryRun
        span = Span.current
        goesOn = false
        self.journal = journal
        self.planned = planned
        self.guarding = guarding
        requester = Requester(context.call)
        person = context.call.person
        let principal = context.call.caller.signedIn?.id
        confirmation = { question in
            var request = question.confirmation(on: connection, module: module)
            request.principal = principal
            return request
        }
    }

    /// The turn of a program, which lasts as long as the program.
    /// - Parameters:
    ///   - context: the call that started it.
    ///   - classes: what it may send besides reads without being asked about.
    ///   - connection: whose sign-in it has.
    ///   - module: what its requests are called by.
    ///   - person: who is asked; nil where nobody can be.
    ///   - journal: notes what it changes.
    ///   - planned: takes what it would change, where only a plan of it is made.
    init(
        ofProgram context: OperationContext, allowing classes: GuardClassSet, connection: Connection, module: String,
        person: (any ConfirmingPerson)?, journal: WireJournal, planned: PlannedProgram?, with guarding: GuardServices
    ) {
        call = context.record.call
        let policy = guarding.policy(of: connection, in: context)
        grant = RequestGrant(CallAuthority(listing: classes), policy: policy, goesOn: true)
        isDryRun = false
        span = Span.current
        goesOn = true
        self.guarding = guarding
        self.journal = journal
        self.planned = planned
        requester = Requester(context.call)
        self.person = person
        let principal = context.call.caller.signedIn?.id
        confirmation = { question in
            var request = question.confirmation(on: connection, module: module)
            request.principal = principal
            return request
        }
    }

    /// Asks about a request: the ledger, where a person may have said yes before, else the person who is there.
    func answer(_ question: RequestQuestion) async -> RequestGrant.Answer {
        let request = confirmation(question)
        do throws(MMError) {
            switch try await guarding.ledger.outcome(of: request) {
            case .approved?, .allowed?: return .yes
            case .refused?: return .no
            case nil: break
            }
            // One person's yes is not enough where two are needed.
            guard let person, person.canBeAsked, request.check == .form || person.isAtTerminal,
                request.approvals == 1
            else { return .nobody }
            let asked = ConfirmationQuestion(
                request.presentation, check: request.check, digest: request.digest, moreOfKind: question.moreOfKind,
                isMidway: true)
            let said = try await person.decide(asked)
            return switch said {
            case .yes: .yes
            case .yesToAlike: .yesToKind
            case .no: .no
            }
        } catch {
            return .nobody
        }
    }

    /// Notes a request that nobody could be asked about, so that a yes can come later; nil where it can't wait.
    func pending(_ question: RequestQuestion) async -> PendingConfirmation? {
        guard question.canWait else { return nil }
        var request = confirmation(question)
        request.requester = requester
        return try? await guarding.hold(request)
    }
}
