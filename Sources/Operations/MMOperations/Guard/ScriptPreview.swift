package import MMCore
package import MMGuard
import PowerShellSyntax

/// The guard's verdicts on scripts for a session of a connection's module, while the scripts are being written.
package struct ScriptPreview: Sendable {
    /// The module of the session.
    package let module: String
    private let connection: Connection
    private let services: GuardServices
    private let context: OperationContext

    /// Creates a preview for a connection and a module.
    /// - Throws: `notFound` with the known connections, `invalidInput` with the existing modules.
    package init(connection: String, module: String, services: GuardServices) throws(MMError) {
        self.services = services
        context = OperationContext(
            call: CallContext(caller: Caller(surface: .terminal, name: "mm", server: nil)), deadline: .never,
            record: CallRecord())
        self.connection = try services.registry.connection(named: connection, in: context)
        self.module = try RunModule.named(module)
    }

    /// Returns the guard's verdict on a script in a new session.
    /// - Throws: `MMError` when the user's own rules can't be read.
    package func verdict(on script: String) throws(MMError) -> Verdict {
        try ScriptJudging(
            script: script, parsed: PowerShellParser.parse(script), module: module, engine: connection.engine,
            of: connection, in: context, with: services
        ).judge(with: .fresh).verdict
    }
}
