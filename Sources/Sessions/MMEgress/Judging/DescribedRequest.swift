package import MMHTTP

/// A request that a session wants to send, as a judge sees it: exactly what will be sent, without the tokens.
package struct DescribedRequest: Sendable {
    /// The part of a body that is known before it is sent.
    package enum Body: Sendable, Hashable {
        /// No body.
        case none
        /// The complete body.
        case whole([UInt8])
        /// The beginning of a body that is too large to be read before it is sent.
        case beginning([UInt8], length: Int?)

        /// The known bytes.
        package var seen: [UInt8] {
            switch self {
            case .none: []
            case .whole(let bytes), .beginning(let bytes, _): bytes
            }
        }
    }

    /// The number of the request, unique within the session.
    package let number: UInt64
    /// The session's name.
    package let session: String
    /// The host and service that it is sent to.
    package let place: EgressPlace
    /// The method.
    package let method: String
    /// The target as it will be sent: path and query, without decoding.
    package let target: String
    /// The header fields without tokens.
    package let headers: HTTPHeaders
    /// The body.
    package let body: Body
    /// The account whose token it carries, if it carries one.
    package let account: String?

    /// The full address.
    package var url: String { place.origin + target }
}
