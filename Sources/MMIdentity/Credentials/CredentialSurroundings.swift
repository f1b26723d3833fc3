internal import MMCore
internal import MMHTTP

/// Where credentials are looked for: the variables of the process, its networks, the time of day.
struct CredentialSurroundings: Sendable {
    let environment: [String: String]
    /// What carries requests to the world.
    let transport: any HTTPTransport
    /// What carries requests to this machine's own services, past every proxy.
    let direct: any HTTPTransport
    let clock: WallClock
    let log: Log
    let pause: @Sendable (Duration) async throws -> Void
}
