/// The sender of a request as the transport knows it: the owner of a pipe or the holder of a bearer secret.
///
/// Sealed states and sessions are bound to a principal, so that one caller can't use another's.
public struct Principal: Sendable, Hashable {
    /// The principal's name, which contains no secret.
    public let name: String

    public init(_ name: String) {
        self.name = name
    }

    /// The process at the other ends of the server's standard pipes.
    package static let standardPipes = Principal("stdio")
    /// Any caller that presents the server's bearer secret.
    package static let secretHolder = Principal("bearer")
}
