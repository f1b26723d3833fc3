/// A piece of a stored answer.
package struct OutputPage: Sendable, Hashable {
    /// The answer it is from.
    package let stored: StoredOutput
    /// What offset and count are in.
    package let unit: OutputUnit
    /// Where it begins, from 0.
    package let offset: Int
    /// How many rows, lines or bytes it holds.
    package let count: Int
    /// How many there are in all.
    package let total: Int
    /// Where the next page begins; `nil` at the end.
    package let nextOffset: Int?
    /// The rows as a JSON list, or the text.
    package let text: String
    /// Where the text of a row that is over the budget by itself was cut, as an offset in bytes to go on from.
    package let cutAtByte: Int?
}
