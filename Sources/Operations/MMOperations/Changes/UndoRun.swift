import MMCore
import MMDesk
import MMGuard
import MMIdentity

/// The undo of changes of one connection, one after the other.
///
/// An interrupted run continues when it is called again: the journal says which changes are undone, and if it is
/// unknown whether an undo was sent, the object's present state tells.
struct UndoRun: Sendable {
    let connection: Connection
    /// The changes, newest first.
    let entries: [JournalEntry]
    let selection: UndoSelection
    let services: RequestServices
    let context: OperationContext
    let confirmed: Bool

    private var channels: UndoChannels {
        UndoChannels(connection: connection, services: services, context: context, confirmed: confirmed)
    }

    /// A change with the writes that undo it, part by part.
    struct Step: Sendable {
        let entry: JournalEntry
        let parts: [UndoPart]
        /// Why the change can't be undone.
        var obstacle: String?
        /// A later change of the same properties, which keeps this one from being undone.
        var later: JournalEntry?
        /// Why nothing has to be done.
        var nothing: String?

        var actions: [UndoPart.Action] { parts.flatMap(\.actions) }

        /// The sentence about the later change.
        var since: String? {
            later.map {
                "\($0.id) by \($0.client) changed it again later: undo that one first"
            }
        }

        /// The lines about the step that a person is shown before it is carried out.
        var lines: [String] {
            guard obstacle == nil else {
                return ["\(entry.id) would not be undone: \(entry.change.title)", "  ! \(obstacle ?? "")"]
            }
            return ["\(entry.id) would be undone: \(entry.change.title)"]
                + entry.change.undoLines.map { "  " + $0 } + [since ?? nothing].compactMap { $0.map { "  ! " + $0 } }
        }
    }

    private func step(_ entry: JournalEntry, _ successors: [String: String]) throws(MMError) -> Step {
        let entry = entry.left(entry.change.following(successors: successors))
        if let reason = entry.change.reasonAgainstUndo { return Step(entry: entry, parts: [], obstacle: reason) }
        var parts: [UndoPart] = []
        for change in entry.change.parts { parts.append(try channels.part(change)) }
        let isEmpty = parts.allSatisfy(\.actions.isEmpty) && !entry.change.changesNothing
        return Step(entry: entry, parts: parts, obstacle: isEmpty ? "mm has no request that undoes it" : nil)
    }

    /// Returns the steps that undo the changes.
    func steps() throws(MMError) -> [Step] {
        let successors = selection.successors
        let newest = selection.newest(besides: Set(entries.map(\.id)))
        var steps: [Step] = []
        for entry in entries {
            var step = try step(entry, successors)
            if step.obstacle == nil { step.later = selection.later(than: entry, among: newest) }
            steps.append(step)
        }
        return steps
    }

    // MARK: Before

    /// The act that a person confirms. Each write is judged again when it is sent, since it may name objects by ids
    /// that are assigned only then.
    var act: JudgedAgain {
        JudgedAgain(
            guarding: services.guarding, policy: services.guarding.policy(of: connection, in: context), name: "the undo"
        )
    }

    /// Returns the request for confirmation of the steps; `nil` if nothing is sent.
    func question(_ steps: [Step]) async throws(MMError) -> ConfirmationRequest? {
        let objects = Set(
            steps.filter { $0.obstacle == nil && !$0.actions.isEmpty }.map(\.entry.change.object))
        return try await channels.question(steps.flatMap(\.actions), objects: objects.count) { steps.flatMap(\.lines) }
    }

    /// Throws if a change was made in another tenant or by another account.
    func prove() async throws(MMError) { try await channels.prove(entries, isSignedIn: false) }

    /// Signs in to the services in advance, so that the undo isn't interrupted by a sign-in.
    func signIn(for steps: [Step]) async throws(MMError) {
        try await channels.signIn(for: Set(steps.filter { $0.obstacle == nil }.map(\.entry.change.service)))
        try await channels.prove(entries, isSignedIn: true)
    }

    /// - Throws: `conflict` if the object of the only change is not as the change left it, or if that is unknown;
    ///   `unsupported` if the change can't be undone.
    func check(_ step: Step) async throws(MMError) {
        if let obstacle = await explained(step).obstacle {
            throw MMError(
                .unsupported, "This can't be undone: \(obstacle)",
                hint: "mm undo show \(step.entry.id) shows what it changed.")
        }
        // Only the first part is checked, since later parts refer to objects that it creates.
        if let part = step.parts.first {
            let present = try await channels.present(of: part.change)
            if case .changed(let what) = present.standing {
                throw await refusal(step.entry, what, among: selection.newest(besides: []))
            }
            if let obstacle = present.obstacle, present.standing != .asBefore {
                throw MMError(
                    .unsupported, "This can't be undone: \(obstacle).",
                    hint: "mm undo show \(step.entry.id) shows what it changed.")
            }
        }
        if let doubt = try await doubt(step) {
            throw MMError(
                .conflict, "This can't be undone: \(doubt).",
                hint: "mm undo show \(step.entry.id) shows the intended change; correct the object yourself.")
        }
    }

