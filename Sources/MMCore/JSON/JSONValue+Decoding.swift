extension JSONValue {
    /// Decodes the value as a type of the caller's.
    ///
    /// Members that the type doesn't declare are ignored. Whole numbers decode as any integer type that can hold them.
    /// - Parameter type: the type to decode; `JSONValue` itself is allowed.
    /// - Throws: `remoteFailed` with the path of the member that is missing or of another kind.
    public func decoded<Value: Decodable>(as type: Value.Type) throws(MMError) -> Value {
        do {
            return try JSONValueDecoder(self).singleValueContainer().decode(type)
        } catch let error as DecodingError {
            throw Self.failure(error, type)
        } catch {
            throw MMError(.remoteFailed, "The value isn't a \(type): \(error)")
        }
    }

    private static func failure<Value>(_ error: DecodingError, _ type: Value.Type) -> MMError {
        let (path, what): ([any CodingKey], String) =
            switch error {
            case .keyNotFound(let key, let context): (context.codingPath + [key], "is missing")
            case .valueNotFound(_, let context): (context.codingPath, "is null")
            case .typeMismatch(_, let context), .dataCorrupted(let context):
                (context.codingPath, context.debugDescription)
            @unknown default: ([], "can't be read")
            }
        let place = path.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }.joined()
        let name =
            place.isEmpty ? "The value" : "The member \(place.hasPrefix(".") ? String(place.dropFirst()) : place)"
        return MMError(
            .remoteFailed, "\(name) of a \(type) \(what).",
            hint: "Make the property optional, or read the answer as a JSONValue.")
    }
}

extension JSONValue: Decodable {
    /// Takes the value over unchanged from this module's decoder, and probes any other decoder for a JSON kind.
    /// - Throws: what another decoder throws for a value that has no JSON kind.
    public init(from decoder: any Decoder) throws {
        if let decoder = decoder as? JSONValueDecoder {
            self = decoder.value
            return
        }
        if let object = try? decoder.container(keyedBy: JSONKey.self) {
            self = .object(
                JSONObject(try object.allKeys.map { ($0.stringValue, try object.decode(JSONValue.self, forKey: $0)) }))
            return
        }
        if var array = try? decoder.unkeyedContainer() {
            var items: [JSONValue] = []
            while !array.isAtEnd { items.append(try array.decode(JSONValue.self)) }
            self = .array(items)
            return
        }
        let single = try decoder.singleValueContainer()
        if single.decodeNil() {
            self = .null
        } else if let flag = try? single.decode(Bool.self) {
            self = .bool(flag)
        } else if let number = try? single.decode(Int64.self) {
            self = .int(number)
        } else if let number = try? single.decode(Double.self) {
            self = .double(number)
        } else {
            self = .string(try single.decode(String.self))
        }
    }
}

/// A coding key of any name.
struct JSONKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(stringValue: String) {
        self.stringValue = stringValue
        intValue = nil
    }

    init(intValue: Int) {
        stringValue = String(intValue)
        self.intValue = intValue
    }
}
