public import MMCore

/// The body of a request as far as the guard can read it.
public enum RequestBody: Sendable, Hashable {
    /// There is no body.
    case none
    /// A JSON body.
    case json(JSONValue)
    /// A body that isn't JSON, or can't be read.
    case opaque

    /// Creates the body with these bytes. Duplicate keys make it opaque, because the service may use the other value.
    public init(bytes: [UInt8]) {
        if bytes.isEmpty {
            self = .none
        } else if let value = try? JSONParser.parse(bytes, limits: .strict) {
            self = .json(value)
        } else {
            self = .opaque
        }
    }

    /// A placeholder in a body for a value that is only known when the request is sent: it may hold any property.
    package static let unknownValue = JSONValue.string("\u{0}unknown")
}
