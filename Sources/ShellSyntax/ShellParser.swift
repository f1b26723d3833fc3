/// Reads the accepted grammar, byte by byte, without looking back.
struct ShellParser {
    private let bytes: [UInt8]
    private var position = 0

    static let maximumBytes = 1 << 20

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    private enum Token {
        case word(ShellWord, number: Int?)
        case joint(ShellScript.Joint)
        case lineEnd
        case redirect(ShellRedirection.Operator, descriptor: Int?)
        case end
    }

    mutating func parse() throws(ShellRefusal) -> ShellScript {
        guard bytes.count <= Self.maximumBytes else { throw refusal("a text of more than 1 MiB", at: 0) }
        var commands: [ShellScript.Command] = []
        var words: [ShellWord] = []
        var redirections: [ShellRedirection] = []
        // Whether a joint stands before this place that needs a command after it.
        var isOpen = false
        while true {
            let start = position
            let token = try next()
            switch token {
            case .word(let word, _):
                if words.isEmpty { try checkName(word) }
                words.append(word)
            case .redirect(let kind, let descriptor):
                redirections.append(try redirection(kind, descriptor, at: start))
            case .joint, .lineEnd, .end:
                if words.isEmpty {
                    guard redirections.isEmpty else { throw refusal("a redirection without a command", at: start) }
                    if case .joint(let joint) = token {
                        throw refusal("“\(joint.rawValue)” without a command before it", at: start)
                    }
                    if case .end = token {
                        guard !isOpen else { throw refusal("an unfinished list of commands", at: start) }
                        guard !commands.isEmpty else { throw refusal("no command", at: start) }
                        commands[commands.count - 1].joint = nil
                        return ShellScript(commands: commands)
                    }
                    continue
                }
                var joint = ShellScript.Joint.sequence
                if case .joint(let found) = token { joint = found }
                isOpen = joint != .sequence
                commands.append(ShellScript.Command(words: words, redirections: redirections, joint: joint))
                words = []
                redirections = []
                if case .end = token {
                    guard !isOpen else { throw refusal("an unfinished list of commands", at: start) }
                    commands[commands.count - 1].joint = nil
                    return ShellScript(commands: commands)
                }
            }
        }
    }

    // MARK: Tokens

    private mutating func next() throws(ShellRefusal) -> Token {
        skipBlanks()
        guard position < bytes.count else { return .end }
        let start = position
        switch bytes[position] {
        case UInt8(ascii: "\n"):
            position += 1
            return .lineEnd
        case UInt8(ascii: "#"):
            while position < bytes.count, bytes[position] != 0x0A {
                try checkCharacter()
                position += 1
            }
            return try next()
        case UInt8(ascii: ";"):
            position += 1
            if peek(0x3B) { throw refusal("“;;”", at: start) }
            return .joint(.sequence)
        case UInt8(ascii: "|"):
            position += 1
            if take(0x7C) { return .joint(.or) }
            if peek(0x26) { throw refusal("“|&”", at: start) }
            return .joint(.pipe)
        case UInt8(ascii: "&"):
            position += 1
            if take(0x26) { return .joint(.and) }
            throw refusal(peek(0x3E) ? "“&>”" : "a command in the background (&)", at: start)
        case UInt8(ascii: "<"), UInt8(ascii: ">"):
            return try redirectOperator(descriptor: nil)
        default:
            return try word()
        }
    }

    private mutating func skipBlanks() {
        while position < bytes.count {
            if bytes[position] == 0x20 || bytes[position] == 0x09 {
                position += 1
            } else if bytes[position] == 0x5C, position + 1 < bytes.count, bytes[position + 1] == 0x0A {
                position += 2
            } else {
                return
            }
        }
    }

