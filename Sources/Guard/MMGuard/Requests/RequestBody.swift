public import MMCore

/// The body of a request as far as the guard can read it.
public enum RequestBody: Sendable, Hashable {
    /// None.
    case none
    /// JSON.
    case json(JSONValue)
    /// Something that isn't JSON, or can't be read.
    case opaque

    /// The body in these bytes. Duplicate keys make it opaque: the service may read the other one.
    public init(bytes: [UInt8]) {
        if bytes.isEmpty {
            self = .none
        } else if let value = try? JSONParser.parse(bytes, limits: .strict) {
            self = .json(value)
        } else {
            self = .opaque
        }
    }

    /// Stands in a body for a value that is only known when it is sent: it may hold any property.
    package static let unknownValue = JSONValue.string("\u{0}unknown")
}
