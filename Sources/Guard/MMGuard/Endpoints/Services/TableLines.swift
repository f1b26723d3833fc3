/// Reads tables that are written as text in the program, a row on each line.
///
/// It works on bytes rather than characters: a program that answers a question reads whole tables at its start.
enum TableLines {
    /// A part of a table.
    typealias Bytes = Slice<UnsafeBufferPointer<UInt8>>

    /// Returns what `row` makes of each line that isn't empty.
    static func read<Row>(_ text: String, _ row: (Bytes) -> Row?) -> [Row] {
        var text = text
        return text.withUTF8 { bytes in bytes.split(separator: UInt8(ascii: "\n")).compactMap(row) }
    }

    /// Splits a line, without the blanks around each part.
    static func parts(of line: Bytes, at sign: Unicode.Scalar) -> [Bytes] {
        line.split(separator: UInt8(ascii: sign)).map { part in
            var part = part
            while part.first == UInt8(ascii: " ") { part.removeFirst() }
            while part.last == UInt8(ascii: " ") { part.removeLast() }
            return part
        }
    }

    /// Returns a part as text.
    static func text(_ part: Bytes) -> String { String(decoding: part, as: UTF8.self) }
}
