import PowerShellSyntax
import Testing

@testable import MMGuard

@Suite("Arguments as the guard reads them")
struct CommandBindingTests {
    private let tables = GuardTables()

    @Test(
        "a switch takes no value, and what stands behind -- is no name",
        arguments: [
            ("Invoke-MgGraphRequest -PassThru DELETE /v1.0/users/x", ["passthru", "method", "uri"]),
            ("Invoke-MgGraphRequest -- DELETE /v1.0/users/x", ["method", "uri"]),
            ("Invoke-MgGraphRequest -Meth DELETE -Uri:/v1.0/users/x", ["method", "uri"]),
            ("Set-Mailbox ann -CustomAttribute1 x", ["identity", "customattribute1"]),
        ])
    func names(line: String, names: [String]) throws {
        guard case .pipeline(let pipeline)? = PowerShellParser.parse(line).root?.body?.statements.first,
            case .command(let command)? = pipeline.elements.first,
            let entry = tables.cmdlets.entries(named: command.constantName ?? "").first
        else {
            Issue.record("no command")
            return
        }
        #expect(tables.commands.command(entry).binder.bind(command) { _ in nil }.map(\.name) == names)
    }
}
