/// A position in a script, which a person is shown underlined.
public struct SourcePlace: Sendable, Hashable {
    /// The line, from 1.
    public var line: Int
    /// The column in the line, from 1, counted in UTF-16 code units as PowerShell counts.
    public var column: Int
    /// The offset from the start of the script in UTF-16 code units.
    package var offset: Int
    /// The length in UTF-16 code units.
    public var length: Int
    /// The text there, at most 200 characters.
    public var text: String
    /// The whole line in which it starts, at most 400 characters.
    package var lineText: String

    public init(line: Int, column: Int, offset: Int, length: Int, text: String, lineText: String) {
        self.line = line
        self.column = column
        self.offset = offset
        self.length = length
        self.text = text
        self.lineText = lineText
    }
}