    /// Returns why a change is not undone although the object is as the change would have left it; `nil` if there is no
    /// doubt.
    private func doubt(_ step: Step) async throws(MMError) -> String? {
        guard step.entry.mayHaveChangedNothing else { return nil }
        for part in step.parts where try await channels.present(of: part.change).standing == .asLeft {
            return Self.doubt(step.entry)
        }
        return nil
    }

    private static func doubt(_ entry: JournalEntry) -> String {
        let others = entry.change.others.map(\.text).joined(separator: ", ")
        let word = entry.change.kind == .link ? "in" : "missing from"
        return "it is unknown whether it was sent, and whether \(others) was \(word) \(entry.change.relation) before"
    }

    /// Returns the step. For a creation whose answer was lost, its obstacle lists the objects that may have been
    /// created.
    private func explained(_ step: Step) async -> Step {
        let change = step.entry.change
        guard step.obstacle != nil, change.kind == .creation, change.subject.id.isEmpty, change.obstacle == nil,
            let alike = try? await channels.alike(change)
        else { return step }
        var step = step
        step.obstacle =
            "the service did not say which object it created"
            + (alike.isEmpty
                ? ", and no similar object exists"
                : "; it may be \(Self.list(alike)): check, and delete it in the service")
        return step
    }

    private static func list(_ subjects: [Change.Subject]) -> String {
        Change.counted(subjects.map { VisibleText.exact($0.text) }, most: 5)
    }

    /// Returns the present state of a step's object, as far as it can be read.
    func present(_ step: Step) async -> JSONValue? {
        guard let part = step.parts.first, let present = try? await channels.present(of: part.change) else {
            return nil
        }
        return present.answer ?? present.rows.map { .array($0) }
    }

    // MARK: Forecast

    /// The maximum number of objects whose present state is read, and how many are read at once.
    private static let (mostRead, readAtOnce) = (500, 8)

    /// Returns the steps with what would keep them from being undone.
    func forecast(_ steps: [Step]) async throws(MMError) -> [Step] {
        var steps = steps
        if steps.count == 1 {
            steps[0] = await explained(steps[0])
            guard steps[0].obstacle == nil else { return steps }
        }
        // Only the newest change of each object can be checked against the present state, since earlier ones are undone
        // after it.
        var (seen, newest) = (Set<String>(), [Int]())
        for (index, step) in steps.enumerated() where step.obstacle == nil {
            let slots = step.entry.change.slots
            if seen.isDisjoint(with: slots) { newest.append(index) }
            seen.formUnion(slots)
        }
        let found = try await doubts(newest.prefix(Self.mostRead).map { ($0, steps[$0]) })
        var blocked = BlockedObjects()
        for index in steps.indices where steps[index].obstacle == nil {
            if let told = found[index] {
                (steps[index].obstacle, steps[index].nothing) = (told.obstacle, told.nothing)
            } else if blocked.hold(steps[index].entry.change) {
                steps[index].obstacle = Self.leftWord
            }
            if steps[index].obstacle != nil { blocked.add(steps[index].entry.change) }
        }
        return steps
    }

    /// Checks steps against the present states of their objects.
    private func doubts(_ steps: [(Int, Step)]) async throws(MMError) -> [Int: Step] {
        Dictionary(
            uniqueKeysWithValues: await steps.concurrentMap(atOnce: Self.readAtOnce) { ($0, await looked($1)) })
    }

    private func looked(_ step: Step) async -> Step {
        guard let part = step.parts.first else { return step }
        var step = step
        do throws(MMError) {
            let present = try await channels.present(of: part.change)
            switch present.standing {
            case .changed(let what): step.obstacle = Self.words(step.entry, what)
            case .asBefore where step.parts.count == 1: step.nothing = "nothing to do: it is already as it was before"
            case .asLeft where step.entry.mayHaveChangedNothing: step.obstacle = Self.doubt(step.entry)
            case .asBefore: break
            case .asLeft, .unknown: step.obstacle = present.obstacle
            }
        } catch {
            step.obstacle = "its state can't be read now: \(error.message)"
        }
        return step
    }

    // MARK: Undoing

    /// The results of undoing the changes, with one row for each.
    struct Outcome: Sendable {
        /// Whether there is a single change, whose error is the error of the call.
        let isOfOne: Bool
        var rows: [JSONValue] = []
        var notes: [String] = []
        /// The changes that were not undone, with the reasons.
        var left: [(id: String, reason: String)] = []
        /// The error that made further work useless.
        var stopped: String?
    }

