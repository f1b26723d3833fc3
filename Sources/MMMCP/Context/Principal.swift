/// Who sends a request, as the transport knows it: the owner of a pipe, or the holder of a bearer secret.
///
/// Sealed states and sessions are bound to it, so that one caller can't use another's.
public struct Principal: Sendable, Hashable {
    /// A name for it that holds no secret.
    public let name: String

    public init(_ name: String) {
        self.name = name
    }

    /// Whoever holds the other ends of our standard pipes.
    public static let standardPipes = Principal("stdio")
    /// Whoever has the server's bearer secret.
    public static let secretHolder = Principal("bearer")
}
