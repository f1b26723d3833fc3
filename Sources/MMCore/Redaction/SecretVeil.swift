/// Takes the secrets that this process holds out of bytes that come piece by piece, also where a piece ends within one.
package struct SecretVeil: Sendable {
    private let held: HeldSecrets
    private var kept: [UInt8] = []

    /// A veil over one stream.
    /// - Parameter held: the secrets to take out.
    package init(held: HeldSecrets = .shared) { self.held = held }

    /// The next piece without secrets. What may be the beginning of one is kept back until more has come.
    package mutating func take(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        let index = held.index
        guard !index.isEmpty else {
            defer { kept = [] }
            return kept + bytes
        }
        var text = kept + bytes
        if let clean = index.replacing(in: text, with: Redactor.mark) { text = clean }
        let open = index.beginning(atEndOf: text)
        kept = Array(text.suffix(open))
        text.removeLast(open)
        return text
    }

    /// What was kept back, at the stream's end.
    package mutating func finish() -> [UInt8] {
        defer { kept = [] }
        return kept
    }
}
