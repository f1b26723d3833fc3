import Glibc
package import MMCore
package import MMOperations

/// Splits the words of a command line into an operation's arguments and the global options.
///
/// Flags may appear anywhere, as `--flag value`, `--flag=value` or `-f value`; `--` ends them. Words without a flag
/// fill the positional arguments in order.
package struct ArgumentScanner {
    /// Parses the arguments of a program that has neither commands nor global options.
    /// - Parameters:
    ///   - words: the words after the program's name.
    ///   - fields: the program's arguments.
    ///   - command: the program's name, for messages.
    /// - Throws: `MMError.invalidInput` that names the word and the closest flag.
    package static func scan(_ words: [String], fields: [InputField], command: String) throws(MMError) -> JSONObject {
        let none = ContentSource { () throws(MMError) in "" }
        return try scan(words, fields: fields, command: command, content: none).arguments
    }

    /// A parsed command line.
    struct Result {
        var arguments = JSONObject()
        var options = GlobalOptions()
        /// A suggested command line, for errors about these arguments.
        var advice: String?
    }

    let fields: [InputField]
    let command: String
    let content: ContentSource
    var result = Result()
    var positionals: [String] = []
    private init(fields: [InputField], command: String, content: ContentSource) {
        self.fields = fields
        self.command = command
        self.content = content
    }

    /// Parses the words after the command.
    /// - Parameters:
    ///   - words: the words after the command.
    ///   - fields: the operation's arguments.
    ///   - command: the command as typed, for messages.
    ///   - content: reads `-` and `@file`.
    /// - Throws: `MMError.invalidInput` that names the word and the closest flag.
    static func scan(_ words: [String], fields: [InputField], command: String, content: ContentSource)
        throws(MMError) -> Result
    {
        var scanner = ArgumentScanner(fields: fields, command: command, content: content)
        var rest = words[...]
        while let word = rest.popFirst() {
            if word == "--" {
                scanner.positionals += rest
                break
            }
            if word.hasPrefix("-"), word.utf8.count > 1, Double(word) == nil {
                try scanner.flag(word, &rest)
            } else {
                scanner.positionals.append(word)
            }
        }
        // Help is shown even if arguments are missing or wrong.
        if !scanner.result.options.help {
            scanner.result.advice = scanner.corrected
            try scanner.placePositionals()
            try scanner.readInput()
            try scanner.checkForm()
        }
        return scanner.result
    }

    /// Refuses a format that a jq filter's output can't have.
    private func checkForm() throws(MMError) {
        guard result.options.jq != nil, let format = result.options.format,
            ![.json, .jsonl, .text].contains(format)
        else { return }
        throw MMError(
            .invalidInput, "--output \(format.rawValue) can't be combined with --jq, whose output is JSON.",
            hint: "Use --jq with --output json, or text for strings without quotes; jq itself writes @csv and @tsv.")
    }

    private mutating func flag(_ word: String, _ rest: inout ArraySlice<String>) throws(MMError) {
        let parts = Self.parts(word)
        let (name, attached) = (parts?.flag ?? word, parts?.value)
        switch Flag(name, of: fields) {
        case .argument(let field): try set(field, attached: attached, flag: name, &rest)
        case .file(let field): try setFile(field, attached: attached, flag: name, &rest)
        case .queryOption(let option, let field):
            let text = option == "count" ? attached ?? "true" : try value(attached, flag: name, &rest)
            try addParameters("$\(option)=\(text)", to: field, as: name)
        case nil: try global(name, attached: attached, &rest)
        }
    }

    /// Returns the flag and the value of a word that has both; `nil` for any other word.
    static func parts(_ word: String) -> (flag: String, value: String)? {
        guard word.hasPrefix("--"), let equals = word.firstIndex(of: "=") else { return nil }
        return (String(word[..<equals]), String(word[word.index(after: equals)...]))
    }

    /// What a flag of a command stands for.
    enum Flag {
        /// An argument.
        case argument(InputField)
        /// The file with an argument's content.
        case file(InputField)
        /// One of the query options in an argument: `--filter X` means `--query '$filter=X'`.
        case queryOption(String, InputField)

        /// - Parameters:
        ///   - name: the flag, without a value.
        ///   - fields: the command's arguments.
        /// - Returns: `nil` if the command has no such flag; it may be one of those that every command has.
        init?(_ name: String, of fields: [InputField]) {
            if let own = fields.first(where: { $0.placement != .absent && $0.isNamed(by: name) }) {
                self = .argument(own)
            } else if name == "--file" || name == "-f", let field = fields.first(where: \.namesFile) {
                self = .file(field)
            } else if let option = ArgumentScanner.queryOption(name),
                let field = fields.first(where: \.holdsQueryOptions)
            {
                self = .queryOption(option, field)
            } else {
                return nil
            }
        }

        /// The argument that the line gives with it.
        var field: InputField? {
            switch self {
            case .argument(let field), .file(let field): field
            // Others may follow.
            case .queryOption: nil
            }
        }

        /// Whether a value follows it. `--count` needs none.
        var takesValue: Bool {
            switch self {
            case .argument(let field): field.kind != .flag
            case .file: true
            case .queryOption(let option, _): option != "count"
            }
        }
    }

    private mutating func value(_ attached: String?, flag: String, _ rest: inout ArraySlice<String>) throws(MMError)
        -> String
    {
        if let attached { return attached }
        guard let next = rest.popFirst() else {
            throw MMError(.invalidInput, "\(flag) needs a value.", hint: "See `\(command) --help`.")
        }
        return next
    }

    private mutating func setFile(
        _ field: InputField, attached: String?, flag: String, _ rest: inout ArraySlice<String>
    ) throws(MMError) {
        let path = try value(attached, flag: flag, &rest)
        guard let text = path == "-" ? try content.resolve("-", for: flag) : try content.file(path) else {
            throw MMError(.invalidInput, "\(flag) names the file \(path), which does not exist.")
        }
        result.arguments[field.name] = .string(text)
        if path != "-" { tell(path, of: field) }
    }

    /// Sets the argument that receives the path of a value's file, if the field has one.
    private mutating func tell(_ path: String, of field: InputField) {
        guard let other = field.nameOfFile, path.contains(where: { $0 != "/" }) else { return }
        result.arguments[other] = .string(path)
    }

    private mutating func set(
        _ field: InputField, attached: String?, flag: String, _ rest: inout ArraySlice<String>
    ) throws(MMError) {
        if field.kind == .flag {
            switch attached {
            case nil, "true"?, "1"?, "yes"?: result.arguments[field.name] = true
            case "false"?, "0"?, "no"?: result.arguments[field.name] = false
            default: throw MMError(.invalidInput, "\(flag) must be true or false, not `\(attached ?? "")`.")
            }
            return
        }
        let text = try value(attached, flag: flag, &rest)
        if ![.textList, .parameters, .arguments].contains(field.kind), result.arguments[field.name] != nil {
            throw MMError(.invalidInput, "\(flag) is given twice.", hint: "Give it once.")
        }
        try assign(text, to: field, as: flag)
    }

    private mutating func assign(_ text: String, to field: InputField, as shown: String) throws(MMError) {
        let word = text
        let text = field.readsFiles ? try content.resolve(text, for: shown, namingFile: field.namesFile) : text
        // An empty text counts as no argument; it usually comes from a variable that wasn't set, or an empty file.
        if [.text, .textList].contains(field.kind) || field.kind.isChoice, !field.mayBeEmpty {
            try Self.refuseEmpty(text, shown, field.summary)
        }
        if field.namesFile, word != text, word != "-", word != "@-" {
            tell(word.hasPrefix("@") ? String(word.dropFirst()) : word, of: field)
        }
        switch field.kind {
        case .text, .choice, .flag: result.arguments[field.name] = .string(text)
        case .integer:
            guard let number = Int64(text) else {
                throw MMError(.invalidInput, "\(shown) must be a whole number, not `\(text.prefix(40))`.")
            }
            result.arguments[field.name] = .int(number)
        case .object, .objectOrList, .calls:
            do throws(JSONError) {
                result.arguments[field.name] = try JSONParser.parse(text, limits: .strict)
            } catch {
                if field.kind == .calls {
                    throw MMError(
                        .invalidInput, "`\(command)` takes a command after --, not `\(text.prefix(60))`.",
                        hint: "Write -- before it: `\(command) -- \(text.prefix(60)) …`.")
                }
                throw MMError(
                    .invalidInput, "\(shown) isn't JSON: \(error).",
                    hint: content.isFile(text)
                        ? "\(text) is a file: \(shown) @\(text)."
                        : "Quote it for the shell, or put it into a file and use @FILE; `-` reads standard input."
                )
            }
        case .parameters: try addParameters(text, to: field, as: shown)
        case .arguments: try addArguments(text, to: field, as: shown)
        case .textList:
            let list = result.arguments[field.name]?.array ?? []
            result.arguments[field.name] = .array(list + [.string(text)])
        }
    }

    private mutating func addParameters(_ text: String, to field: InputField, as shown: String) throws(MMError) {
        let added: JSONObject
        if text.hasPrefix("{") {
            do throws(JSONError) {
                added = try JSONParser.parse(text, limits: .strict).object ?? [:]
            } catch {
                throw MMError(.invalidInput, "\(shown) isn't a JSON object: \(error).")
            }
        } else {
            if field.holdsQueryOptions, Self.isJMESPath(text) { throw Self.jmesPath(text, shown) }
            guard let equals = text.firstIndex(of: "=") else {
                throw MMError(
                    .invalidInput, "\(shown) must have the form name=value, not `\(text.prefix(40))`.",
                    hint: "For example --\(field.flagName) '$select=id,displayName'."
                )
            }
            added = [String(text[..<equals]): .string(String(text[text.index(after: equals)...]))]
        }
        var object = result.arguments[field.name]?.object ?? [:]
        for (key, value) in added {
            // Keeping one of two values silently would answer another question than the one asked.
            guard !object.keys.contains(where: { Self.areSame($0, key, in: field) }) else {
                let what = Self.queryOption(shown) == nil ? "\(key) of \(shown)" : shown
                throw MMError(.invalidInput, "\(what) is given twice.", hint: "Give it once.")
            }
            object[key] = value
        }
        result.arguments[field.name] = .object(object)
    }

    /// Returns whether two names stand for the same parameter: scripts and OData ignore case, and OData a leading `$`.
    private static func areSame(_ name: String, _ other: String, in field: InputField) -> Bool {
        if field.kind == .arguments { return name.lowercased() == other.lowercased() }
        guard field.holdsQueryOptions, let option = queryOption(name) else { return name == other }
        return option == queryOption(other)
    }

    /// Adds a value for a script's parameters: an object with several, `name=value`, or only a name.
    private mutating func addArguments(_ text: String, to field: InputField, as shown: String) throws(MMError) {
        if text.hasPrefix("{") { return try addParameters(text, to: field, as: shown) }
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = parts.first.map(String.init), !name.isEmpty else {
            throw MMError(
                .invalidInput, "\(shown) must have the form name=value, not `\(text.prefix(40))`.",
                hint: "For a switch give only its name.")
        }
        let value: JSONValue = parts.count > 1 ? .string(String(parts[1])) : true
        var object = result.arguments[field.name]?.object ?? [:]
        // Script parameters ignore case.
        let key = object.keys.first { $0.lowercased() == name.lowercased() } ?? name
        switch object[key] {
        case nil: object[key] = value
        case .array(let list)?: object[key] = .array(list + [value])
        case let first?: object[key] = [first, value]
        }
        result.arguments[field.name] = .object(object)
    }

    /// Reads a field from standard input if the command line gives no value for it.
    private mutating func readInput() throws(MMError) {
        for field in fields {
            guard let others = field.readsInputUnless, result.arguments[field.name] == nil,
                !others.contains(where: { result.arguments[$0] != nil })
            else { continue }
            result.arguments[field.name] = .string(try content.resolve("-", for: field.name.uppercased()))
        }
    }

    private mutating func placePositionals() throws(MMError) {
        var places: [(index: Int, field: InputField)] = []
        for field in fields {
            if case .positional(let index) = field.placement { places.append((index, field)) }
        }
        places.sort { $0.index < $1.index }
        var free = places.filter { $0.field.mayStandAlone { result.arguments[$0] != nil } }[...]
        for (position, word) in positionals.enumerated() {
            guard let place = Self.skipping(free, for: word, isLast: position == positionals.count - 1) ?? free.first
            else {
                throw MMError(
                    .invalidInput, "`\(command)` takes no further argument: `\(word.prefix(60))`.",
                    hint: (result.advice ?? quoting(from: position - 1)) + "See `\(command) --help`."
                )
            }
            if ![.textList, .parameters, .arguments].contains(place.field.kind) { free.removeFirst() }
            try assign(word, to: place.field, as: place.field.name.uppercased())
        }
    }

    /// Returns the position of the argument after an optional list of words, if the last word belongs there because it
    /// isn't in the list.
    private static func skipping(
        _ free: ArraySlice<(index: Int, field: InputField)>, for word: String, isLast: Bool
    ) -> (index: Int, field: InputField)? {
        guard isLast, case .choice(let words)? = free.first?.field.kind,
            !words.contains(where: { $0.lowercased() == word.lowercased() })
        else { return nil }
        return free.dropFirst().first { $0.field.namesFile }
    }
}

