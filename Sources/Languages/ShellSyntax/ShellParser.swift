/// Parses a text byte by byte, without backtracking.
///
/// The plain grammar is a subset of the whole one: a construct outside the subset calls ``refuseIfPlain(_:at:)`` where
/// it is found.
struct ShellParser {
    let bytes: [UInt8]
    let grammar: ShellScript.Grammar
    /// Whether bash reads the text, and no other shell.
    let isBash: Bool
    var position = 0
    var script = ShellScript()
    /// Here-documents whose bodies follow the current line.
    var awaited: [AwaitedDocument] = []
    /// The number directly before the next redirection.
    var descriptor: Word?
    /// The word just read, if it contains unquoted braces.
    var braced: BracedText?
    /// The compound commands that have redirections of their own.
    var redirected: [Compound] = []

    /// How deeply this text is nested in others.
    let depth: Int
    /// How deeply quotes and expansions are nested: each level is a call on a small stack.
    var nesting = 0
    /// The number of words that may still come: readers of a script compare each word with many names.
    var wordsLeft: Int

    typealias Word = ShellScript.Word
    typealias Command = ShellScript.Command

    static let maximumBytes = 1 << 20
    static let maximumWords = 100_000
    static let deepestNesting = 100
    static let deepestCommands = 40

    init(
        _ bytes: [UInt8], _ grammar: ShellScript.Grammar, isBash: Bool, depth: Int = 0, words: Int = maximumWords
    ) {
        self.bytes = bytes
        self.grammar = grammar
        self.isBash = isBash
        self.depth = depth
        // Words of the plain grammar cost their readers little.
        wordsLeft = grammar == .plain ? .max : words
    }

    mutating func parse() throws(ShellRefusal) -> ShellScript {
        guard bytes.count <= Self.maximumBytes else { throw refusal("a text of more than 1 MiB", at: 0) }
        if grammar == .whole { try checkContinuations() }
        try list(until: nil)
        guard awaited.isEmpty else { throw refusal(Self.openDocument) }
        try resolveInputs()
        return script
    }

    /// Refuses a construct under the plain grammar.
    func refuseIfPlain(_ construct: @autoclosure () -> String, at offset: Int) throws(ShellRefusal) {
        if grammar == .plain { throw refusal(construct(), at: offset) }
    }

    func refusal(_ construct: String, at offset: Int? = nil) -> ShellRefusal {
        let place = min(max(offset ?? position, 0), bytes.count)
        return ShellRefusal(
            construct: construct, offset: place, line: 1 + bytes[..<place].count { $0 == 0x0A })
    }

    // MARK: Lists

    /// A list of commands that is being parsed.
    struct List {
        /// How deeply the list is nested in others of this text.
        var level: Int
        var current = Command()
        /// The number of open `case` statements.
        var cases = 0
        /// Whether a pattern of a `case` comes next.
        var isPattern = false
        /// The index of the last completed command.
        var last: Int?
        /// Whether an operator before this position still needs a command after it.
        var isOpen = false
        /// The number of open loops, groups and conditions since one that reads a pipe.
        var fedDepth = 0
        /// Whether the command that begins is a coprocess, which may have a name before it.
        var namesCoprocess = false
        /// The first here-document that this list awaits; those before it belong to commands around it.
        var firstDocument = 0
        /// The indices of the first commands of the open loops, groups and conditions.
        var openings: [Int] = []
        /// The compound command that has just ended, whose redirections may follow.
        var closed: Compound?
        /// The functions whose bodies haven't ended, by index, with the number of open constructs around each.
        var defined: [(function: Int, depth: Int)] = []
        /// The loops whose bodies haven't ended, by the index of their binding, with that number.
        var looped: [(binding: Int, depth: Int)] = []
        /// The index of the first command since the last separator.
        var first = 0
        /// Whether the next command runs whatever becomes of the one before it.
        var isReached = true

        /// Notes a keyword that opens or closes such a construct. The commands in a construct that reads a pipe read
        /// the pipe too.
        /// - Parameter next: the index of the next command.
        mutating func note(keyword: String, next: Int) {
            switch keyword {
            case "{", "if", "while", "until", "for", "select", "case":
                openings.append(next)
                if fedDepth > 0 || current.readsPipe { fedDepth += 1 }
            case "}", "fi", "done", "esac":
                fedDepth = max(fedDepth - 1, 0)
                if let first = openings.popLast() { closed = Compound(first: first, end: next) }
            default: break
            }
        }
    }

