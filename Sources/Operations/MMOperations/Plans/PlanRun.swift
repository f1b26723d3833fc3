import MMCore
import MMDesk
import MMGuard
import MMIdentity

/// Carries a plan out: exactly its steps, in order, each only if its object is in the state that was planned for. The
/// progress is on disk, so that the same call can continue after a stop.
struct PlanRun {
    let found: PlanShelf.Found
    let shelf: PlanShelf
    let plans: PlanServices
    let context: OperationContext
    /// The runbook that was given as a file.
    let runbook: Runbook?
    /// Whether steps whose objects have changed are skipped and the rest is sent.
    let skips: Bool
    private let order: PlanOrder
    private var progress: PlanProgress
    /// Whether the time limit passed before every step's turn came.
    private var isOutOfTime = false
    private var connections: [String: Connection] = [:]
    /// The permission to send.
    private var cleared: Cleared<PlanAct>?
    /// The changes made by steps of this plan, by step number.
    private var left: [Int: Change] = [:]
    /// The reasons why steps were not carried out, by step number.
    private var obstacles: [Int: String] = [:]
    private var notes: [String] = []
    private var answers: [Int: JSONValue] = [:]

    private var plan: Plan { found.file.plan }
    private var services: RequestServices { plans.requests }

    init(
        _ found: PlanShelf.Found, on shelf: PlanShelf, skips: Bool, runbook: Runbook?, _ plans: PlanServices,
        _ context: OperationContext
    ) throws(MMError) {
        self.found = found
        self.shelf = shelf
        self.skips = skips
        self.plans = plans
        self.runbook = runbook
        self.context = context
        order = PlanOrder(found.file.plan.steps)
        progress = try PlanProgress(shelf, found.file.digest)
        if let call = progress.call { context.record.goesOn(with: call) }
    }

    /// The operation's name in the audit line of a step.
    static let stepOperation = "apply_step"

    static func expired(_ plan: Plan) -> MMError {
        MMError(.conflict, "\(plan.id) expired at \(plan.until.iso8601).", hint: "Make a new plan.")
    }

    // MARK: All of it

    /// Carries out the steps that are left.
    /// - Returns: the progress, and the answer of each step.
    mutating func apply() async throws(MMError) -> PlanOutcome {
        guard done < plan.steps.count else { return try await outcome(isNew: false) }
        guard plan.until > .now else {
            if isOver { return try await outcome(isNew: false) }
            throw Self.expired(plan)
        }
        let places = PlanPlaces(services: services, context: context)
        for place in plan.places { connections[place.connection] = try await places.connection(place) }
        try await signIn()
        try await findOut()
        if isOver { return try await outcome(isNew: false) }
        try await check()
        cleared = try await PlanClearance(
            file: found.file, connections: connections, plans: plans, context: context, runbook: runbook
        ).settle(&progress)
        try shelf.begins(found.file, for: context.call.caller.signedIn?.id)
        if progress.call == nil { try progress.applies(context.record.call) }
        for number in plan.steps.indices where !progress.isOver(number) && obstacles[number] == nil {
            if Task.isCancelled {
                throw MMError(
                    .cancelled,
                    "Cancelled after \(done) of \(plan.steps.count.counted("change")). To continue, run mm apply again."
                )
            }
            guard !context.deadline.hasPassed else {
                isOutOfTime = true
                break
            }
            let step = plan.steps[number]
            context.call.progress(
                ProgressReport(done: Double(number), total: Double(plan.steps.count), message: step.title))
            await carryOut(step, number)
            if obstacles[number] != nil, !skips { break }
        }
        return try await outcome(isNew: true)
    }

    /// Whether no step is left to send.
    private var isOver: Bool { plan.steps.indices.allSatisfy(progress.isOver) }

    private var done: Int { plan.steps.indices.count { progress.steps[$0]?.outcome == .done } }

    private func connection(of step: PlanStep) throws(MMError) -> Connection {
        guard let connection = connections[step.connection] else {
            throw MMError(.internalError, "The plan doesn't record the tenant of \(step.connection).")
        }
        return connection
    }

