/// Finds the items of an array in JSON text without building values; the array is the root or the `value` member, as
/// services write lists.
///
/// The text is assumed to be valid JSON. On anything else the search stops early or finds nothing; it never reads out
/// of bounds.
package struct JSONRows: Sendable, Hashable {
    /// The position of the array.
    package enum Place: String, Sendable {
        /// The text itself is an array.
        case root
        /// The text is an object with an array under `value`.
        case value
    }

    /// The position of the array.
    package let place: Place
    /// The byte range of each item, without surrounding whitespace.
    package let items: [Range<Int>]

    /// Finds the rows of a text; returns `nil` when there is no such array.
    package static func find(in text: [UInt8]) -> JSONRows? {
        text.withUnsafeBufferPointer { text in
            var start = skipBlanks(text, 0)
            guard start < text.count else { return nil }
            var place = Place.root
            if text[start] == UInt8(ascii: "{") {
                guard let array = member("value", of: text, start, where: { $0 == UInt8(ascii: "[") }) else {
                    return nil
                }
                (start, place) = (array, .value)
            }
            guard text[start] == UInt8(ascii: "[") else { return nil }
            var scanner = JSONItemScanner(at: start + 1)
            var items: [Range<Int>] = []
            for index in (start + 1)..<text.count {
                if let item = scanner.consume(text[index]) { items.append(item) }
                if scanner.ended { return JSONRows(place: place, items: items) }
            }
            return nil
        }
    }

    /// Returns a string or number that is a member of the text's outermost object, also if the text is nested too deep
    /// to be parsed; `nil` when there is none.
    package static func scalar(named name: String, in text: [UInt8]) -> JSONValue? {
        let range = text.withUnsafeBufferPointer { text -> Range<Int>? in
            let start = skipBlanks(text, 0)
            guard start < text.count, text[start] == UInt8(ascii: "{"),
                let value = member(
                    name, of: text, start, where: { $0 != UInt8(ascii: "[") && $0 != UInt8(ascii: "{") }),
                let end = endOfValue(text, value)
            else { return nil }
            return value..<end
        }
        return range.flatMap { try? JSONParser.parse(text[$0]) }
    }

    private static func skipBlanks(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int {
        var at = start
        while at < text.count, [0x20, 0x0A, 0x0D, 0x09].contains(text[at]) { at += 1 }
        return at
    }

    /// Returns where the first fitting value with a name of the object at `start` begins.
    /// - Parameter fits: whether a value that begins with this byte fits.
    private static func member(
        _ name: String, of text: UnsafeBufferPointer<UInt8>, _ start: Int, where fits: (UInt8) -> Bool
    ) -> Int? {
        let key = Array("\"\(name)\"".utf8)
        // An object's members are found like items: key, colon and value follow each other at the same depth.
        var at = start + 1
        while at < text.count {
            at = skipBlanks(text, at)
            if at < text.count, text[at] == UInt8(ascii: ",") { at = skipBlanks(text, at + 1) }
            guard at < text.count, text[at] == UInt8(ascii: "\"") else { return nil }
            let keyStart = at
            guard let keyEnd = endOfValue(text, at) else { return nil }
            at = skipBlanks(text, keyEnd)
            guard at < text.count, text[at] == UInt8(ascii: ":") else { return nil }
            at = skipBlanks(text, at + 1)
            guard at < text.count else { return nil }
            if keyEnd - keyStart == key.count, text[keyStart..<keyEnd].elementsEqual(key), fits(text[at]) { return at }
            guard let end = endOfValue(text, at) else { return nil }
            at = end
        }
        return nil
    }

    private static func endOfValue(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int? {
        var scanner = JSONItemScanner(at: start)
        for index in start..<text.count {
            // A number or literal ends where its enclosing object does.
            if scanner.isInLiteral, text[index] == UInt8(ascii: "}") { return index }
            if let item = scanner.consume(text[index]) { return item.upperBound }
        }
        return nil
    }
}

/// Finds the items of an array byte by byte, so that the text can arrive in pieces.
struct JSONItemScanner {
    private var position: Int
    private var start: Int?
    private var depth = 0
    private var inString = false
    private var escaped = false
    private(set) var ended = false

    /// Creates a scanner for the bytes after an array's opening bracket.
    /// - Parameter position: the offset of the first byte.
    init(at position: Int) {
        self.position = position
    }

    /// Whether the scanner is inside a number or a literal.
    var isInLiteral: Bool { start != nil && depth == 0 && !inString }

    /// Consumes the next byte.
    /// - Returns: the range of the item that ended with this byte or right before it.
    mutating func consume(_ byte: UInt8) -> Range<Int>? {
        defer { position += 1 }
        if ended { return nil }
        if inString {
            if escaped {
                escaped = false
            } else if byte == UInt8(ascii: "\\") {
                escaped = true
            } else if byte == UInt8(ascii: "\"") {
                inString = false
                if depth == 0 { return finish(at: position + 1) }
            }
            return nil
        }
        switch byte {
        case UInt8(ascii: "\""):
            if start == nil { start = position }
            inString = true
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            if start == nil { start = position }
            depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
            if depth > 0 {
                depth -= 1
                if depth == 0 { return finish(at: position + 1) }
            } else {
                ended = true
                return finish(at: position)
            }
        case UInt8(ascii: ","), 0x20, 0x0A, 0x0D, 0x09:
            if depth == 0 { return finish(at: position) }
        default:
            if start == nil { start = position }
        }
        return nil
    }

    private mutating func finish(at end: Int) -> Range<Int>? {
        guard let begun = start else { return nil }
        start = nil
        return begun..<end
    }
}