    /// Parses commands up to the end of the text or a closing parenthesis.
    mutating func list(until end: UInt8?, level: Int = 0) throws(ShellRefusal) {
        guard depth + level < Self.deepestCommands else { throw refusal("commands nested too deeply") }
        var list = List(level: level)
        list.firstDocument = awaited.count
        let start = position
        while true {
            skipBlanks()
            let here = position
            guard position < bytes.count else {
                guard end == nil else { throw refusal("an unclosed parenthesis", at: start) }
                return try close(&list, at: here)
            }
            switch bytes[position] {
            case UInt8(ascii: "#"):
                try skipComment()
            case 0x0A, 0x0D: try lineEnd(&list, level)
            case UInt8(ascii: ";"): try semicolon(&list)
            case UInt8(ascii: "&"): try ampersand(&list, level)
            case UInt8(ascii: "|"): try bar(&list)
            case UInt8(ascii: "("):
                try refuseIfPlain("a parenthesis", at: here)
                try parenthesis(&list)
            case UInt8(ascii: ")"):
                try refuseIfPlain("a parenthesis", at: here)
                position += 1
                if list.isPattern {
                    list.current = Command()
                    list.isPattern = false
                } else if end == UInt8(ascii: ")") {
                    return try close(&list, at: here)
                } else {
                    throw refusal("a closing parenthesis")
                }
            case UInt8(ascii: "<"), UInt8(ascii: ">"):
                if peek("(", after: 1) {
                    try refuseIfPlain("a process substitution", at: here)
                    descriptor = nil
                    begin(try processSubstitution(level), &list.current)
                    try checkWordEnds()
                } else {
                    try redirect(&list.current, level)
                }
            default: try element(&list)
            }
        }
    }

    private mutating func lineEnd(_ list: inout List, _ level: Int) throws(ShellRefusal) {
        let here = position
        if bytes[here] == 0x0D {
            try refuseIfPlain("a carriage return", at: here)
            // Elsewhere it is part of a word.
            guard here + 1 == bytes.count || peek("\n", after: 1) else { throw refusal("a carriage return", at: here) }
        }
        position += 1
        if list.isPattern {
            position = here
            if try !lineBreak() { position += 1 }
            return
        }
        try finish(&list, nil, at: here)
        if list.firstDocument > 0 { throw refusal("a here-document that begins within another command", at: here) }
        try documents(level)
    }

    /// Parses `;`, and `;;`, `;&` or `;;&`, behind which another pattern of a `case` begins.
    private mutating func semicolon(_ list: inout List) throws(ShellRefusal) {
        let here = position
        position += 1
        if peek(";") { try refuseIfPlain("“;;”", at: here) }
        try finish(&list, .sequence, at: here)
        if peek("&") { try refuseIfPlain("a background command (&)", at: position) }
        if take(";") || take("&") {
            _ = take("&")
            list.isPattern = list.cases > 0
        }
    }

    /// Parses `&&`, `&>` or the end of a background command.
    private mutating func ampersand(_ list: inout List, _ level: Int) throws(ShellRefusal) {
        let here = position
        position += 1
        if take("&") {
            try finish(&list, .and, at: here)
        } else if peek(">") {
            try refuseIfPlain("“&>”", at: here)
            try redirect(&list.current, level)
        } else {
            try refuseIfPlain("a background command (&)", at: here)
            let first = list.first
            try finish(&list, .sequence, at: here)
            for index in script.commands.indices.dropFirst(first) { script.commands[index].isCertain = false }
        }
    }

    /// Parses `||` or a pipe; in a pattern of a `case` it only separates alternatives.
    private mutating func bar(_ list: inout List) throws(ShellRefusal) {
        let here = position
        position += 1
        if list.isPattern { return }
        if take("|") { return try finish(&list, .or, at: here) }
        if take("&") { try refuseIfPlain("“|&”", at: here) }
        try finish(&list, .pipe, at: here)
        list.current.readsPipe = true
    }

