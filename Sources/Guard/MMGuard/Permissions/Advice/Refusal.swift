package import MMCore

/// A request that a service refused, as its answer tells.
package struct Refusal: Sendable, Hashable {
    /// The service.
    package let service: RequestService
    /// The method.
    package let method: String
    /// Where the request went; `nil` where only a cmdlet is known.
    package let target: RequestTarget?
    /// The cmdlet, for requests that carry one.
    package let cmdlet: String?
    /// The status.
    package let status: Int
    /// The service's error code; may be empty.
    package let code: String
    /// The service's message; may be empty.
    package let message: String
    /// Whether the request only reads.
    package let isRead: Bool

    package init(
        service: RequestService, method: String = "GET", target: RequestTarget? = nil, cmdlet: String? = nil,
        status: Int, code: String = "", message: String = "", isRead: Bool = true
    ) {
        self.service = service
        self.method = method
        self.target = target
        self.cmdlet = cmdlet
        self.status = status
        self.code = code
        self.message = message
        self.isRead = isRead
    }
}
