/// A JSON value (RFC 8259) that preserves member order, the difference between `1` and `1.0`, and numbers that no
/// machine type holds exactly.
public enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    /// A number without fraction or exponent that fits in 64 bits.
    case int(Int64)
    /// A number with a fraction or exponent whose shortest form loses nothing.
    case double(Double)
    /// The text of any other number: integers past 64 bits, more digits than a double keeps, `1e400`.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)
}

extension JSONValue {
    /// The string, if this is one.
    public var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The boolean, if this is one.
    public var bool: Bool? {
        if case .bool(let flag) = self { flag } else { nil }
    }

    /// The number as an integer, if it is one that fits, including one written as `3.0`.
    public var int: Int? {
        switch self {
        case .int(let value): Int(exactly: value)
        case .double(let value): Int(exactly: value)
        default: nil
        }
    }

    /// The number as a double (possibly rounded), if this is a number.
    public var double: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        case .number(let text): Double(text)
        default: nil
        }
    }

    /// The items, if this is an array.
    public var array: [JSONValue]? {
        if case .array(let items) = self { items } else { nil }
    }

    /// The members, if this is an object.
    public var object: JSONObject? {
        if case .object(let members) = self { members } else { nil }
    }

    /// Whether this is `null`.
    public var isNull: Bool { self == .null }

    /// Accesses the member for `key`; `nil` when absent or when this isn't an object.
    public subscript(key: String) -> JSONValue? { object?[key] }

    /// Accesses the item at `index`; `nil` when absent or when this isn't an array.
    public subscript(index: Int) -> JSONValue? {
        guard let items = array, items.indices.contains(index) else { return nil }
        return items[index]
    }

    /// The kind of value, as an error message words it.
    public var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .int, .double, .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    /// Creates a JSON string.
    public init(stringLiteral value: String) { self = .string(value) }
    /// Creates a JSON boolean.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// Creates a JSON integer.
    public init(integerLiteral value: Int64) { self = .int(value) }
    /// Creates a JSON number with a fraction.
    public init(floatLiteral value: Double) { self = .double(value) }
    /// Creates a JSON array.
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    /// Creates a JSON object with its members in the order written; a later duplicate replaces the earlier value.
    public init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(JSONObject(elements)) }
    /// Creates JSON `null`.
    public init(nilLiteral: ()) { self = .null }
}

extension JSONValue {
    /// Decodes the value as a type of the caller's.
    ///
    /// Members that the type doesn't declare are ignored. Whole numbers decode as any integer type that can hold them.
    /// Foundation's `Date`, `URL` and `Data` decode as services write them if the program imports `MMFoundation`.
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
        let (path, what, remedy): ([any CodingKey], String, String) =
            switch error {
            case .keyNotFound(let key, let context): (context.codingPath + [key], "is missing", "Make it optional")
            case .valueNotFound(_, let context): (context.codingPath, "is null", "Make it optional")
            case .typeMismatch(_, let context), .dataCorrupted(let context):
                (context.codingPath, context.debugDescription, "Declare it as the service sends it")
            @unknown default: ([], "can't be read", "Declare it as the service sends it")
            }
        let place = path.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }.joined()
        let name =
            place.isEmpty ? "The value" : "The member \(place.hasPrefix(".") ? String(place.dropFirst()) : place)"
        return MMError(
            .remoteFailed, "\(name) of a \(type) \(what).", hint: "\(remedy), or read the answer as a JSONValue.")
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

/// A type of another framework that services write as a text, unlike its own form in JSON.
package protocol DecodableFromText: Decodable {
    /// Creates the value that a text stands for; `nil` if it stands for none.
    init?(decoding text: String)
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
        case let written as any DecodableFromText.Type:
            guard let text = value.string, let found = written.init(decoding: text) as? Value else {
                throw mismatch(type, "the text of a \(type)")
            }
            return found
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
