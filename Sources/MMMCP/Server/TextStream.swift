/// A long text that is read while it is sent, so that it never lies in memory as a whole.
///
/// It is sent piece by piece as the client reads; only where it ends a stream of events over HTTP it is gathered first.
public struct TextStream: Sendable, Hashable {
    /// Stands for the text in the message until it is sent; nothing a client or a handler writes can equal it by chance.
    let marker: String
    let next: @Sendable () async throws -> String?

    /// A text.
    /// - Parameter next: the next piece, of any size; `nil` at the end. Throwing ends the text with a line that says that
    ///   it is incomplete.
    public init(next: @escaping @Sendable () async throws -> String?) {
        self.next = next
        marker = "mcp-text-\(UInt64.random(in: 0 ... .max))-\(UInt64.random(in: 0 ... .max))"
    }

    /// A text is equal to itself alone.
    public static func == (left: TextStream, right: TextStream) -> Bool { left.marker == right.marker }
    /// Hashes its identity.
    public func hash(into hasher: inout Hasher) { hasher.combine(marker) }
}
