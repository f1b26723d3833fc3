/// Redirections and here-documents.
extension ShellParser {
    /// A here-document whose body follows the line.
    struct AwaitedDocument {
        /// The line that ends it.
        var end: String
        var stripsTabs: Bool
        /// Whether its text is taken literally, without expansions.
        var isPlain: Bool
        /// The index of the command that reads it.
        var command: Int?
    }

    mutating func redirect(_ current: inout Command, _ level: Int) throws(ShellRefusal) {
        if current.isEmpty { current.offset = position }
        let number = descriptor
        descriptor = nil
        let operatorStart = position
        let start = number?.offset ?? position
        let isInput = bytes[position] == UInt8(ascii: "<")
        position += 1
        if isInput, peek("<") { return try document(number, &current, level) }
        var kind = isInput ? ShellScript.Redirection.Operator.input : .output
        if isInput {
            if peek("&") || peek(">") {
                try refuseIfPlain("“<\(Character(UnicodeScalar(bytes[position])))”", at: operatorStart)
            }
            if take(">") { kind = .readWrite }
        } else if take(">") {
            kind = .append
        } else if peek("|") {
            try refuseIfPlain("“>|”", at: operatorStart)
            position += 1
        }
        if peek("&") {
            if kind != .output { try refuseIfPlain("a redirection without a file", at: start) }
            position += 1
            kind = kind == .input ? .duplicateInput : .duplicate
        }
        skipBlanks()
        let before = position
        if position >= bytes.count || "\n;|&<>#".utf8.contains(bytes[position]) {
            try refuseIfPlain("a redirection without a file", at: start)
        }
        let target = try word(level)
        let isDuplicate = kind == .duplicate || kind == .duplicateInput
        guard position > before || isDuplicate else { throw refusal("a redirection without a file") }
        let redirection = ShellScript.Redirection(
            descriptor: number.flatMap { Int($0.value) } ?? (isInput ? 0 : 1), kind: kind, target: target)
        if grammar == .plain { try checkPlain(redirection, at: start) }
        current.redirections.append(redirection)
    }

    /// Refuses any redirection but a plain one: to or from a named file, or `2>&1`.
    private func checkPlain(_ redirection: ShellScript.Redirection, at start: Int) throws(ShellRefusal) {
        let target = redirection.target
        if peek("<") || peek(">"), target.isNumber {
            throw refusal(
                target.value.utf8.count > 1
                    ? "a file descriptor of more than one digit" : "a redirection without a file",
                at: target.value.utf8.count > 1 ? target.offset : start)
        }
        guard target.isLiteral, !target.value.isEmpty else {
            throw refusal("a redirection to a name that the shell would look up", at: start)
        }
        if redirection.kind == .duplicate, target.isQuoted || !["0", "1", "2"].contains(target.value) {
            throw refusal("a redirection to “&\(target.value)”", at: start)
        }
        guard (0...2).contains(redirection.descriptor) else {
            throw refusal("a redirection of descriptor \(redirection.descriptor)", at: start)
        }
    }

    /// Reads `<<END`, `<<-END` or `<<<text`.
    private mutating func document(_ number: Word?, _ current: inout Command, _ level: Int) throws(ShellRefusal) {
        try refuseIfPlain("a here-document (<<)", at: position - 1)
        position += 1
        let descriptor = number.flatMap { Int($0.value) } ?? 0
        if take("<") {
            skipBlanks()
            let text = try word(level)
            current.document = text.value
            current.redirections.append(
                ShellScript.Redirection(descriptor: descriptor, kind: .hereString, target: text))
            return
        }
        let stripsTabs = take("-")
        skipBlanks()
        let end = try word(level)
        awaited.append(AwaitedDocument(end: end.value, stripsTabs: stripsTabs, isPlain: end.isQuoted))
        current.redirections.append(ShellScript.Redirection(descriptor: descriptor, kind: .hereDocument, target: end))
    }

    /// Reads the bodies of the here-documents that began on the line just ended.
    mutating func documents(_ level: Int) throws(ShellRefusal) {
        let due = awaited
        awaited = []
        for document in due {
            var body: [UInt8] = []
            let start = position
            var stop = position
            while position < bytes.count {
                let lineStart = position
                while position < bytes.count, bytes[position] != 0x0A { position += 1 }
                var line = bytes[lineStart..<position]
                if position < bytes.count { position += 1 }
                if document.stripsTabs { line = line.drop { $0 == 0x09 } }
                if line.elementsEqual(document.end.utf8) { break }
                body += line + [0x0A]
                stop = position
            }
            if let command = document.command, script.commands.indices.contains(command) {
                script.commands[command].document = String(decoding: body, as: UTF8.self)
            }
            guard !document.isPlain else { continue }
            // Substitutions in an unquoted body are run.
            let after = position
            position = start
            while position < stop {
                switch bytes[position] {
                case UInt8(ascii: "\\"): position += 2
                case UInt8(ascii: "$"): _ = try dollar(level)
                case UInt8(ascii: "`"): try backticks(level)
                default: position += 1
                }
            }
            position = max(after, position)
        }
    }
}