extension ArgumentScanner {
    private mutating func global(_ name: String, attached: String?, _ rest: inout ArraySlice<String>) throws(MMError) {
        switch name {
        case "--help", "-h", "-?": result.options.help = true
        case "--json":
            result.options.format = .json
            let names = attached ?? (areArgumentsWhole ? rest.first.flatMap(Self.memberNames) : nil)
            if attached == nil, names != nil { rest.removeFirst() }
            result.options.columns += names?.split(separator: ",").map(String.init) ?? []
        case "--detach": result.options.detach = true
        case "--quiet", "-q": result.options.quiet = true
        case "--no-pager": result.options.pages = false
        case "--columns":
            let names = try value(attached, flag: name, &rest).split(separator: ",").map(String.init)
            guard !names.isEmpty else {
                throw MMError(
                    .invalidInput, "--columns is empty.", hint: "For example --columns displayName,mail.")
            }
            result.options.columns += names
        case "--sort": result.options.order = try RowOrder(try value(attached, flag: name, &rest))
        // The streams are created with it.
        case "--no-color": break
        case "--embedded": result.options.isEmbedded = true
        case "--pool":
            let pool = try value(attached, flag: name, &rest)
            try Self.refuseEmpty(pool, name, "Address of the pool.")
            result.options.pool = pool
        case "--jq":
            let program = try value(attached, flag: name, &rest)
            try Self.refuseEmpty(program, name, "A jq filter; `.` is the whole answer.")
            result.options.jq = program
        case "--timeout":
            let text = try value(attached, flag: name, &rest)
            guard let seconds = Double(text), seconds > 0, seconds <= 86_400 else {
                throw MMError(
                    .invalidInput, "--timeout must be more than 0 and at most 86400 seconds, not `\(text.prefix(20))`.")
            }
            result.options.timeLimit = .seconds(seconds)
        case "--output", "-o":
            let text = try value(attached, flag: name, &rest)
            guard let format = GlobalOptions.Format(rawValue: text.lowercased()) else {
                let all = GlobalOptions.Format.allCases.map(\.rawValue).joined(separator: ", ")
                throw MMError(.invalidInput, "--output can't be `\(text.prefix(40))`.", hint: "It is one of \(all).")
            }
            result.options.format = format
        default:
            throw unknown(flag: name)
        }
    }
}