    /// Ends the current command, if there is one.
    /// - Parameter joint: the operator that ended it; `nil` for a line end.
    private mutating func finish(_ list: inout List, _ joint: ShellScript.ControlOperator?, at offset: Int)
        throws(ShellRefusal)
    {
        if list.current.words.isEmpty {
            if !list.current.redirections.isEmpty { try refuseIfPlain("a redirection without a command", at: offset) }
            if let joint { try refuseIfPlain("“\(joint.rawValue)” without a command before it", at: offset) }
        } else {
            list.isOpen = joint != nil && joint != .sequence
        }
        // Behind an operator, a command may begin on the next line.
        let isContinued = joint == nil && list.current.isEmpty && !list.isReached
        keep(&list, joint ?? .sequence)
        guard !isContinued else { return }
        list.isReached = joint == nil || joint == .sequence
        if list.isReached { list.first = script.commands.count }
    }

    /// Ends a list.
    private mutating func close(_ list: inout List, at offset: Int) throws(ShellRefusal) {
        if list.current.words.isEmpty {
            if !list.current.redirections.isEmpty { try refuseIfPlain("a redirection without a command", at: offset) }
            if list.isOpen { try refuseIfPlain("an unfinished list of commands", at: offset) }
            if list.last == nil { try refuseIfPlain("no command", at: offset) }
        }
        if list.cases > 0 { throw refusal("an unfinished case", at: offset) }
        keep(&list, nil)
        endBodies(&list, isLast: true)
        endLoops(&list, isLast: true)
        if let last = list.last { script.commands[last].controlOperator = nil }
    }

    /// Appends the current command to the script.
    mutating func keep(_ list: inout List, _ joint: ShellScript.ControlOperator?) {
        if !list.current.isEmpty {
            for index in awaited.indices.dropFirst(list.firstDocument) where awaited[index].command == nil {
                awaited[index].command = script.commands.count
            }
            if var compound = list.closed, list.current.words.isEmpty, !list.current.redirections.isEmpty {
                compound.end = script.commands.count
                redirected.append(compound)
                list.current.closesCompound = true
            }
            list.closed = nil
            let isCoprocess = list.namesCoprocess
            list.namesCoprocess = false
            list.last = script.commands.count
            list.current.controlOperator = joint
            if list.fedDepth > 0 { list.current.readsPipe = true }
            list.current.isInConstruct = !list.openings.isEmpty
            list.current.isNested = depth + list.level > 0 || list.current.isInConstruct
            list.current.isCertain = !list.current.isNested && list.isReached && joint != .pipe && !isCoprocess
            script.commands.append(list.current)
        }
        list.current = Command()
    }

    private mutating func parenthesis(_ list: inout List) throws(ShellRefusal) {
        if list.isPattern {
            position += 1
            return
        }
        let opening = position
        let opensFile = list.current.redirections.contains { $0.opensFile || $0.kind == .hereDocument }
        if list.current.words.count == 1, list.current.assignments.isEmpty, !opensFile {
            position += 1
            skipBlanks()
            guard take(")") else { throw refusal("a parenthesis", at: opening) }
            define(list.current.words[0].value, &list)
            list.current = Command()
            return
        }
        guard list.current.words.isEmpty else { throw refusal("a parenthesis") }
        if try arithmetic(list.level, isCommand: true) { return }
        position += 1
        let first = script.commands.count
        try self.list(until: UInt8(ascii: ")"), level: list.level + 1)
        if list.current.readsPipe || list.fedDepth > 0 { feed(from: first) }
        list.closed = Compound(first: first, end: script.commands.count)
        endBodies(&list)
    }

    /// Notes that commands read another command's output.
    mutating func feed(from first: Int) {
        for index in script.commands.indices.dropFirst(first) { script.commands[index].readsPipe = true }
    }
}

