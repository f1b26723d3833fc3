internal import MMCore

/// Finds the items of a page as byte ranges, without building values, and parses the members beside them.
///
/// It validates the whole text as a parser would (RFC 8259), so that what is passed on is JSON. Only the few members
/// beside `value` become values.
struct PageScanner {
    /// The result of a scan.
    struct Findings {
        /// The byte range of each item; `nil` when the text has no `value` array.
        var items: [Range<Int>]?
        /// The members beside the items.
        var envelope: JSONObject
    }

    /// The maximum size in bytes of a member beside the items; larger ones are dropped.
    private static let largestMember = 64 << 10

    private let text: UnsafeBufferPointer<UInt8>
    private var position = 0

    /// Scans a page.
    /// - Returns: `nil` when the bytes aren't a JSON text.
    static func scan(_ bytes: [UInt8]) -> Findings? {
        bytes.withUnsafeBufferPointer { buffer in
            var scanner = PageScanner(text: buffer)
            return scanner.page(bytes)
        }
    }

    /// Returns the members that precede the items, without reading further; none if the bytes have no items.
    static func head(of bytes: [UInt8]) -> JSONObject {
        bytes.withUnsafeBufferPointer { buffer in
            var scanner = PageScanner(text: buffer)
            let findings = scanner.page(bytes, untilItems: true)
            return findings?.items == nil ? [:] : findings?.envelope ?? [:]
        }
    }

    private init(text: UnsafeBufferPointer<UInt8>) {
        self.text = text
        if text.count >= 3, text[0] == 0xEF, text[1] == 0xBB, text[2] == 0xBF { position = 3 }
    }

    private mutating func page(_ bytes: [UInt8], untilItems: Bool = false) -> Findings? {
        skipBlanks()
        var findings = Findings(items: nil, envelope: [:])
        guard peek() == UInt8(ascii: "{") else {
            guard skipValue(), atEnd() else { return nil }
            return findings
        }
        position += 1
        skipBlanks()
        if take("}") { return atEnd() ? findings : nil }
        while true {
            skipBlanks()
            let keyStart = position
            guard skipString() else { return nil }
            let keyBytes = keyStart..<position
            skipBlanks()
            guard take(":") else { return nil }
            skipBlanks()
            let isValue = keyBytes.count == 7 && bytes[keyBytes].elementsEqual("\"value\"".utf8)
            if isValue, peek() == UInt8(ascii: "[") {
                guard !untilItems else {
                    findings.items = []
                    return findings
                }
                guard let items = items() else { return nil }
                findings.items = items
            } else {
                let start = position
                guard skipValue() else { return nil }
                if position - start <= Self.largestMember,
                    let key = (try? JSONParser.parse(bytes[keyBytes]))?.string,
                    let value = try? JSONParser.parse(bytes[start..<position])
                {
                    findings.envelope[key] = value
                }
            }
            skipBlanks()
            if take("}") { return atEnd() ? findings : nil }
            guard take(",") else { return nil }
        }
    }

    private mutating func items() -> [Range<Int>]? {
        position += 1
        var items: [Range<Int>] = []
        skipBlanks()
        if take("]") { return items }
        while true {
            skipBlanks()
            let start = position
            guard skipValue() else { return nil }
            items.append(start..<position)
            skipBlanks()
            if take("]") { return items }
            guard take(",") else { return nil }
        }
    }

    // MARK: Values

