/// One page of a stored answer.
package struct OutputPage: Sendable, Hashable {
    /// The answer that the page is taken from.
    package let stored: StoredOutput
    /// The unit of offset and count.
    package let unit: OutputUnit
    /// The position of the page's first unit, from 0.
    package let offset: Int
    /// The number of rows, lines or bytes in the page.
    package let count: Int
    /// The number of rows, lines or bytes in the answer.
    package let total: Int
    /// The offset of the next page; `nil` at the end.
    package let nextOffset: Int?
    /// The rows as a JSON array, or the text.
    package let text: String
    /// The byte offset to continue from when a single row exceeds the budget and its text was cut.
    package let cutAtByte: Int?
}
