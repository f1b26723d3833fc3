import MMCore
import MMSessions

extension OperationDeclaration {
    /// The declaration of `disconnect`.
    package static let disconnect = OperationDeclaration(
        "disconnect", aliases: ["mm_disconnect"], command: ["disconnect"], title: "Disconnect sessions",
        summary: "Sign out a connection's PowerShell sessions and end them.",
        description: "Signs out a connection's PowerShell sessions, or one of them, and ends them.",
        effects: .init(readOnly: false, destructive: true, idempotent: true), home: .besideSessions,
        examples: [
            .init("mm disconnect Contoso", "signs out all of its sessions"),
            .init("mm disconnect Contoso exo", "signs out one session"),
        ]
    ).unlisted
}

/// `disconnect`: signs a connection's PowerShell sessions out and ends them.
///
/// `reset` only ends processes, so the next session can still use the sign-in that a module keeps itself. Neither
/// removes the connection's own sign-in; `logout` does.
struct Disconnect: CatalogueOperation {
    typealias Input = Reset.Input

    let declaration = OperationDeclaration.disconnect

    func run(
        _ input: Reset.Input, in context: OperationContext, with services: SessionServices
    ) async throws(MMError) -> OperationAnswer {
        try await input.endSessions("disconnected", in: context, with: services) { connection, module, signedIn in
            await services.sessions.disconnect(connection: connection, module: module, signedIn: signedIn)
        }
    }
}