/// The errors for words that don't fit, with the command line that was probably meant.
extension ArgumentScanner {
    /// Refuses an empty value.
    /// - Throws: `invalidInput` that names the flag or argument.
    static func refuseEmpty(_ text: String, _ shown: String, _ summary: String) throws(MMError) {
        guard text.isEmpty else { return }
        throw MMError(.invalidInput, "\(shown) is empty.", hint: "\(shown): \(summary)")
    }

    /// Returns how to quote words that were meant as one argument.
    func quoting(from position: Int, and flag: String? = nil) -> String {
        guard positionals.indices.contains(position) else { return "" }
        let whole = (positionals[position...] + (flag.map { [$0] } ?? [])).joined(separator: " ")
        return whole.contains("'") || whole.utf8.count > 100
            ? "Quote arguments that contain spaces. " : "Quote arguments that contain spaces: '\(whole)'. "
    }

    /// The command line that was probably meant if a flag's value is among the positional arguments, as in `graph Demo
    /// POST /users`; `nil` if there is none.
    var corrected: String? {
        for (place, word) in positionals.enumerated() {
            guard let field = fields.first(where: { $0.choice(of: word) != nil && result.arguments[$0.name] == nil }),
                let choice = field.choice(of: word), case .option(let letter) = field.placement
            else { continue }
            var words = positionals
            words.remove(at: place)
            // `graph get /users` lacks the connection.
            if place == 0, words.first?.hasPrefix("/") == true, fields.contains(where: \.isFirstConnection) {
                words.insert("CONNECTION", at: 0)
            }
            words += [letter.map { "-\($0)" } ?? "--\(field.flagName)", choice]
            return "`\(word)` is a value of --\(field.flagName): `\(command) "
                + words.map(ShellWord.quoted).joined(separator: " ") + "`. "
        }
        if let option = positionals.first(where: { $0.hasPrefix("$") && $0.contains("=") }),
            let field = fields.first(where: { $0.kind == .parameters && $0.isOption })
        {
            return "Write --\(field.flagName) \(ShellWord.quoted(option)). "
        }
        return nil
    }