    static let leftWord = "a later change to the same object could not be undone"

    /// Undoes the changes in order. A change that can't be undone blocks only the changes that depend on it.
    /// - Parameter cleared: the clearance of the writes; `nil` if none was needed.
    func carryOut(
        by cleared: Cleared<some RequestAct & CmdletAct>?, progress: (Int, String) -> Void, _ outcome: inout Outcome
    ) async throws(MMError) {
        var successors = selection.successors
        let newest = selection.newest(besides: [])
        var blocked = BlockedObjects()
        for (number, entry) in entries.enumerated() {
            // Another call may have updated or undone the entry meanwhile.
            let entry = (try? selection.entry(entry.id)) ?? entry
            let step = try step(entry, successors)
            progress(number, step.entry.change.title)
            var result: String?
            if selection.isUndone(entry) {
                result = "nothing to do: another call has undone it meanwhile"
            } else if let obstacle = await explained(step).obstacle {
                outcome.left.append((entry.id, "can't be undone: \(obstacle)"))
            } else if outcome.stopped != nil {
                outcome.left.append((entry.id, "left, because an earlier step could not be undone"))
            } else if blocked.hold(step.entry.change) {
                outcome.left.append((entry.id, "left, because \(Self.leftWord)"))
            } else {
                do throws(MMError) {
                    switch try await undo(step, by: cleared, among: newest, &successors, notes: &outcome.notes) {
                    case .sent: result = "undone"
                    case .nothing: result = "nothing to do: it is already as it was before"
                    case .left(let reason): outcome.left.append((entry.id, "can't be undone: \(reason)"))
                    }
                } catch {
                    guard !outcome.isOfOne, error.code != .signInNeeded, error.code != .cancelled else {
                        throw error.ofLaterRequest
                    }
                    // If the service can't be reached now, it can't be reached for the next change either.
                    if [.unavailable, .deadlineExceeded].contains(error.code) { outcome.stopped = error.message }
                    outcome.left.append((entry.id, "refused: \(error.message)"))
                }
            }
            if result == nil { blocked.add(step.entry.change) }
            outcome.rows.append(row(step, "result", result ?? outcome.left.last?.reason ?? ""))
        }
    }

    /// Returns a change as a row.
    func row(_ step: Step, _ member: String, _ text: String) -> JSONValue {
        [
            "id": .string(step.entry.id), "connection": .string(connection.name),
            "change": .string(VisibleText.exact(step.entry.change.title)), member: .string(text),
        ]
    }

    /// The result of undoing a change.
    private enum Ending {
        case sent
        case nothing
        case left(because: String)
    }

    private func undo(
        _ step: Step, by cleared: Cleared<some RequestAct & CmdletAct>?, among newest: UndoSelection.Newest,
        _ successors: inout [String: String], notes: inout [String]
    ) async throws(MMError) -> Ending {
        var hasSent = false
        for (number, part) in step.parts.enumerated() {
            let present = try await channels.present(of: part.change)
            switch present.standing {
            case .asBefore:
                // An earlier run may have ended after it sent the undo and before it noted the result.
                if number == step.parts.count - 1, let open = selection.openUndo(of: step.entry) {
                    let row = part.change.kind == .deletion ? part.change.alike(inRows: present.rows ?? []).first : nil
                    try await services.journal.end(
                        open.left(row.map { open.change.left(by: [$0]) } ?? open.change), .done)
                }
                continue
            case .changed(let what): throw await refusal(step.entry, what, among: newest)
            case .unknown where step.entry.outcome == .unknown:
                throw MMError(
                    .conflict,
                    "It is unknown whether \(step.entry.id) was sent and whether it is still in effect.",
                    hint: "Check the object: \(step.entry.request).")
            case .asLeft where step.entry.mayHaveChangedNothing: return .left(because: Self.doubt(step.entry))
            case .asLeft, .unknown:
                if let obstacle = present.obstacle { return .left(because: obstacle) }
            }
            guard await isProven(step.entry, part.change, present) else { throw unproven(step.entry) }
            var twins: [Change.Subject]?
            if part.change.kind == .deletion, part.change.alikePath != nil {
                switch try await madeAnew(part.change, of: step.entry) {
                case .already(let subject):
                    successors[part.change.subject.id.lowercased()] = subject.id
                    continue
                case .not(let others): twins = others
                }
            }
            for (place, action) in part.actions.enumerated() {
                guard let cleared else { throw Self.notJudged }
                let isLast = number == step.parts.count - 1 && place == part.actions.count - 1
                let undoing = JournalNotes.Undoing(entry: step.entry.id, isPart: !isLast)
                let left = try await channels.carryOut(
                    action, by: cleared, of: part.change, present, beside: twins, undoing, notes: &notes)
                if part.change.kind == .deletion, left?.kind == .creation, let new = left?.subject.id, !new.isEmpty {
                    successors[part.change.subject.id.lowercased()] = new
                }
                hasSent = true
            }
        }
        return hasSent ? .sent : .nothing
    }

