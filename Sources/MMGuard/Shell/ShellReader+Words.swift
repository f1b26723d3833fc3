/// Words: quotes, expansions and the commands that stand in them.
extension ShellReader {
    static let breaks: Set<UInt8> = Set(" \t\n\r;&|<>()".utf8)

    mutating func word(_ level: Int) throws(ShellUnreadable) -> (word: ShellCall.Word, isQuoted: Bool) {
        guard wordsLeft > 0 else { throw unreadable("more than \(Self.mostWords) words") }
        wordsLeft -= 1
        var text: [UInt8] = []
        var word = ShellCall.Word(text: "", offset: position)
        var isQuoted = false
        func quote() {
            isQuoted = true
            if word.plainBytes == nil { word.plainBytes = text.count }
        }
        scan: while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "("):
                // A pattern such as @(a|b).
                guard let last = text.last, "?*+@!".utf8.contains(last), !isQuoted else { break scan }
                text += try balanced(level)
                word.isFixed = false
            case _ where Self.breaks.contains(byte): break scan
            case UInt8(ascii: "'"):
                quote()
                position += 1
                let start = position
                while position < bytes.count, bytes[position] != 0x27 { position += 1 }
                guard position < bytes.count else { throw unreadable("an unfinished quotation (')", at: start) }
                text += bytes[start..<position]
                position += 1
            case UInt8(ascii: "\""):
                quote()
                if try quotation(level, into: &text) { word.isFixed = false }
            case UInt8(ascii: "\\"):
                position += 1
                guard position < bytes.count else { break scan }
                if bytes[position] != 0x0A {
                    quote()
                    text.append(bytes[position])
                }
                position += 1
            case UInt8(ascii: "$"):
                let start = position
                if try dollar(level) { word.isFixed = false }
                text += bytes[start..<min(position, bytes.count)]
            case UInt8(ascii: "`"):
                try backticks(level)
                word.isFixed = false
                text.append(byte)
            default:
                text.append(byte)
                position += 1
            }
        }
        word.text = String(decoding: text, as: UTF8.self)
        return (word, isQuoted)
    }

    /// A text in double quotes; whether anything in it is expanded.
    mutating func quotation(_ level: Int, into text: inout [UInt8]) throws(ShellUnreadable) -> Bool {
        let start = position
        try enter()
        defer { nesting -= 1 }
        position += 1
        var isExpanded = false
        while position < bytes.count {
            switch bytes[position] {
            case 0x22:
                position += 1
                return isExpanded
            case UInt8(ascii: "\\"):
                position += 1
                guard position < bytes.count else { break }
                if ![0x0A, 0x22, 0x24, 0x5C, 0x60].contains(bytes[position]) { text.append(0x5C) }
                if bytes[position] != 0x0A { text.append(bytes[position]) }
                position += 1
            case UInt8(ascii: "$"):
                let start = position
                if try dollar(level) { isExpanded = true }
                text += bytes[start..<min(position, bytes.count)]
            case UInt8(ascii: "`"):
                try backticks(level)
                isExpanded = true
            default:
                text.append(bytes[position])
                position += 1
            }
        }
        throw unreadable("an unfinished quotation (\")", at: start)
    }

    /// What begins with a dollar sign; whether it is an expansion.
    mutating func dollar(_ level: Int) throws(ShellUnreadable) -> Bool {
        position += 1
        guard position < bytes.count else { return false }
        switch bytes[position] {
        case UInt8(ascii: "("):
            if peek("(", after: 1) {
                try arithmetic(level)
            } else {
                position += 1
                try list(until: UInt8(ascii: ")"), level: level + 1)
            }
            return true
        case UInt8(ascii: "{"):
            try brace(level)
            return true
        case UInt8(ascii: "'"):
            let start = position
            position += 1
            while position < bytes.count, bytes[position] != 0x27 {
                position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
            }
            guard position < bytes.count else { throw unreadable("an unfinished quotation ($')", at: start) }
            position += 1
            return true
        case UInt8(ascii: "\""): return false
        case let byte where Self.isLetter(byte) || byte == 0x5F:
            while position < bytes.count,
                Self.isLetter(bytes[position]) || bytes[position] == 0x5F || (0x30...0x39).contains(bytes[position])
            {
                position += 1
            }
            return true
        case let byte where (0x30...0x39).contains(byte) || "?!#$@*-".utf8.contains(byte):
            position += 1
            return true
        default: return false
        }
    }

    private mutating func enter() throws(ShellUnreadable) {
        guard nesting < Self.deepestNesting else { throw unreadable("quotes nested too deeply") }
        nesting += 1
    }

    mutating func brace(_ level: Int) throws(ShellUnreadable) {
        let start = position
        try enter()
        defer { nesting -= 1 }
        position += 1
        var unused: [UInt8] = []
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "}"):
                position += 1
                return
            case UInt8(ascii: "\\"): position += 2
            case UInt8(ascii: "'"):
                position += 1
                while position < bytes.count, bytes[position] != 0x27 { position += 1 }
                position += 1
            case UInt8(ascii: "\""): _ = try quotation(level, into: &unused)
            case UInt8(ascii: "$"): _ = try dollar(level)
            case UInt8(ascii: "`"): try backticks(level)
            default: position += 1
            }
        }
        throw unreadable("an unfinished ${", at: start)
    }

    /// Balanced parentheses; substitutions within are read.
    mutating func arithmetic(_ level: Int) throws(ShellUnreadable) { _ = try balanced(level) }

    mutating func balanced(_ level: Int) throws(ShellUnreadable) -> [UInt8] {
        let start = position
        try enter()
        defer { nesting -= 1 }
        var open = 0
        var unused: [UInt8] = []
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "("):
                open += 1
                position += 1
            case UInt8(ascii: ")"):
                open -= 1
                position += 1
                if open == 0 { return Array(bytes[start..<position]) }
            case UInt8(ascii: "\\"): position += 2
            case UInt8(ascii: "\""): _ = try quotation(level, into: &unused)
            case UInt8(ascii: "$"): _ = try dollar(level)
            case UInt8(ascii: "`"): try backticks(level)
            default: position += 1
            }
        }
        throw unreadable("an unfinished parenthesis", at: start)
    }

    mutating func processSubstitution(_ level: Int) throws(ShellUnreadable) -> ShellCall.Word {
        let start = position
        position += 2
        try list(until: UInt8(ascii: ")"), level: level + 1)
        return ShellCall.Word(text: "<()", isFixed: false, offset: start)
    }

    /// A command in backticks, whose text is read as the shell does after it took the backslashes off.
    mutating func backticks(_ level: Int) throws(ShellUnreadable) {
        let start = position
        position += 1
        var inner: [UInt8] = []
        while position < bytes.count, bytes[position] != UInt8(ascii: "`") {
            if bytes[position] == UInt8(ascii: "\\"), position + 1 < bytes.count {
                position += 1
                if ![0x24, 0x5C, 0x60].contains(bytes[position]) { inner.append(0x5C) }
            }
            inner.append(bytes[position])
            position += 1
        }
        guard position < bytes.count else { throw unreadable("an unfinished substitution (`)", at: start) }
        position += 1
        guard depth + level < Self.deepest else { throw unreadable("commands nested too deeply") }
        let found = try Self.read(
            String(decoding: inner, as: UTF8.self), depth: depth + level + 1, words: wordsLeft)
        wordsLeft -= found.words
        reading.calls += found.calls
        reading.functions += found.functions
    }
}
