import MMCore

/// One page of a list. Its start is encoded in an opaque cursor that also names the list.
enum Page {
    /// Returns the page that a request asks for.
    /// - Parameters:
    ///   - items: the whole list.
    ///   - key: the member that holds the items in the result.
    ///   - params: the request's parameters with an optional `cursor`.
    ///   - size: the maximum number of items on a page.
    /// - Throws: -32602 for a cursor that this list never issued.
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
        // An empty cursor is legal; some clients send it to start from the beginning.
        case nil, .null, .string(""): return 0
        case .string(let text):
            guard let bytes = Base64.bytes(text, alphabet: .url), let plain = String(validating: bytes, as: UTF8.self),
                plain.hasPrefix("\(key):"), let start = Int(plain.dropFirst(key.count + 1)), (0...count).contains(start)
            else { throw .invalidParams("The cursor is not from this list; start again without a cursor.") }
            return start
        case .some(let other): throw .invalidParams("The cursor must be a string, not \(other.kindName).")
        }
    }
}
