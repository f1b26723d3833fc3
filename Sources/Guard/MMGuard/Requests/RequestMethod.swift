/// The methods that rules speak of.
enum RequestMethod: String, Sendable, CaseIterable {
    case get = "GET"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"
    /// Any other: nobody knows what a service makes of it.
    case other = "OTHER"

    /// The method as written, in any case; HEAD and OPTIONS count as GET.
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
