/// The configuration of an `IdentityService`.
public struct IdentityConfiguration: Sendable, Hashable {
    /// The capabilities declared to Entra ID; `CP1` stands for claims challenges (continuous access evaluation).
    public var clientCapabilities: [String]

    /// Creates a configuration.
    /// - Parameter clientCapabilities: the capabilities to declare.
    public init(clientCapabilities: [String] = ["CP1"]) {
        self.clientCapabilities = clientCapabilities
    }
}