    private func peek(_ byte: UInt8) -> Bool { position < bytes.count && bytes[position] == byte }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek(byte) else { return false }
        position += 1
        return true
    }

    private mutating func redirectOperator(descriptor: Int?) throws(ShellRefusal) -> Token {
        let start = position
        let first = bytes[position]
        position += 1
        if first == UInt8(ascii: "<") {
            if peek(0x3C) { throw refusal("a here-document (<<)", at: start) }
            if peek(0x28) { throw refusal("a process substitution", at: start) }
            if peek(0x26) || peek(0x3E) { throw refusal("“<\(Character(UnicodeScalar(bytes[position])))”", at: start) }
            return .redirect(.input, descriptor: descriptor)
        }
        if take(0x3E) { return .redirect(.append, descriptor: descriptor) }
        if peek(0x28) { throw refusal("a process substitution", at: start) }
        if peek(0x7C) { throw refusal("“>|”", at: start) }
        if take(0x26) { return .redirect(.duplicate, descriptor: descriptor) }
        return .redirect(.output, descriptor: descriptor)
    }

    private mutating func redirection(
        _ kind: ShellRedirection.Operator, _ descriptor: Int?, at start: Int
    ) throws(ShellRefusal) -> ShellRedirection {
        skipBlanks()
        guard position < bytes.count, ![0x0A, 0x3B, 0x7C, 0x26, 0x3C, 0x3E, 0x23].contains(bytes[position]),
            case .word(let target, let number) = try word()
        else { throw refusal("a redirection without a file", at: start) }
        guard target.isLiteral, !target.value.isEmpty else {
            throw refusal("a redirection to a name that the shell would look up", at: start)
        }
        if kind == .duplicate {
            guard let number, (0...2).contains(number) else {
                throw refusal("a redirection to “&\(target.value)”", at: start)
            }
        }
        let usual = kind == .input ? 0 : 1
        guard (0...2).contains(descriptor ?? usual) else {
            throw refusal("a redirection of descriptor \(descriptor ?? usual)", at: start)
        }
        return ShellRedirection(descriptor: descriptor ?? usual, kind: kind, target: target)
    }

    // MARK: Words

    private mutating func word() throws(ShellRefusal) -> Token {
        let start = position
        var value: [UInt8] = []
        var isLiteral = true
        var isQuoted = false
        scan: while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case 0x20, 0x09, 0x0A, UInt8(ascii: ";"), UInt8(ascii: "|"), UInt8(ascii: "&"): break scan
            case UInt8(ascii: "<"), UInt8(ascii: ">"):
                // Digits that touch the operator name a descriptor.
                if !isQuoted, !value.isEmpty, value.allSatisfy({ (0x30...0x39).contains($0) }) {
                    guard value.count == 1 else { throw refusal("a descriptor of several digits", at: start) }
                    return try redirectOperator(descriptor: Int(value[0] - 0x30))
                }
                break scan
            case UInt8(ascii: "'"):
                isQuoted = true
                try singleQuoted(into: &value)
            case UInt8(ascii: "\""):
                isQuoted = true
                try doubleQuoted(into: &value)
            case UInt8(ascii: "\\"):
                guard position + 1 < bytes.count else { throw refusal("a backslash at the end", at: position) }
                position += 1
                if bytes[position] != 0x0A {
                    isQuoted = true
                    try copyCharacter(into: &value)
                } else {
                    position += 1
                }
            case UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "["), UInt8(ascii: "]"):
                isLiteral = false
                value.append(byte)
                position += 1
            case UInt8(ascii: "~") where value.isEmpty && !isQuoted || value.last == 0x3A || value.last == 0x3D:
                isLiteral = false
                value.append(byte)
                position += 1
            default:
                if let construct = Self.refused[byte] { throw refusal(construct, at: position) }
                try copyCharacter(into: &value)
            }
        }
        guard position > start else { throw refusal("an unexpected character", at: start) }
        let number = !isQuoted && value.count == 1 && (0x30...0x39).contains(value[0]) ? Int(value[0] - 0x30) : nil
        let text = String(decoding: value, as: UTF8.self)
        return .word(ShellWord(text, isLiteral: isLiteral, offset: start), number: number)
    }

    private static let refused: [UInt8: String] = [
        UInt8(ascii: "$"): "a variable or substitution ($)", UInt8(ascii: "`"): "a command substitution (`)",
        UInt8(ascii: "("): "a parenthesis", UInt8(ascii: ")"): "a parenthesis", UInt8(ascii: "{"): "a brace",
        UInt8(ascii: "}"): "a brace",
    ]

    private static let reserved: Set<String> = [
        "!", "if", "then", "else", "elif", "fi", "do", "done", "case", "esac", "while", "until", "for", "in",
        "function", "select", "time", "coproc", "[[", "]]", "repeat", "foreach", "end", "nocorrect", "noglob",
    ]

    private func checkName(_ word: ShellWord) throws(ShellRefusal) {
        guard word.isLiteral else {
            throw refusal("a command name that the shell would look up (“\(word.value)”)", at: word.offset)
        }
        guard !word.value.isEmpty else { throw refusal("an empty command name", at: word.offset) }
        // Judged even when quoted: nothing is lost, and no shell's opinion on it matters.
        if Self.reserved.contains(word.value) {
            throw refusal("the reserved word “\(word.value)”", at: word.offset)
        }
        if word.value.contains("=") { throw refusal("an assignment (“\(word.value)”)", at: word.offset) }
    }

    private mutating func singleQuoted(into value: inout [UInt8]) throws(ShellRefusal) {
        let start = position
        position += 1
        while position < bytes.count, bytes[position] != 0x27 { try copyCharacter(into: &value, isQuoted: true) }
        guard take(0x27) else { throw refusal("an unfinished quotation (')", at: start) }
    }

    private mutating func doubleQuoted(into value: inout [UInt8]) throws(ShellRefusal) {
        let start = position
        position += 1
        while position < bytes.count, bytes[position] != 0x22 {
            switch bytes[position] {
            case UInt8(ascii: "$"), UInt8(ascii: "`"):
                throw refusal(Self.refused[bytes[position]] ?? "a substitution", at: position)
            case UInt8(ascii: "\\"):
                guard position + 1 < bytes.count else { throw refusal("an unfinished quotation (\")", at: start) }
                switch bytes[position + 1] {
                case 0x0A: position += 2
                case UInt8(ascii: "$"), UInt8(ascii: "`"), UInt8(ascii: "\""), UInt8(ascii: "\\"):
                    value.append(bytes[position + 1])
                    position += 2
                default:
                    value.append(0x5C)
                    position += 1
                }
            default: try copyCharacter(into: &value, isQuoted: true)
            }
        }
        guard take(0x22) else { throw refusal("an unfinished quotation (\")", at: start) }
    }

    // MARK: Characters

    private mutating func copyCharacter(into value: inout [UInt8], isQuoted: Bool = false) throws(ShellRefusal) {
        try checkCharacter(isQuoted: isQuoted)
        value.append(bytes[position])
        position += 1
    }

    /// Refuses what shells and people see differently.
    private func checkCharacter(isQuoted: Bool = false) throws(ShellRefusal) {
        let byte = bytes[position]
        if byte < 0x20, byte != 0x09, !(isQuoted && byte == 0x0A) {
            throw refusal(
                byte == 0 ? "a NUL character" : byte == 0x0D ? "a carriage return" : "a control character", at: position
            )
        }
        if byte == 0x7F { throw refusal("a control character", at: position) }
        // The blanks and invisible characters beyond ASCII begin with one of these bytes in UTF-8.
        guard !isQuoted, byte == 0xC2 || byte == 0xE1 || byte == 0xE2 || byte == 0xE3 || byte == 0xEF else { return }
        let scalar = scalarHere()
        let isBlank =
            scalar == 0x85 || scalar == 0xA0 || scalar == 0xAD || scalar == 0x1680 || scalar == 0x180E
            || (0x2000...0x200F).contains(scalar) || (0x2028...0x202F).contains(scalar)
            || (0x205F...0x206F).contains(scalar) || scalar == 0x3000 || scalar == 0xFEFF
            || (0x80...0x9F).contains(scalar)
        if isBlank { throw refusal("a blank or invisible character beyond ASCII", at: position) }
    }

    private func scalarHere() -> UInt32 {
        String(decoding: bytes[position..<min(position + 4, bytes.count)], as: UTF8.self).unicodeScalars.first?.value
            ?? 0
    }

    private func refusal(_ construct: String, at offset: Int) -> ShellRefusal {
        let place = min(max(offset, 0), bytes.count)
        return ShellRefusal(construct: construct, offset: place, line: 1 + bytes[..<place].count { $0 == 0x0A })
    }
}
