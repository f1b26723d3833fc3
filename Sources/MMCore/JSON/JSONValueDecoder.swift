/// Decodes Swift types from a JSON value. Foundation has such a decoder too, but linking it slows down every program
/// start.
struct JSONValueDecoder: Decoder {
    let value: JSONValue
    let codingPath: [any CodingKey]
    let userInfo: [CodingUserInfoKey: Any] = [:]

    init(_ value: JSONValue, at path: [any CodingKey] = []) {
        self.value = value
        codingPath = path
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard let object = value.object else { throw mismatch(JSONObject.self, "an object") }
        return KeyedDecodingContainer(Members(object: object, codingPath: codingPath))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard let items = value.array else { throw mismatch([JSONValue].self, "an array") }
        return Items(items: items, codingPath: codingPath)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { Single(decoder: self) }

    private func mismatch(_ type: Any.Type, _ wanted: String) -> DecodingError {
        .typeMismatch(
            type, DecodingError.Context(codingPath: codingPath, debugDescription: "is \(value.kindName), not \(wanted)")
        )
    }

    private func integer<Number: FixedWidthInteger>(_ type: Number.Type) throws -> Number {
        let exact: Number? =
            switch value {
            case .int(let number): Number(exactly: number)
            case .double(let number): Number(exactly: number)
            case .number(let text): Number(text)
            default: throw mismatch(type, "a whole number")
            }
        guard let exact else { throw mismatch(type, "a whole number that fits a \(type)") }
        return exact
    }

    private func real<Number: BinaryFloatingPoint>(_ type: Number.Type) throws -> Number {
        guard let number = value.double else { throw mismatch(type, "a number") }
        return Number(number)
    }

    private func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let found: Any? =
            switch type {
            case is Bool.Type: value.bool
            case is String.Type: value.string
            default: nil
            }
        // A `nil` result of the switch must not be mistaken for the `nil` of an optional type.
        if let found, let value = found as? Value { return value }
        switch type {
        case is Bool.Type: throw mismatch(type, "true or false")
        case is String.Type: throw mismatch(type, "a text")
        case let number as any (FixedWidthInteger & Decodable).Type:
            guard let number = try integer(number) as? Value else { break }
            return number
        case let number as any (BinaryFloatingPoint & Decodable).Type:
            guard let number = try real(number) as? Value else { break }
            return number
        default: break
        }
        return try Value(from: self)
    }
}

extension JSONValueDecoder {
    private struct Single: SingleValueDecodingContainer {
        let decoder: JSONValueDecoder
        var codingPath: [any CodingKey] { decoder.codingPath }

        func decodeNil() -> Bool { decoder.value.isNull }
        func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try decoder.decode(type) }
    }

    private struct Members<Key: CodingKey>: KeyedDecodingContainerProtocol {
        let object: JSONObject
        let codingPath: [any CodingKey]

        var allKeys: [Key] { object.keys.compactMap { Key(stringValue: $0) } }

        func contains(_ key: Key) -> Bool { object[key.stringValue] != nil }

        func decodeNil(forKey key: Key) throws -> Bool { try decoder(for: key).value.isNull }

        func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
            try decoder(for: key).decode(type)
        }

        func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type, forKey key: Key
        ) throws -> KeyedDecodingContainer<Nested> { try decoder(for: key).container(keyedBy: type) }

        func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
            try decoder(for: key).unkeyedContainer()
        }

        func superDecoder() throws -> any Decoder { JSONValueDecoder(.object(object), at: codingPath) }

        func superDecoder(forKey key: Key) throws -> any Decoder { try decoder(for: key) }

        private func decoder(for key: Key) throws -> JSONValueDecoder {
            guard let value = object[key.stringValue] else {
                throw DecodingError.keyNotFound(
                    key, DecodingError.Context(codingPath: codingPath, debugDescription: "is missing"))
            }
            return JSONValueDecoder(value, at: codingPath + [key])
        }
    }

    private struct Items: UnkeyedDecodingContainer {
        let items: [JSONValue]
        let codingPath: [any CodingKey]
        private(set) var currentIndex = 0

        var count: Int? { items.count }
        var isAtEnd: Bool { currentIndex >= items.count }

        init(items: [JSONValue], codingPath: [any CodingKey]) {
            self.items = items
            self.codingPath = codingPath
        }

        mutating func decodeNil() throws -> Bool {
            guard try here().value.isNull else { return false }
            currentIndex += 1
            return true
        }

        mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
            let value = try here().decode(type)
            currentIndex += 1
            return value
        }

        mutating func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type
        ) throws -> KeyedDecodingContainer<Nested> {
            let container = try here().container(keyedBy: type)
            currentIndex += 1
            return container
        }

        mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
            let container = try here().unkeyedContainer()
            currentIndex += 1
            return container
        }

        mutating func superDecoder() throws -> any Decoder {
            let decoder = try here()
            currentIndex += 1
            return decoder
        }

        private func here() throws -> JSONValueDecoder {
            let path = codingPath + [JSONKey(intValue: currentIndex)]
            guard !isAtEnd else {
                throw DecodingError.valueNotFound(
                    JSONValue.self, DecodingError.Context(codingPath: path, debugDescription: "is past the last item")
                )
            }
            return JSONValueDecoder(items[currentIndex], at: path)
        }
    }
}
