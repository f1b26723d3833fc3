/// The code, the quoted texts and the names of a script.
extension ScriptText {
    mutating func read(_ bytes: [UInt8]) {
        var index = 0
        var end = 0
        let comments = language != .javascript && language != .php && language != .lua
        while index < bytes.count {
            let byte = bytes[index]
            if comments, byte == 0x23,
                language == .awk || index == 0 || [0x20, 0x0A, 0x09].contains(bytes[index - 1])
            {
                while index < bytes.count, bytes[index] != 0x0A { index += 1 }
                continue
            }
            if language == .awk, byte == 0x2F, Self.mayBeginPattern(behind: code) {
                index = Self.end(ofPattern: bytes, from: index + 1)
                code += "//".utf8
                continue
            }
            // The statement goes on in the next line.
            if language == .awk, byte == 0x5C, bytes[index...].starts(with: [0x5C, 0x0A]) {
                code.append(0x20)
                index += 2
                continue
            }
            guard byte == 0x22 || byte == 0x27 || byte == 0x60 else {
                code.append(byte)
                index += 1
                continue
            }
            let isTriple =
                index + 2 < bytes.count && bytes[index + 1] == byte && bytes[index + 2] == byte && language == .python
            let width = isTriple ? 3 : 1
            var text: [UInt8] = []
            let start = index
            index += width
            while index < bytes.count {
                if bytes[index] == 0x5C, index + 1 < bytes.count {
                    // Other escapes are kept, because spelling a name with them means that it is to be hidden.
                    if ![0x22, 0x27, 0x60, 0x5C, 0x2F].contains(bytes[index + 1]) { text.append(0x5C) }
                    text.append(bytes[index + 1])
                    index += 2
                    continue
                }
                if bytes[index] == byte, width == 1 || bytes[index...].starts(with: [byte, byte, byte]) { break }
                text.append(bytes[index])
                index += 1
            }
            index = min(index + width, bytes.count)
            let word = String(decoding: text, as: UTF8.self)
            if byte == 0x60, language != .javascript { backticks.append(word) }
            let joins =
                !literals.isEmpty && bytes[end..<start].allSatisfy { [0x20, 0x0A, 0x09, 0x2C, 0x5B].contains($0) }
            literals.append(Literal(text: word, joins: joins))
            end = index
            code.append(Self.mark)
            // A text in braces within a quoted text may be code: f"{…}", `${…}`, "#{…}".
            if word.contains("{"), word.contains("(") { code += [0x20] + text + [0x20] }
        }
    }

    /// Returns whether a slash behind this code of awk begins a pattern, rather than dividing what precedes it.
    private static func mayBeginPattern(behind code: [UInt8]) -> Bool {
        guard let end = code.lastIndex(where: { $0 != 0x20 && $0 != 0x09 }) else { return true }
        switch code[end] {
        case _ where isOfName(code[end]):
            return ["print", "printf", "return", "exit", "in", "case", "else", "do"].contains(name(in: code[...end]))
        case UInt8(ascii: ")"):
            var open = 0
            let start = code[...end].suffix(4096).lastIndex { byte in
                open += byte == UInt8(ascii: ")") ? 1 : byte == UInt8(ascii: "(") ? -1 : 0
                return open == 0
            }
            return start.map { ["if", "while", "for"].contains(name(in: code[..<$0])) } ?? true
        // A second one ends a pattern, or counts something.
        case UInt8(ascii: "/"), UInt8(ascii: "+"), UInt8(ascii: "-"): return end == 0 || code[end - 1] != code[end]
        default: return code[end] != UInt8(ascii: "]") && code[end] != mark
        }
    }

    /// Returns the name with which code ends.
    private static func name(in code: ArraySlice<UInt8>) -> String {
        let rest = code.reversed().drop { $0 == 0x20 || $0 == 0x09 }.prefix(while: isOfName)
        return String(decoding: rest.reversed(), as: UTF8.self)
    }

    /// Returns the place behind a pattern of awk, in which a slash between brackets is a letter like others.
    private static func end(ofPattern bytes: [UInt8], from start: Int) -> Int {
        var index = start
        var bracket: Int?
        while index < bytes.count, bytes[index] != 0x0A {
            switch bytes[index] {
            case 0x5C: index += 1
            case UInt8(ascii: "[") where bracket == nil:
                bracket = index
                if index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "^") { index += 1 }
                if index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "]") { index += 1 }
            case UInt8(ascii: "]"): bracket = nil
            case 0x2F where bracket == nil: return index + 1
            default: break
            }
            index += 1
        }
        return min(index, bytes.count)
    }

    /// A name in code.
    struct Name {
        var text: String
        /// The name before its dot.
        var owner: String?
        /// Whether it is called.
        var isCalled: Bool
        /// Whether its first argument begins with a text to which nothing is joined.
        var isCalledWithText: Bool
        /// Whether its first argument is a text to which something is joined.
        var isCalledWithJoinedText: Bool
        /// Whether an opening bracket at the beginning of an expression precedes it, as in Lisp.
        var isFirstOfList: Bool
        /// The first name in its arguments.
        var next: String
    }

    static func names(in code: [UInt8]) -> [Name] {
        var names: [Name] = []
        var index = 0
        var lastEnd = -1
        while index < code.count {
            guard Self.isOfName(code[index]) else {
                index += 1
                continue
            }
            let start = index
            while index < code.count, Self.isOfName(code[index]) { index += 1 }
            let between = lastEnd >= 0 ? code[lastEnd..<start] : []
            let isMember =
                between.elementsEqual(".".utf8) || between.elementsEqual("::".utf8) || between.elementsEqual("->".utf8)
            // The owner of a member of a call's result isn't known.
            let ownsCall = [".", "->"].contains { code[..<start].suffix($0.utf8.count).elementsEqual($0.utf8) }
            var after = index
            while after < code.count, code[after] == 0x20 { after += 1 }
            let hasBracket = after < code.count && code[after] == 0x28
            var inside = after
            while inside < code.count, [0x28, 0x20, 0x5B, 0x0A].contains(code[inside]) { inside += 1 }
            let isText = inside < code.count && code[inside] == mark
            var behind = inside + 1
            while behind < code.count, code[behind] == 0x20 { behind += 1 }
            let endsLine = behind < code.count && code[behind] == 0x0A
            while behind < code.count, [0x20, 0x0A].contains(code[behind]) { behind += 1 }
            // A statement may go on in the next line, with an operator.
            let stays =
                behind >= code.count || ")],;}".utf8.contains(code[behind])
                || endsLine && !"+.%*&|".utf8.contains(code[behind])
            var word = inside
            while word < code.count, Self.isOfName(code[word]) { word += 1 }
            let next =
                word > inside
                ? String(decoding: code[inside..<word], as: UTF8.self)
                : inside < code.count && code[inside] == 0x29 ? ")" : ""
            names.append(
                Name(
                    text: String(decoding: code[start..<index], as: UTF8.self),
                    owner: isMember ? names.last?.text : ownsCall ? "" : nil, isCalled: hasBracket || isText,
                    isCalledWithText: isText && stays, isCalledWithJoinedText: isText && !stays,
                    isFirstOfList: start > 0 && code[start - 1] == 0x28
                        && (start == 1 || [0x20, 0x0A, 0x28].contains(code[start - 2])), next: next))
            lastEnd = index
        }
        return names
    }

    /// Returns whether a byte may stand in a name.
    static func isOfName(_ byte: UInt8) -> Bool {
        byte == 0x5F || (0x41...0x5A).contains(byte & 0xDF) || (0x30...0x39).contains(byte)
    }
}
