import MMCore
import MMGuard
import MMIdentity

/// The services that starting a program with a connection's identity needs.
struct ExecServices: Sendable {
    /// The services of requests, for the journal and the guard.
    let requests: RequestServices
    /// The services that confine programs.
    let shells: ShellServices
    /// The record of the program's requests.
    let sent: SentRequests

    /// Returns the services with access tokens that are kept only in memory and not shared.
    func standingAlone() -> ExecServices {
        ExecServices(requests: requests.signing(by: identity.standingAlone()), shells: shells, sent: sent)
    }

    var guarding: GuardServices { requests.guarding }
    var identity: IdentityService { requests.identity }
    var paths: StatePaths { guarding.paths }
    var environment: [String: String] { guarding.environment }
    var log: Log { requests.log }
}
