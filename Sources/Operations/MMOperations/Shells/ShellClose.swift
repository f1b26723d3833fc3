import MMCore

/// `shell close`, `ssh close`: ends sessions and everything they started.
struct ShellClose: CatalogueOperation {
    let place: ShellPlace

    struct Input: Sendable {
        let session: NamedSession?
        let all: Bool
    }

    var declaration: OperationDeclaration {
        place.declaration(
            "close", "Close a session", "End a session and everything that it started.",
            effects: .init(readOnly: false, destructive: true, idempotent: true, openWorld: !place.isLocal),
            examples: [
                (place.isLocal ? "mm shell close build" : "mm ssh close web1", "ends it"),
                ("mm \(place.rawValue) close --all", "ends all of your sessions"),
            ])
    }

    var fields: [InputField] {
        place.sessionFields(at: 0) + [InputField("all", .flag, "Close all of your sessions.")]
    }

    func input(from reader: InputReader) throws(MMError) -> Input {
        Input(session: try NamedSession(from: reader, at: place), all: try reader.flag("all"))
    }

    func run(
        _ input: Input, in context: OperationContext, with shells: ShellSessions
    ) async throws(MMError) -> OperationAnswer {
        let owner = context.call.shellOwner
        var keys: [ShellSessionName]
        if input.all {
            keys = await shells.members(of: owner, in: place).map(\.key)
        } else {
            keys = [try NamedSession.required(input.session).key(of: owner)]
            for key in keys { _ = try await shells.existing(key) }
        }
        for key in keys { await shells.close(key) }
        return OperationAnswer(
            .value(["closed": .array(keys.map { .string($0.name) })]),
            text: keys.isEmpty ? "There was no such session." : "Closed: \(keys.map(\.name).joined(separator: ", "))")
    }
}