    private static let notJudged = MMError(
        .conflict, "The requests that undo it became known only after the guard judged the call: nothing was undone.",
        hint: "Repeat the undo.")

    // MARK: Recreation

    /// Whether an earlier undo, whose answer was lost, has recreated a deleted object.
    private enum Anew {
        case already(Change.Subject)
        /// It has not; these are other objects that look alike.
        case not(beside: [Change.Subject]?)
    }

    private func madeAnew(_ change: Change, of entry: JournalEntry) async throws(MMError) -> Anew {
        let open = selection.openUndo(of: entry)
        let alike: [Change.Subject]
        do throws(MMError) {
            alike = try await channels.alike(change) ?? []
        } catch {
            // If no undo was ever begun, none can have recreated the object.
            guard let open else { return .not(beside: nil) }
            throw MMError(
                error.code,
                "It is unknown whether \(open.id) recreated it, because the objects can't be listed: \(error.message)",
                hint: "Check the object yourself: \(open.request).")
        }
        guard let open else {
            guard alike.isEmpty else { throw doubtful(entry, alike, "Somebody else may have recreated it.") }
            return .not(beside: [])
        }
        guard let before = open.change.twins else {
            guard alike.isEmpty else { throw doubtful(entry, alike, "\(open.id) may have recreated it.") }
            return .not(beside: [])
        }
        let new = alike.filter { !before.contains($0.id) }
        guard let made = new.first else { return .not(beside: alike) }
        guard new.count == 1 else { throw doubtful(entry, new, "\(open.id) recreated at most one of them.") }
        try await services.journal.end(open.left(open.change.made(made)), .done)
        return .already(made)
    }

    private func doubtful(_ entry: JournalEntry, _ alike: [Change.Subject], _ why: String) -> MMError {
        MMError(
            .conflict,
            "The object that \(entry.id) deleted seems to exist already: \(Self.list(alike)). \(why) Nothing was sent.",
            hint: "Check it. If it is another object, recreate the deleted one yourself: mm undo show \(entry.id).",
            details: ["id": .string(entry.id), "candidates": .array(alike.map { .string($0.id) })])
    }

    // MARK: Refusals

    private func isProven(_ entry: JournalEntry, _ change: Change, _ present: UndoChannels.Present) async -> Bool {
        if entry.author != nil { return true }
        return await channels.isHere(change, present)
    }

    private func unproven(_ entry: JournalEntry) -> MMError {
        MMError(
            .conflict,
            "\(entry.id) was recorded by an earlier version without tenant and account, so mm can't tell whether "
                + "\(entry.change.objectText) belongs to \(connection.name): nothing was undone.",
            hint: "mm undo show \(entry.id) shows its earlier state; restore the values that you want.")
    }

    private static func words(_ entry: JournalEntry, _ what: ObjectDifference) -> String {
        "\(entry.change.objectText) has changed since (\(what.lines.prefix(5).joined(separator: "; ")))"
    }

    private func refusal(
        _ entry: JournalEntry, _ what: ObjectDifference, among newest: UndoSelection.Newest
    ) async -> MMError {
        let who = await channels.changedBy(entry)
        return MMError(
            .conflict,
            "\(Self.words(entry, what)): nothing was undone." + (who.map { " " + $0 } ?? ""),
            hint: selection.later(than: entry, among: newest).map {
                "First undo the later change by \($0.client): mm undo \($0.id)."
            } ?? "mm undo show \(entry.id) shows its earlier state; restore the values that you want.",
            details: ["id": .string(entry.id), "changed": .array(what.lines.map { .string($0) })])
    }
}

/// The objects of changes that could not be undone. Earlier changes of the same properties stay, too, and so do changes
/// that create or delete an object that such a change refers to.
private struct BlockedObjects {
    private var slots: Set<String> = []
    private var touched: Set<String> = []
    private var madeOrDeleted: Set<String> = []

    /// Adds a change that is not undone.
    mutating func add(_ change: Change) {
        slots.formUnion(change.slots)
        touched.formUnion(change.touched)
        if let id = change.madeOrDeleted { madeOrDeleted.insert(id) }
    }

    /// Returns whether an earlier change has to stay as well.
    func hold(_ change: Change) -> Bool {
        if !slots.isDisjoint(with: change.slots) { return true }
        if let id = change.madeOrDeleted, touched.contains(id) { return true }
        return !madeOrDeleted.isDisjoint(with: change.touched)
    }
}
