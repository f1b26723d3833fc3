public import MMCore

/// A request for the guard to judge, as it will be sent.
public struct GuardedRequest: Sendable, Hashable {
    /// The method as written.
    public var method: String
    /// Where it goes.
    public var target: RequestTarget
    /// What it carries.
    public var body: RequestBody
    /// The names of headers that the caller adds.
    public var headerNames: [String]

    /// Creates a request.
    public init(method: String, target: RequestTarget, body: RequestBody = .none, headerNames: [String] = []) {
        self.method = method
        self.target = target
        self.body = body
        self.headerNames = headerNames
    }
}
