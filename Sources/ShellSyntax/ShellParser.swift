/// Parses a text byte by byte, without backtracking.
///
/// The plain grammar is a subset of the whole one: a construct outside the subset calls ``refuseIfPlain(_:at:)`` where it is
/// found.
struct ShellParser {
    let bytes: [UInt8]
    let grammar: ShellScript.Grammar
    var position = 0
    var script = ShellScript()
    /// Here-documents whose bodies follow the current line.
    var awaited: [AwaitedDocument] = []
    /// The number directly before the next redirection.
    var descriptor: Word?

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

    init(_ bytes: [UInt8], _ grammar: ShellScript.Grammar, depth: Int = 0, words: Int = maximumWords) {
        self.bytes = bytes
        self.grammar = grammar
        self.depth = depth
        // Words of the plain grammar cost their readers little.
        wordsLeft = grammar == .plain ? .max : words
    }

    mutating func parse() throws(ShellRefusal) -> ShellScript {
        guard bytes.count <= Self.maximumBytes else { throw refusal("a text of more than 1 MiB", at: 0) }
        try list(until: nil)
        return script
    }

    /// Refuses a construct under the plain grammar.
    func refuseIfPlain(_ construct: @autoclosure () -> String, at offset: Int) throws(ShellRefusal) {
        if grammar == .plain { throw refusal(construct(), at: offset) }
    }

    func refusal(_ construct: String, at offset: Int? = nil) -> ShellRefusal {
        let place = min(max(offset ?? position, 0), bytes.count)
        return ShellRefusal(construct: construct, offset: place, line: 1 + bytes[..<place].count { $0 == 0x0A })
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

        /// Notes a keyword that opens or closes such a construct; what stands in one that reads a pipe reads it too.
        mutating func note(keyword: String) {
            switch keyword {
            case "{", "if", "while", "until", "for", "select", "case":
                if fedDepth > 0 || current.readsPipe { fedDepth += 1 }
            case "}", "fi", "done", "esac": fedDepth = max(fedDepth - 1, 0)
            default: break
            }
        }
    }

    /// Parses commands up to the end of the text or a closing parenthesis.
    mutating func list(until end: UInt8?, level: Int = 0) throws(ShellRefusal) {
        guard depth + level < Self.deepestCommands else { throw refusal("commands nested too deeply") }
        var list = List(level: level)
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
                while position < bytes.count, bytes[position] != 0x0A {
                    try checkCharacter()
                    position += 1
                }
            case 0x0A, 0x0D:
                if bytes[position] == 0x0D { try refuseIfPlain("a carriage return", at: here) }
                position += 1
                if list.isPattern { continue }
                try finish(&list, nil, at: here)
                try documents(level)
            case UInt8(ascii: ";"):
                position += 1
                if peek(";") { try refuseIfPlain("“;;”", at: here) }
                try finish(&list, .sequence, at: here)
                if peek("&") { try refuseIfPlain("a background command (&)", at: position) }
                if take(";") || take("&") {
                    _ = take("&")
                    list.isPattern = list.cases > 0
                }
            case UInt8(ascii: "&"):
                position += 1
                if take("&") {
                    try finish(&list, .and, at: here)
                } else if peek(">") {
                    try refuseIfPlain("“&>”", at: here)
                    try redirect(&list.current, level)
                } else {
                    try refuseIfPlain("a background command (&)", at: here)
                    try finish(&list, .sequence, at: here)
                }
            case UInt8(ascii: "|"):
                position += 1
                if list.isPattern { continue }
                if take("|") {
                    try finish(&list, .or, at: here)
                } else {
                    if take("&") { try refuseIfPlain("“|&”", at: here) }
                    try finish(&list, .pipe, at: here)
                    list.current.readsPipe = true
                }
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
                    list.current.words.append(try processSubstitution(level))
                } else {
                    try redirect(&list.current, level)
                }
            default: try element(&list)
            }
        }
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
        keep(&list, joint ?? .sequence)
    }

    /// Ends a list.
    private mutating func close(_ list: inout List, at offset: Int) throws(ShellRefusal) {
        if list.current.words.isEmpty {
            if !list.current.redirections.isEmpty { try refuseIfPlain("a redirection without a command", at: offset) }
            if list.isOpen { try refuseIfPlain("an unfinished list of commands", at: offset) }
            if list.last == nil { try refuseIfPlain("no command", at: offset) }
        }
        keep(&list, nil)
        if let last = list.last { script.commands[last].controlOperator = nil }
    }

    /// Appends the current command to the script.
    mutating func keep(_ list: inout List, _ joint: ShellScript.ControlOperator?) {
        if !list.current.isEmpty {
            for index in awaited.indices where awaited[index].command == nil {
                awaited[index].command = script.commands.count
            }
            list.namesCoprocess = false
            list.last = script.commands.count
            list.current.controlOperator = joint
            if list.fedDepth > 0 { list.current.readsPipe = true }
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
            script.functions.append(list.current.words[0].value)
            list.current = Command()
            return
        }
        guard list.current.words.isEmpty else { throw refusal("a parenthesis") }
        if peek("(", after: 1) {
            _ = try balanced(list.level)
            return
        }
        position += 1
        let first = script.commands.count
        try self.list(until: UInt8(ascii: ")"), level: list.level + 1)
        if list.current.readsPipe || list.fedDepth > 0 {
            for index in script.commands.indices.dropFirst(first) { script.commands[index].readsPipe = true }
        }
    }
}
