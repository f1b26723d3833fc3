import MMCore
import MMGuard
import MMIdentity

/// `runbook_approve`: a person approves what a recipe, an own tool or a script may do without being asked again.
struct RunbookApprove: CatalogueOperation {
    struct Input: OperationInput {
        @Argument("calls", "The recipe, own tool or script with its connection, as on the command line.", .at(0))
        private var calls: [(tool: String, arguments: JSONObject)]
        @Argument(
            "classes", "Classes it may use, separated by commas: write,destructive (default write).", as: Input.classes)
        private var classes: [GuardClass]?
        @Argument(
            "kinds", "Kinds of objects it may change, separated by commas: users,Mailbox (default any).",
            as: Input.words)
        private var kinds: [String]?
        @Argument(
            "value", "Allowed values of a parameter; * matches any text: user=*@contoso.com.")
        private var values: [(name: String, value: JSONValue)]
        @Argument("most", "Maximum number of changes per run (default 20).", in: 1...10_000) private var mostARun = 20
        @Argument("mostADay", "Maximum number of changes per day (default 100).", in: 1...100_000) private
            var mostADay = 100
        @Argument("days", "Days until it expires (default 30).", in: 1...366) private var days = 30
        @Argument("out", "Write the runbook to this file, for other machines.", .short("o"), .completes(.files))
        var out: String?

        func check() throws(MMError) { _ = try call }

        /// The call that the runbook is for.
        var call: Plan.Call {
            get throws(MMError) {
                guard calls.count == 1, let call = calls.first else {
                    throw MMError(
                        .invalidInput, "A runbook covers one recipe, one of your own tools or one script.",
                        hint: "mm runbook approve --value user='*@contoso.com' -- recipe NAME Contoso",
                        details: ["field": "calls"])
                }
                return Plan.Call(tool: call.tool, arguments: call.arguments)
            }
        }

        /// Returns the terms, valid for the given number of days.
        func terms(from start: Timestamp) -> Runbook.Terms {
            var texts: [String: [String]] = [:]
            for (name, value) in values {
                texts[name] = (value.array ?? [value]).map { $0.string ?? $0.description }
            }
            return Runbook.Terms(
                values: texts, classes: classes ?? [.write], kinds: kinds ?? [], mostARun: mostARun, mostADay: mostADay,
                until: Timestamp(seconds: start.seconds + Int64(days) * 86_400))
        }

        private static func words(_ text: String) -> [String] {
            text.split(separator: ",").map { String($0.filter { !$0.isWhitespace }) }.filter { !$0.isEmpty }
        }

        private static func classes(_ text: String) throws(MMError) -> [GuardClass] {
            var classes: [GuardClass] = []
            for word in words(text) {
                guard let one = GuardClass(word: word), ![.read, .secret, .session].contains(one) else {
                    let possible = GuardClass.allCases.filter { ![.read, .secret, .session].contains($0) }
                    throw MMError(
                        .invalidInput, "`\(word.prefix(40))` can't be allowed in a runbook.",
                        hint: "Classes that can: \(possible.map(\.rawValue).joined(separator: ", ")).",
                        details: ["field": "classes"])
                }
                classes.append(one)
            }
            return classes
        }
    }

    let declaration = OperationDeclaration(
        "runbook_approve", command: ["runbook", "approve"], title: "Approve a runbook",
        summary:
            "Approve what one version of a recipe, own tool or script may do without asking.",
        effects: .init(readOnly: false), audience: .person,
        examples: [
            .init(
                "mm runbook approve --classes write,destructive --value user='*@contoso.com' --most 10 -- recipe leaver Contoso",
                "a job can plan and apply this recipe for 30 days without asking"),
            .init(
                "mm runbook approve -o nightly.runbook -- run Contoso exo -f nightly.ps1",
                "for mm apply --runbook on another machine"),
        ]
    )

    func run(_ input: Input, in context: OperationContext, with services: RequestServices) async throws(MMError)
        -> OperationAnswer
    {
        let guarding = services.guarding
        let person = try context.personAtTerminal(
            to: "approve a runbook", in: guarding.environment,
            hint: "Run mm runbook approve in your own terminal.")
        let out = input.out.map(context.call.path)
        if let out { try ProtectedFile.checkReplacing(out) }
        let terms = input.terms(from: .now)
        let subject = try RunbookSubject(try input.call, guarding.paths)
        let connection = try guarding.registry.connection(named: subject.connection, in: context)
        let words = terms.classes.map(\.rawValue)
        guard connection.guardPolicy.approvals.most(of: words) == 1 else {
            throw MMError(
                .forbidden,
                "\(connection.name) requires two people for this, so one person can't approve it with a runbook.",
                hint: "Both people must approve each plan: mm plan approve.")
        }
        let place = try await PlanPlaces(services: services, context: context).place(connection)
        let check = max(.terminal, connection.personChecks.most(of: words))
        let lines = Runbook.lines(subject.identity, place, terms)
        let digest = Hex.text(SHA256.digest(Array("mm runbook 1\n\(lines.joined(separator: "\n"))".utf8)))
        guard
            try await person.confirm(
                ConfirmationQuestion(
                    title: "\(connection.name): allow the runbook \(subject.identity.name)",
                    pages: [lines.joined(separator: "\n")], lines: lines,
                    reason: "Until it ends, jobs can plan and apply it without asking.", check: check, digest: digest))
        else { throw MMError(.denied, "You answered no: nothing is allowed.") }
        let key = try EvidenceKey.standing(at: guarding.paths.evidenceKey)
        let runbook = try Runbook(
            subject.identity, on: place, terms, by: ThisProcess.login, check: check, with: key)
        try RunbookShelf(guarding.paths).keep(runbook)
        if let out { try ProtectedFile.replace(out, with: runbook.bytes) }
        context.record.note("runbook", .string(runbook.id))
        return OperationAnswer(
            .value(runbook.row), notes: ["To revoke it: mm allow --revoke \(runbook.id)"],
            text: runbook.lines.joined(separator: "\n"))
    }
}

