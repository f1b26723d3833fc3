package import MMHTTP

/// Who wants to know how a request ended, such as a journal of what was changed.
package struct RequestWitness: Sendable {
    /// An answer, as far as it is looked at.
    package struct Answer: Sendable {
        /// The status.
        package let status: Int
        /// The header fields.
        package let headers: HTTPHeaders
        /// The body; nil where it is longer than anybody looks at.
        package let body: [UInt8]?
    }

    /// How much of an answer is kept for it.
    static let most = 1 << 20

    /// Is told the answer; nil where none came, and the request may have been carried out.
    package let ended: @Sendable (Answer?) async -> Void

    /// A witness.
    /// - Parameter ended: is told the answer, or nil where none came.
    package init(ended: @escaping @Sendable (Answer?) async -> Void) { self.ended = ended }

    /// Tells it, whatever becomes of the task that asks.
    func tell(_ answer: Answer?) async {
        let ended = ended
        await Task { await ended(answer) }.value
    }
}
