/// The kind of a word after a command's name. The binder needs no values.
package enum ArgumentWord: Sendable {
    /// `-Name`, with or without a value attached by a colon.
    case name(String, isTied: Bool)
    /// A value, for the preceding name or by position.
    case value
    /// A value that never belongs to the preceding name.
    case apart
}

/// A parameter with its value, or a positional value.
package struct ArgumentPair: Sendable {
    /// The index of the first word.
    package let word: Int
    /// The name as written; `nil` for a positional value.
    package let written: String?
    /// The parameters that the name may refer to, as indices into the table.
    package let candidates: [Int]
    /// The index of the word that holds the value, possibly the first word itself; `nil` for a switch, or where no
    /// value follows.
    package let value: Int?
}
