import MMCore
import MMDesk
import MMShell

/// `shell cwd`, `ssh cwd`: the working directory of a session.
struct ShellWorkingDirectory: CatalogueOperation {
    let place: ShellPlace

    var declaration: OperationDeclaration {
        place.declaration(
            "cwd", "Working directory", "Show a session's current directory.",
            effects: .init(readOnly: true, idempotent: true, openWorld: !place.isLocal),
            examples: [(place.isLocal ? "mm shell cwd" : "mm ssh cwd web1", "prints the directory")])
    }

    var fields: [InputField] { place.sessionFields(at: 0) }

    func input(from reader: InputReader) throws(MMError) -> NamedSession {
        try .required(from: reader, at: place)
    }

    func run(
        _ input: NamedSession, in context: OperationContext, with shells: ShellSessions
    ) async throws(MMError) -> OperationAnswer {
        let key = input.key(of: context.call.shellOwner)
        let path = try await shells.existing(key).directory
        return OperationAnswer(.value(["session": .string(key.name), "cwd": .string(path)]), verbatim: path)
    }
}

extension ShellSessions.Member {
    /// The session's working directory, from running `pwd` if it isn't known yet.
    var directory: String {
        get async throws(MMError) {
            guard case .shell(let session) = body else {
                throw MMError(.unsupported, "A device has no working directory.")
            }
            return try await session.askedDirectory(deadline: .after(.seconds(20)))
        }
    }
}
