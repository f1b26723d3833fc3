import MMCore

/// JSON with comments and trailing commas, as people keep it in editors. Single members can be changed without changing
/// any other byte.
struct CommentedJSON {
    /// The value of the file.
    let value: JSONValue
    private let bytes: [UInt8]
    /// The text with comments, trailing commas and a byte order mark replaced by blanks, so that every position is the
    /// same as in `bytes`.
    private let plain: [UInt8]

    /// A member of an object, or an element of a list.
    private struct Part {
        let key: String?
        /// The start of the part, including its key if it has one.
        let start: Int
        let value: Range<Int>
    }

    private struct Edit {
        let range: Range<Int>
        let text: [UInt8]
    }

    /// Parses a file.
    /// - Throws: `JSONError` if it is neither JSON nor JSON with comments and trailing commas.
    init(_ bytes: [UInt8]) throws(JSONError) {
        self.bytes = bytes
        plain = Self.blanked(bytes)
        value = try JSONParser.parse(plain)
    }

    /// Returns the file with another value. Members that both values have stay as they are written, with the comments
    /// around them.
    /// - Returns: `nil` if that can't be done without losing something.
    func changed(to new: JSONValue) -> [UInt8]? {
        var edits: [Edit] = []
        guard let start = plain.firstIndex(where: { !Self.isBlank($0) }) else { return nil }
        change(value, new, start..<end(of: start), &edits)
        var result = bytes
        // Edits are applied from the end, so that positions stay valid. Of two edits at the same position, the later
        // one is applied first, so that it ends up behind the other.
        for (_, edit) in edits.enumerated().sorted(by: {
            ($0.element.range.lowerBound, $0.offset) > ($1.element.range.lowerBound, $1.offset)
        }) {
            result.replaceSubrange(edit.range, with: edit.text)
        }
        // A check against errors in the edits: the result must parse to the new value, otherwise it isn't written.
        return (try? CommentedJSON(result))?.value == new ? result : nil
    }

    // MARK: Changes

    private func change(_ old: JSONValue, _ new: JSONValue, _ range: Range<Int>, _ edits: inout [Edit]) {
        guard old != new else { return }
        let parts = parts(of: range)
        var kept: [Bool]
        var added: [(key: String?, value: JSONValue)] = []
        var nested: [Edit] = []
        switch (old, new) {
        case (.object(let before), .object(let after)) where parts.allSatisfy({ $0.key != nil }):
            kept = parts.map { after[$0.key ?? ""] != nil }
            added = after.filter { before[$0.key] == nil }.map { ($0.key, $0.value) }
            for part in parts {
                guard let key = part.key, let was = before[key], let will = after[key] else { continue }
                change(was, will, part.value, &nested)
            }
        case (.array(let before), .array(let after)) where parts.count == before.count:
            var rest = after[...]
            kept = before.map { item in
                guard rest.first == item else { return false }
                rest.removeFirst()
                return true
            }
            added = rest.map { (nil, $0) }
        default:
            return edits.append(Edit(range: range, text: text(new, line: indentation(at: range.lowerBound))))
        }
        // A value that both loses and gains members is replaced as a whole.
        guard kept.allSatisfy(\.self) || added.isEmpty else {
            return edits.append(Edit(range: range, text: text(new, line: indentation(at: range.lowerBound))))
        }
        edits += nested
        if kept.contains(false) { remove(parts, kept, range, &edits) }
        if !added.isEmpty { add(added, behind: parts, range, &edits) }
    }

    private func remove(_ parts: [Part], _ kept: [Bool], _ range: Range<Int>, _ edits: inout [Edit]) {
        for (index, part) in parts.enumerated() where !kept[index] {
            let next = index + 1 < parts.count ? parts[index + 1].start : range.upperBound - 1
            var end = part.value.upperBound
            if let comma = comma(in: end..<next) { end = comma + 1 }
            edits.append(Edit(range: wholeLines(part.start..<end), text: []))
        }
        // The part that is now last needs no comma after it, unless the old last part had one.
        guard let last = kept.lastIndex(of: true), last + 1 < parts.count,
            let comma = comma(in: parts[last].value.upperBound..<parts[last + 1].start)
        else { return }
        edits.append(Edit(range: comma..<(comma + 1), text: []))
    }

