/// A fault in a JSON text and its position.
public struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The fault in words.
    public let problem: String
    /// The byte offset of the fault, from 0.
    public let offset: Int
    /// The line of the fault, from 1.
    public let line: Int
    /// The column of the fault in bytes, from 1.
    public let column: Int
    /// Whether the text is only nested deeper than allowed, as far as it was read.
    package let isTooDeep: Bool

    init(problem: String, offset: Int, in text: UnsafeBufferPointer<UInt8>, isTooDeep: Bool = false) {
        self.problem = problem
        self.isTooDeep = isTooDeep
        self.offset = offset
        var line = 1
        var lineStart = 0
        for index in 0..<min(offset, text.count) where text[index] == UInt8(ascii: "\n") {
            line += 1
            lineStart = index + 1
        }
        self.line = line
        self.column = offset - lineStart + 1
    }

    /// The fault in one sentence.
    public var description: String { "\(problem) at line \(line), column \(column)" }
}
