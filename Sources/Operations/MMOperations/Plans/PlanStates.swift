import MMCore
import MMDesk
import MMGuard

/// Looks at the objects of writes: how they stand when a plan is made, and whether they still do when it is carried out.
struct PlanStates: Sendable {
    let connection: Connection
    let services: RequestServices
    let context: OperationContext

    private var channels: UndoChannels {
        UndoChannels(connection: connection, services: services, context: context, confirmed: false)
    }

    /// How the object of a request stands.
    func state(of write: WriteWatch.Write) async -> PlanState {
        await state(of: write.found ?? write.change, etag: write.etag)
    }

    /// How the object of a change stands whose state before was read.
    func state(of change: Change?, etag: String? = nil) async -> PlanState {
        var state = PlanState()
        guard let change else { return state }
        state.isKnown = change.isBeforeKnown
        state.before = change.isBeforeKnown ? change.before : nil
        state.etag = etag
        if [.link, .unlink].contains(change.kind), change.cmdlet == nil,
            let present = try? await channels.present(of: change)
        {
            state.isPresent = present.answer != nil
        }
        // Whole collections are not read for what is made in them; a list that finds the object by its name is short.
        if change.kind == .creation, change.alikePath?.contains("$filter=") ?? (change.alikeCommand != nil),
            let alike = try? await channels.alike(change)
        {
            state.alike = alike.map(\.id)
        }
        return state
    }

    /// What has become of a write since it was sent.
    func present(of change: Change) async throws(MMError) -> UndoChannels.Present {
        try await channels.present(of: change)
    }

    /// The objects that are as a creation makes one.
    func alike(_ change: Change) async throws(MMError) -> [Change.Subject]? { try await channels.alike(change) }

    /// Who has changed an object since, as far as the directory's audit log tells.
    func changedBy(_ change: Change, since: Timestamp) async -> String? {
        guard change.service == .graph, change.cmdlet == nil,
            let client = try? GuardedClient(identity: services.identity, connection: connection)
        else { return nil }
        return await ChangedBy(client: client, deadline: context.deadline).sentence(on: change, since: since)
    }
}

extension PlanState {
    /// What differs between two states, for people; empty where they are the same.
    func differences(to now: PlanState) -> [String] {
        guard digest != now.digest else { return [] }
        var lines: [String] = []
        if isKnown != now.isKnown { lines.append(isKnown ? "it is not there any more" : "it is there now") }
        if before != now.before {
            let found = ObjectDifference(before: before, after: now.before).lines
            lines += found.isEmpty ? ["its properties are others"] : found
        }
        if etag != now.etag, lines.isEmpty { lines.append("its version is another one (\(now.etag ?? "none"))") }
        if isPresent != now.isPresent { lines.append(now.isPresent == true ? "it is there now" : "it is gone") }
        if alike != now.alike { lines.append("one like it was made or deleted") }
        return lines.isEmpty ? ["it is another one"] : lines
    }
}
