package import MMCore

/// One request of a session, as it is remembered: what was asked of whom, and how it ended. It holds no content.
package struct EgressRecord: Sendable, Hashable {
    /// The session.
    package let session: String
    /// The request's number within the session.
    package let number: UInt64
    /// When it came.
    package let time: Timestamp
    /// How long it took, from its head to the answer's last byte.
    package let duration: Duration
    /// The method.
    package let method: String
    /// The host, with the port where it is not the scheme's own.
    package let host: String
    /// The path with ids, keys and addresses replaced, and without its query.
    package let pathTemplate: String
    /// The class that the judge gave it; nil where it never came before the judge.
    package let requestClass: String?
    /// What it deploys; nil for other requests.
    package let template: DeployedTemplate?
    /// The status that the client got; 0 where it had gone.
    package let status: Int
    /// Why it was not sent, or how it broke; nil where the service answered it.
    package let fault: String?
    /// The bytes of the request's body.
    package let bytesUp: Int
    /// The bytes of the answer's body.
    package let bytesDown: Int
    /// What the service calls this request: `request-id` and its like.
    package let requestID: String?
    /// Whether it began to leave this machine.
    package let wasSent: Bool
}
