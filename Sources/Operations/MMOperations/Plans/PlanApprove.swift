import MMCore
import MMDesk
import MMGuard
import MMIdentity

/// `plan_approve`: a person approves a whole plan once. The approval is signed into the plan's file, so that another
/// machine can apply it.
struct PlanApprove: CatalogueOperation {
    struct Input: OperationInput {
        @Argument("plan", "Plan file, or plan id.", .at(0), .completes(.files)) var plan: String
    }

    let declaration = OperationDeclaration(
        "plan_approve", command: ["plan", "approve"], title: "Approve a plan",
        summary: "Approve a plan: shows it, asks as the connections require, and signs your approval in its file.",
        effects: .init(readOnly: false), audience: .person,
        examples: [
            .init(
                "mm plan approve change.plan",
                "shows what it sends and asks; any later change of the file invalidates the approval")
        ]
    )

    func run(_ input: Input, in context: OperationContext, with services: RequestServices) async throws(MMError)
        -> OperationAnswer
    {
        let guarding = services.guarding
        let person = try context.personAtTerminal(
            to: "approve a plan", in: guarding.environment,
            hint: "Run mm plan approve in your own terminal; `mm apply` also asks on the pool's page.")
        let shelf = PlanShelf(guarding.paths)
        let found = try shelf.found(input.plan, in: context)
        let plan = found.file.plan
        context.record.note("plan", .string(found.file.digest))
        guard plan.until > .now else { throw PlanRun.expired(plan) }
        guard let asked = try await PlanQuestions(plan: plan, services: services, context: context).question() else {
            return .value(
                ["approved": false], notes: ["This plan needs no approval: run mm apply."])
        }
        let key = try EvidenceKey.standing(at: guarding.paths.evidenceKey)
        let login = ThisProcess.login
        if found.file.approvals.contains(where: {
            $0.key == key.publicText && $0.by == login && $0.check >= asked.request.check
        }) {
            return Self.answer(
                found.file, asked, input, own: key.publicText, notes: ["You have already approved this plan."])
        }
        let check = max(asked.request.check, .terminal)
        guard
            try await person.confirm(
                ConfirmationQuestion(asked.request.presentation, check: check, digest: asked.request.digest))
        else { throw MMError(.denied, "You answered no: the plan is not approved.") }
        let approval = try PlanApproval(of: found.file.digest, by: login, check: check, with: key)
        let file = try await shelf.approve(found, by: approval)
        context.record.note("approvedBy", .array([.string(login)]))
        return Self.answer(file, asked, input, own: key.publicText)
    }

    private static func answer(
        _ file: PlanFile, _ asked: PlanQuestions.Question, _ input: Input, own: String, notes: [String] = []
    ) -> OperationAnswer {
        let signed = file.signatures(for: asked.request, on: asked.connections, own: own)
        let next =
            signed.missingLine.map { "\($0) Another person must run mm plan approve with this file." }
            ?? "To apply it: mm apply \(ShellWord.quoted(input.plan)), until \(file.plan.until.iso8601)."
        return .value(
            [
                "approved": true, "plan": .string(file.plan.id), "approvalsMissing": .int(Int64(signed.missing)),
            ], notes: notes + [next])
    }
}

extension PlanShelf {
    /// Adds an approval to a plan's file and to the copy kept here.
    /// - Returns: the file with everybody's approvals.
    /// - Throws: `conflict` for the approval of another plan, and if another plan has its place by now.
    func approve(_ found: Found, by approval: PlanApproval) async throws(MMError) -> PlanFile {
        guard approval.plan == found.file.digest else { throw PlanFile.replaced(found.path) }
        let file = try await found.file.adding([approval], to: found.path)
        if path(file.digest, .plan) != found.path { try await keep(file) }
        return file
    }
}

/// The question that a person is asked about a plan: one for all its steps and tenants. Approving and applying both ask
/// it here, so that they mean the same.
struct PlanQuestions {
    let plan: Plan
    let services: RequestServices
    let context: OperationContext

    /// The steps in one connection as one request.
    struct Part: Sendable {
        let place: Plan.Place
        let connection: Connection
        let request: ConfirmationRequest
    }

    /// A question with the connections that it is about.
    struct Question: Sendable {
        let request: ConfirmationRequest
        let connections: [Connection]
    }

    /// Returns the question; `nil` where the guard demands no confirmation.
    /// - Throws: the guard's denial.
    func question() async throws(MMError) -> Question? {
        let all = try await parts()
        if let refusal = JointClearance.refusal(of: all.map(\.request)) { throw refusal }
        return joined(all).map { Question(request: $0, connections: all.map(\.connection)) }
    }

    /// Returns the signatures of a plan's file as they count here; `nil` where the plan needs none, and where it can't
    /// be applied: its connections are not here, or the guard denies it.
    func signatures(of file: PlanFile) async throws(MMError) -> PlanSignatures? {
        // A partner is asked for customers that aren't known yet, and perhaps to sign in, which nobody expects who only
        // looks at a plan.
        let registry = services.guarding.registry
        let areHere = plan.places.allSatisfy { (try? registry.connection(named: $0.connection, in: context)) != nil }
        guard areHere, let question = try? await question() else { return nil }
        let own = try EvidenceKey.standing(at: services.guarding.paths.evidenceKey).publicText
        return file.signatures(for: question.request, on: question.connections, own: own)
    }