    /// Signs in to every service that is used, so that no step has to wait for a sign-in.
    private func signIn() async throws(MMError) {
        var seen: Set<String> = []
        for step in plan.steps {
            let connection = try connection(of: step)
            let sending = PlanSending(connection: connection, services: services, context: context)
            guard let resource = try sending.resource(of: step), seen.insert("\(connection.name) \(resource)").inserted
            else { continue }
            _ = try await services.identity.waitingForSignIn(
                to: connection, resource: resource, in: context
            ) { () async throws(MMError) in
                try await services.identity.token(for: connection, resource: resource, deadline: context.deadline)
            }
        }
    }

    // MARK: What an earlier run left

    /// Determines the outcome of the steps that were begun and have no recorded end.
    private mutating func findOut() async throws(MMError) {
        guard !progress.steps.isEmpty else { return }
        let entries = Dictionary(
            try await services.journal.entries().map { ($0.call, $0) }, uniquingKeysWith: { _, last in last })
        for (number, begun) in progress.steps.sorted(by: { $0.key < $1.key }) {
            guard plan.steps.indices.contains(number) else { continue }
            let entry = entries[begun.call]
            if begun.outcome == .done, let entry { left[number] = entry.change }
            guard begun.outcome == nil || begun.outcome == .unknown else { continue }
            let step = plan.steps[number]
            if case .undo(let id, _) = step.act {
                let selection = try await UndoSelection(services, in: context)
                if let undone = try? selection.entry(id), selection.isUndone(undone) {
                    try progress.ends(number, .done, details(change: entry?.id))
                }
                continue
            }
            try await findOut(step, number, begun, entry)
        }
    }

    private mutating func findOut(
        _ step: PlanStep, _ number: Int, _ begun: PlanProgress.Step, _ entry: JournalEntry?
    ) async throws(MMError) {
        guard let entry else {
            // Every change is written to the journal before it is sent: one without an entry was never sent.
            try progress.ends(
                number, step.change == nil ? .unknown : .failed,
                details(message: step.change == nil ? Self.doubt : "it was never sent"))
            return
        }
        switch entry.outcome {
        case .done: return try settle(number, entry, entry.change)
        case .refused: return try progress.ends(number, .failed, details(change: entry.id, message: entry.message))
        case .unknown: break
        }
        let states = PlanStates(connection: try connection(of: step), services: services, context: context)
        if entry.change.kind == .creation { return try await findOutCreation(number, begun, entry, states) }
        switch try? await states.present(of: entry.change).standing {
        case .asLeft:
            try await services.journal.end(entry, .done)
            try settle(number, entry, entry.change)
        case .asBefore: try await endUnsent(number, entry)
        case .changed, .unknown, nil:
            try progress.ends(number, .unknown, details(change: entry.id, message: Self.doubt))
        }
    }

    /// Determines the outcome of a creation: a created object is one of the matching objects now and wasn't before.
    private mutating func findOutCreation(
        _ number: Int, _ begun: PlanProgress.Step, _ entry: JournalEntry, _ states: PlanStates
    ) async throws(MMError) {
        guard let before = begun.alike else {
            return try progress.ends(number, .unknown, details(change: entry.id, message: Self.doubt))
        }
        var new: [Change.Subject]?
        repeat {
            new = (try? await states.alike(entry.change))??.filter { !before.contains($0.id) }
            guard new?.isEmpty == true, Timestamp.now - begun.begun < Self.settling else { break }
            // A service may still be carrying out the request of a caller that was just killed. What a cancelled wait
            // hasn't seen may still come.
            do { try await Task.sleep(for: .milliseconds(250)) } catch { new = nil }
        } while new != nil
        switch new?.count {
        case 1?:
            let made = entry.change.made(new?.first ?? .init(id: ""))
            try await services.journal.end(entry.left(made), .done)
            try settle(number, entry, made, answer: ["id": .string(made.subject.id)])
        case 0?: try await endUnsent(number, entry)
        default: try progress.ends(number, .unknown, details(change: entry.id, message: Self.doubt))
        }
    }

