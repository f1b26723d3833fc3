import MMCore

/// One page of a list: where it starts is sealed in an opaque cursor that names its list.
enum Page {
    /// The items of the page that a request asks for.
    /// - Parameters:
    ///   - items: the whole list.
    ///   - key: the member that holds the items in the result.
    ///   - params: the request's parameters with an optional `cursor`.
    ///   - size: most items on a page.
    /// - Throws: -32602 for a cursor that this list never gave.
    static func of(_ items: [JSONValue], key: String, params: JSONObject, size: Int) throws(MCPError) -> JSONObject {
        let start = try start(params["cursor"], key: key, count: items.count)
        let end = min(items.count, start.addingReportingOverflow(size).partialValue)
        var result: JSONObject = [key: .array(Array(items[start..<end]))]
        if end < items.count {
            result["nextCursor"] = .string(Base64.text(Array("\(key):\(end)".utf8), alphabet: .url))
        }
        return result
    }

    private static func start(_ cursor: JSONValue?, key: String, count: Int) throws(MCPError) -> Int {
        switch cursor {
        // An empty cursor is legal, and the one way in which clients say "from the start" beside saying nothing.
        case nil, .null, .string(""): return 0
        case .string(let text):
            guard let bytes = Base64.bytes(text, alphabet: .url), let plain = String(validating: bytes, as: UTF8.self),
                plain.hasPrefix("\(key):"), let start = Int(plain.dropFirst(key.count + 1)), (0...count).contains(start)
            else { throw .invalidParams("The cursor is not one that this list gave; start again without a cursor.") }
            return start
        case .some(let other): throw .invalidParams("The cursor must be a string, not \(other.kindName).")
        }
    }
}
