import MMCore

/// Where the statements of a TOML file stand (TOML 1.0.0), so that one can be changed and every other byte kept.
///
/// Values are skipped, not judged; only texts and lists of texts can be read.
struct TOMLOutline {
    /// `[a.b]`, `[[a.b]]` or `key = value`.
    struct Statement {
        /// Tables count from the root: the header's keys, or those of the table and then the statement's own.
        let path: [String]
        let isHeader: Bool
        /// How many keys of the path are the table's.
        let depth: Int
        /// From the statement's first byte to the end of its last line, with the newline.
        let range: Range<Int>
        /// The value's bytes.
        let value: Range<Int>
    }

    /// In the order of the file.
    private(set) var statements: [Statement] = []
    private let bytes: [UInt8]
    private var position = 0

    /// Reads a file.
    /// - Throws: `MMError.invalidInput` with the line that can't be read.
    init(_ bytes: [UInt8], path: String) throws(MMError) {
        self.bytes = bytes
        var table: [String] = []
        while skipBlankLines() {
            let start = position
            if bytes[position] == UInt8(ascii: "[") {
                let isList = position + 1 < bytes.count && bytes[position + 1] == UInt8(ascii: "[")
                position += isList ? 2 : 1
                guard let keys = keys(), take("]"), !isList || take("]"), endLine() else {
                    throw fault(path, at: start)
                }
                table = keys
                statements.append(
                    Statement(
                        path: keys, isHeader: true, depth: keys.count, range: start..<position,
                        value: position..<position))
            } else {
                guard let keys = keys(), take("=") else { throw fault(path, at: start) }
                skipBlanks()
                let valueStart = position
                guard skipValue() else { throw fault(path, at: start) }
                let value = valueStart..<position
                guard endLine() else { throw fault(path, at: start) }
                statements.append(
                    Statement(
                        path: table + keys, isHeader: false, depth: table.count, range: start..<position, value: value))
            }
        }
    }

    /// The text of a value; `nil` when it is none.
    func text(_ range: Range<Int>) -> String? {
        var reader = self
        reader.position = range.lowerBound
        guard let text = reader.string(), reader.position == range.upperBound else { return nil }
        return text
    }

    /// The texts of a list; `nil` when it holds anything else.
    func texts(_ range: Range<Int>) -> [String]? {
        var reader = self
        reader.position = range.lowerBound
        guard reader.take("[") else { return nil }
        var found: [String] = []
        while true {
            _ = reader.skipBlankLines()
            if reader.take("]") { break }
            guard let text = reader.string() else { return nil }
            found.append(text)
            _ = reader.skipBlankLines()
            if reader.take(",") { continue }
            guard reader.take("]") else { return nil }
            break
        }
        return reader.position == range.upperBound ? found : nil
    }

    /// A text as a basic string.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let digits = String(scalar.value, radix: 16, uppercase: true)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    // MARK: reading

    private func fault(_ path: String, at start: Int) -> MMError {
        let line = bytes[..<start].count { $0 == 0x0A } + 1
        return MMError(
            .invalidInput, "\(path) can't be read as TOML at line \(line), so it is left alone.",
            hint: "Mend the file first.")
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipBlanks()
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func skipBlanks() {
        while position < bytes.count, bytes[position] == 0x20 || bytes[position] == 0x09 { position += 1 }
    }

    private mutating func skipComment() {
        if position < bytes.count, bytes[position] == UInt8(ascii: "#") {
            while position < bytes.count, bytes[position] != 0x0A { position += 1 }
        }
    }

    /// Passes over blanks, line ends and comments.
    /// - Returns: whether anything follows.
    private mutating func skipBlankLines() -> Bool {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            case UInt8(ascii: "#"): skipComment()
            case 0xEF where position == 0 && bytes.starts(with: [0xEF, 0xBB, 0xBF]): position += 3
            default: return true
            }
        }
        return false
    }

    /// The end of a statement's line.
    private mutating func endLine() -> Bool {
        skipBlanks()
        skipComment()
        if position < bytes.count, bytes[position] == 0x0D { position += 1 }
        guard position < bytes.count else { return true }
        guard bytes[position] == 0x0A else { return false }
        position += 1
        return true
    }

    /// `a."b c".d`
    private mutating func keys() -> [String]? {
        var found: [String] = []
        repeat {
            skipBlanks()
            guard position < bytes.count else { return nil }
            if bytes[position] == UInt8(ascii: "\"") || bytes[position] == UInt8(ascii: "'") {
                guard let key = string() else { return nil }
                found.append(key)
            } else {
                let start = position
                while position < bytes.count, Self.isBare(bytes[position]) { position += 1 }
                guard position > start else { return nil }
                found.append(String(decoding: bytes[start..<position], as: UTF8.self))
            }
        } while take(".")
        return found
    }

    static func isBare(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }

    /// A string of any of the four kinds.
    private mutating func string() -> String? {
        guard position < bytes.count else { return nil }
        let quote = bytes[position]
        guard quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else { return nil }
        let isLong = bytes[position...].starts(with: [quote, quote, quote])
        position += isLong ? 3 : 1
        if isLong {
            if position < bytes.count, bytes[position] == 0x0D { position += 1 }
            if position < bytes.count, bytes[position] == 0x0A { position += 1 }
        }
        var text: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            if byte == quote, !isLong || bytes[position...].starts(with: [quote, quote, quote]) {
                position += isLong ? 3 : 1
                // Up to two quotes may stand right before the closing three.
                while isLong, position < bytes.count, bytes[position] == quote {
                    text.append(quote)
                    position += 1
                }
                return String(validating: text, as: UTF8.self)
            }
            if byte == 0x0A, !isLong { return nil }
            position += 1
            if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
                guard let escape = escape(isLong: isLong) else { return nil }
                text += escape
            } else {
                text.append(byte)
            }
        }
        return nil
    }

    private mutating func escape(isLong: Bool) -> [UInt8]? {
        guard position < bytes.count else { return nil }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): return [byte]
        case UInt8(ascii: "u"), UInt8(ascii: "U"):
            let count = byte == UInt8(ascii: "u") ? 4 : 8
            guard position + count <= bytes.count,
                let value = UInt32(String(decoding: bytes[position..<(position + count)], as: UTF8.self), radix: 16),
                let scalar = Unicode.Scalar(value)
            else { return nil }
            position += count
            return Array(String(scalar).utf8)
        case 0x20, 0x09, 0x0A, 0x0D:
            // A backslash at a line's end joins lines.
            guard isLong else { return nil }
            while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
            return []
        default: return nil
        }
    }

    /// Passes over a value: strings whole, brackets to their end, anything else to the line's end or a comment.
    private mutating func skipValue() -> Bool {
        let start = position
        var open: [UInt8] = []
        var end = position
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                guard string() != nil else { return false }
                end = position
                continue
            case UInt8(ascii: "["), UInt8(ascii: "{"): open.append(byte + 2)
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                guard open.popLast() == byte else { return false }
            case UInt8(ascii: "#"):
                if open.isEmpty {
                    position = end
                    return end > start
                }
                skipComment()
                continue
            case 0x0A:
                if open.isEmpty {
                    position = end
                    return end > start
                }
            default: break
            }
            position += 1
            if byte != 0x20, byte != 0x09, byte != 0x0D, byte != 0x0A { end = position }
        }
        position = end
        return open.isEmpty && end > start
    }
}
