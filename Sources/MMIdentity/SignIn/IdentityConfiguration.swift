/// How an `IdentityService` behaves.
public struct IdentityConfiguration: Sendable, Hashable {
    /// What the client tells Entra ID it can handle; `CP1` is claims challenges (continuous access evaluation).
    public var clientCapabilities: [String]

    /// A configuration.
    /// - Parameter clientCapabilities: what the client declares.
    public init(clientCapabilities: [String] = ["CP1"]) {
        self.clientCapabilities = clientCapabilities
    }
}
