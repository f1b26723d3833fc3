package import MMHTTP

/// Decides which requests a session may send. It receives every request before any of it is sent.
package protocol WireJudge: Sendable {
    /// Returns the verdict on a request.
    func judge(_ request: DescribedRequest) async -> RequestVerdict

    /// Returns whether an admitted request may continue; asked, for example, before a web socket sends more.
    func holds(_ number: UInt64) -> Bool

    /// Returns the observer of an admitted request that is about to be sent; `nil` if there is none. Any reading of the
    /// state before the request happens here.
    func witness(of request: DescribedRequest) async -> RequestWitness?
}

extension WireJudge {
    package func holds(_ number: UInt64) -> Bool { true }
    package func witness(of request: DescribedRequest) async -> RequestWitness? { nil }
}

/// The decision about a request.
package enum RequestVerdict: Sendable {
    /// Send it. The class (`read`, `write`, …) is recorded.
    case allow(class: String)
    /// Don't send it, and tell its client why.
    case refuse(class: String, RequestRefusal)
    /// Hold it open while a person is asked; the decision is `nil` for yes, or else the refusal.
    case hold(class: String, decision: @Sendable () async -> RequestRefusal?)

    /// The class that the request was given.
    package var requestClass: String {
        switch self {
        case .allow(let name), .refuse(let name, _), .hold(let name, _): name
        }
    }
}

/// The reason why a request isn't sent.
package struct RequestRefusal: Sendable, Hashable {
    /// A stable word: the rule's name, or `confirmation_needed`.
    package let code: String
    /// What happened and what to do, for the person or model that reads the cmdlet's error.
    package let message: String

    /// Creates a refusal.
    package init(code: String, message: String) {
        self.code = code
        self.message = message
    }
}

/// An observer that is told how a request ended, such as a journal of changes.
package struct RequestWitness: Sendable {
    /// The recorded part of an answer.
    package struct Answer: Sendable {
        /// The status.
        package let status: Int
        /// The header fields.
        package let headers: HTTPHeaders
        /// The body; `nil` if it is too long.
        package let body: [UInt8]?
    }

    /// The maximum number of bytes of an answer that are kept.
    static let most = 1 << 20

    /// Receives the answer; `nil` if none came, in which case the request may have been carried out.
    package let ended: @Sendable (Answer?) async -> Void

    /// Creates an observer.
    /// - Parameter ended: receives the answer, or `nil` if none came.
    package init(ended: @escaping @Sendable (Answer?) async -> Void) { self.ended = ended }

    /// Reports the answer, even if the current task is cancelled.
    func tell(_ answer: Answer?) async {
        let ended = ended
        await Task { await ended(answer) }.value
    }
}
