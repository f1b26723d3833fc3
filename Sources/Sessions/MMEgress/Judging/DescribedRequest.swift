package import MMHTTP

/// A request that a session wants to send, as a judge sees it: exactly what will be sent, but for the tokens.
package struct DescribedRequest: Sendable {
    /// What is known of a body before it is sent.
    package enum Body: Sendable, Hashable {
        /// There is none.
        case none
        /// All of it.
        case whole([UInt8])
        /// Its beginning; the rest is too large to be looked at.
        case beginning([UInt8], length: Int?)

        /// The bytes that are known.
        package var seen: [UInt8] {
            switch self {
            case .none: []
            case .whole(let bytes), .beginning(let bytes, _): bytes
            }
        }
    }

    /// A number that no other request of this session has.
    package let number: UInt64
    /// The session.
    package let session: String
    /// Where it goes.
    package let place: EgressPlace
    /// The method.
    package let method: String
    /// The target as it will be sent: path and query, nothing decoded.
    package let target: String
    /// The header fields without tokens.
    package let headers: HTTPHeaders
    /// The body.
    package let body: Body
    /// Whose token it carries, where it carries one.
    package let account: String?

    /// The address that it goes to.
    package var url: String { place.origin + target }
}