    /// Skips one value of any kind, without recursion, because the sender chooses the depth.
    private mutating func skipValue() -> Bool {
        var open = OpenBrackets()
        while true {
            skipBlanks()
            guard let byte = peek() else { return false }
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                let isObject = byte == UInt8(ascii: "{")
                position += 1
                skipBlanks()
                if take(isObject ? "}" : "]") { break }
                guard open.push(isObject) else { return false }
                if isObject, !skipKey() { return false }
                continue
            case UInt8(ascii: "\""):
                guard skipString() else { return false }
            case UInt8(ascii: "t"):
                guard skipWord("true") else { return false }
            case UInt8(ascii: "f"):
                guard skipWord("false") else { return false }
            case UInt8(ascii: "n"):
                guard skipWord("null") else { return false }
            default:
                guard skipNumber() else { return false }
            }
            // After a value, close the brackets that end here, or continue with the next member.
            while true {
                guard let isObject = open.innermost else { return true }
                skipBlanks()
                if take(",") {
                    if isObject {
                        skipBlanks()
                        if !skipKey() { return false }
                    }
                    break
                }
                guard take(isObject ? "}" : "]") else { return false }
                open.pop()
            }
        }
    }

    private mutating func skipKey() -> Bool {
        guard skipString() else { return false }
        skipBlanks()
        return take(":")
    }

    private mutating func skipString() -> Bool {
        guard take("\"") else { return false }
        while true {
            skipPlain()
            guard position < text.count else { return false }
            let byte = text[position]
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return true
            case UInt8(ascii: "\\"):
                guard skipEscape() else { return false }
            case 0x80...:
                guard skipScalar() else { return false }
            case 0x20...:
                position += 1
            default:
                return false
            }
        }
    }

    /// Skips plain characters eight at a time; they make up most of a page.
    private mutating func skipPlain() {
        guard let start = UnsafeRawPointer(text.baseAddress) else { return }
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        while position + 8 <= text.count {
            let word = UInt64(littleEndian: start.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            let quote = word ^ (ones &* 0x22)
            let backslash = word ^ (ones &* 0x5C)
            // Sets the high bit of each byte that is a quote, a backslash, a control character or not ASCII; the lowest
            // one set is exact.
            let stops =
                ((quote &- ones) & ~quote | (backslash &- ones) & ~backslash | (word &- ones &* 0x20) & ~word | word)
                & highs
            if stops != 0 {
                position += stops.trailingZeroBitCount >> 3
                return
            }
            position += 8
        }
    }

    private mutating func skipEscape() -> Bool {
        position += 1
        guard let escaped = peek() else { return false }
        position += 1
        switch escaped {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return true
        case UInt8(ascii: "u"):
            for _ in 0..<4 {
                guard let digit = peek(), Hex.value(of: digit) != nil else { return false }
                position += 1
            }
            return true
        default: return false
        }
    }

    /// Skips one character of two to four bytes (RFC 3629, section 4).
    private mutating func skipScalar() -> Bool {
        let first = text[position]
        let count: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch first {
        case 0xC2...0xDF: count = 2
        case 0xE0: (count, second) = (3, 0xA0...0xBF)
        case 0xED: (count, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: count = 3
        case 0xF0: (count, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: count = 4
        case 0xF4: (count, second) = (4, 0x80...0x8F)
        default: return false
        }
        guard position + count <= text.count, second.contains(text[position + 1]) else { return false }
        for offset in 2..<max(count, 2) where text[position + offset] & 0xC0 != 0x80 { return false }
        position += count
        return true
    }

    private mutating func skipNumber() -> Bool {
        _ = take("-")
        if take("0") {
            // No digit may follow a leading zero.
        } else if skipDigits() == 0 {
            return false
        }
        if take("."), skipDigits() == 0 { return false }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            if skipDigits() == 0 { return false }
        }
        return true
    }

    private mutating func skipDigits() -> Int {
        let start = position
        while let byte = peek(), byte >= 0x30, byte <= 0x39 { position += 1 }
        return position - start
    }

    private mutating func skipWord(_ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard position + count <= text.count else { return false }
        for offset in 0..<count where text[position + offset] != word.utf8Start[offset] { return false }
        position += count
        return true
    }

    private mutating func skipBlanks() {
        while position < text.count {
            switch text[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    private func peek() -> UInt8? { position < text.count ? text[position] : nil }

    private mutating func take(_ sign: Unicode.Scalar) -> Bool {
        guard position < text.count, text[position] == UInt8(ascii: sign) else { return false }
        position += 1
        return true
    }

    private mutating func atEnd() -> Bool {
        skipBlanks()
        return position == text.count
    }
}

/// The open brackets around a position in a JSON text, as one bit each (object or array), so that skipping values
/// allocates no memory.
struct OpenBrackets {
    /// The maximum depth, the same as the JSON parser's.
    private static let deepest = 256

    private var objects: InlineArray<4, UInt64> = .init(repeating: 0)
    private var count = 0

    /// Whether the innermost open bracket belongs to an object; `nil` when none is open.
    var innermost: Bool? {
        guard count > 0 else { return nil }
        return objects[(count - 1) >> 6] >> UInt64((count - 1) & 63) & 1 == 1
    }

    /// Opens a bracket.
    /// - Returns: `false` when the maximum depth is exceeded.
    mutating func push(_ isObject: Bool) -> Bool {
        guard count < Self.deepest else { return false }
        let bit = UInt64(1) << UInt64(count & 63)
        if isObject { objects[count >> 6] |= bit } else { objects[count >> 6] &= ~bit }
        count += 1
        return true
    }

    /// Closes the innermost bracket.
    mutating func pop() { count -= 1 }
}