    /// Returns the error for a flag that the command doesn't have.
    func unknown(flag name: String) -> MMError {
        let message = "`\(command)` has no flag \(name)."
        let help = "See `\(command) --help`."
        let known =
            fields.filter { $0.placement != .absent }.map { "--\($0.flagName)" }
            + GlobalOptions.names.valued + GlobalOptions.names.plain
        if let near = ArgumentNames.meant(by: name, among: known) {
            return MMError(.invalidInput, message + " Did you mean \(near)?", hint: help)
        }
        // A flag after the command to be run was probably meant for that command, unless that has been quoted.
        let places = fields.filter { if case .positional = $0.placement { true } else { false } }
        let isInner =
            positionals.count == places.count && places.contains { $0.name == "command" }
            && positionals.last?.contains(" ") == false
        return MMError(
            .invalidInput, message, hint: (isInner ? quoting(from: positionals.count - 1, and: name) : "") + help)
    }

    /// Returns the OData query option with the name of a flag; `nil` for any other flag.
    static func queryOption(_ flag: String) -> String? {
        let name = flag.drop { $0 == "-" || $0 == "$" }.lowercased().replacing("-", with: "")
        return ["select", "filter", "expand", "orderby", "count", "skip"].contains(name) ? name : nil
    }

    /// Whether all positional arguments are given, so that a further word belongs to the flag before it.
    var areArgumentsWhole: Bool {
        let places = fields.filter { field in field.mayStandAlone { result.arguments[$0] != nil } }
        return positionals.count >= places.count
            && !places.contains { [.textList, .parameters, .arguments].contains($0.kind) }
    }

