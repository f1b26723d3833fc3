/// A piece of a stored answer.
public struct OutputPage: Sendable, Hashable {
    /// The answer it is from.
    public let stored: StoredOutput
    /// What offset and count are in.
    public let unit: OutputUnit
    /// Where it begins, from 0.
    public let offset: Int
    /// How many rows, lines or bytes it holds.
    public let count: Int
    /// How many there are in all.
    public let total: Int
    /// Where the next page begins; `nil` at the end.
    public let nextOffset: Int?
    /// The rows as a JSON list, or the text.
    public let text: String
    /// Where the text of a row that is over the budget by itself was cut, as an offset in bytes to go on from.
    public let cutAtByte: Int?
}
