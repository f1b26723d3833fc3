public import MMCore

/// A request for the guard to judge, as it will be sent.
public struct GuardedRequest: Sendable, Hashable {
    /// The method as written.
    public var method: String
    /// The address that it is sent to.
    public var target: RequestTarget
    /// The body that it sends.
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

/// The methods that rules distinguish.
enum RequestMethod: String, Sendable, CaseIterable {
    case get = "GET"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"
    /// Any other method; it is unknown how a service treats it.
    case other = "OTHER"

    /// Creates the method from its written form, in any case; HEAD and OPTIONS count as GET.
    init(written: String) {
        var word = written[...]
        while word.first?.isWhitespace == true { word.removeFirst() }
        while word.last?.isWhitespace == true { word.removeLast() }
        switch word.uppercased() {
        case "HEAD", "OPTIONS": self = .get
        case let word: self = RequestMethod(rawValue: word) ?? .other
        }
    }

    var bit: UInt16 {
        switch self {
        case .get: 1
        case .post: 2
        case .put: 4
        case .patch: 8
        case .delete: 16
        case .other: 0
        }
    }
}
