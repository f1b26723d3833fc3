internal import MMCore
internal import MMHTTP

/// What credentials are read from and requested with: the process's variables, its transports and the time of day.
struct CredentialContext: Sendable {
    let environment: [String: String]
    /// Sends requests to remote services.
    let transport: any HTTPTransport
    /// Sends requests to this machine's own services, bypassing proxies.
    let direct: any HTTPTransport
    let clock: WallClock
    let log: Log
    let pause: @Sendable (Duration) async throws -> Void
}
