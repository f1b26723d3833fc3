/// The rows of a CSV text from a service, such as a usage report: the first record contains the column names.
package enum CSVRows {
    /// Returns the rows as objects; `nil` for a text that isn't a table.
    package static func read(_ bytes: [UInt8]) -> [JSONValue]? {
        var bytes = bytes[...]
        // Reports begin with a byte order mark.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
        guard String(validating: bytes, as: UTF8.self) != nil else { return nil }
        var records = records(of: bytes)
        guard let names = records.first, names.count > 1, Set(names).count == names.count,
            !names.contains(where: \.isEmpty)
        else { return nil }
        records.removeFirst()
        guard records.allSatisfy({ $0.count <= names.count }) else { return nil }
        return records.map { record in
            .object(JSONObject(zip(names, record).map { ($0, JSONValue.string($1)) }))
        }
    }

    /// Returns the records of a text (RFC 4180).
    private static func records(of bytes: ArraySlice<UInt8>) -> [[String]] {
        var records: [[String]] = []
        var record: [String] = []
        var field: [UInt8] = []
        var isQuoted = false
        var place = bytes.startIndex
        func ended() {
            record.append(String(decoding: field, as: UTF8.self))
            field = []
        }
        while place < bytes.endIndex {
            let byte = bytes[place]
            let next = place + 1 < bytes.endIndex ? bytes[place + 1] : nil
            switch byte {
            case UInt8(ascii: "\"") where isQuoted && next == UInt8(ascii: "\""):
                field.append(byte)
                place += 1
            case UInt8(ascii: "\"") where isQuoted || field.isEmpty: isQuoted.toggle()
            case UInt8(ascii: ",") where !isQuoted: ended()
            case 0x0D where !isQuoted && next == 0x0A: break
            case 0x0A where !isQuoted:
                ended()
                if record != [""] { records.append(record) }
                record = []
            default: field.append(byte)
            }
            place += 1
        }
        if !field.isEmpty || !record.isEmpty {
            ended()
            records.append(record)
        }
        return records
    }
}
