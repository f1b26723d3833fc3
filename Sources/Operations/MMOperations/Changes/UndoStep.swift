import MMCore
import MMDesk

/// A line of the audit log for each write that takes a change back: a call of `undo` may send thousands.
struct UndoStep {
    /// The operation that such lines name.
    static let operation = "undo_step"

    let channels: UndoChannels
    /// What is sent.
    let action: UndoPart.Action
    /// The entry that it takes back.
    let undone: String

    /// Writes the line of how it ended.
    func end(_ error: MMError?, change: String?) async {
        let (context, services) = (channels.context, channels.services)
        var line: JSONObject = [
            "operation": .string(Self.operation), "call": .string(context.record.call),
            "surface": .string(context.call.caller.surface.rawValue),
            "client": .string(context.call.caller.name), "connection": .string(channels.connection.name),
            "undoes": .string(undone), "outcome": .string(error?.code.word ?? "done"),
        ]
        let place = CallPlace(registry: services.guarding.registry, identity: services.identity)
        for (key, value) in await place.facts(of: channels.connection) { line[key] = value }
        line["user"] = context.call.caller.user.map { .string($0) }
        line["principal"] = context.call.caller.signedIn.map { .string($0.id) }
        line["change"] = change.map { .string($0) }
        switch action {
        case .request(let request):
            line["method"] = .string(request.method)
            line["path"] = .string(request.target.path)
        case .command(let command, _):
            line["commands"] = [.string(command.cmdlet)]
            let targets = ["Identity", "Mailbox", "Name"].compactMap { command.parameters[$0]?.string }
            if let target = targets.first { line["targets"] = [.string(VisibleText.exact(target))] }
        }
        do throws(MMError) {
            try await services.audit.append(line)
        } catch {
            services.log.error("the audit line of an undo could not be written: \(error.message)")
        }
    }
}
