/// A JSON value, as far as recorded cases need it.
indirect enum RecordedJSON: Equatable {
    case null
    case bool(Bool)
    case number(String)
    case string([UInt16])
    case array([RecordedJSON])
    case object([String: RecordedJSON])

    /// Reads one value from ASCII bytes.
    init?(_ bytes: [UInt8]) {
        var reader = Reader(bytes: bytes)
        guard let value = reader.value() else { return nil }
        self = value
    }

    subscript(_ name: String) -> RecordedJSON? {
        if case .object(let members) = self { members[name] } else { nil }
    }

    /// The elements of an array.
    var elements: [RecordedJSON] {
        if case .array(let elements) = self { elements } else { [] }
    }

    /// The code units of a string.
    var units: [UInt16] {
        if case .string(let units) = self { units } else { [] }
    }

    /// A string with lone surrogates replaced.
    var text: String { String(decoding: units, as: UTF16.self) }

    private struct Reader {
        let bytes: [UInt8]
        var index = 0

        mutating func skipBlanks() {
            while index < bytes.count, bytes[index] == 0x20 { index += 1 }
        }

        mutating func take(_ byte: UInt8) -> Bool {
            skipBlanks()
            guard index < bytes.count, bytes[index] == byte else { return false }
            index += 1
            return true
        }

        mutating func value() -> RecordedJSON? {
            skipBlanks()
            guard index < bytes.count else { return nil }
            switch bytes[index] {
            case UInt8(ascii: "{"): return object()
            case UInt8(ascii: "["): return array()
            case UInt8(ascii: "\""): return string().map(RecordedJSON.string)
            default: return word()
            }
        }

        mutating func word() -> RecordedJSON? {
            let start = index
            while index < bytes.count, ![0x2C, 0x5D, 0x7D, 0x20].contains(bytes[index]) { index += 1 }
            switch String(decoding: bytes[start..<index], as: UTF8.self) {
            case "true": return .bool(true)
            case "false": return .bool(false)
            case "null": return .null
            case let number: return .number(number)
            }
        }

        mutating func array() -> RecordedJSON? {
            index += 1
            var elements: [RecordedJSON] = []
            if take(UInt8(ascii: "]")) { return .array(elements) }
            repeat {
                guard let element = value() else { return nil }
                elements.append(element)
            } while take(UInt8(ascii: ","))
            return take(UInt8(ascii: "]")) ? .array(elements) : nil
        }

        mutating func object() -> RecordedJSON? {
            index += 1
            var members: [String: RecordedJSON] = [:]
            if take(UInt8(ascii: "}")) { return .object(members) }
            repeat {
                skipBlanks()
                guard let name = string(), take(UInt8(ascii: ":")), let member = value() else { return nil }
                members[String(decoding: name, as: UTF16.self)] = member
            } while take(UInt8(ascii: ","))
            return take(UInt8(ascii: "}")) ? .object(members) : nil
        }

        mutating func string() -> [UInt16]? {
            guard take(UInt8(ascii: "\"")) else { return nil }
            var units: [UInt16] = []
            while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
                var unit = UInt16(bytes[index])
                index += 1
                if unit == 0x5C {
                    let escape = bytes[index]
                    index += 1
                    switch escape {
                    case UInt8(ascii: "n"): unit = 0x0A
                    case UInt8(ascii: "r"): unit = 0x0D
                    case UInt8(ascii: "t"): unit = 0x09
                    case UInt8(ascii: "b"): unit = 0x08
                    case UInt8(ascii: "f"): unit = 0x0C
                    case UInt8(ascii: "u"):
                        unit = UInt16(String(decoding: bytes[index..<index + 4], as: UTF8.self), radix: 16) ?? 0
                        index += 4
                    default: unit = UInt16(escape)
                    }
                }
                units.append(unit)
            }
            index += 1
            return units
        }
    }
}