/// Checks whether a runbook allows a plan: made from the same text with allowed values, and within the allowed changes.
struct RunbookClearance {
    let file: PlanFile
    let connections: [String: Connection]
    let services: PlanServices
    let context: OperationContext
    /// A runbook that was given as a file, in addition to those of this home.
    let given: Runbook?

    /// Returns the runbook that clears the plan; `nil` where none is for the plan's recipe, tool or script.
    /// - Throws: `denied` where a runbook is for it and does not allow this, `limitExceeded` for too many changes in a
    ///   day.
    func settle(_ question: ConfirmationRequest) async throws(MMError) -> Runbook? {
        let plan = file.plan
        let paths = services.requests.guarding.paths
        guard plan.calls.count == 1, plan.open == nil, let call = plan.calls.first,
            let subject = try? RunbookSubject(call, paths), let connection = connections[subject.connection]
        else {
            guard let given else { return nil }
            throw refusal(given, "it covers one recipe, own tool or script, and this plan contains something else")
        }
        let shelf = RunbookShelf(paths)
        let own = try EvidenceKey.standing(at: paths.evidenceKey).publicText
        var reason: MMError?
        for runbook in [given].compactMap(\.self) + shelf.all() where runbook.subject.name == subject.identity.name {
            do throws(MMError) {
                guard !shelf.isRevoked(runbook.id) else { throw refusal(runbook, "it was revoked") }
                guard runbook.key == own || connection.approvers.values.contains(runbook.key) else {
                    throw refusal(runbook, "the key that signed it is unknown here")
                }
                try check(runbook, subject, question)
                try await checkOrigin(runbook, call)
                try await shelf.spend(plan.steps.count, of: runbook)
                return runbook
            } catch {
                reason = error
            }
        }
        if let reason { throw reason }
        guard let given else { return nil }
        throw refusal(given, "it covers \(given.subject.title), and this plan is for \(subject.identity.title)")
    }

    private func refusal(_ runbook: Runbook, _ why: String) -> MMError {
        MMError(
            .confirmationNeeded,
            "The runbook \(runbook.subject.name) does not allow this plan: \(why). Nothing was sent.",
            hint: "A person must approve this plan (mm plan approve), or the runbook again (mm runbook approve).",
            details: ["runbook": .string(runbook.id)])
    }

    private func check(
        _ runbook: Runbook, _ subject: RunbookSubject, _ question: ConfirmationRequest
    ) throws(MMError) {
        let terms = runbook.terms
        guard terms.until > .now else { throw refusal(runbook, "it expired at \(terms.until.iso8601)") }
        guard runbook.subject == subject.identity else {
            throw refusal(runbook, "\(subject.identity.title) was changed since it was approved")
        }
        guard file.plan.places == [runbook.place] else {
            throw refusal(runbook, "it is for another connection or tenant")
        }
        guard question.approvals == 1, runbook.check >= question.check else {
            throw refusal(
                runbook, "the connection now requires a stronger confirmation than the runbook was approved with")
        }
        for (name, value) in subject.values {
            let patterns = terms.values.first { $0.key.lowercased() == name.lowercased() }?.value ?? []
            for one in value.array ?? [value] {
                let text = one.string ?? one.description
                guard patterns.contains(where: { Runbook.matches(text, $0) }) else {
                    throw refusal(runbook, "`\(name)` may not be `\(VisibleText.exact(String(text.prefix(60))))`")
                }
            }
        }
        for (index, step) in file.plan.steps.enumerated() {
            guard terms.classes.contains(step.guardClass) else {
                throw refusal(runbook, "step \(index + 1) is \(step.guardClass.rawValue): \(step.line)")
            }
            let kind =
                step.change?.cmdlet.map { String($0.name.drop { $0 != "-" }.dropFirst()) } ?? step.change?.collection
                ?? ""
            guard terms.kinds.isEmpty || terms.kinds.contains(where: { $0.lowercased() == kind.lowercased() }) else {
                throw refusal(runbook, "step \(index + 1) changes `\(kind)`, which is not one of its kinds of objects")
            }
        }
        guard file.plan.steps.count <= terms.mostARun else {
            throw refusal(
                runbook,
                "it makes \(file.plan.steps.count.counted("change")), and the limit per run is \(terms.mostARun)")
        }
    }

    /// Plans the call again and throws if the result differs, since the origin that a plan claims isn't trusted.
    private func checkOrigin(_ runbook: Runbook, _ call: Plan.Call) async throws(MMError) {
        let earlier = try file.plan.after.flatMap { (digest) throws(MMError) in
            try PlanShelf(services.requests.guarding.paths).earlier(digest)
        }
        let again = try await PlanDraft(services: services, context: context, after: earlier).plan(
            [call], until: file.plan.until)
        func acts(_ plan: Plan) -> [JSONValue] {
            plan.steps.map { step in
                let json = step.json
                return [json["connection"] ?? .null, json["request"] ?? json["command"] ?? json["undo"] ?? .null]
            }
        }
        guard acts(again).map(CanonicalJSON.bytes) == acts(file.plan).map(CanonicalJSON.bytes) else {
            throw refusal(runbook, "\(runbook.subject.title) would now send other requests than the plan")
        }
    }
}
