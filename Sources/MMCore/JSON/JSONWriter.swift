/// Writes JSON texts: compact for the wire, indented for files and people.
public struct JSONWriter: Sendable {
    /// The layout of a text.
    public enum Layout: Sendable, Hashable {
        /// Without whitespace.
        case compact
        /// One member per line, indented by this many spaces per level.
        case indented(Int)
    }

    private let layout: Layout
    private var bytes: [UInt8] = []

    private init(layout: Layout) {
        self.layout = layout
    }

    /// Returns a value as JSON text in UTF-8.
    /// - Parameters:
    ///   - value: the value to write.
    ///   - layout: the layout of the text.
    public static func bytes(_ value: JSONValue, layout: Layout = .compact) -> [UInt8] {
        var writer = JSONWriter(layout: layout)
        // Most objects are longer than this. Texts, numbers and empty lists don't need reserved capacity.
        if case .object = value { writer.bytes.reserveCapacity(256) }
        writer.write(value, level: 0)
        return writer.bytes
    }

    /// Returns a value as JSON text.
    /// - Parameters:
    ///   - value: the value to write.
    ///   - layout: the layout of the text.
    public static func string(_ value: JSONValue, layout: Layout = .compact) -> String {
        String(decoding: bytes(value, layout: layout), as: UTF8.self)
    }

    /// Returns a JSON text on one line: as it is, unless it spreads over several.
    package static func oneLine(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard ByteSearch.has(0x0A, in: text) || ByteSearch.has(0x0D, in: text), let value = try? JSONParser.parse(text)
        else { return text }
        return bytes(value)[...]
    }

    /// Appends the quoted, escaped form of a string, for writers that build a text piece by piece.
    package static func append(_ text: String, to bytes: inout [UInt8]) {
        var text = text
        bytes.append(UInt8(ascii: "\""))
        text.withUTF8 { utf8 in
            var plainStart = 0
            for index in 0..<utf8.count {
                let byte = utf8[index]
                guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") || byte == 0x7F else {
                    continue
                }
                bytes.append(contentsOf: utf8[plainStart..<index])
                plainStart = index + 1
                appendEscape(byte, to: &bytes)
            }
            bytes.append(contentsOf: utf8[plainStart...])
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func appendEscape(_ byte: UInt8, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        default:
            bytes.append(contentsOf: [UInt8(ascii: "u"), 0x30, 0x30, Hex.digit(byte >> 4), Hex.digit(byte & 15)])
        }
    }

    private mutating func write(_ value: JSONValue, level: Int) {
        switch value {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .bool(let flag): bytes.append(contentsOf: (flag ? "true" : "false").utf8)
        case .int(let number): bytes.append(contentsOf: String(number).utf8)
        case .double(let number): bytes.append(contentsOf: Self.text(of: number).utf8)
        case .number(let text): bytes.append(contentsOf: text.utf8)
        case .string(let text): Self.append(text, to: &bytes)
        case .array(let items):
            list(items, between: "[", "]", level: level) { writer, item in writer.write(item, level: level + 1) }
        case .object(let members):
            list(members, between: "{", "}", level: level) { writer, member in
                Self.append(member.key, to: &writer.bytes)
                writer.bytes.append(UInt8(ascii: ":"))
                if writer.layout != .compact { writer.bytes.append(0x20) }
                writer.write(member.value, level: level + 1)
            }
        }
    }

    private mutating func list<Items: Collection>(
        _ items: Items, between open: Unicode.Scalar, _ close: Unicode.Scalar, level: Int,
        each: (inout JSONWriter, Items.Element) -> Void
    ) {
        bytes.append(UInt8(ascii: open))
        var first = true
        for item in items {
            if !first { bytes.append(UInt8(ascii: ",")) }
            first = false
            newLine(level: level + 1)
            each(&self, item)
        }
        if !first { newLine(level: level) }
        bytes.append(UInt8(ascii: close))
    }

    private mutating func newLine(level: Int) {
        guard case .indented(let width) = layout else { return }
        bytes.append(0x0A)
        bytes.append(contentsOf: repeatElement(0x20, count: width * level))
    }

    private static func text(of number: Double) -> String {
        // JSON can't express infinities and NaN.
        number.isFinite ? "\(number)" : "null"
    }
}

extension JSONValue: CustomStringConvertible {
    /// The compact JSON text.
    public var description: String { JSONWriter.string(self) }
}

extension JSONObject: CustomStringConvertible {
    /// The object as compact JSON text.
    public var description: String { JSONWriter.string(.object(self)) }
}
