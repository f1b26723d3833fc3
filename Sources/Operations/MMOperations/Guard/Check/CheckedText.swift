import MMCore

/// A text that the guard is asked about, and where it comes from.
struct CheckedText {
    /// The file as it was named; `nil` for a text of the command line or of standard input.
    let file: String?
    /// The text.
    let text: String
    /// What it is.
    let kind: CheckedKind

    private static let limit = 16 << 20

    /// A text of the command line, or the file that a word names.
    /// - Parameter kind: what it is; `nil` for what it looks like.
    /// - Throws: `invalidInput` for a file that isn't there, and for one that holds no text.
    init(word: String, kind: CheckedKind?, in context: OperationContext) throws(MMError) {
        let isMarked = word.hasPrefix("@") && !word.hasPrefix("@{") && !word.hasPrefix("@(")
        let name = isMarked ? String(word.dropFirst()) : word
        let path = context.call.path(name)
        // Only who reads files here anyway has them read.
        let isTerminal = context.call.caller.surface == .terminal
        if isTerminal, isMarked || Self.isFile(path) {
            try self.init(file: name, kind: kind, in: context)
        } else if isTerminal, Self.looksLikeFile(word) {
            throw MMError(
                .invalidInput, "There is no file \(word).",
                hint: "Check the name. A script as a text is quoted: mm guard check 'Get-Mailbox'.",
                details: ["file": .string(word)])
        } else {
            self.init(text: word, kind: kind)
        }
    }

    /// A file.
    /// - Throws: `invalidInput`.
    init(file name: String, kind: CheckedKind?, in context: OperationContext) throws(MMError) {
        guard let bytes = try ProtectedFile.read(context.call.path(name), limit: Self.limit) else {
            throw MMError(
                .invalidInput, "There is no file \(name).", hint: "Check the name.", details: ["file": .string(name)])
        }
        guard let text = SavedText.isScript(name) ? SavedText.readScript(bytes) : SavedText.read(bytes) else {
            throw MMError(
                .invalidInput, "The file \(name) is no UTF-8 text.", hint: "Save it as UTF-8.",
                details: ["file": .string(name)])
        }
        // PowerShell writes a mark in front of what it saves.
        self.text = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
        file = name
        self.kind = kind ?? CheckedKind(ofFile: name) ?? CheckedKind(of: self.text)
    }

    /// A text.
    init(text: String, kind: CheckedKind?) {
        file = nil
        self.text = text
        self.kind = kind ?? CheckedKind(of: text)
    }

    private static func isFile(_ path: String) -> Bool {
        if case .file = FileStamp.lookUp(path) { true } else { false }
    }

    /// Whether a word can only mean a file: the name of a script, or a path without blanks that is no command's.
    private static func looksLikeFile(_ word: String) -> Bool {
        guard !word.contains(where: { $0.isWhitespace || "|;&$(){}<>'\"`".contains($0) }) else { return false }
        return CheckedKind(ofFile: word) != nil || word.hasSuffix(".txt")
    }
}

/// What a text is that the guard is asked about.
enum CheckedKind: String, CaseIterable, ArgumentValue {
    /// A script of PowerShell.
    case powershell
    /// A script of a POSIX shell.
    case shell
    /// A request: its method, endpoint and body.
    case request

    /// The methods that a request line begins with.
    static let methods: Set<String> = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]

    /// What a file's name says; `nil` where it says nothing.
    init?(ofFile name: String) {
        guard let dot = name.lastIndex(of: ".") else { return nil }
        switch name[name.index(after: dot)...].lowercased() {
        case "ps1", "psm1", "psd1": self = .powershell
        case "sh", "bash", "zsh", "dash", "ksh": self = .shell
        case "http", "rest": self = .request
        default: return nil
        }
    }

    /// What a text looks like.
    init(of text: String) {
        let lines = text.split(whereSeparator: \.isNewline)
        let first = lines.first ?? ""
        if first.hasPrefix("#!") {
            self = first.contains("pwsh") ? .powershell : .shell
            return
        }
        let words = first.split(separator: " ", maxSplits: 2)
        if words.count > 1, Self.methods.contains(String(words[0])), words[1].contains("/") {
            self = .request
            return
        }
        self = Self.isPowerShell(text) ? .powershell : .shell
    }

    /// Whether a text says by its own words that it is one of PowerShell. Where both languages would take it, as with a
    /// name alone, only a shell's plain lower-case command is a shell's.
    private static func isPowerShell(_ text: String) -> Bool {
        let start = text.drop { $0.isWhitespace }
        if start.hasPrefix("$") || start.hasPrefix("[") || start.hasPrefix("@") || start.hasPrefix("#requires") {
            // `$(…)` and `[ … ]` begin commands of a shell, too.
            return !start.hasPrefix("$(") && !start.hasPrefix("[ ") && !start.hasPrefix("[[ ")
        }
        if words(of: text[...]).contains(where: isCmdlet) { return true }
        let word = start.prefix { $0.isLetter }.lowercased()
        if ["param", "function", "foreach", "switch", "try", "using", "filter", "begin", "process"].contains(word) {
            return true
        }
        return start.first?.isLowercase != true && start.first != "/" && start.first != "."
    }

    private static func words(of text: Substring) -> [String] {
        text.split { $0.isWhitespace || "|;(){}=".contains($0) }.map(String.init)
    }

    /// A verb, a dash and a noun, as cmdlets are called.
    private static func isCmdlet(_ word: String) -> Bool {
        let parts = word.split(separator: "-", maxSplits: 1)
        guard parts.count == 2, let verb = parts[0].first, let noun = parts[1].first else { return false }
        return verb.isUppercase && noun.isUppercase && word.allSatisfy { $0.isLetter || $0.isNumber || $0 == "-" }
    }
}
