/// The operator before the name of a command.
package enum InvocationOperator: String, Sendable {
    /// `&`: runs the command in a scope of its own.
    case call = "&"
    /// `.`: runs the command in the scope of the caller.
    case dot = "."
}

/// The operator between two pipelines.
package enum ChainOperator: String, Sendable {
    /// `&&`: the right pipeline runs if the left one succeeded.
    case and = "&&"
    /// `||`: the right pipeline runs if the left one failed.
    case or = "||"
}

/// A stream of a command. Raw values are the numbers used in redirections, where 0 stands for `*`.
package enum RedirectionStream: Int, Sendable {
    /// Every stream.
    case all = 0
    /// Output objects.
    case output = 1
    /// Errors.
    case error = 2
    /// Warnings.
    case warning = 3
    /// Verbose messages.
    case verbose = 4
    /// Debug messages.
    case debug = 5
    /// Information messages.
    case information = 6
}

/// The flags of a `switch` statement.
package struct SwitchFlags: OptionSet, Sendable {
    /// The flags as bits, with the engine's values.
    package let rawValue: Int

    /// Creates a set of flags from its bits.
    package init(rawValue: Int) { self.rawValue = rawValue }

    /// `-file`: compares the lines of a file.
    package static let file = SwitchFlags(rawValue: 1)
    /// `-regex`: conditions are regular expressions.
    package static let regex = SwitchFlags(rawValue: 2)
    /// `-wildcard`: conditions are wildcard patterns.
    package static let wildcard = SwitchFlags(rawValue: 4)
    /// `-exact`: conditions are compared literally (the default).
    package static let exact = SwitchFlags(rawValue: 8)
    /// `-casesensitive`: comparison is case-sensitive.
    package static let caseSensitive = SwitchFlags(rawValue: 16)
    /// `-parallel`: reserved; a script that uses it doesn't parse.
    static let parallel = SwitchFlags(rawValue: 32)

    /// The names of the set flags joined by `, `, as the engine prints them; `None` for an empty set.
    package var names: String {
        let all: [(SwitchFlags, String)] = [
            (.file, "File"), (.regex, "Regex"), (.wildcard, "Wildcard"), (.exact, "Exact"),
            (.caseSensitive, "CaseSensitive"),
        ]
        let set = all.filter { contains($0.0) }.map(\.1)
        return set.isEmpty ? "None" : set.joined(separator: ", ")
    }
}

/// How a string is written.
package enum StringStyle: Sendable {
    /// A word without quotes.
    case bareWord
    /// `'…'`.
    case singleQuoted
    /// `"…"`.
    case doubleQuoted
    /// `@'…'@`.
    case singleQuotedHere
    /// `@"…"@`.
    case doubleQuotedHere
}
