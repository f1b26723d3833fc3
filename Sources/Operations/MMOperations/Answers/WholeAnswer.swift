package import MMCore
internal import MMDesk

extension OperationAnswer {
    /// Returns the whole body as one value, including all rows of a list.
    /// - Throws: the errors of reading the list; `remoteFailed` if it isn't JSON.
    package func wholeValue() async throws(MMError) -> JSONValue {
        switch body {
        case .value(let value): return value
        case .json(let bytes): return try JSONValue(ofService: bytes)
        case .text(let text): return .string(text)
        case .bytes(let bytes, _): return .string(String(decoding: bytes, as: UTF8.self))
        case .items(let stream), .output(let stream):
            var rows: [JSONValue] = []
            while let batch = try await stream.next() {
                for row in batch { rows.append(try JSONValue(ofService: row)) }
            }
            return .array(rows)
        }
    }

    /// Returns the whole body as one JSON text, including all rows of a list, for a filter.
    /// - Throws: the errors of reading the list; `invalidInput` for other data than text and JSON.
    package func wholeJSON() async throws(MMError) -> [UInt8] {
        switch body {
        case .json(let bytes): return bytes
        case .value(let value): return JSONWriter.bytes(value)
        case .text(let text): return JSONWriter.bytes(.string(text))
        case .bytes: throw MMError(.invalidInput, "The answer isn't JSON, so it can't be filtered.")
        case .items(let stream), .output(let stream):
            var bytes: [UInt8] = [UInt8(ascii: "[")]
            while let batch = try await stream.next() {
                for item in batch {
                    if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
                    bytes += item
                }
            }
            bytes.append(UInt8(ascii: "]"))
            return bytes
        }
    }
}

extension JSONValue {
    /// Parses a service's answer, or one row of it.
    /// - Throws: `remoteFailed` if it isn't JSON.
    package init(ofService bytes: some Sequence<UInt8>) throws(MMError) {
        do throws(JSONError) { self = try JSONParser.parse(bytes) } catch {
            throw MMError(.remoteFailed, "The service's answer isn't JSON: \(error).", hint: "Ask again.")
        }
    }

    /// The rows of a page of a service's list; `nil` for every other value. Beside its rows a page has only remarks
    /// (`@odata.context`), their number and the address of the next page.
    package var rowsOfPage: [JSONValue]? {
        guard let object, let rows = object["value"]?.array,
            object.keys.allSatisfy({
                // SharePoint's remarks begin with `odata.`.
                ["value", "nextLink", "count"].contains($0) || $0.hasPrefix("@") || $0.hasPrefix("odata.")
            })
        else { return nil }
        return rows
    }

    /// Whether this is a page that others follow.
    package var hasNextPage: Bool { object.flatMap(GraphPage.link(in:)) != nil }
}