    private mutating func endUnsent(_ number: Int, _ entry: JournalEntry) async throws(MMError) {
        let message = "the service did not receive it"
        try await services.journal.end(entry, .refused, message: message)
        try progress.ends(number, .failed, details(change: entry.id, message: message))
    }

    private mutating func settle(
        _ number: Int, _ entry: JournalEntry, _ change: Change, answer: JSONValue? = nil
    ) throws(MMError) {
        left[number] = change
        var details = details(change: entry.id)
        // A plan of the remaining steps needs the answer.
        if change.service == .graph { details["answer"] = answer }
        try progress.ends(number, .done, details)
    }

    /// The maximum time that a service takes for a request after its caller has gone.
    private static let settling = Duration.seconds(5)
    private static let doubt = "it is unknown whether it was applied; it is not sent again"
    private static let openDoubt = "it is unknown whether it was applied; the next mm apply looks at its object"

    // MARK: States

    /// How many objects are read at once.
    private static let readAtOnce = 8

    /// Throws if the object of any step has changed since the plan was made, before anything is sent.
    private mutating func check() async throws(MMError) {
        var changed: [(number: Int, lines: [String])] = []
        let compared = plan.steps.indices.filter { number in
            // An object that an earlier step of this plan changes is compared when it is this step's turn.
            !progress.isOver(number)
                && !order.predecessors(of: number).contains { progress.steps[$0]?.outcome == .done }
        }
        let found = await compared.concurrentMap(atOnce: Self.readAtOnce) { [self] number in
            await Result { () async throws(MMError) in try await differences(plan.steps[number], number) }
        }
        for (number, lines) in zip(compared, found) {
            let lines = try lines.get()
            if !lines.isEmpty { changed.append((number, lines)) }
        }
        guard !changed.isEmpty else { return }
        // Who changed an object costs a request for each: only for those that the answer names.
        for (number, lines) in skips ? changed[...] : changed.prefix(5) {
            obstacles[number] = try await Self.words(self, number, lines)
        }
        guard !skips else { return }
        let shown = changed.prefix(5).map {
            "\($0.number + 1). \(plan.steps[$0.number].line): \(obstacles[$0.number] ?? "")"
        }
        let more = changed.count > 5 ? "\nand \(changed.count - 5) more" : ""
        let waiting = plan.steps.indices.count { !progress.isOver($0) }
        throw MMError(
            .conflict,
            "\(changed.count) of \(waiting) objects have changed since the plan was made: nothing was sent.\n"
                + shown.joined(separator: "\n") + more,
            hint: "Make a new plan, or skip those objects: mm apply --skip.",
            details: [
                "plan": .string(plan.id), "changed": .array(changed.map { .int(Int64($0.number + 1)) }),
                "left": .array(plan.steps.indices.filter { !progress.isOver($0) }.map { .int(Int64($0 + 1)) }),
            ])
    }

    /// Returns the differences from the state that a step was planned for; empty where there are none.
    private func differences(_ step: PlanStep, _ number: Int) async throws(MMError) -> [String] {
        let connection = try connection(of: step)
        if case .undo(let id, let sends) = step.act {
            // An undo that was begun determines its own progress.
            if progress.steps[number] != nil, progress.steps[number]?.outcome == nil { return [] }
            let now = try await PlanUndo(connection: connection, services: services, context: context).state(
                of: step, id)
            return step.state.differences(to: now.state)
                + (now.sends == sends ? [] : ["its undo would send other requests now"])
        }
        let sending = PlanSending(connection: connection, services: services, context: context)
        guard let ready = try await sending.ready(step) else { return [] }
        return step.state.differences(to: ready.state)
    }

    private static func words(_ run: PlanRun, _ number: Int, _ lines: [String]) async throws(MMError) -> String {
        let step = run.plan.steps[number]
        let states = PlanStates(
            connection: try run.connection(of: step), services: run.services, context: run.context)
        var who: String?
        if let change = step.change { who = await states.changedBy(change, since: run.plan.made) }
        return "changed since (\(lines.prefix(5).joined(separator: "; ")))" + (who.map { ". \($0)" } ?? "")
    }

