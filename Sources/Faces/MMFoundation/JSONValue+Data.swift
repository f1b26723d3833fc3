public import FoundationEssentials
public import MMCore

extension JSONValue {
    /// Parses JSON.
    /// - Parameter data: the UTF-8 text of one JSON value (RFC 8259).
    /// - Throws: `.invalidInput` that says what is wrong and where.
    public init(_ data: Data) throws(MMError) {
        do throws(JSONError) {
            self = try JSONParser.parse(Array(data))
        } catch {
            throw MMError(.invalidInput, "The data isn't JSON: \(error).")
        }
    }

    /// Encodes a value as JSON.
    /// - Parameters:
    ///   - value: the value to encode.
    ///   - encoder: encodes the value; by default with dates in ISO 8601, as Microsoft's services use them.
    /// - Throws: `.invalidInput` for a value that can't be encoded.
    public init(encoding value: some Encodable, with encoder: JSONEncoder? = nil) throws(MMError) {
        let data: Data
        do {
            data = try (encoder ?? Self.encoder).encode(value)
        } catch {
            throw MMError(.invalidInput, "\(type(of: value)) can't be written as JSON.", cause: "\(error)")
        }
        try self.init(data)
    }

    /// The value as UTF-8 text.
    public var data: Data { Data(JSONWriter.bytes(self)) }

    private static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        return encoder
    }
}
