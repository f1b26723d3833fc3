import MMCore
import MMOperations

/// What is said of words that don't fit: the line that was most likely meant.
extension ArgumentScanner {
    /// Refuses an empty value.
    /// - Throws: `invalidInput` that names the flag or argument.
    static func refuseEmpty(_ text: String, _ shown: String, _ summary: String) throws(MMError) {
        guard text.isEmpty else { return }
        throw MMError(.invalidInput, "\(shown) is empty.", hint: "\(shown): \(summary)")
    }

    /// How words are written that were meant as one argument.
    func quoting(from position: Int, and flag: String? = nil) -> String {
        guard positionals.indices.contains(position) else { return "" }
        let whole = (positionals[position...] + (flag.map { [$0] } ?? [])).joined(separator: " ")
        return whole.contains("'") || whole.utf8.count > 100
            ? "Quote what is one argument. " : "Quote what is one argument: '\(whole)'. "
    }

    /// The line that was meant where the value of a flag stands among the arguments without one, as in `graph Demo POST
    /// /users`; `nil` where there is none.
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

    /// The error for a flag that the command doesn't have.
    func unknown(flag name: String, attached: String?, _ rest: ArraySlice<String>) -> MMError {
        let message = "`\(command)` has no flag \(name)."
        let help = "See `\(command) --help`."
        let known =
            fields.filter { $0.placement != .absent }.map { "--\($0.flagName)" }
            + GlobalOptions.names.valued + GlobalOptions.names.plain
        if let near = ArgumentNames.meant(by: name, among: known) {
            return MMError(.invalidInput, message + " Did you mean \(near)?", hint: help)
        }
        // A flag behind the command that is to be run was most likely meant for that command.
        let places = fields.filter { if case .positional = $0.placement { true } else { false } }
        let isInner = positionals.count == places.count && places.contains { $0.name == "command" }
        return MMError(
            .invalidInput, message, hint: (isInner ? quoting(from: positionals.count - 1, and: name) : "") + help)
    }

    /// The query option of OData that a flag has the name of; `nil` for any other flag.
    static func queryOption(_ flag: String) -> String? {
        let name = flag.drop { $0 == "-" || $0 == "$" }.lowercased().replacing("-", with: "")
        return ["select", "filter", "expand", "orderby", "count", "skip"].contains(name) ? name : nil
    }

    /// Whether nothing more can be an argument without a flag, so that a further word belongs to the flag in front of it.
    var areArgumentsWhole: Bool {
        let places = fields.filter { field in
            if case .positional = field.placement { result.arguments[field.name] == nil } else { false }
        }
        return positionals.count >= places.count
            && !places.contains { [.textList, .parameters, .arguments].contains($0.kind) }
    }

    /// A word that lists members, as `gh` takes them after `--json`; `nil` for any other.
    static func memberNames(_ word: String) -> String? {
        let isList = word.split(separator: ",", omittingEmptySubsequences: false).allSatisfy { name in
            name.first?.isLetter == true && name.allSatisfy { $0.isLetter || $0.isNumber || "._".contains($0) }
        }
        return isList ? word : nil
    }

    /// Whether a text is a program of JMESPath, as `az --query` takes one.
    static func isJMESPath(_ text: String) -> Bool {
        guard !text.hasPrefix("$") else { return false }
        return text.hasPrefix("[") || ["[]", "[?", "[*]", "[0]"].contains { text.contains($0) }
            || !text.isEmpty && !text.contains("=") && text.allSatisfy { $0.isLetter || $0 == "." }
    }

    /// What is said to who brings the habit of `az`.
    static func jmesPath(_ text: String, _ shown: String) -> MMError {
        let path = text.drop { $0 == "[" || $0 == "]" || $0 == "." }
        let isPlain = !path.isEmpty && path.allSatisfy { $0.isLetter || $0 == "." }
        let program = isPlain ? "(.value? // .)[].\(path)" : "(.value? // .)[] | …"
        return MMError(
            .invalidInput, "\(shown) takes options of OData, and `\(text.prefix(60))` is JMESPath.",
            hint: "Filter the answer with --jq '\(program)'"
                + (isPlain ? ", or show it with --columns \(path)" : "")
                + "; let the service do it with --select and --filter.")
    }
}

extension InputField {
    /// The value that a word is of an argument which only a flag gives, as it is declared.
    fileprivate func choice(of word: String) -> String? {
        guard case .option = placement, case .choice(let words) = kind else { return nil }
        return words.first { $0.lowercased() == word.lowercased() }
    }

    /// Whether it takes the query options of OData.
    var holdsQueryOptions: Bool { kind == .parameters && isOption }

    /// Whether only a flag gives it.
    fileprivate var isOption: Bool { if case .option = placement { true } else { false } }

    /// Whether it is the connection, in front of all other arguments.
    fileprivate var isFirstConnection: Bool { name == "connection" && placement == .positional(0) }
}

extension InputField.Kind {
    /// Whether the value is one of some words.
    var isChoice: Bool {
        if case .choice = self { true } else { false }
    }
}
