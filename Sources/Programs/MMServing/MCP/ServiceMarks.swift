import MMCore

extension JSONValue {
    /// The value without the members that a service adds for programs and that a model doesn't need: metadata addresses
    /// and version marks. They may be most of a small answer.
    var withoutServiceMarks: JSONValue {
        switch self {
        case .array(let items): .array(items.map(\.withoutServiceMarks))
        case .object(let object):
            .object(JSONObject(object.filter { !Self.isMark($0.key) }.map { ($0.key, $0.value.withoutServiceMarks) }))
        default: self
        }
    }

    private static func isMark(_ key: String) -> Bool {
        key.hasSuffix("@odata.context") || key.hasSuffix("@odata.etag")
    }
}
