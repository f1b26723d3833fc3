import MMCore
import MMGuard

/// A text for the guard to check, and its origin.
struct CheckedText {
    /// The name of the file; `nil` for a text from the command line or standard input.
    let file: String?
    /// The text.
    let text: String
    /// The text's kind.
    let kind: CheckedKind

    private static let limit = 16 << 20

    /// Takes a text of the command line, or reads the file that a word names.
    /// - Parameter kind: the kind; `nil` to detect it.
    /// - Throws: `invalidInput` if the file doesn't exist or contains no text.
    init(word: String, kind: CheckedKind?, in context: OperationContext) throws(MMError) {
        let isMarked = word.hasPrefix("@") && !word.hasPrefix("@{") && !word.hasPrefix("@(")
        let name = isMarked ? String(word.dropFirst()) : word
        let path = context.call.path(name)
        // Files are read only for callers in a terminal, who can read files here anyway.
        let isTerminal = context.call.caller.surface == .terminal
        if isTerminal, isMarked || Self.isFile(path) {
            try self.init(file: name, kind: kind, in: context)
        } else if isTerminal, Self.looksLikeFile(word) {
            throw MMError(
                .invalidInput, "There is no file \(word).",
                hint: "Check the name. To check a script as text, quote it: mm guard check 'Get-Mailbox'.",
                details: ["file": .string(word)])
        } else {
            self.init(text: word, kind: kind)
        }
    }

    /// Reads a file.
    /// - Throws: `invalidInput`.
    init(file name: String, kind: CheckedKind?, in context: OperationContext) throws(MMError) {
        guard let bytes = try ProtectedFile.read(context.call.path(name), limit: Self.limit) else {
            throw MMError(
                .invalidInput, "There is no file \(name).", hint: "Check the name.", details: ["file": .string(name)])
        }
        let text = try SavedText.read(bytes, from: name)
        // PowerShell begins saved files with a byte order mark.
        self.text = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
        file = name
        self.kind = kind ?? CheckedKind(ofFile: name) ?? CheckedKind(of: self.text)
    }

    /// Takes a text as it is.
    init(text: String, kind: CheckedKind?) {
        file = nil
        self.text = text
        self.kind = kind ?? CheckedKind(of: text)
    }

    private static func isFile(_ path: String) -> Bool {
        if case .file = FileStamp.lookUp(path) { true } else { false }
    }

    /// Returns whether a word can only mean a file: the name of a script, or a path without blanks that isn't a
    /// command's.
    private static func looksLikeFile(_ word: String) -> Bool {
        guard !word.contains(where: { $0.isWhitespace || "|;&$(){}<>'\"`".contains($0) }) else { return false }
        return CheckedKind(ofFile: word) != nil || word.hasSuffix(".txt")
    }
}

/// The kind of a text that the guard checks.
enum CheckedKind: String, CaseIterable, ArgumentValue {
    /// A script of PowerShell.
    case powershell
    /// A script of a POSIX shell.
    case shell
    /// A request: its method, endpoint and body.
    case request

    /// The methods that a request line begins with.
    static let methods: Set<String> = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]

    /// Detects the kind from a file's name; `nil` if the name doesn't tell.
    init?(ofFile name: String) {
        guard let dot = name.lastIndex(of: ".") else { return nil }
        switch name[name.index(after: dot)...].lowercased() {
        case "ps1", "psm1", "psd1": self = .powershell
        case "sh", "bash", "zsh", "dash", "ksh": self = .shell
        case "http", "rest": self = .request
        default: return nil
        }
    }

    /// Detects the kind from the text.
    init(of text: String) {
        let lines = text.split(whereSeparator: \.isNewline)
        let first = lines.first ?? ""
        if first.hasPrefix("#!") {
            self = first.contains("pwsh") ? .powershell : .shell
            return
        }
        let words = first.split(separator: " ", maxSplits: 2)
        // An address alone lacks its method, but is no command of any shell.
        if words.count > 1 && Self.methods.contains(String(words[0])) && words[1].contains("/")
            || words.first?.hasPrefix("https://") ?? false
        {
            self = .request
            return
        }
        self = Self.isPowerShell(text) ? .powershell : .shell
    }

    /// Returns whether a text is recognizably PowerShell. If both languages are possible, as for a single name, only a
    /// plain lower-case command counts as a shell's.
    private static func isPowerShell(_ text: String) -> Bool {
        let start = text.drop { $0.isWhitespace }
        if start.hasPrefix("$") || start.hasPrefix("[") || start.hasPrefix("@") || start.hasPrefix("#requires") {
            // `$(…)` and `[ … ]` also begin commands of a shell.
            return !start.hasPrefix("$(") && !start.hasPrefix("[ ") && !start.hasPrefix("[[ ")
        }
        let names = words(of: text[...])
        // PowerShell takes its names in any case, and no shell has a program of such a name.
        if names.contains(where: isCmdlet) || names.first.map(CmdletModules().hasCmdlet) ?? false { return true }
        // So are those of its aliases that no program has: `iwr … | iex`, but `ls | sort`. Two letters say too little.
        if let first = names.first, first.utf8.count > 2, CmdletModules().isBuiltIn(first),
            !GuardEngine.knowsProgram(first)
        {
            return true
        }
        let word = start.prefix { $0.isLetter }.lowercased()
        if ["param", "function", "foreach", "switch", "try", "using", "filter", "begin", "process"].contains(word) {
            return true
        }
        return start.first?.isLowercase != true && start.first != "/" && start.first != "."
    }

    private static func words(of text: Substring) -> [String] {
        text.split { $0.isWhitespace || "|;(){}=".contains($0) }.map(String.init)
    }

    /// Returns whether a word has the form of a cmdlet: a verb, a dash and a noun.
    private static func isCmdlet(_ word: String) -> Bool {
        let parts = word.split(separator: "-", maxSplits: 1)
        guard parts.count == 2, let verb = parts[0].first, let noun = parts[1].first else { return false }
        return verb.isUppercase && noun.isUppercase && word.allSatisfy { $0.isLetter || $0.isNumber || $0 == "-" }
    }
}
