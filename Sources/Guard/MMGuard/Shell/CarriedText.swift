/// The options and operands of a program that contain commands or scripts.
struct CarriedText: Sendable {
    /// The language of such a text.
    enum Language: String, Sendable {
        /// A shell's language.
        case shell
        /// The program's own language.
        case script
        /// Commands of an editor, a pager or a debugger, some of which start a shell.
        case editor
        /// Database statements.
        case statements
        /// Rules of `make`.
        case rules
        /// Unknown.
        case unknown
    }

    /// The options whose value is such a text, by its language.
    var options: [String: Language] = [:]
    /// The options whose value is a file with such texts.
    var files: [String] = []
    /// Whether several option letters may follow one dash.
    var bundlesLetters = true
    /// Options with a value that doesn't matter here.
    var values: [String] = []
    /// The index of the operand that is such a text, from 0, unless an option contained or named one.
    var operand: (index: Int, language: Language)?
    /// The verb behind which that operand is one; `nil` for any.
    var verb: String?
    /// The language of operands that begin with `+`.
    var plus: Language?
    /// The language of the program's input.
    var input: Language?
    /// The files that it runs by default.
    var usual: [String] = []

    /// The programs that have such options or operands. Interpreters that aren't named are called as Python is.
    static let table: [String: CarriedText] = {
        var table = ShellTable.texts.compactMapValues(CarriedText.init)
        for name in ShellWords.list("interpreters") where table[name] == nil { table[name] = table["python3"] }
        return table
    }()

    init() {}

    /// Reads the facts of a program; `nil` if they are about something else.
    private init?(_ facts: [[String]]) {
        var isEmpty = true
        for fact in facts {
            let words = Array(fact.dropFirst())
            switch fact[0] {
            case "files": files = words
            case "values": values = words
            case "usual": usual = words
            case "whole": bundlesLetters = false
            case "verb": verb = words[0]
            case "plus": plus = Language(rawValue: words[0])
            case "input": input = Language(rawValue: words[0])
            case "operand":
                if let index = Int(words[0]), let language = Language(rawValue: words[1]) {
                    operand = (index, language)
                }
            default:
                guard let language = Language(rawValue: fact[0]) else { continue }
                for word in words { options[word] = language }
            }
            isEmpty = false
        }
        if isEmpty { return nil }
    }
}
