/// The start of commands: keywords, assignments and names.
extension ShellParser {
    /// Keywords after which a command may begin, as at the start of a line.
    private static let passed: Set<String> = [
        "if", "then", "elif", "else", "do", "while", "until", "!", "{", "time", "coproc", "fi", "done", "}",
    ]

    /// Keywords that begin a compound command.
    private static let opening: Set<String> = ["{", "while", "until", "for", "if", "case", "select", "[["]

    /// Builtins whose words are assignments.
    private static let declaring: Set<String> = ["declare", "typeset", "local", "readonly", "export"]

    /// Words that shells interpret as something other than a program's name.
    private static let reserved: Set<String> = [
        "!", "if", "then", "else", "elif", "fi", "do", "done", "case", "esac", "while", "until", "for", "in",
        "function", "select", "time", "coproc", "[[", "]]", "repeat", "foreach", "end", "nocorrect", "noglob",
    ]

    /// Reads a word, an assignment or, at the start of a command, a keyword.
    mutating func element(_ list: inout List) throws(ShellRefusal) {
        let start = position
        let word = try word(list.level)
        if position == start { throw refusal("an unexpected character") }
        // Digits directly before the operator name a descriptor.
        if peek("<") || peek(">"), word.isNumber {
            if word.value.utf8.count > 1 { try refuseIfPlain("a file descriptor of more than one digit", at: start) }
            descriptor = word
            return
        }
        // `coproc NAME {`: the name is no program's.
        if list.namesCoprocess, list.current.words.count == 1, Self.opening.contains(word.value), !word.isQuoted {
            script.bindings.append(ShellScript.Binding(name: list.current.words[0], values: []))
            list.current = Command()
        }
        guard list.current.words.isEmpty else {
            list.current.words.append(word)
            // A builtin that declares takes lists as an assignment does.
            if Self.declaring.contains(list.current.words[0].value), word.value.hasSuffix("="), Self.isAssignment(word),
                take("(")
            {
                try array(of: word, list.level)
            }
            return
        }
        if grammar == .plain { try checkName(word) }
        list.namesCoprocess =
            word.value == "coproc" && !word.isQuoted || list.namesCoprocess && !Self.opening.contains(word.value)
        // The value may be quoted; a quoted name is not a variable's.
        if word.isQuoted, !list.isPattern, Self.isAssignment(word) { return assign(word, &list.current) }
        guard !word.isQuoted, !list.isPattern || word.value == "esac" else { return begin(word, &list.current) }
        list.note(keyword: word.value)
        switch word.value {
        case let keyword where Self.passed.contains(keyword): keep(&list, .sequence)
        case "esac":
            list.cases -= 1
            list.isPattern = false
        case "for", "select": try loopHead(list.level)
        case "case": try caseHead(&list)
        case "function":
            skipBlanks()
            script.functions.append(try self.word(list.level).value)
            skipBlanks()
            if take("(") {
                skipBlanks()
                guard take(")") else { throw refusal("a parenthesis") }
            }
        case "[[":
            begin(word, &list.current)
            try test(&list)
        case _ where Self.isAssignment(word):
            assign(word, &list.current)
            if word.value.hasSuffix("="), take("(") { try array(of: word, list.level) }
        default: begin(word, &list.current)
        }
    }

    private func begin(_ word: Word, _ command: inout Command) {
        if command.isEmpty { command.offset = word.offset }
        command.words.append(word)
    }

    private func assign(_ word: Word, _ command: inout Command) {
        if command.isEmpty { command.offset = word.offset }
        command.assignments.append(word)
    }

    /// Refuses anything but the plain name of a program.
    private func checkName(_ word: Word) throws(ShellRefusal) {
        guard word.isLiteral else {
            throw refusal("a command name that the shell would expand (“\(word.value)”)", at: word.offset)
        }
        guard !word.value.isEmpty else { throw refusal("an empty command name", at: word.offset) }
        // Applies to quoted words as well: little is lost, and the result doesn't depend on a shell's interpretation.
        if Self.reserved.contains(word.value) { throw refusal("the reserved word “\(word.value)”", at: word.offset) }
        if word.value.utf8.contains(0x3D) { throw refusal("an assignment (“\(word.value)”)", at: word.offset) }
    }

    private static func isAssignment(_ word: Word) -> Bool {
        let text = word.value
        guard let equals = text.utf8.firstIndex(of: 0x3D),
            word.bytesBeforeQuote.map({ text.utf8.distance(from: text.startIndex, to: equals) < $0 }) ?? true
        else { return false }
        var name = text[..<equals]
        if name.hasSuffix("+") { name = name.dropLast() }
        if let bracket = name.utf8.firstIndex(of: 0x5B), name.hasSuffix("]") { name = name[..<bracket] }
        guard let first = name.utf8.first, first == 0x5F || isLetter(first) else { return false }
        return name.utf8.allSatisfy { $0 == 0x5F || isLetter($0) || (0x30...0x39).contains($0) }
    }

    /// Reads the part between `for` and its body. Its words are data; substitutions in them are parsed.
    private mutating func loopHead(_ level: Int) throws(ShellRefusal) {
        skipBlanks()
        if peek("(") {
            _ = try balanced(level)
            return
        }
        var words: [Word] = []
        while position < bytes.count, !peek(";"), !peek("\n") {
            let before = position
            words.append(try word(level))
            skipBlanks()
            if position == before { throw refusal("an unexpected character in a loop") }
        }
        if let name = words.first {
            script.bindings.append(ShellScript.Binding(name: name, values: Array(words.dropFirst(2))))
        }
    }

    /// Reads the part between `case` and its first pattern.
    private mutating func caseHead(_ list: inout List) throws(ShellRefusal) {
        skipBlanks()
        _ = try word(list.level)
        repeat { skipBlanks() } while take("\n")
        guard try word(list.level).value == "in" else { throw refusal("a case without “in”") }
        list.cases += 1
        list.isPattern = true
    }

    /// Reads the values of a list, `NAME=(…)`.
    private mutating func array(of assignment: Word, _ level: Int) throws(ShellRefusal) {
        var values: [Word] = []
        let name = assignment.value.prefix { $0 != "=" && $0 != "+" && $0 != "[" }
        while true {
            skipBlanks()
            if take("\n") { continue }
            if take(")") {
                return script.bindings.append(ShellScript.Binding(name: Word(String(name)), values: values))
            }
            let before = position
            values.append(try word(level))
            if position == before { throw refusal("an unfinished list") }
        }
    }

    /// Reads `[[ … ]]`, in which operators are ordinary words.
    private mutating func test(_ list: inout List) throws(ShellRefusal) {
        while position < bytes.count {
            skipBlanks()
            let before = position
            let word = try word(list.level)
            if word.value == "]]", !word.isQuoted { return }
            if position > before { list.current.words.append(word) }
            if position == before { position += 1 }
        }
        throw refusal("an unfinished [[")
    }
}
