import Glibc

/// A strict JSON parser (RFC 8259): UTF-8 only, no comments, no trailing commas, bounded depth and size.
public struct JSONParser {
    private let text: UnsafeBufferPointer<UInt8>
    private let limits: JSONLimits
    private var position = 0
    private var depth = 0
    /// The member count of the last object at each depth. Rows of a list are alike, so it is a good capacity for the
    /// next one.
    private var lastCounts = InlineArray<8, Int>(repeating: 0)

    private init(_ text: UnsafeBufferPointer<UInt8>, limits: JSONLimits) {
        self.text = text
        self.limits = limits
    }

    /// Parses a JSON text.
    /// - Parameters:
    ///   - bytes: the whole text in UTF-8; a leading byte order mark is skipped.
    ///   - limits: how much is accepted.
    /// - Throws: `JSONError` with the position of the first fault.
    public static func parse(_ bytes: some Sequence<UInt8>, limits: JSONLimits = .standard) throws(JSONError)
        -> JSONValue
    {
        let direct = bytes.withContiguousStorageIfAvailable { storage in
            Result { () throws(JSONError) in try parse(buffer: storage, limits: limits) }
        }
        if let direct { return try direct.get() }
        let copy = Array(bytes)
        let copied = copy.withUnsafeBufferPointer { storage in
            Result { () throws(JSONError) in try parse(buffer: storage, limits: limits) }
        }
        return try copied.get()
    }

    /// Parses a JSON text.
    /// - Parameters:
    ///   - text: the whole text.
    ///   - limits: how much is accepted.
    /// - Throws: `JSONError` with the position of the first fault.
    public static func parse(_ text: String, limits: JSONLimits = .standard) throws(JSONError) -> JSONValue {
        try parse(text.utf8, limits: limits)
    }

    private static func parse(buffer: UnsafeBufferPointer<UInt8>, limits: JSONLimits) throws(JSONError) -> JSONValue {
        guard buffer.count <= limits.bytes else {
            throw JSONError(problem: "more than \(limits.bytes) bytes", offset: 0, in: buffer)
        }
        var parser = JSONParser(buffer, limits: limits)
        if buffer.count >= 3, buffer[0] == 0xEF, buffer[1] == 0xBB, buffer[2] == 0xBF { parser.position = 3 }
        parser.skipBlanks()
        let value = try parser.value()
        parser.skipBlanks()
        guard parser.position == buffer.count else { throw parser.fault("unexpected text after the value") }
        return value
    }

    private func fault(_ problem: String, at offset: Int? = nil) -> JSONError {
        JSONError(problem: problem, offset: offset ?? position, in: text)
    }

