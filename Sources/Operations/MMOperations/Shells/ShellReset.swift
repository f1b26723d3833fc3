import MMCore
import MMDesk
import MMShell

/// `shell reset`, `ssh reset`: replaces a session's shell with a new one.
struct ShellReset: CatalogueOperation {
    let place: ShellPlace

    var declaration: OperationDeclaration {
        place.declaration(
            "reset", "Reset a session", "Replace a session's shell with a new one in the initial state.",
            effects: .init(readOnly: false, destructive: true, idempotent: true, openWorld: !place.isLocal),
            examples: [
                (place.isLocal ? "mm shell reset build" : "mm ssh reset web1", "a new shell under the same name")
            ])
    }

    var fields: [InputField] { place.sessionFields(at: 0) }

    func input(from reader: InputReader) throws(MMError) -> NamedSession {
        try .required(from: reader, at: place)
    }

    func run(
        _ input: NamedSession, in context: OperationContext, with shells: ShellSessions
    ) async throws(MMError) -> OperationAnswer {
        let key = input.key(of: context.call.shellOwner)
        await shells.forgetDirectory(of: key)
        switch try await shells.existing(key).body {
        case .shell(let session): try await session.reset()
        case .screen: await shells.close(key)
        }
        return OperationAnswer(
            .value(["session": .string(key.name), "status": "reset"]), text: "The session \(key.name) was reset.")
    }
}