    /// Returns a word that lists members, as `gh` takes them after `--json`; `nil` for any other.
    static func memberNames(_ word: String) -> String? {
        let isList = word.split(separator: ",", omittingEmptySubsequences: false).allSatisfy { name in
            name.first?.isLetter == true && name.allSatisfy { $0.isLetter || $0.isNumber || "._".contains($0) }
        }
        return isList ? word : nil
    }

    /// Returns whether a text is a JMESPath expression, as `az --query` takes it.
    static func isJMESPath(_ text: String) -> Bool {
        guard !text.hasPrefix("$") else { return false }
        return text.hasPrefix("[") || ["[]", "[?", "[*]", "[0]"].contains { text.contains($0) }
            || !text.isEmpty && !text.contains("=") && text.allSatisfy { $0.isLetter || $0 == "." }
    }

    /// Returns the error for a user who is used to `az`.
    static func jmesPath(_ text: String, _ shown: String) -> MMError {
        let path = text.drop { $0 == "[" || $0 == "]" || $0 == "." }
        let isPlain = !path.isEmpty && path.allSatisfy { $0.isLetter || $0 == "." }
        let program = isPlain ? "(.value? // .)[].\(path)" : "(.value? // .)[] | …"
        return MMError(
            .invalidInput, "\(shown) needs OData options, but `\(text.prefix(60))` is JMESPath.",
            hint: "To filter the answer, use --jq '\(program)'"
                + (isPlain ? "; to choose columns, --columns \(path)" : "")
                + "; to filter in the service, --select and --filter.")
    }
}