    /// Returns the reason why a step can't be sent now.
    private func obstacle(_ step: PlanStep, _ number: Int, _ now: PlanState) async throws(MMError) -> String? {
        let earlier = order.predecessors(of: number)
        let carriedOut = earlier.filter { progress.steps[$0]?.outcome == .done }
        if let open = earlier.first(where: { obstacles[$0] != nil || progress.steps[$0]?.outcome == .unknown }) {
            return "skipped, because step \(open + 1) on the same object was skipped"
        }
        guard let last = carriedOut.last, let change = left[last] else {
            let lines = step.state.differences(to: now)
            return lines.isEmpty ? nil : try await Self.words(self, number, lines)
        }
        // The object must be as this plan has left it, and properties that the plan didn't change must be as before.
        let states = PlanStates(connection: try connection(of: step), services: services, context: context)
        if case .changed(let what) = try await states.present(of: change).standing {
            return try await Self.words(self, number, what.lines)
        }
        let touched = Set(carriedOut.flatMap { left[$0]?.keys ?? [] })
        for (name, value) in step.state.before?.object ?? [:]
        where step.change?.kind == .properties && change.kind == .properties && !touched.contains(name) {
            guard now.before?[name] == value else {
                return try await Self.words(self, number, ["\(name) has changed"])
            }
        }
        return nil
    }

    // MARK: Sending

    private mutating func carryOut(_ step: PlanStep, _ number: Int) async {
        let record = CallRecord()
        var call = context.call
        call.partOf = CallPart(of: context, step: String(number + 1))
        call.progress = { _ in }
        let inner = OperationContext(call: call, deadline: context.deadline, record: record)
        do throws(MMError) {
            let connection = try connection(of: step)
            guard let cleared else { throw PlanAct.notJudged }
            let sent: PlanSending.Sent
            if case .undo(let id, _) = step.act {
                let lines = try await differences(step, number)
                guard lines.isEmpty else {
                    return obstacles[number] = "changed since (\(lines.joined(separator: "; ")))"
                }
                try progress.begins(number, as: record.call, alike: nil)
                sent = try await PlanUndo(connection: connection, services: services, context: inner).undo(
                    id, by: cleared)
            } else {
                let sending = PlanSending(connection: connection, services: services, context: inner)
                guard let ready = try await sending.ready(step) else { return }
                if let obstacle = try await obstacle(step, number, ready.state) {
                    return obstacles[number] = obstacle
                }
                try progress.begins(number, as: record.call, alike: ready.state.alike)
                let isFirst = order.predecessors(of: number).isEmpty
                sent = try await sending.send(ready, by: cleared, ifVersion: isFirst ? step.state.etag : nil)
            }
            left[number] = sent.change
            answers[number] = sent.answer
            notes += sent.notes
            try progress.ends(number, .done, details(sent))
            await note(step, inner, nil)
        } catch {
            if progress.steps[number]?.outcome == .done {
                // It is carried out, also if that can't be recorded: the next run determines its outcome again.
                notes.append(error.message)
                return await note(step, inner, nil)
            }
            let isOpen = progress.steps[number].map { $0.outcome == nil } ?? false
            obstacles[number] = error.message
            if isOpen {
                let outcome: PlanProgress.Outcome = error.isRefusal ? .failed : .unknown
                if outcome == .unknown { obstacles[number] = "\(Self.openDoubt): \(error.message)" }
                // The outcome of a step without a recorded end is determined by the next run.
                if outcome == .failed {
                    try? progress.ends(
                        number, outcome, details(change: record.facts["change"]?.string, message: error.message))
                }
            }
            await note(step, inner, error)
        }
    }

    /// Returns what the progress records of a step that has ended.
    private func details(change: String? = nil, message: String? = nil) -> JSONObject {
        var details: JSONObject = ["at": .string(Timestamp.now.iso8601Milliseconds)]
        details["undo"] = change.map { .string($0) }
        details["message"] = message.map { .string($0) }
        return details
    }

