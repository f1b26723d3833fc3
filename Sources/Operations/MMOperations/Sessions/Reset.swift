package import MMCore
import MMSessions

extension OperationDeclaration {
    /// The declaration of `reset`.
    package static let reset = OperationDeclaration(
        "reset", aliases: ["mm_reset"], command: ["reset"], title: "Reset sessions",
        summary: "End a connection's PowerShell sessions; the next call starts fresh ones.",
        description:
            "Ends a connection's PowerShell sessions, or one that hangs.",
        effects: .init(readOnly: false, destructive: true, idempotent: true), home: .besideSessions,
        examples: [.init("mm reset Contoso exo", "ends one session")]
    )
}

/// `reset`: ends a connection's sessions; the next call starts fresh ones.
package struct Reset: CatalogueOperation {
    package struct Input: OperationInput {
        @Argument(.connection) package var connection: String
        @Argument("module", "Only this module, such as exo.", .at(1)) package var module: String?

        /// Creates an input without arguments.
        package init() {}
    }

    package let declaration = OperationDeclaration.reset

    package func run(
        _ input: Input, in context: OperationContext, with services: SessionServices
    ) async throws(MMError) -> OperationAnswer {
        try await input.endSessions("reset", in: context, with: services) { connection, module, signedIn in
            await services.sessions.reset(connection: connection, module: module, signedIn: signedIn)
        }
    }
}

extension Reset.Input {
    /// Ends the sessions that a call names, and forgets what is kept for them: all of the connection's, or those of the
    /// caller, if callers sign in themselves.
    /// - Parameters:
    ///   - word: the field of the answer that lists the ended sessions.
    ///   - end: ends a connection's sessions, and returns their keys.
    func endSessions(
        _ word: String, in context: OperationContext, with services: SessionServices,
        _ end: (_ connection: String, _ module: String?, _ signedIn: String?) async -> [SessionKey]
    ) async throws(MMError) -> OperationAnswer {
        let name = try services.registry.connection(named: connection, in: context).name
        let module = try module.map(RunModule.named)
        let signedIn = context.call.caller.signedIn?.id
        if signedIn == nil { services.restorer.forget(connection: name, module: module) }
        let keys = await end(name, module, signedIn)
        await services.variables.forget(connection: name, module: module, signedIn: signedIn)
        return .value([
            "status": "success", word: .array(keys.map { .string($0.description) }), "count": .int(Int64(keys.count)),
        ])
    }
}