/// Single characters: classes, look-ahead and what the plain grammar forbids.
extension ShellParser {
    static func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte & 0xDF) }

    mutating func skipBlanks() {
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

    /// Skips a comment, which begins where a token could.
    mutating func skipComment() throws(ShellRefusal) {
        guard peek("#") else { return }
        while position < bytes.count, bytes[position] != 0x0A {
            try checkCharacter()
            position += 1
        }
    }

    /// Skips blanks and the comment behind them.
    mutating func skipGap() throws(ShellRefusal) {
        let before = position
        skipBlanks()
        if position > before || position == 0 || "\n(".utf8.contains(bytes[position - 1]) { try skipComment() }
    }

    /// Reads a line end within a command. The text of a here-document would begin behind it.
    mutating func lineBreak() throws(ShellRefusal) -> Bool {
        _ = peek("\r") && peek("\n", after: 1) && take("\r")
        guard take("\n") else { return false }
        guard awaited.isEmpty else { throw refusal("a here-document that begins within another command") }
        return true
    }

    /// Refuses a text that continues the word just read: it would be read as a token of its own.
    func checkWordEnds() throws(ShellRefusal) {
        if position < bytes.count, !" \t\n\r;&|<>)".utf8.contains(bytes[position]) {
            throw refusal("a text directly behind a parenthesis")
        }
    }

    func peek(_ character: Unicode.Scalar, after steps: Int = 0) -> Bool {
        position + steps < bytes.count && UInt32(bytes[position + steps]) == character.value
    }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard peek(character) else { return false }
        position += 1
        return true
    }

    /// Refuses, under the plain grammar, characters that a shell reads differently from how people see them.
    func checkCharacter(isQuoted: Bool = false) throws(ShellRefusal) {
        guard grammar == .plain else { return }
        let byte = bytes[position]
        if byte < 0x20, byte != 0x09, !(isQuoted && byte == 0x0A) {
            throw refusal(
                byte == 0 ? "a NUL character" : byte == 0x0D ? "a carriage return" : "a control character",
                at: position)
        }
        if byte == 0x7F { throw refusal("a control character", at: position) }
        // In UTF-8, the blank and invisible characters beyond ASCII begin with one of these bytes.
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
}

/// The start of commands: keywords, assignments and names.
extension ShellParser {
    /// Keywords after which a command may begin, as at the start of a line.
    private static let passed: Set<String> = [
        "if", "then", "elif", "else", "do", "while", "until", "!", "{", "time", "coproc", "fi", "done", "}",
    ]

    /// Keywords that begin a compound command.
    private static let opening: Set<String> = ["{", "while", "until", "for", "if", "case", "select", "[["]

