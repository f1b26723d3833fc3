/// What a word behind a command's name is to the binder, which asks for no value.
package enum ArgumentWord: Sendable {
    /// `-Name`, with or without a value that a colon ties to it.
    case name(String, isTied: Bool)
    /// A value: of the name before it, or by its place.
    case value
    /// A value that is never that of the name before it.
    case apart
}

/// A parameter with its value, or a value alone.
package struct ArgumentPair: Sendable {
    /// The word that it begins with.
    package let word: Int
    /// The name as written; nil for a value alone.
    package let written: String?
    /// The parameters that it may mean, by their places in the table.
    package let candidates: [Int]
    /// The word that holds its value, which may be its own; nil for a switch, or where none follows.
    package let value: Int?
}
