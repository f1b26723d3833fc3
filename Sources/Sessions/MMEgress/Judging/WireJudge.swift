package import MMHTTP

/// Decides what a session may send. Every request is shown to it before anything leaves.
package protocol WireJudge: Sendable {
    /// The verdict on a request.
    func judge(_ request: DescribedRequest) async -> RequestVerdict

    /// Whether what was let through may go on: asked for a web socket, for example, before more of it is sent.
    func holds(_ number: UInt64) -> Bool

    /// Who wants to know how a request ended that was let through and is about to leave; nil where nobody does. Whatever is
    /// read of the state before is read here.
    func witness(of request: DescribedRequest) async -> RequestWitness?
}

extension WireJudge {
    package func holds(_ number: UInt64) -> Bool { true }
    package func witness(of request: DescribedRequest) async -> RequestWitness? { nil }
}

/// What a judge says of a request.
package enum RequestVerdict: Sendable {
    /// It is sent. The class (`read`, `write`, …) goes into the record.
    case allow(class: String)
    /// It isn't sent, and its client is told why.
    case refuse(class: String, RequestRefusal)
    /// Somebody is asked while it is held open; the answer is nil for yes, or why not.
    case hold(class: String, decision: @Sendable () async -> RequestRefusal?)

    /// The class that the request was given.
    package var requestClass: String {
        switch self {
        case .allow(let name), .refuse(let name, _), .hold(let name, _): name
        }
    }
}

/// Why a request isn't sent.
package struct RequestRefusal: Sendable, Hashable {
    /// A stable word: the rule, or `confirmation_needed`.
    package let code: String
    /// What happened and what to do, for the person or model that reads the cmdlet's error.
    package let message: String

    /// A refusal.
    package init(code: String, message: String) {
        self.code = code
        self.message = message
    }
}

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