    private func details(_ sent: PlanSending.Sent) -> JSONObject {
        var details = details(change: sent.entry)
        details["status"] = sent.status.map { .int(Int64($0)) }
        details["answer"] = sent.answer.map { Redactor.standard.json($0) }
        return details
    }

    /// Writes the audit line of one step.
    private func note(_ step: PlanStep, _ inner: OperationContext, _ error: MMError?) async {
        var line: JSONObject = [
            "operation": .string(Self.stepOperation), "call": .string(inner.record.call),
            "partOf": .array((inner.call.partOf?.calls ?? []).map { .string($0) }),
            "surface": .string(context.call.caller.surface.rawValue), "client": .string(context.call.caller.name),
            "connection": .string(step.connection), "plan": .string(found.file.digest),
            "class": .string(step.guardClass.rawValue), "outcome": .string(error?.code.word ?? "done"),
        ]
        if let connection = connections[step.connection] {
            let place = CallPlace(registry: services.guarding.registry, identity: services.identity)
            for (key, value) in await place.facts(of: connection) { line[key] = value }
        }
        line["user"] = context.call.caller.user.map { .string($0) }
        line["principal"] = context.call.caller.signedIn.map { .string($0.id) }
        line["change"] = inner.record.facts["change"]
        switch step.act {
        case .request(let text):
            line["method"] = .string(text.method)
            line["path"] = .string(String(text.address.prefix { $0 != "?" }))
        case .command(let command, _): line["commands"] = [.string(command.cmdlet)]
        case .undo(let entry, _): line["undoes"] = .string(entry)
        }
        do throws(MMError) {
            try await services.audit.append(line)
        } catch {
            services.log.error("the audit line of a plan's step could not be written: \(error.message)")
        }
    }

    // MARK: The end

    private func outcome(isNew: Bool) async throws(MMError) -> PlanOutcome {
        PlanOutcome(
            file: found.file, progress: progress, obstacles: obstacles, answers: answers, notes: notes,
            call: progress.call ?? context.record.call, isNew: isNew, isOutOfTime: isOutOfTime)
    }
}

/// The outcome of applying a plan.
struct PlanOutcome: Sendable {
    let file: PlanFile
    let progress: PlanProgress
    /// The reasons why steps were not carried out, by step number.
    let obstacles: [Int: String]
    /// The services' answers, without redaction.
    let answers: [Int: JSONValue]
    let notes: [String]
    /// The call that all steps belong to.
    let call: String
    /// Whether any step was left to carry out when the run began.
    let isNew: Bool
    /// Whether the time limit passed before every step's turn came.
    let isOutOfTime: Bool

    /// The indices of the steps that are not carried out.
    var left: [Int] { file.plan.steps.indices.filter { progress.steps[$0]?.outcome != .done } }

    func word(_ number: Int) -> String {
        guard let step = progress.steps[number] else { return "left" }
        if let outcome = step.outcome, outcome != .failed { return outcome.rawValue }
        return obstacles[number] == nil ? "left" : step.known.rawValue
    }

    func why(_ number: Int) -> String? { obstacles[number] ?? progress.steps[number]?.told["message"]?.string }
}

extension PlanOutcome {
    /// The outcome as a job reports it.
    var report: CaseReport {
        let steps = file.plan.steps
        var report = CaseReport(
            tool: "mm apply",
            headline: "\(steps.count - left.count) of \(steps.count) changes of \(file.plan.id) are applied.")
        for (number, step) in steps.enumerated() {
            let why = why(number) ?? word(number)
            let result: CaseReport.Result =
                switch progress.steps[number]?.known {
                case .done: .passed
                case .unknown: .error(why)
                case .failed, nil: .failed(why)
                }
            report.cases.append(
                .init(
                    group: step.connection, name: "\(number + 1). \(PlanText.title(of: step))", result: result,
                    lines: [step.line]))
        }
        if let open = file.plan.open {
            report.cases.append(.init(group: "plan", name: "the plan ends here", result: .skipped(open)))
        }
        return report
    }
}

