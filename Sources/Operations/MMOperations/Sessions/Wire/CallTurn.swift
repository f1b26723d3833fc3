import MMCore
import MMGuard

/// A call's turn in a session: the requests that it may send, and the person who is asked about others.
package struct CallTurn: Sendable {
    /// The call's name in the audit log.
    let call: String
    /// The requests that the call may send.
    let grant: RequestGrant
    /// Whether requests that change something are held back.
    let isDryRun: Bool
    /// The call's span, if it is traced; the session's requests are children of it.
    let span: Span?
    /// A function that creates the request for confirmation that a person's yes is bound to.
    private let confirmation: @Sendable (RequestQuestion) -> ConfirmationRequest
    private let guarding: GuardServices
    private let requester: Requester
    private let person: (any ConfirmingPerson)?
    /// Whether each request for which no person could be asked is put into the ledger by itself, because the program
    /// that sends it goes on.
    let goesOn: Bool
    /// The journal of the call's changes at the proxy; `nil` if they aren't noted there.
    let journal: WireJournal?
    /// The recorder of the call's changes, if the call only makes a plan.
    let planned: PlannedProgram?
    /// The other sessions in which its script calls cmdlets; `nil` if it calls none.
    var cmdlets: OtherSessions?

    /// Creates the turn of a cleared call.
    /// - Parameters:
    ///   - context: the context of the call.
    ///   - authority: the authority that the call was cleared for.
    ///   - connection: the connection of the session.
    ///   - module: the session's module.
    ///   - guarding: provides the policy for its requests, and the ledger in which one waits for a person.
    ///   - isDryRun: whether requests that change something are held back.
    ///   - journal: notes its changes.
    ///   - planned: records its changes, if only a plan is made.
    init(
        of context: OperationContext, _ authority: CallAuthority, connection: Connection, module: String,
        with guarding: GuardServices, isDryRun: Bool = false, journal: WireJournal? = nil,
        planned: PlannedProgram? = nil
    ) {
        self.init(
            context, authority, connection, module, guarding, person: context.call.person, isDryRun: isDryRun,
            goesOn: false, journal, planned)
    }

    /// Creates the turn of a program, which lasts as long as the program.
    /// - Parameters:
    ///   - context: the context of the call that started it.
    ///   - classes: the classes of requests besides reads that it may send without a question.
    ///   - connection: the connection whose sign-in it uses.
    ///   - module: the module name for its requests.
    ///   - person: the person who is asked; `nil` if there is none.
    ///   - journal: notes its changes.
    ///   - planned: records its changes, if only a plan is made.
    init(
        ofProgram context: OperationContext, allowing classes: GuardClassSet, connection: Connection, module: String,
        person: (any ConfirmingPerson)?, journal: WireJournal, planned: PlannedProgram?, with guarding: GuardServices
    ) {
        self.init(
            context, CallAuthority(listing: classes), connection, module, guarding, person: person, isDryRun: false,
            goesOn: true, journal, planned)
    }

    private init(
        _ context: OperationContext, _ authority: CallAuthority, _ connection: Connection, _ module: String,
        _ guarding: GuardServices, person: (any ConfirmingPerson)?, isDryRun: Bool, goesOn: Bool,
        _ journal: WireJournal?, _ planned: PlannedProgram?
    ) {
        call = context.record.call
        let policy = guarding.policy(of: connection, in: context)
        grant = RequestGrant(authority, policy: policy, isDryRun: isDryRun, goesOn: goesOn)
        self.isDryRun = isDryRun
        span = Span.current
        self.goesOn = goesOn
        self.journal = journal
        self.planned = planned
        self.guarding = guarding
        requester = Requester(context.call)
        self.person = person
        let principal = context.call.caller.signedIn?.id
        confirmation = { question in
            var request = question.confirmation(on: connection, module: module)
            request.principal = principal
            return request
        }
    }

    /// Asks about a request: first the ledger, where a person may have confirmed it before, then the call's person.
    func answer(_ question: RequestQuestion) async -> RequestGrant.Answer {
        let request = confirmation(question)
        do throws(MMError) {
            switch try await guarding.ledger.outcome(of: request) {
            case .approved?, .allowed?: return .yes
            case .refused?: return .no
            case nil: break
            }
            // The call's person isn't asked if more than one approval is needed.
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

    /// Puts a request for which no person could be asked into the ledger, so that it can be confirmed later; returns
    /// `nil` if it can't wait.
    func pending(_ question: RequestQuestion) async -> PendingConfirmation? {
        guard question.canWait else { return nil }
        var request = confirmation(question)
        request.requester = requester
        return try? await guarding.hold(request)
    }
}