    /// Keywords that end a compound command.
    private static let closing: Set<String> = ["}", "fi", "done", "esac"]

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
        // In `coproc NAME {`, the name isn't a program's.
        if list.namesCoprocess, list.current.words.count == 1, Self.opening.contains(word.value), !word.isQuoted {
            script.bindings.append(ShellScript.Binding(name: list.current.words[0], values: []))
            list.current = Command()
        }
        guard list.current.words.isEmpty else {
            list.current.words += try alternatives(of: word)
            // Builtins that declare variables accept lists like assignments.
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
        // The value of an assignment may be quoted; with a quoted name it isn't an assignment.
        if word.isQuoted, !list.isPattern, Self.isAssignment(word) { return assign(word, &list.current) }
        guard !word.isQuoted, !list.isPattern || word.value == "esac" else { return begin(word, &list.current) }
        // Such a word is reserved only as the first of a command, but some shells look for it later too.
        if !list.current.isEmpty, word.value != "time", Self.reserved.contains(word.value) || word.value == "{" {
            throw refusal("a reserved word behind an assignment or a redirection", at: start)
        }
        list.note(keyword: word.value, next: script.commands.count)
        switch word.value {
        case let keyword where Self.passed.contains(keyword):
            if keyword == "do" { beginLoop(list) }
            keep(&list, .sequence)
        case "esac":
            guard list.cases > 0 else { throw refusal("an esac without a case", at: start) }
            list.cases -= 1
            list.isPattern = false
        case "for", "select": try loopHead(&list, isChoice: word.value == "select")
        case "case": try caseHead(&list)
        case "function":
            skipBlanks()
            define(try self.word(list.level).value, &list)
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
        if Self.closing.contains(word.value) {
            endBodies(&list)
            endLoops(&list)
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

    /// Reads the part between `case` and its first pattern.
    private mutating func caseHead(_ list: inout List) throws(ShellRefusal) {
        skipBlanks()
        _ = try word(list.level)
        repeat { try skipGap() } while try lineBreak()
        guard try word(list.level).value == "in" else { throw refusal("a case without “in”") }
        list.cases += 1
        list.isPattern = true
    }

    /// Reads the values of a list, `NAME=(…)`.
    private mutating func array(of assignment: Word, _ level: Int) throws(ShellRefusal) {
        var values: [Word] = []
        let name = assignment.value.prefix { $0 != "=" && $0 != "+" && $0 != "[" }
        while true {
            try skipGap()
            if try lineBreak() { continue }
            if take(")") {
                try checkWordEnds()
                return script.bindings.append(ShellScript.Binding(name: Word(String(name)), values: values))
            }
            let before = position
            let value = try word(level)
            values += try alternatives(of: value)
            if position == before { throw refusal("an unfinished list") }
        }
    }

    /// Reads `[[ … ]]`, in which operators are ordinary words. A shell that has no such tests runs what is behind a
    /// separator, so separators that a test can't contain are refused.
    private mutating func test(_ list: inout List) throws(ShellRefusal) {
        var operand: [Word] = []
        var mayBreak = false
        var isJoined = false
        while position < bytes.count {
            try skipGap()
            let before = position
            guard before < bytes.count else { break }
            if try lineBreak() {
                guard mayBreak else { throw refusal("a line end in [[", at: before) }
                continue
            }
            if continuesExpression, operand.count > 1, operand[1].value == "=~" {
                try pattern(list.level)
                continue
            }
            if peek("&") || peek("|") {
                guard bytes[before] == bytes[min(before + 1, bytes.count - 1)], before + 1 < bytes.count else {
                    throw refusal("a separator in [[ (write alternatives as (a|b))", at: before)
                }
                position += 2
                try check(operand, isJoined)
                (operand, mayBreak, isJoined) = ([], true, true)
                continue
            }
            if peek(";") { throw refusal("a separator in [[", at: before) }
            if peek("("), !operand.isEmpty {
                try pattern(list.level)
                continue
            }
            let word = try word(list.level)
            if word.value == "]]", !word.isQuoted {
                try check(operand, isJoined)
                // What follows it directly is a keyword, or for some shells a command: `if [[ -n a ]] then rm x; fi`.
                skipBlanks()
                if position < bytes.count, !";&|()<>\n".utf8.contains(bytes[position]) { keep(&list, .sequence) }
                return
            }
            if position == before { position += 1 }
            mayBreak = bytes[before] == UInt8(ascii: "(") || word.value == "!" && !word.isQuoted
            if !word.value.isEmpty || word.isQuoted { list.current.words.append(word) }
            if !mayBreak, bytes[before] != UInt8(ascii: ")") { operand.append(word) }
        }
        throw refusal("an unfinished [[")
    }

    /// Whether a bar of a regular expression is next, rather than a pipe, as other shells take it for.
    private var continuesExpression: Bool { isBash && peek("|") && !peek("|", after: 1) }

    /// Reads the rest of a pattern that contains parentheses or alternatives, as in `^(a|b)$`.
    private mutating func pattern(_ level: Int) throws(ShellRefusal) {
        var before = -1
        while position > before {
            before = position
            if peek("(") { _ = try balanced(level) } else if continuesExpression { position += 1 }
            _ = try word(level)
        }
    }

    /// Refuses what is no operand of a test but would be a command for a shell that has no tests.
    private func check(_ operand: [Word], _ isJoined: Bool) throws(ShellRefusal) {
        guard isJoined, !isBash, let first = operand.first, !first.value.hasPrefix("-") else { return }
        if operand.count == 1, !first.isFixed { return }
        let operators: Set<String> = [
            "==", "=", "!=", "=~", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef", "",
        ]
        guard operand.count == 3, operators.contains(operand[1].value) else {
            throw refusal("a condition that some shells would run", at: first.offset)
        }
    }
}

/// Redirections and here-documents.
extension ShellParser {
    /// A here-document whose body follows the line.
    struct AwaitedDocument {
        /// The line that ends it.
        var end: String
        var stripsTabs: Bool
        /// Whether its text is taken literally, without expansions.
        var isPlain: Bool
        /// The index of the redirection among those of its command.
        var redirection: Int
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
        let isSubstitution = (peek("<") || peek(">")) && peek("(", after: 1)
        if isSubstitution { try refuseIfPlain("a process substitution", at: before) }
        let target = isSubstitution ? try processSubstitution(level) : try word(level)
        let isDuplicate = kind == .duplicate || kind == .duplicateInput
        guard position > before || isDuplicate else { throw refusal("a redirection without a file") }
        if isSubstitution { try checkWordEnds() }
        // Some shells redirect to each file for which the word stands.
        let targets = isSubstitution ? [target] : try alternatives(of: target)
        for target in targets.isEmpty ? [target] : targets {
            let redirection = ShellScript.Redirection(
                descriptor: number.flatMap { Int($0.value) } ?? (isInput ? 0 : 1), kind: kind, target: target)
            if grammar == .plain { try checkPlain(redirection, at: start) }
            current.redirections.append(redirection)
        }
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
            current.redirections.append(
                ShellScript.Redirection(descriptor: descriptor, kind: .hereString, target: try word(level)))
            return
        }
        let stripsTabs = take("-")
        skipBlanks()
        let start = position
        let end = try word(level)
        if bytes[start..<position].contains(where: { "$`".utf8.contains($0) }) {
            throw refusal("the end of a here-document that shells read differently", at: start)
        }
        awaited.append(
            AwaitedDocument(
                // In a text with carriage returns, the one behind it belongs to it.
                end: end.value + (peek("\r") ? "\r" : ""), stripsTabs: stripsTabs, isPlain: end.isQuoted,
                redirection: current.redirections.count))
        current.redirections.append(ShellScript.Redirection(descriptor: descriptor, kind: .hereDocument, target: end))
    }

    /// Refuses a line that ends a here-document for some shells only, because of a backslash at a line's end.
    private func check(_ line: ArraySlice<UInt8>, _ isContinued: Bool, _ end: String, at offset: Int)
        throws(ShellRefusal)
    {
        let endsJoined = line.last == 0x5C && end.utf8.starts(with: line.dropLast())
        if endsJoined
            || isContinued && (end.utf8.elementsEqual(line) || line.drop { $0 == 0x09 }.elementsEqual(end.utf8))
        {
            throw refusal("the end of a here-document that shells read differently", at: offset)
        }
    }

    /// bash reads on to the end of the text, and zsh runs what follows.
    private static let openDocument = "a here-document whose end never comes"

    /// Reads the bodies of the here-documents that began on the line just ended.
    mutating func documents(_ level: Int) throws(ShellRefusal) {
        let due = awaited
        awaited = []
        for document in due {
            var body: [UInt8] = []
            let start = position
            var stop = position
            var isContinued = false
            var isClosed = false
            while position < bytes.count {
                let lineStart = position
                while position < bytes.count, bytes[position] != 0x0A { position += 1 }
                var line = bytes[lineStart..<position]
                if position < bytes.count { position += 1 }
                if document.stripsTabs { line = line.drop { $0 == 0x09 } }
                if !document.isPlain { try check(line, isContinued, document.end, at: lineStart) }
                isClosed = line.elementsEqual(document.end.utf8)
                if isClosed { break }
                isContinued = line.reversed().prefix { $0 == 0x5C }.count % 2 == 1
                body += line + [0x0A]
                stop = position
            }
            guard isClosed else { throw refusal(Self.openDocument, at: start) }
            if let command = document.command, script.commands.indices.contains(command) {
                script.commands[command].redirections[document.redirection].text = String(decoding: body, as: UTF8.self)
            }
            guard !document.isPlain else { continue }
            // Substitutions in an unquoted body are run.
            try expansions(in: start..<stop, level)
        }
    }

    /// Parses the substitutions in the body of a here-document, which can't reach beyond it.
    private mutating func expansions(in body: Range<Int>, _ level: Int) throws(ShellRefusal) {
        guard depth + level < Self.deepestCommands else { throw refusal("commands nested too deeply") }
        var parser = ShellParser(
            Array(bytes[body]), grammar, isBash: isBash, depth: depth + level + 1, words: wordsLeft)
        parser.nesting = nesting
        while parser.position < parser.bytes.count {
            switch parser.bytes[parser.position] {
            case UInt8(ascii: "\\"): parser.position += 2
            case UInt8(ascii: "$"): _ = try parser.dollar(0, isQuoted: true)
            case UInt8(ascii: "`"): try parser.backticks(0, quotes: .disputed)
            default: parser.position += 1
            }
        }
        adopt(parser)
    }
}
