public import FoundationEssentials
public import MMCore

extension JSONValue {
    /// Reads JSON.
    /// - Parameter data: UTF-8 text of one JSON value (RFC 8259).
    /// - Throws: `.invalidInput` with what is wrong and where.
    public init(_ data: Data) throws(MMError) {
        do throws(JSONError) {
            self = try JSONParser.parse(Array(data))
        } catch {
            throw MMError(.invalidInput, "The data is no JSON: \(error).")
        }
    }

    /// Makes JSON of a value.
    /// - Parameters:
    ///   - value: what to write.
    ///   - encoder: how it is written; by default with dates in ISO 8601, as Microsoft's services have them.
    /// - Throws: `.invalidInput` for a value that its own encoding refuses.
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
