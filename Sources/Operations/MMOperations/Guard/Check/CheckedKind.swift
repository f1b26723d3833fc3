import MMCore

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
