/// A long text that is produced while it is sent, so that it is never in memory as a whole.
///
/// It is sent piece by piece, as fast as the client reads. Only where it ends a stream of events over HTTP is it
/// collected first.
package struct TextStream: Sendable, Hashable {
    /// The text's placeholder in the message; random, so that nothing a client or a handler writes equals it by chance.
    let marker: String
    let next: @Sendable () async throws -> String?

    /// Creates a text.
    /// - Parameter next: returns the next piece, of any size, or `nil` at the end. If it throws, the text ends with a
    ///   line that says it is incomplete.
    package init(next: @escaping @Sendable () async throws -> String?) {
        self.next = next
        marker = "mcp-text-\(UInt64.random(in: 0 ... .max))-\(UInt64.random(in: 0 ... .max))"
    }

    /// A text equals only itself.
    package static func == (left: TextStream, right: TextStream) -> Bool { left.marker == right.marker }
    /// Hashes the text's identity.
    package func hash(into hasher: inout Hasher) { hasher.combine(marker) }
}
