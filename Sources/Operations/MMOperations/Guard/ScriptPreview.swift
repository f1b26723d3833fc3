package import MMCore
package import MMGuard
import PowerShellSyntax

/// What the guard would say of scripts in a session of a connection's module, while they are being written.
package struct ScriptPreview: Sendable {
    /// The module of the session.
    package let module: String
    private let connection: Connection
    private let services: GuardServices
    private let context: OperationContext

    /// A preview for a connection and a module.
    /// - Throws: `notFound` with the known connections, `invalidInput` with the modules there are.
    package init(connection: String, module: String, services: GuardServices) throws(MMError) {
        self.services = services
        context = OperationContext(
            call: CallContext(caller: Caller(surface: .terminal, name: "mm", server: nil)), deadline: .never,
            record: CallRecord())
        self.connection = try services.registry.connection(named: connection, in: context)
        self.module = try RunModule.named(module)
    }

    /// What the guard would say of a script in a session that has just begun.
    /// - Throws: `MMError` when the user's own rules can't be read.
    package func verdict(on script: String) throws(MMError) -> Verdict {
        try ScriptJudging(
            script: script, parsed: PowerShellParser.parse(script), module: module, engine: connection.engine,
            of: connection, in: context, with: services
        ).judge(with: .fresh).verdict
    }
}
