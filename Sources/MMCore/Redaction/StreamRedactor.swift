/// Removes the secrets that this process holds from a byte stream, even where a chunk boundary splits one.
package struct StreamRedactor: Sendable {
    private var heldBack: [UInt8] = []

    /// Creates a filter for one stream.
    package init() {}

    /// Returns the next chunk without secrets. A possible beginning of a secret is held back until more bytes arrive.
    package mutating func redact(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        let index = HeldSecrets.shared.index
        guard !index.isEmpty else {
            defer { heldBack = [] }
            return heldBack + bytes
        }
        var text = heldBack + bytes
        if let clean = index.replacing(in: text, with: Redactor.mark) { text = clean }
        let open = index.beginning(atEndOf: text)
        heldBack = Array(text.suffix(open))
        text.removeLast(open)
        return text
    }

    /// Returns what was held back; call this at the end of the stream.
    package mutating func finish() -> [UInt8] {
        defer { heldBack = [] }
        return heldBack
    }
}