    private func add(
        _ added: [(key: String?, value: JSONValue)], behind parts: [Part], _ range: Range<Int>,
        _ edits: inout [Edit]
    ) {
        let close = range.upperBound - 1
        let isOneLine = !bytes[range].contains(0x0A)
        var end = parts.last?.value.upperBound ?? close
        if !parts.isEmpty {
            if let comma = comma(in: end..<close) {
                end = comma + 1
            } else {
                edits.append(Edit(range: end..<end, text: [UInt8(ascii: ",")]))
            }
        }
        let own = indentation(at: range.lowerBound)
        let inner = parts.last.map { indentation(at: $0.start) } ?? own + unit
        var members: [[UInt8]] = []
        for item in added {
            var text = item.key.map { JSONWriter.bytes(.string($0)) + Array(": ".utf8) } ?? []
            text += isOneLine && !parts.isEmpty ? JSONWriter.bytes(item.value) : self.text(item.value, line: inner)
            members.append(text)
        }
        if isOneLine, !parts.isEmpty {
            let text = [0x20] + Array(members.joined(separator: Array(", ".utf8)))
            // If a comma is inserted, its edit has the same position and comes first.
            return edits.append(Edit(range: end..<end, text: text))
        }
        // The position after all existing content, including comments, but before the line of the closing bracket.
        let place = (bytes[..<close].lastIndex { !Self.isBlank($0) } ?? range.lowerBound) + 1
        var text: [UInt8] = []
        for (number, member) in members.enumerated() {
            text += lineEnd + inner + member
            if number < members.count - 1 { text.append(UInt8(ascii: ",")) }
        }
        if !bytes[place..<close].contains(0x0A) { text += lineEnd + own }
        edits.append(Edit(range: place..<place, text: text))
    }

    // MARK: The text

    private var lineEnd: [UInt8] {
        guard let end = bytes.firstIndex(of: 0x0A), end > 0, bytes[end - 1] == 0x0D else { return [0x0A] }
        return [0x0D, 0x0A]
    }

    /// The indentation of one level in the file.
    private var unit: [UInt8] {
        for line in bytes.split(separator: 0x0A) {
            if line.first == 0x09 { return [0x09] }
            let blanks = line.prefix { $0 == 0x20 }.count
            if blanks > 0, blanks < line.count { return Array(repeating: 0x20, count: min(blanks, 8)) }
        }
        return [0x20, 0x20]
    }

    /// Returns the indentation of the line that contains a position.
    private func indentation(at place: Int) -> [UInt8] {
        let start = bytes[..<place].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        return Array(bytes[start..<place].prefix { $0 == 0x20 || $0 == 0x09 })
    }

    private func text(_ value: JSONValue, line: [UInt8]) -> [UInt8] {
        let lines = JSONWriter.bytes(value, layout: .indented(1)).split(separator: 0x0A)
        return Array(
            lines.enumerated().map { number, text in
                let level = text.prefix { $0 == 0x20 }.count
                return (number == 0 ? [] : line) + Array(repeatElement(unit, count: level).joined())
                    + text.dropFirst(level)
            }.joined(separator: lineEnd))
    }

    /// Extends a range to whole lines if nothing else stands on them.
    private func wholeLines(_ range: Range<Int>) -> Range<Int> {
        let start = bytes[..<range.lowerBound].lastIndex { $0 != 0x20 && $0 != 0x09 }
        guard let start, bytes[start] == 0x0A,
            let end = bytes[range.upperBound...].firstIndex(where: { !Self.isBlank($0) || $0 == 0x0A }),
            bytes[end] == 0x0A
        else {
            // Within a line, the preceding blanks are removed, too.
            return (start.map { $0 + 1 } ?? 0)..<range.upperBound
        }
        return (start + 1)..<(end + 1)
    }