    private mutating func skipBlanks() {
        while position < text.count {
            switch text[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    private mutating func value() throws(JSONError) -> JSONValue {
        guard position < text.count else { throw fault("the text ends where a value is expected") }
        switch text[position] {
        case UInt8(ascii: "{"): return .object(try object())
        case UInt8(ascii: "["): return .array(try array())
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw fault("unexpected character where a value is expected")
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        let length = word.utf8CodeUnitCount
        guard text.count - position >= length else { throw fault("unknown word") }
        for index in 0..<length where text[position + index] != word.utf8Start[index] { throw fault("unknown word") }
        position += length
        return value
    }

    private mutating func enter() throws(JSONError) {
        depth += 1
        guard depth <= limits.depth else {
            throw JSONError(
                problem: "nested deeper than \(limits.depth)", offset: position, in: text, isTooDeep: true)
        }
        position += 1
        skipBlanks()
    }

    private mutating func array() throws(JSONError) -> [JSONValue] {
        try enter()
        var items: [JSONValue] = []
        if position < text.count, text[position] == UInt8(ascii: "]") {
            position += 1
            depth -= 1
            return items
        }
        while true {
            items.append(try value())
            if try endsList(with: UInt8(ascii: "]"), of: "array") { return items }
        }
    }

    private mutating func object() throws(JSONError) -> JSONObject {
        try enter()
        var members = JSONObject()
        if position < text.count, text[position] == UInt8(ascii: "}") {
            position += 1
            depth -= 1
            return members
        }
        let place = depth & 7
        members.reserveCapacity(min(lastCounts[place], 64))
        while true {
            guard position < text.count, text[position] == UInt8(ascii: "\"") else {
                throw fault("expected a key in double quotes")
            }
            let keyStart = position
            let key = try string()
            skipBlanks()
            guard position < text.count, text[position] == UInt8(ascii: ":") else { throw fault("expected a colon") }
            position += 1
            skipBlanks()
            let repeated = members.set(key, try value())
            if repeated, limits.duplicateKeys == .refuse { throw fault("repeated key in an object", at: keyStart) }
            if try endsList(with: UInt8(ascii: "}"), of: "object") {
                lastCounts[place] = members.count
                return members
            }
        }
    }

    /// Consumes the closing character and returns `true`, or consumes a comma and returns `false`.
    private mutating func endsList(with end: UInt8, of what: String) throws(JSONError) -> Bool {
        skipBlanks()
        guard position < text.count else { throw fault("the text ends inside an \(what)") }
        if text[position] == end {
            position += 1
            depth -= 1
            return true
        }
        guard text[position] == UInt8(ascii: ",") else { throw fault("expected a comma or the end of the \(what)") }
        position += 1
        skipBlanks()
        return false
    }

    private mutating func number() throws(JSONError) -> JSONValue {
        let start = position
        func digit(_ at: Int) -> Bool { at < text.count && text[at] >= 0x30 && text[at] <= 0x39 }
        if text[position] == UInt8(ascii: "-") { position += 1 }
        guard digit(position) else { throw fault("expected a digit") }
        if text[position] == 0x30 {
            position += 1
            guard !digit(position) else { throw fault("a number can't have a leading zero") }
        } else {
            while digit(position) { position += 1 }
        }
        var whole = true
        if position < text.count, text[position] == UInt8(ascii: ".") {
            whole = false
            position += 1
            guard digit(position) else { throw fault("expected a digit after the decimal point") }
            while digit(position) { position += 1 }
        }
        if position < text.count, text[position] | 0x20 == UInt8(ascii: "e") {
            whole = false
            position += 1
            if position < text.count, text[position] == UInt8(ascii: "+") || text[position] == UInt8(ascii: "-") {
                position += 1
            }
            guard digit(position) else { throw fault("expected a digit in the exponent") }
            while digit(position) { position += 1 }
        }
        let written = UnsafeBufferPointer(rebasing: text[start..<position])
        if whole, let value = Self.integer(written) { return .int(value) }
        let numberText = String(decoding: written, as: UTF8.self)
        if !whole, !limits.isWrittenBack, let value = Double(numberText), value.isFinite,
            Self.isExact(written, as: value)
        {
            return .double(value)
        }
        return .number(numberText)
    }

    /// Returns whether the shortest text of the double denotes the same number as what was written.
    private static func isExact(_ written: UnsafeBufferPointer<UInt8>, as value: Double) -> Bool {
        // Sixteen bytes that include a point or an exponent hold at most fifteen digits.
        if written.count <= 16, value.magnitude >= .leastNormalMagnitude { return true }
        let digits = significantDigits(written)
        // Zero is exact only if nothing but zeros was written; otherwise the number was too small.
        if value == 0 { return digits.isEmpty }
        // Fifteen digits always survive (IEEE 754, DBL_DIG), except among the subnormal numbers.
        if digits.count <= 15, value.magnitude >= .leastNormalMagnitude { return true }
        guard digits.count <= 17 else { return false }
        var shortest = "\(value)"
        return shortest.withUTF8 { significantDigits($0) == digits }
    }

    /// Returns the digits of a number without its exponent and without the leading and trailing zeros that only place
    /// the point.
    private static func significantDigits(_ written: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        var digits: [UInt8] = []
        for byte in written {
            if byte | 0x20 == UInt8(ascii: "e") { break }
            if byte >= 0x30 && byte <= 0x39 && !(digits.isEmpty && byte == 0x30) { digits.append(byte) }
        }
        while digits.last == 0x30 { digits.removeLast() }
        return digits
    }

    private static func integer(_ written: UnsafeBufferPointer<UInt8>) -> Int64? {
        let negative = written[0] == UInt8(ascii: "-")
        // "-0" has a sign that an integer cannot keep.
        if negative, written.count == 2, written[1] == 0x30 { return nil }
        var value: Int64 = 0
        for byte in written.dropFirst(negative ? 1 : 0) {
            let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
            let (next, carry) = shifted.subtractingReportingOverflow(Int64(byte - 0x30))
            if overflow || carry { return nil }
            value = next
        }
        if negative { return value }
        return value == .min ? nil : -value
    }
}

extension JSONParser {
    fileprivate mutating func string() throws(JSONError) -> String {
        position += 1
        let start = position
        while position < text.count {
            let byte = text[position]
            if byte == UInt8(ascii: "\"") {
                guard let string = Self.string(of: UnsafeBufferPointer(rebasing: text[start..<position])) else {
                    throw fault("invalid UTF-8", at: start)
                }
                position += 1
                return string
            }
            if byte == UInt8(ascii: "\\") { return try escapedString(from: start) }
            guard byte >= 0x20 else { throw fault("unescaped control character in a string") }
            position += 1
        }
        throw fault("the text ends inside a string")
    }

    /// Returns the string of some bytes; `nil` when they aren't valid UTF-8.
    ///
    /// `String(validating:as:)` would do, but it isn't specialised in the standard library and took half of all parsing
    /// time.
    private static func string(of bytes: UnsafeBufferPointer<UInt8>) -> String? {
        var string = String(unsafeUninitializedCapacity: bytes.count) { buffer in
            _ = buffer.initialize(from: bytes)
            return bytes.count
        }
        // Invalid UTF-8 was repaired during initialisation, so the bytes differ.
        let same = string.withUTF8 { utf8 in
            guard utf8.count == bytes.count, let left = utf8.baseAddress, let right = bytes.baseAddress else {
                return bytes.isEmpty
            }
            return memcmp(left, right, bytes.count) == 0
        }
        return same ? string : nil
    }

    private mutating func escapedString(from start: Int) throws(JSONError) -> String {
        var bytes: [UInt8] = []
        // The start of the part that hasn't been copied yet.
        var plain = start
        while position < text.count {
            let byte = text[position]
            if byte == UInt8(ascii: "\"") {
                bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[plain..<position]))
                guard let string = bytes.withUnsafeBufferPointer({ Self.string(of: $0) }) else {
                    throw fault("invalid UTF-8", at: start)
                }
                position += 1
                return string
            }
            guard byte >= 0x20 else { throw fault("unescaped control character in a string") }
            position += 1
            if byte == UInt8(ascii: "\\") {
                bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[plain..<(position - 1)]))
                try escape(into: &bytes)
                plain = position
            }
        }
        throw fault("the text ends inside a string")
    }

