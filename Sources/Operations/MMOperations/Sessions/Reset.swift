package import MMCore
import MMSessions

extension OperationDeclaration {
    /// The declaration of `reset`.
    package static let reset = OperationDeclaration(
        "reset", aliases: ["mm_reset"], command: ["reset"], title: "Reset sessions",
        summary: "End a connection's PowerShell sessions; the next call starts fresh ones.",
        description:
            "Ends a connection's PowerShell sessions, or one of them, for example when one hangs.",
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
        let connection = try services.registry.connection(named: input.connection, in: context)
        let module = try input.module.map(RunModule.named)
        let keys: [SessionKey]
        if let signedIn = context.call.caller.signedIn?.id {
            keys = await services.sessions.reset(connection: connection.name, module: module, signedIn: signedIn)
        } else {
            services.restorer.forget(connection: connection.name, module: module)
            keys = await services.sessions.reset(connection: connection.name, module: module)
        }
        await services.variables.forget(
            connection: connection.name, module: module, signedIn: context.call.caller.signedIn?.id)
        return .value([
            "status": "success", "reset": .array(keys.map { .string($0.description) }),
            "count": .int(Int64(keys.count)),
        ])
    }
}
