import MMCore
import MMDesk
import MMGuard
import MMIdentity
import MMNative
import MMPowerShell
import PowerShellSyntax

/// A script that is evaluated only for planning: its reads are sent, and each cmdlet that changes something becomes a
/// step. The plan ends where the script needs the output of such a cmdlet, or reads what it would have changed.
struct PlannedScript {
    let plan: EnginePlan
    let script: RunScript
    /// The state that earlier scripts of the session left.
    let session: NativeSession

    private var connection: Connection { script.connection }
    private var services: RequestServices { script.services.requests }
    private var context: OperationContext { script.context }

    /// - Returns: `nil` where PowerShell has to run it.
    func record(in recorder: PlanRecorder) async throws(MMError) -> OperationAnswer? {
        context.record.note("planned", true)
        guard script.isForNativeModule, plan.wanted != .pwsh, !plan.waitsForAnswers else { return nil }
        let graph = try script.writeWatch()
        var resource = graph.client.resource
        if let service = ExchangeTable.Service(module: script.module) {
            resource = try script.watch(of: service).client.service.resource
        }
        try await signIn(to: resource)
        let rehearsal = try await ScriptRehearsal(script, plan, until: context.deadline, in: recorder)
        if rehearsal.misfit != nil { return nil }
        let outcome = await rehearsal.outcome(after: session)
        if let failure = rehearsal.sources.compactMap(\.story.failure).first { throw failure }
        var recording = StepRecording(
            recorder, plan, at: Desk(watch: graph, module: script.module, confirmed: false))
        for step in rehearsal.steps { try await recording.take(step) }
        switch outcome {
        case .completed(let result):
            if let error = result.failure ?? result.errors.first {
                guard rehearsal.holds else { throw MMError(.invalidInput, "\(error.message) Nothing was planned.") }
                recorder.end(because: error.message)
            }
        case .stopped: throw StopErrors.deadline(restarted: false)
        case .handedOver(let reason, _):
            guard rehearsal.holds else { return nil }
            recorder.end(because: NativeEngine.isOfHeld(reason) ? reason : "\(reason) needs PowerShell")
        }
        if recorder.open != nil { throw PlanRecorder.beyond }
        return OperationAnswer(.value([]), notes: ["Planned: nothing was sent."], connection: connection.name)
    }

    /// Waits for a sign-in: without one, the objects that a pipeline reaches can't be determined.
    private func signIn(to resource: ServiceResource) async throws(MMError) {
        _ = try await services.identity.waitingForSignIn(to: connection, resource: resource, in: context) {
            () async throws(MMError) in
            try await services.identity.token(for: connection, resource: resource, deadline: context.deadline)
        }
    }

    /// Returns the guard's verdict on a single cmdlet.
    static func verdict(
        on command: ExchangeCommand, in module: String, of connection: Connection, _ guarding: GuardServices,
        _ context: OperationContext
    ) throws(MMError) -> Verdict {
        let line = command.line
        return try ScriptJudging(
            script: line, parsed: PowerShellParser.parse(line), module: module, engine: .native, of: connection,
            in: context, with: guarding
        ).judge(with: .fresh).verdict
    }
}

/// The recording of a script's steps in a plan, up to the first one after which the next can't be known.
private struct StepRecording {
    private let recorder: PlanRecorder
    private let desk: Desk
    private let answered: ConsumedWrites
    private var written: [PlannedCmdlet] = []
    private var paths = PlannedPaths()

    init(_ recorder: PlanRecorder, _ plan: EnginePlan, at desk: Desk) {
        (self.recorder, self.desk) = (recorder, desk)
        answered = ConsumedWrites(plan)
    }

    /// Records the script's next step.
    mutating func take(_ step: ScriptRehearsal.Step) async throws(MMError) {
        switch step {
        case .cmdlet(let step, let watch): try await take(step, watch)
        case .request(let step): try await take(step)
        }
    }

    private mutating func take(_ step: CmdletRehearsal.Step, _ watch: CmdletWatch) async throws(MMError) {
        guard let change = step.change else {
            if step.wasSent, let write = written.first(where: { $0.changes(whatIsReadBy: step.command) }) {
                try end("\(step.command.cmdlet) reads what \(write.name) would have changed")
            }
            return
        }
        let module = ExchangeTable.Service(of: watch.client.service).module
        let command = step.command
        try await recorder.record(command, changing: change, found: step.found, in: module, by: watch)
        if change.isIdle { return }
        written.append(PlannedCmdlet(command, change))
        if answered.contains(command.cmdlet) { try end(Self.continues(with: command.cmdlet)) }
    }

    private mutating func take(_ step: GraphRehearsal.Step) async throws(MMError) {
        let target = step.request.target.pathAndQuery
        if step.wasSent {
            if paths.areRead(at: target) { try end("\(step.cmdlet) reads what an earlier step would have changed") }
            return
        }
        if step.request.method == "GET" { try end("\(step.cmdlet) reads what a person has to confirm") }
        let before = recorder.steps.count
        _ = try await recorder.record([step.request], of: .named(.graph), at: desk)
        let steps = recorder.steps.dropFirst(before)
        guard !steps.isEmpty else { return }
        paths.add(target, of: steps.compactMap(\.change?.subject))
        if steps.contains(where: \.isAnswered), answered.contains(step.cmdlet) {
            try end(Self.continues(with: step.cmdlet))
        }
    }