/// Reads the states of the objects of writes: when a plan is made, and again when it is carried out.
struct PlanStates: Sendable {
    let connection: Connection
    let services: RequestServices
    let context: OperationContext

    /// The state of an object, as far as it could be read.
    struct Reading: Sendable {
        var state = PlanState()
        /// The error of a read that failed.
        var fault: MMError?

        /// Returns the state to compare with the one that a step was planned for.
        /// - Throws: the error of the read, where the states differ: that an object can't be read doesn't mean that it
        ///   has changed, or that it is gone.
        func state(for step: PlanStep) throws(MMError) -> PlanState {
            guard let fault, state.digest != step.state.digest else { return state }
            throw fault.about("The object of `\(step.line)` can't be read")
        }
    }

    private var channels: UndoChannels {
        UndoChannels(connection: connection, services: services, context: context, confirmed: false)
    }

    /// Returns the state of a request's object.
    func state(of write: WriteWatch.Write) async -> PlanState { await read(write).state }

    /// Returns the state of the object of a change whose state before was read.
    func state(of change: Change) async -> PlanState { await read(change).state }

    /// Reads the state of a request's object.
    func read(_ write: WriteWatch.Write) async -> Reading {
        var reading = await read(write.found ?? write.change, etag: write.etag)
        reading.fault = write.fault ?? reading.fault
        return reading
    }

    /// Reads the state of the object of a change whose state before was read.
    func read(_ change: Change?, etag: String? = nil) async -> Reading {
        var reading = Reading()
        guard let change else { return reading }
        var state = PlanState()
        state.isKnown = change.isBeforeKnown
        state.before = change.isBeforeKnown ? change.before : nil
        state.etag = etag
        if [.link, .unlink].contains(change.kind), change.cmdlet == nil {
            do throws(MMError) {
                state.isPresent = try await channels.present(of: change).answer != nil
            } catch {
                reading.fault = error
            }
        }
        // A whole collection is not read for an object to be created in it; only a list filtered by the object's name.
        if change.kind == .creation, change.alikePath?.contains("$filter=") ?? (change.alikeCommand != nil) {
            do throws(MMError) {
                state.alike = try await channels.alike(change)?.map(\.id)
            } catch {
                reading.fault = error
            }
        }
        reading.state = state
        return reading
    }

    /// Reads whether a write still stands.
    func present(of change: Change) async throws(MMError) -> UndoChannels.Present {
        try await channels.present(of: change)
    }

    /// Returns the objects that match the one that a creation makes.
    func alike(_ change: Change) async throws(MMError) -> [Change.Subject]? { try await channels.alike(change) }

    /// Returns who has changed an object since, as far as the directory's audit log tells.
    func changedBy(_ change: Change, since: Timestamp) async -> String? {
        guard change.service == .graph, change.cmdlet == nil,
            let client = try? GuardedClient(identity: services.identity, connection: connection)
        else { return nil }
        return await ChangedBy(client: client, deadline: context.deadline).sentence(on: change, since: since)
    }
}

extension PlanState {
    /// Returns the differences between two states, for people; empty where they are the same.
    func differences(to now: PlanState) -> [String] {
        guard digest != now.digest else { return [] }
        var lines: [String] = []
        if isKnown != now.isKnown { lines.append(isKnown ? "it no longer exists" : "it exists now") }
        if before != now.before {
            let found = ObjectDifference(before: before, after: now.before).lines
            lines += found.isEmpty ? ["its properties have changed"] : found
        }
        if etag != now.etag, lines.isEmpty { lines.append("its version has changed (\(now.etag ?? "none"))") }
        if isPresent != now.isPresent { lines.append(now.isPresent == true ? "it exists now" : "it no longer exists") }
        if alike != now.alike { lines.append("a similar object was created or deleted") }
        return lines.isEmpty ? ["it has changed"] : lines
    }
}