extension InputField {
    /// Returns the choice that a word stands for, as declared, if the argument can only be given with a flag.
    fileprivate func choice(of word: String) -> String? {
        guard case .option = placement, case .choice(let words) = kind else { return nil }
        return words.first { $0.lowercased() == word.lowercased() }
    }

    /// Whether it takes OData query options.
    var holdsQueryOptions: Bool { kind == .parameters && isOption }

    /// Whether it can only be given with a flag.
    fileprivate var isOption: Bool { if case .option = placement { true } else { false } }

    /// Whether it is the connection, before all other arguments.
    fileprivate var isFirstConnection: Bool { name == "connection" && placement == .positional(0) }
}

extension InputField.Kind {
    /// Whether the value is one of several fixed words.
    var isChoice: Bool {
        if case .choice = self { true } else { false }
    }
}

/// The reader of the content that `-` (standard input) and `@file` stand for on a command line.
package struct ContentSource: Sendable {
    private static let limit = 64 << 20
    private let standardInput: @Sendable () throws(MMError) -> String

    /// Creates a source that reads standard input with this function.
    package init(standardInput: @escaping @Sendable () throws(MMError) -> String) {
        self.standardInput = standardInput
    }

    /// Returns the content that a word stands for: the word itself unless it is `-`, `@-` or `@file`. `@@` stands for a
    /// leading `@`.
    /// - Parameters:
    ///   - word: the word as typed.
    ///   - flag: the flag or argument, for messages.
    ///   - namingFile: whether the word itself may be the path of a file.
    /// - Throws: `MMError.invalidInput` if the file can't be read or isn't text.
    fileprivate func resolve(_ word: String, for flag: String, namingFile: Bool = false) throws(MMError) -> String {
        // curl's -d uses `@-` for standard input.
        if word == "-" || word == "@-" { return try standardInput() }
        if namingFile {
            if let text = try file(word) { return text }
            // A script's file name without `@` was meant as a file, not as a command.
            if !word.hasPrefix("@"), word.lowercased().hasSuffix(".ps1"), !word.contains(where: \.isWhitespace) {
                throw MMError(
                    .invalidInput, "There is no file \(word).",
                    hint: "Give the path of a script here, or the script itself in quotes.")
            }
        }
        guard word.hasPrefix("@") else { return word }
        if word.hasPrefix("@@") { return String(word.dropFirst()) }
        let path = String(word.dropFirst())
        guard let text = try file(path) else {
            // Scripts may begin with `@(`, `@{` or a here-string; files aren't named like that.
            if namingFile, let first = path.first, "({'\"".contains(first) { return word }
            throw MMError(
                .invalidInput, "\(flag) names the file \(path), which does not exist.",
                hint: "Write @@ for text that begins with @."
            )
        }
        return text
    }

    /// Returns whether a word is the path of a file.
    fileprivate func isFile(_ word: String) -> Bool {
        guard !word.isEmpty, word.utf8.count < 4096, !word.utf8.contains(0) else { return false }
        return access(word, F_OK) == 0
    }

    /// Returns the text of a file; `nil` if the file doesn't exist.
    /// - Throws: `MMError.invalidInput` if it can't be read or isn't text.
    fileprivate func file(_ path: String) throws(MMError) -> String? {
        // A script longer than any path can't name a file; trying to open it would only give a misleading error.
        guard path.utf8.count < 4096, !path.utf8.contains(0), !path.isEmpty,
            let bytes = try ReadableFile.contents(of: path, limit: Self.limit)
        else { return nil }
        return try SavedText.read(bytes, from: path)
    }
}