    private static func continues(with cmdlet: String) -> String {
        "the script uses the output of \(cmdlet), which is not known yet"
    }

    private func end(_ reason: String) throws(MMError) {
        recorder.end(because: reason)
        throw PlanRecorder.beyond
    }
}

/// A cmdlet that is a step. A later read of its object would return a state from before the change.
struct PlannedCmdlet: Sendable {
    /// Its name.
    let name: String
    /// The names of its object, in lower case; empty where it names none.
    private let names: Set<String>

    init(_ command: ExchangeCommand, _ change: Change) {
        name = command.cmdlet
        var names: Set<String> = [change.subject.id.lowercased()]
        names.insert((change.subject.name ?? "").lowercased())
        names.insert((command.parameters["Identity"]?.string ?? "").lowercased())
        for address in names where address.contains("@") { names.insert(String(address.prefix { $0 != "@" })) }
        self.names = names.subtracting([""])
    }

    /// Whether a cmdlet reads the object that this one changes: a cmdlet with the same noun, unless it names another
    /// object.
    func changes(whatIsReadBy command: ExchangeCommand) -> Bool {
        func noun(_ name: String) -> Substring { name.lowercased().drop { $0 != "-" }.dropFirst() }
        guard noun(name) == noun(command.cmdlet) else { return false }
        guard !names.isEmpty, let read = command.parameters["Identity"]?.string else { return true }
        return names.contains(read.lowercased())
    }
}

/// The cmdlets of a script whose output the script uses: in a pipeline, a variable, an expression. The output of a
/// cmdlet that changes something isn't known before it is sent.
private struct ConsumedWrites {
    private var names: Set<String> = []

    init(_ plan: EnginePlan) {
        let items = ScriptFacts(of: plan.parsed).items
        let units = Array(plan.script.utf16)
        for item in items {
            guard case .command(let command) = item.detail, let name = command.name else { continue }
            if Self.isConsumed(item, command, among: items, units) { names.insert(name.lowercased()) }
        }
    }

    func contains(_ cmdlet: String) -> Bool { names.contains(cmdlet.lowercased()) }

    private static func isConsumed(
        _ item: ScriptFact, _ command: CommandFact, among items: [ScriptFact], _ units: [UInt16]
    ) -> Bool {
        if command.index < command.count - 1 { return !isDiscarded(item, command, among: items) }
        let isAssigned = items.contains { fact in
            guard case .set(let path, let op) = fact.detail, op.hasSuffix("Equals"),
                fact.extent.end <= item.extent.start, path.name.lowercased() != "null"
            else {
                return false
            }
            return isValue(units[fact.extent.end..<item.extent.start])
        }
        if isAssigned { return true }
        for outer in items where encloses(outer, item) {
            switch outer.detail {
            case .command(let enclosing) where outer.depth < item.depth:
                // The output of a ForEach-Object block is the output of ForEach-Object.
                if isConsumed(outer, enclosing, among: items, units) { return true }
            case .command where outer.depth == item.depth: return true
            case .set, .setMember, .setIndex, .setOther, .member, .call, .index, .operator, .hashtable,
                .expandableString:
                if outer.depth == item.depth { return true }
            default: continue
            }
        }
        return false
    }

    /// Whether the next command of the pipeline drops what this one puts out.
    private static func isDiscarded(_ item: ScriptFact, _ command: CommandFact, among items: [ScriptFact]) -> Bool {
        let later = items.filter { $0.depth == item.depth && $0.extent.start >= item.extent.end }
        guard let next = later.min(by: { $0.extent.start < $1.extent.start }),
            case .command(let last) = next.detail, last.index == command.index + 1, last.count == command.count
        else { return false }
        return last.index == last.count - 1 && last.name?.lowercased() == "out-null"
    }

    /// Whether the end of a text still belongs to the value of the assignment with which it begins: no statement ends
    /// in it.
    private static func isValue(_ text: ArraySlice<UInt16>) -> Bool {
        let opening = Set("({[".utf16)
        let closing = Set(")}]".utf16)
        let ends = Set(";\n".utf16)
        let blanks = Set(" \t\r\n".utf16)
        guard let sign = text.firstIndex(of: 0x3D) else { return false }
        var depth = 0
        for unit in text[(sign + 1)...].drop(while: blanks.contains) {
            if opening.contains(unit) { depth += 1 }
            if closing.contains(unit) { depth -= 1 }
            if depth < 0 || depth == 0 && ends.contains(unit) { return false }
        }
        return true
    }

    private static func encloses(_ outer: ScriptFact, _ inner: ScriptFact) -> Bool {
        outer.extent != inner.extent && outer.extent.start <= inner.extent.start && outer.extent.end >= inner.extent.end
    }
}
