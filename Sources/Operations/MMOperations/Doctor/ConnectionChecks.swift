package import MMCore
import MMIdentity

/// Checks whether the registry can be read, and which connections are signed in.
package struct ConnectionChecks: Sendable {
    private let services: OperationServices

    /// Creates the checks of a user's connections.
    package init(services: OperationServices) { self.services = services }

    /// Checks the registry and each connection's sign-in, from files alone.
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
                "registry", .advice, "no connections in \(services.paths.registry)",
                remedy: "Run mm connect DOMAIN; to try mm without a tenant: mm sandbox start --connection Demo")
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
        case .signedIn(let account, _):
            report.add(name, .sound, account.title)
            await examineExpiry(of: connection, login, into: &report)
        case .pending(let prompt):
            report.add(
                name, .advice, "waiting for a person to sign in until \(prompt.expiresAt.localLog)",
                remedy: "Open \(prompt.verificationURI) and enter \(prompt.userCode).")
        case .signedOut: report.add(name, .advice, "signed out", remedy: login)
        case .unusable(let error): report.add(name, error)
        }
    }

    /// Reports how long a sign-in lasts, from files alone.
    private func examineExpiry(of connection: Connection, _ login: String, into report: inout DoctorReport) async {
        let name = "expiry \(connection.name)"
        let life: SignInLife?
        do throws(MMError) {
            life = try await services.identity.life(of: connection)
        } catch {
            return report.add(name, error)
        }
        let now = Timestamp.now
        func days(until end: Timestamp) -> Int64 { (end.seconds - now.seconds) / 86_400 }
        func date(_ moment: Timestamp) -> String { String(moment.localLog.prefix(16)) }
        switch life {
        case nil: return
        case .renewable(let since, let tokenEndsAt)?:
            let end = since + .seconds(SignInLife.idleDays * 86_400)
            let left = days(until: end)
            if end < now {
                report.add(
                    name, .advice,
                    "the sign-in has ended: it expires after \(SignInLife.idleDays) days without use, last use \(date(since))",
                    remedy: login)
            } else if left < 14 {
                report.add(
                    name, .advice, "the sign-in expires on \(date(end)), in \(left) days, unless it is used before",
                    remedy: "Any call renews it: mm graph \(ShellWord.quoted(connection.name)) /me")
            } else {
                let token =
                    tokenEndsAt.map { "the access token is valid until \(date($0)) and " } ?? "the access token "
                report.add(
                    name, .sound, "\(token)is renewed by calls; without calls the sign-in expires on \(date(end))")
            }
        case .fixed(let end, let isPerson)?:
            report.add(
                name, .advice,
                end < now
                    ? "the sign-in expired on \(date(end))"
                    : "the sign-in expires on \(date(end)) and can't be renewed",
                remedy: isPerson ? login : "Provide a new token before then.")
        case .certificate(let end, let path)?:
            let remedy = "Create a new certificate, upload it to the app registration, and save it as \(path)."
            if end < now {
                report.add(name, .failed, "the certificate expired on \(date(end))", remedy: remedy)
            } else if days(until: end) < 30 {
                report.add(
                    name, .advice, "the certificate expires on \(date(end)), in \(days(until: end)) days",
                    remedy: remedy)
            } else {
                report.add(name, .sound, "the certificate is valid until \(date(end))")
            }
        case .unknown(let credential)?:
            report.add(name, .sound, "the expiry of \(credential) can't be read on this machine")
        }
    }
}
