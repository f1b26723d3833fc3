import MMCore

extension JSONValue {
    /// The value without what a service adds for programs and a model has no use for: where the metadata lies, and the
    /// marks of versions. They may be most of a small answer.
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
