import MMCore
import MMGuard
import MMIdentity

/// `plan_show`: shows what a plan would send, for people, programs and pull requests.
struct PlanShow: CatalogueOperation {
    struct Input: OperationInput {
        @Argument("plan", "Plan file, or plan id.", .at(0), .completes(.files)) var plan: String
        @Argument("markdown", "Show the plan as Markdown, for a pull request.") var isMarkdown: Bool
    }

    let declaration = OperationDeclaration(
        "plan_show", command: ["plan", "show"], title: "Show a plan",
        summary: "Show what a plan would send, change by change, and who has approved it.",
        effects: .init(readOnly: true),
        examples: [
            .init("mm plan show change.plan", "each change, as in a dry run"),
            .init("mm plan show change.plan --markdown", "for a pull request"),
        ]
    ).unlisted

    func run(_ input: Input, in context: OperationContext, with services: RequestServices) async throws(MMError)
        -> OperationAnswer
    {
        let shelf = PlanShelf(services.guarding.paths)
        let file = try shelf.found(input.plan, in: context).file
        let questions = PlanQuestions(plan: file.plan, services: services, context: context)
        let judged = try questions.judged()
        // A plan that was cleared and begun needs no more signatures.
        let isWaiting = file.plan.until > .now && (try? PlanProgress(shelf, file.digest))?.clearance == nil
        let signatures = try await isWaiting ? questions.signatures(of: file) : nil
        return Self.answer(
            about: PlanText(file, judged: judged, signatures: signatures), asMarkdown: input.isMarkdown)
    }

    static func answer(
        about text: PlanText, asMarkdown: Bool, notes: [String] = [], exitStatus: Int32 = 0
    ) -> OperationAnswer {
        var answer =
            asMarkdown
            ? OperationAnswer(.text(text.markdown), notes: notes)
            : OperationAnswer(.value(text.json), notes: notes, text: text.lines.joined(separator: "\n"))
        answer.exitStatus = exitStatus
        return answer
    }
}

/// `plan_list`: lists the plans of this home.
struct PlanList: CatalogueOperation {
    let declaration = OperationDeclaration(
        "plan_list", command: ["plan", "list"], title: "List plans",
        summary: "List your plans: their changes, progress and expiry.",
        effects: .init(readOnly: true), examples: [.init("mm plan list", "the newest first")]
    ).unlisted

    func run(_ input: NoInput, in context: OperationContext, with paths: StatePaths) async throws(MMError)
        -> OperationAnswer
    {
        let shelf = PlanShelf(paths)
        let contents = try shelf.contents()
        var faults = contents.faults.map { "\(DoctorReport.words($0)) A damaged file can be removed." }
        var rows: [JSONValue] = []
        for file in contents.plans {
            var state = "unreadable"
            do throws(MMError) {
                state = try PlanProgress(shelf, file.digest).word(of: file.plan)
            } catch {
                // Without it, `mm apply` would send again what was sent: nothing is said about removing it.
                faults.append(DoctorReport.words(error))
            }
            rows.append([
                "plan": .string(file.plan.id), "made": .string(file.plan.made.iso8601), "by": .string(file.plan.by),
                "changes": .int(Int64(file.plan.steps.count)),
                "connections": .string(JointClearance.list(file.plan.connections)),
                "approvedBy": .string(file.approvals.map(\.by).joined(separator: ", ")),
                "state": .string(state), "until": .string(file.plan.until.iso8601),
            ])
        }
        return .value(
            .array(rows), notes: rows.isEmpty && faults.isEmpty ? ["There are no plans."] : faults,
            columns: ["plan", "changes", "connections", "state", "approvedBy", "until"])
    }
}

/// `plan_key`: shows the public key with which this home signs.
struct PlanKey: CatalogueOperation {
    let declaration = OperationDeclaration(
        "plan_key", command: ["plan", "key"], title: "Show the key of approvals",
        summary: "Show the public key that signs approvals and receipts on this machine.",
        effects: .init(readOnly: true), audience: .person,
        examples: [
            .init("mm plan key", "for `approvers` of a connection on another machine, and for mm receipt verify")
        ]
    )

    func run(_ input: NoInput, in context: OperationContext, with paths: StatePaths) async throws(MMError)
        -> OperationAnswer
    {
        let key = try EvidenceKey.standing(at: paths.evidenceKey)
        return OperationAnswer(.value(["key": .string(key.publicText)]), text: key.publicText)
    }
}