    /// Returns the joint question about all connections.
    func joined(_ all: [Part]) -> ConfirmationRequest? {
        if all.count == 1 { return all[0].request.verdict.decision == .ask ? all[0].request : nil }
        var question = JointClearance.question(
            about: all.map { (SetFolder.Member(name: $0.place.connection, tenant: $0.place.tenant), $0.request) })
        question?.lasting = lasting
        return question
    }

    private var lasting: Duration { max(.seconds(60), plan.until - .now) }

    /// Returns the present decision of each connection's policy about the steps sent there.
    func parts() async throws(MMError) -> [Part] {
        var all: [Part] = []
        let places = PlanPlaces(services: services, context: context)
        for place in plan.places {
            let connection = try await places.connection(place)
            let steps = plan.steps.filter { $0.connection == place.connection }
            guard let request = try await request(steps, on: connection) else { continue }
            all.append(Part(place: place, connection: connection, request: request))
        }
        return all
    }

    private func request(_ steps: [PlanStep], on connection: Connection) async throws(MMError) -> ConfirmationRequest? {
        var verdicts: [Verdict] = []
        var modules: [String] = []
        for step in steps {
            verdicts.append(try await verdict(on: step, connection))
            if !modules.contains(step.module) { modules.append(step.module) }
        }
        let objects = PlanStep.objects(of: steps)
        guard
            let verdict = Verdict.joined(verdicts)?.changing(
                objects, by: "A plan that changes \(objects.counted("object"))", instead: "To see it: mm plan show.")
        else { return nil }
        let bodies = steps.filter { !$0.body.isNull }.map { step -> JSONValue in
            ["request": .string(step.line), "body": step.body]
        }
        var request = ConfirmationRequest(
            on: connection, module: modules.joined(separator: ", "),
            title: "plan of \(steps.count.counted("change"))",
            text: steps.map(\.whole).joined(separator: "\n"),
            body: bodies.isEmpty ? [] : JSONWriter.bytes(.array(bodies)),
            parameters: ["plan": .string(plan.digest)], verdict: verdict)
        request.changes = steps.flatMap { step in
            [PlanText.title(of: step)] + PlanText.details(of: step).map { "  " + $0 }
                + PlanText.consequences(of: step).map { "  ! " + $0 }
        }
        request.lasting = lasting
        return request
    }

    private func verdict(on step: PlanStep, _ connection: Connection) async throws(MMError) -> Verdict {
        guard let verdict = try verdict(byTextOf: step, connection) else {
            return try await PlanUndo.verdict(on: step, connection, services, context)
        }
        guard case .command(let command, _) = step.act, MemberCmdlets.adds(command.cmdlet) else { return verdict }
        let looking = SecurityGroups(identity: services.identity, connection: connection)
        let seen = await looking.findings(on: command.parameters["Identity"]?.string, until: context.deadline)
        return verdict.adding(seen, policy: services.guarding.policy(of: connection, in: context))
    }

    /// Returns the verdict on what the plan says that a step sends, without asking a service; `nil` for an undo.
    private func verdict(byTextOf step: PlanStep, _ connection: Connection) throws(MMError) -> Verdict? {
        switch step.act {
        case .request(let text):
            let (_, request) = try PlanSending(connection: connection, services: services, context: context).request(
                text)
            let policy = services.guarding.policy(of: connection, in: context)
            return try genuine(services.guarding.guards.engine().judge(request.guarded, policy: policy), of: step)
        case .command(let command, _):
            return try genuine(
                PlannedScript.verdict(on: command, in: step.module, of: connection, services.guarding, context),
                of: step)
        case .undo: return nil
        }
    }

    /// Returns the plan for readers: with the guard's present decision on each step, where it is stricter than the
    /// plan's own. The decisions on steps of connections that aren't here remain those of the plan.
    /// - Throws: `conflict` for a step of another class than the plan says, which is refused later, too.
    func judged() throws(MMError) -> Plan {
        var judged = plan
        let registry = try services.guarding.registry.snapshot()
        for (index, step) in plan.steps.enumerated() {
            guard let connection = try? registry.connection(named: step.connection, for: context.call.caller.server),
                let verdict = try verdict(byTextOf: step, connection), verdict.decision > step.decision
            else { continue }
            judged.steps[index].decision = verdict.decision
            judged.steps[index].reason = verdict.reason
        }
        return judged
    }

    /// Returns the verdict on what a step would send, if its class is the one that readers of the plan are shown.
    private func genuine(_ verdict: Verdict, of step: PlanStep) throws(MMError) -> Verdict {
        if verdict.guardClass == step.guardClass { return verdict }
        throw MMError(
            .conflict,
            "The plan says that \(step.line) is of the class \(step.guardClass.rawValue), but it is of "
                + "\(verdict.guardClass.rawValue).",
            hint: "Nothing was sent. Make a new plan.")
    }
}
