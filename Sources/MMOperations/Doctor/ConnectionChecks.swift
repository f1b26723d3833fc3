package import MMCore
import MMIdentity

/// Whether the registry can be read, and who is signed in.
package struct ConnectionChecks: Sendable {
    /// Whose connections.
    private let services: OperationServices

    /// Checks of a user's connections.
    package init(services: OperationServices) { self.services = services }

    /// Looks at the registry and at each connection's sign-in, from the files alone.
    /// - Returns: the connections.
    package func examine(into report: inout DoctorReport) async -> [Connection] {
        let snapshot: RegistrySnapshot
        do throws(MMError) {
            snapshot = try services.registry.snapshot()
        } catch {
            report.add("registry", error)
            return []
        }
        let count = snapshot.connections.count
        if snapshot.names.isEmpty {
            report.add(
                "registry", .advice, "no connection in \(services.paths.registry)",
                remedy: "mm connect DOMAIN, or to practise: mm sandbox start --connection Demo")
        } else if snapshot.problems.isEmpty {
            report.add("registry", .sound, "\(count) connection\(count == 1 ? "" : "s") in \(services.paths.registry)")
        }
        for problem in snapshot.problems {
            report.add(
                problem.connection ?? "registry", problem.severity == .error ? .failed : .advice, problem.message,
                remedy: problem.hint)
        }
        for connection in snapshot.connections {
            await examine(connection, into: &report)
        }
        return snapshot.connections
    }

    private func examine(_ connection: Connection, into report: inout DoctorReport) async {
        let name = "sign-in \(connection.name)"
        let login = "mm login \(ShellWord.quoted(connection.name))"
        switch await services.identity.state(of: connection) {
        case .signedIn(let account, _): report.add(name, .sound, account.title)
        case .pending(let prompt):
            report.add(
                name, .advice, "waits for a person until \(prompt.expiresAt.localLog)",
                remedy: "Open \(prompt.verificationURI) and enter \(prompt.userCode).")
        case .signedOut: report.add(name, .advice, "signed out", remedy: login)
        case .unusable(let error): report.add(name, error)
        }
    }
}
