internal import MMCore

/// One word of a `$filter` text.
enum FilterToken: Equatable, Sendable {
    /// An identifier with dots, or a keyword.
    case name(String)
    case text(String)
    case number(Double)
    case instant(Double)
    case guid(String)
    case open, close, comma, slash, colon

    /// All words of a text with their byte positions.
    /// - Throws: `QueryFault` where no word can be read.
    static func all(in text: String) throws(QueryFault) -> [(token: FilterToken, position: Int)] {
        let bytes = Array(text.utf8)
        var tokens: [(token: FilterToken, position: Int)] = []
        var position = 0
        while position < bytes.count {
            let start = position
            let byte = bytes[position]
            position += 1
            switch byte {
            case 0x20, 0x09, 0x0A, 0x0D: continue
            case UInt8(ascii: "("): tokens.append((.open, start))
            case UInt8(ascii: ")"): tokens.append((.close, start))
            case UInt8(ascii: ","): tokens.append((.comma, start))
            case UInt8(ascii: "/"): tokens.append((.slash, start))
            case UInt8(ascii: ":"): tokens.append((.colon, start))
            case UInt8(ascii: "'"):
                guard let string = quoted(bytes, &position) else { throw .syntax(start, in: text) }
                tokens.append((.text(string), start))
            default:
                guard isWord(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "@") else {
                    throw .syntax(start, in: text)
                }
                while position < bytes.count, continues(bytes, at: position, from: start) { position += 1 }
                let word = String(decoding: bytes[start..<position], as: UTF8.self)
                guard let token = token(of: word) else { throw .syntax(start, in: text) }
                tokens.append((token, start))
            }
        }
        return tokens
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "$"): true
        default: byte >= 0x80
        }
    }

    private static func continues(_ bytes: [UInt8], at position: Int, from start: Int) -> Bool {
        let byte = bytes[position]
        if isWord(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") { return true }
        let begins = bytes[start]
        let numeric = begins == UInt8(ascii: "-") || (begins >= 0x30 && begins <= 0x39)
        // Colons belong to times, plus signs to zones and exponents; elsewhere a colon ends a lambda variable.
        if byte == UInt8(ascii: ":") { return numeric && bytes[start..<position].contains(UInt8(ascii: "T")) }
        return byte == UInt8(ascii: "+") && numeric
    }

    private static func quoted(_ bytes: [UInt8], _ position: inout Int) -> String? {
        var content: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if byte != UInt8(ascii: "'") {
                content.append(byte)
            } else if position < bytes.count, bytes[position] == UInt8(ascii: "'") {
                content.append(byte)
                position += 1
            } else {
                return String(decoding: content, as: UTF8.self)
            }
        }
        return nil
    }

    private static func token(of word: String) -> FilterToken? {
        let first = word.utf8.first ?? 0
        if GUID.isValid(word) { return .guid(word.lowercased()) }
        if first == UInt8(ascii: "-") || (first >= 0x30 && first <= 0x39) {
            if let number = Double(word), number.isFinite { return .number(number) }
            if word.utf8.count >= 10, let instant = ServiceTime.seconds(word) { return .instant(instant) }
            return nil
        }
        return .name(word)
    }
}
