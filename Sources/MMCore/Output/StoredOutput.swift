/// The unit in which an answer is paged.
package enum OutputUnit: String, Sendable, CaseIterable {
    /// Items of a JSON array.
    case rows
    /// Lines of text.
    case lines
    /// Bytes of text, for answers without usable lines.
    case bytes
}

/// The description of a stored answer.
package struct StoredOutput: Sendable, Hashable {
    /// The random name to request it by; it never contains a path.
    package let handle: String
    /// The connection that it came from; only callers that may use that connection may read it.
    package let connection: String
    /// The unit of `total`.
    package let unit: OutputUnit
    /// The number of rows, lines or bytes.
    package let total: Int
    /// The length in bytes.
    package let bytes: Int
    /// When it was stored.
    package let stored: Timestamp
    /// When it is removed.
    package let expires: Timestamp

    /// The start of every 256th row or line.
    let index: [Int]
    static let stride = 256

    init(
        handle: String, connection: String, unit: OutputUnit, total: Int, bytes: Int, stored: Timestamp,
        expires: Timestamp,
        index: [Int]
    ) {
        self.handle = handle
        self.connection = connection
        self.unit = unit
        self.total = total
        self.bytes = bytes
        self.stored = stored
        self.expires = expires
        self.index = index
    }

    /// The description that callers receive.
    package var json: JSONObject {
        [
            "handle": .string(handle), "connection": .string(connection), "unit": .string(unit.rawValue),
            "total": .int(Int64(total)), "bytes": .int(Int64(bytes)), "stored": .string(stored.iso8601),
            "expires": .string(expires.iso8601),
        ]
    }

    var fileText: [UInt8] {
        var object = json
        object["stored"] = .string(stored.iso8601Milliseconds)
        object["expires"] = .string(expires.iso8601Milliseconds)
        object["index"] = .array(index.map { .int(Int64($0)) })
        return JSONWriter.bytes(.object(object)) + [0x0A]
    }

    init?(fileText: [UInt8]) {
        guard let object = (try? JSONParser.parse(fileText))?.object else { return nil }
        self.init(json: object)
    }

    /// Reads a description that a caller received; `nil` when it is anything else.
    package init?(json object: JSONObject) {
        guard let handle = object["handle"]?.string,
            let connection = object["connection"]?.string,
            let unit = object["unit"]?.string.flatMap(OutputUnit.init(rawValue:)), let total = object["total"]?.int,
            let bytes = object["bytes"]?.int, let stored = object["stored"]?.string.flatMap(Timestamp.init(iso8601:)),
            let expires = object["expires"]?.string.flatMap(Timestamp.init(iso8601:)), total >= 0, bytes >= 0
        else { return nil }
        let index = (object["index"]?.array ?? []).compactMap(\.int)
        guard index.allSatisfy({ (0...bytes).contains($0) }) else { return nil }
        self.init(
            handle: handle, connection: connection, unit: unit, total: total, bytes: bytes, stored: stored,
            expires: expires,
            index: index)
    }
}
