package import MMCore
package import MMHTTP
package import MMIdentity

/// What the wire of one session needs from those above it.
package struct EgressConfiguration: Sendable {
    /// The session's name, for records.
    package var session: String
    /// The hosts that it may reach.
    package var hosts: EgressHosts
    /// Decides what is sent.
    package var judge: any WireJudge
    /// Gives fresh tokens for placeholders of the connection's own sign-in.
    package var tokens: any TokenSource
    /// The session's placeholders.
    package var vault: PlaceholderVault
    /// Where the files of the session are put: a folder that its processes may read.
    package var folder: String
    /// The processes of the session, which alone may use its wire; nil admits every process that knows the proxy's secret.
    package var processes: (@Sendable () -> [Int32])?
    /// Those of them that use it most: they are looked at first, because to find all takes longer.
    package var likelyProcesses: @Sendable () -> [Int32] = { [] }
    /// Whether somebody who signed in within the session is the right one: nil, or why not. Tokens of anybody else are withheld.
    package var identityCheck: @Sendable (SignedInIdentity) async -> RequestRefusal?
    /// The identity that its programs find; nil where they find none.
    package var identity: ProgramIdentity?
    /// Which sign-ins the session may make by itself; by themselves none.
    package var signIns = SignInRules()
    /// When requests to a service may go out; nil asks nobody.
    package var pace: (@Sendable (CloudHost.Service) -> ServicePace?)?
    /// What is asked as the last thing before a request of a class leaves, and again before more is said on a web socket; nil asks
    /// nobody.
    package var permit: (@Sendable (_ requestClass: String) -> SendPermit?)?
    /// Is told what happens. It must be short.
    package var events: @Sendable (EgressEvent) -> Void
    /// The client that sends; nil makes one for this session, from `environment`.
    package var transport: (any HTTPTransport)?
    /// The variables of the process: the user's own outer proxy and trust store.
    package var environment: [String: String]
    /// What it puts up with.
    package var limits = EgressLimits()
    /// The time of day.
    package var clock = WallClock.system

    /// A configuration.
    /// - Parameters:
    ///   - session: the session's name.
    ///   - hosts: the hosts that it may reach.
    ///   - judge: decides what is sent.
    ///   - tokens: gives fresh tokens.
    ///   - vault: the session's placeholders.
    ///   - folder: where its files are put.
    ///   - environment: the variables of the process.
    ///   - events: is told what happens.
    package init(
        session: String, hosts: EgressHosts, judge: any WireJudge, tokens: any TokenSource,
        vault: PlaceholderVault = PlaceholderVault(), folder: String, environment: [String: String],
        events: @escaping @Sendable (EgressEvent) -> Void
    ) {
        self.session = session
        self.hosts = hosts
        self.judge = judge
        self.tokens = tokens
        self.vault = vault
        self.folder = folder
        self.environment = environment
        self.events = events
        identityCheck = { _ in nil }
    }
}