    /// Returns the position of a comma between two parts, or after the last one.
    private func comma(in range: Range<Int>) -> Int? {
        let scanned = Self.blanked(Array(bytes[range]), keepsCommas: true)
        return scanned.firstIndex(of: UInt8(ascii: ",")).map { range.lowerBound + $0 }
    }

    // MARK: Reading

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }

    private static func blanked(_ bytes: [UInt8], keepsCommas: Bool = false) -> [UInt8] {
        var plain = bytes
        var place = 0
        var comma: Int?
        var last: UInt8 = 0
        func blank(_ range: Range<Int>) { for index in range where !isBlank(plain[index]) { plain[index] = 0x20 } }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { blank(0..<3) }
        while place < plain.count {
            let byte = plain[place]
            if byte == UInt8(ascii: "\"") {
                place = end(ofText: place, in: plain)
                (comma, last) = (nil, byte)
                continue
            }
            if byte == UInt8(ascii: "/"), place + 1 < plain.count {
                if plain[place + 1] == UInt8(ascii: "/") {
                    let end = plain[place...].firstIndex(of: 0x0A) ?? plain.count
                    blank(place..<end)
                } else if plain[place + 1] == UInt8(ascii: "*"),
                    let end = ByteSearch.find(Array("*/".utf8), in: plain, from: place + 2)
                {
                    blank(place..<(end + 2))
                }
            }
            switch plain[place] {
            case UInt8(ascii: ",") where last != UInt8(ascii: "{") && last != UInt8(ascii: "[") && last != byte:
                comma = place
                last = byte
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if let comma, !keepsCommas { plain[comma] = 0x20 }
                (comma, last) = (nil, byte)
            case let other where isBlank(other): break
            default: (comma, last) = (nil, byte)
            }
            place += 1
        }
        return plain
    }

    private static func end(ofText start: Int, in bytes: [UInt8]) -> Int {
        var place = start + 1
        while place < bytes.count, bytes[place] != UInt8(ascii: "\"") {
            place += bytes[place] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(place + 1, bytes.count)
    }

    /// Returns the end of the value at a position; the text is known to be JSON.
    private func end(of start: Int) -> Int {
        var (place, level) = (start, 0)
        while place < plain.count {
            switch plain[place] {
            case UInt8(ascii: "\""):
                place = Self.end(ofText: place, in: plain) - 1
                if level == 0 { return place + 1 }
            case UInt8(ascii: "{"), UInt8(ascii: "["): level += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if level == 0 { return place }
                level -= 1
                if level == 0 { return place + 1 }
            case UInt8(ascii: ","), 0x20, 0x09, 0x0A, 0x0D: if level == 0 { return place }
            default: break
            }
            place += 1
        }
        return plain.count
    }

    /// Returns the members or elements of the object or list in a range; none for a plain value.
    private func parts(of range: Range<Int>) -> [Part] {
        guard let open = plain[range].first, open == UInt8(ascii: "{") || open == UInt8(ascii: "[") else { return [] }
        var parts: [Part] = []
        var place = range.lowerBound + 1
        func skip(_ separator: UInt8) {
            while place < range.upperBound, Self.isBlank(plain[place]) || plain[place] == separator { place += 1 }
        }
        while true {
            skip(UInt8(ascii: ","))
            guard place < range.upperBound - 1 else { return parts }
            let start = place
            var key: String?
            if open == UInt8(ascii: "{") {
                place = Self.end(ofText: place, in: plain)
                key = (try? JSONParser.parse(Array(plain[start..<place])))?.string
                skip(UInt8(ascii: ":"))
            }
            let end = end(of: place)
            parts.append(Part(key: key, start: start, value: place..<end))
            place = end
        }
    }
}
