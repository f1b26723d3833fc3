package import MMCore
import MMIdentity

/// Checks whether the registry can be read, and which connections are signed in.
package struct ConnectionChecks: Sendable {
    private let services: OperationServices
    /// Whether to read only this machine's files, and not ask the sign-in service.
    private let isOffline: Bool
    private let deadline: Deadline

    /// The time that the sign-in service has for its answers.
    private static let limit = Duration.seconds(20)

    /// Creates the checks of a user's connections.
    /// - Parameters:
    ///   - services: the user's files and sign-ins.
    ///   - isOffline: whether to read only this machine's files, and not ask the sign-in service.
    ///   - deadline: when to stop waiting for the service, if that is sooner than usual.
    package init(services: OperationServices, isOffline: Bool, deadline: Deadline = .never) {
        self.services = services
        self.isOffline = isOffline
        self.deadline = deadline
    }

    /// Checks the registry and each connection's sign-in.
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
            report.add("registry", .sound, "\(count.counted("connection")) in \(services.paths.registry)")
        }
        for problem in snapshot.problems {
            report.add(
                problem.connection ?? "registry", problem.severity == .error ? .failed : .advice, problem.message,
                remedy: problem.hint)
        }
        let answers = isOffline ? [:] : await askService(about: snapshot.connections)
        for connection in snapshot.connections {
            await examine(connection, answers[connection.name], into: &report)
        }
        return snapshot.connections
    }

    /// Returns what the sign-in service says, by connection. Where it didn't answer, the files say what is known, and
    /// the checks of the network report the service.
    private func askService(about connections: [Connection]) async -> [String: SignInState] {
        let check = SignInCheck(identity: services.identity, asks: true, deadline: min(deadline, .after(Self.limit)))
        return await check.states(of: connections).filter { answer in
            guard case .unusable(let error) = answer.value else { return true }
            return error.code != .unavailable && error.code != .deadlineExceeded
        }
    }

    /// - Parameter answer: the state according to the sign-in service; `nil` where it wasn't asked or didn't answer.
    private func examine(
        _ connection: Connection, _ answer: SignInState?, into report: inout DoctorReport
    ) async {
        let name = "sign-in \(connection.name)"
        let login = "mm login \(ShellWord.quoted(connection.name))"
        if case .app = services.identity.lackOfSignIn(of: connection) {
            return report.add(name, .sound, "has no app of its own; its PowerShell modules sign in by themselves")
        }
        let own = await services.identity.state(of: connection)
        let service = await SignInCheck.serviceState(answer, of: connection, by: services.identity)
        var state = own.corrected(by: service)
        // Where nobody has signed in yet, that is all there is to say.
        if case .signedOut = own, case .unusable(let error) = state, error.code == .signInNeeded { state = own }
        switch state {
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

    /// Reports how long a sign-in lasts, by this machine's files.
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