    private mutating func escape(into bytes: inout [UInt8]) throws(JSONError) {
        guard position < text.count else { throw fault("the text ends inside an escape") }
        let byte = text[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(byte)
        case UInt8(ascii: "b"): bytes.append(0x08)
        case UInt8(ascii: "f"): bytes.append(0x0C)
        case UInt8(ascii: "n"): bytes.append(0x0A)
        case UInt8(ascii: "r"): bytes.append(0x0D)
        case UInt8(ascii: "t"): bytes.append(0x09)
        case UInt8(ascii: "u"): bytes.append(contentsOf: try unicodeEscape().utf8)
        default: throw fault("unknown escape in a string", at: position - 2)
        }
    }

    private mutating func unicodeEscape() throws(JSONError) -> Unicode.Scalar {
        let first = try fourHexDigits()
        if first & 0xFC00 == 0xD800, position + 1 < text.count, text[position] == UInt8(ascii: "\\"),
            text[position + 1] == UInt8(ascii: "u")
        {
            let back = position
            position += 2
            let second = try fourHexDigits()
            if second & 0xFC00 == 0xDC00 {
                let scalar = 0x10000 + (UInt32(first & 0x3FF) << 10) + UInt32(second & 0x3FF)
                return Unicode.Scalar(scalar) ?? "\u{FFFD}"
            }
            position = back
        }
        if let scalar = Unicode.Scalar(UInt32(first)) { return scalar }
        // A lone surrogate is legal JSON but not a valid scalar; the replacement character stands in for it.
        guard !limits.isWrittenBack else { throw fault("half of a surrogate pair in a string", at: position - 6) }
        return "\u{FFFD}"
    }

    private mutating func fourHexDigits() throws(JSONError) -> UInt16 {
        guard position + 4 <= text.count else { throw fault("the text ends inside an escape") }
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard let digit = Hex.value(of: text[position]) else { throw fault("expected four hexadecimal digits") }
            value = value << 4 | UInt16(digit)
            position += 1
        }
        return value
    }
}
