import MMCore
import MMGuard
import MMIdentity

/// What it takes to start a program with a connection's identity.
struct ExecServices: Sendable {
    /// Sends requests for the journal, and judges.
    let requests: RequestServices
    /// What walls are made of.
    let shells: ShellServices
    /// Where what the program sends is recorded and counted.
    let sent: SentRequests

    /// The same, with tokens that lie in memory alone and are nobody else's.
    func standingAlone() -> ExecServices {
        ExecServices(requests: requests.signing(by: identity.standingAlone()), shells: shells, sent: sent)
    }

    var guarding: GuardServices { requests.guarding }
    var identity: IdentityService { requests.identity }
    var paths: StatePaths { guarding.paths }
    var environment: [String: String] { guarding.environment }
    var log: Log { requests.log }
}
