/// .NET's encodings of text, `[System.Text.Encoding]`.
enum Encodings {
    static let typeName = "System.Text.Encoding"
    /// The name of UTF-8 that is written without a byte order mark.
    static let withoutMark = "utf8 without a mark"

    private struct Known {
        let names: Set<String>
        let web: String
        let shown: String
        let page: Int32
    }

    private static let known = [
        Known(
            names: ["utf8", "utf-8", "default", "65001", withoutMark], web: "utf-8", shown: "Unicode (UTF-8)",
            page: 65001),
        Known(names: ["ascii", "us-ascii", "20127"], web: "us-ascii", shown: "US-ASCII", page: 20127),
        Known(names: ["unicode", "utf-16", "utf-16le", "1200"], web: "utf-16", shown: "Unicode", page: 1200),
        Known(
            names: ["bigendianunicode", "utf-16be", "1201"], web: "utf-16BE", shown: "Unicode (Big-Endian)", page: 1201),
        Known(names: ["utf32", "utf-32", "12000"], web: "utf-32", shown: "Unicode (UTF-32)", page: 12000),
        Known(
            names: ["latin1", "iso-8859-1", "28591"], web: "iso-8859-1", shown: "Western European (ISO)", page: 28591),
        Known(
            names: ["windows-1252", "1252"], web: "windows-1252", shown: "Western European (Windows)", page: 1252),
    ]

    /// Returns the encoding with a lower-case name or number; `nil` for an unknown one.
    static func named(_ name: String) -> PSValue? {
        guard let own = known.first(where: { $0.names.contains(name) }) else { return nil }
        return PSObject(
            [
                ("Name", .string(name == "default" ? withoutMark : name)), ("WebName", .string(own.web)),
                ("BodyName", .string(own.web)), ("HeaderName", .string(own.web)), ("CodePage", .int(own.page)),
                ("EncodingName", .string(own.shown)),
                ("IsSingleByte", .bool([20127, 28591, 1252].contains(own.page))),
            ], typeName: typeName, isCustom: false
        ).map { .object($0) }
    }

    /// Returns the byte order mark that .NET puts before a text in an encoding.
    private static func mark(of encoding: PSObject) -> [UInt8] {
        switch encoding["CodePage"] {
        case .int(1200)?: [0xFF, 0xFE]
        case .int(1201)?: [0xFE, 0xFF]
        case .int(12000)?: [0xFF, 0xFE, 0, 0]
        case .int(65001)? where encoding["Name"]?.text != withoutMark: FileText.mark
        default: []
        }
    }

    /// Returns the name of the encoding that the byte order mark of a file tells; `nil` if it has none.
    static func marked(_ bytes: [UInt8]) -> String? {
        // The mark of UTF-32 begins with that of UTF-16.
        for name in ["utf-32", "unicode", "bigendianunicode", "utf8"] {
            if case .object(let encoding)? = named(name), bytes.starts(with: mark(of: encoding)) { return name }
        }
        return nil
    }

    /// Returns a text as .NET's methods write it to a file, in UTF-8 if they are given no encoding.
    static func file(_ text: String, inObject encoding: PSValue?, begins: Bool) throws(Interrupt) -> [UInt8] {
        guard let encoding else { return Array(text.utf8) }
        guard case .object = encoding.plain else { throw .handOver("an unusual encoding") }
        return try file(text, in: encoding, begins: begins)
    }

    /// Returns the text of a file that is read in an encoding; hands over one in another. A byte order mark decides,
    /// whatever the encoding is.
    static func read(_ bytes: [UInt8], in encoding: PSValue?) throws(Interrupt) -> String {
        let text = FileText.read(bytes)
        let hasMark = bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF])
        guard let encoding, !hasMark, !bytes.starts(with: FileText.mark) else { return text }
        guard try file(text, in: encoding, begins: false) == bytes else {
            throw .handOver("a file in the encoding \(encoding.text)")
        }
        return text
    }

    /// Returns a text as PowerShell's commands write it to a file.
    /// - Parameters:
    ///   - encoding: the value of `-Encoding`: a name or an encoding.
    ///   - begins: whether it is the beginning of the file, where the encoding's mark stands.
    static func file(_ text: String, in encoding: PSValue, begins: Bool) throws(Interrupt) -> [UInt8] {
        let chosen: PSObject
        if case .object(let object) = encoding.plain, object.typeName == typeName {
            chosen = object
        } else {
            let name = encoding.text.lowercased()
            let own = ["utf8", "utf8nobom", "default", "oem"].contains(name) ? withoutMark : name
            guard case .object(let object)? = named(own == "utf8bom" ? "utf8" : own) else {
                throw .handOver("-Encoding \(encoding.text)")
            }
            chosen = object
        }
        guard case .int(let page)? = chosen["CodePage"] else { return Array(text.utf8) }
        return (begins ? mark(of: chosen) : []) + bytes(of: text, page)
    }

    /// The characters of Windows-1252 from 0x80 to 0x9F; a space stands for bytes without one.
    private static let western = Array("€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ".unicodeScalars)

    /// Calls a method of an encoding; `nil` for other objects and names.
    static func call(_ target: PSObject, _ method: String, _ arguments: [PSValue]) throws(Interrupt) -> PSValue? {
        guard target.typeName == typeName, case .int(let page)? = target["CodePage"] else { return nil }
        switch (method, arguments.count) {
        case ("getstring", 1): return .string(try text(of: LibraryTypes.bytes(arguments[0]), page))
        case ("getchars", 1):
            return .array(try text(of: LibraryTypes.bytes(arguments[0]), page).utf16.map { .char($0) })
        case ("getbytes", 1), ("getbytecount", 1):
            let text: String
            switch arguments[0].plain {
            case .string(let given): text = given
            case .array(let units) where units.allSatisfy({ if case .char = $0 { true } else { false } }):
                text = units.map(\.text).joined()
            default: throw .handOver("the bytes of other than text")
            }
            let bytes = bytes(of: text, page)
            return method == "getbytes"
                ? .array(bytes.map { .byte($0) }) : .int(Int32(truncatingIfNeeded: bytes.count))
        case ("getpreamble", 0): return .array(mark(of: target).map { .byte($0) })
        default: return nil
        }
    }

    private static func text(of bytes: [UInt8], _ page: Int32) throws(Interrupt) -> String {
        switch page {
        case 1200, 1201:
            guard bytes.count % 2 == 0 else { throw .handOver("half a character") }
            let units = stride(from: 0, to: bytes.count, by: 2).map { (place) -> UInt16 in
                let (low, high) = page == 1200 ? (bytes[place], bytes[place + 1]) : (bytes[place + 1], bytes[place])
                return UInt16(low) | UInt16(high) << 8
            }
            return String(decoding: units, as: UTF16.self)
        case 12000:
            guard bytes.count % 4 == 0 else { throw .handOver("half a character") }
            let units = stride(from: 0, to: bytes.count, by: 4).map { place in
                bytes[place..<(place + 4)].reversed().reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
            }
            return String(decoding: units, as: UTF32.self)
        case 20127: return String(decoding: bytes.map { $0 < 0x80 ? $0 : 0x3F }, as: UTF8.self)
        case 28591, 1252:
            var text = ""
            for byte in bytes {
                let isWestern = page == 1252 && (0x80...0x9F).contains(byte) && western[Int(byte) - 0x80] != " "
                text.unicodeScalars.append(isWestern ? western[Int(byte) - 0x80] : Unicode.Scalar(byte))
            }
            return text
        default: return String(decoding: bytes, as: UTF8.self)
        }
    }

    private static func bytes(of text: String, _ page: Int32) -> [UInt8] {
        switch page {
        case 1200: text.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
        case 1201: text.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
        case 12000:
            text.unicodeScalars.flatMap { scalar in
                (0..<4).map { UInt8(truncatingIfNeeded: scalar.value >> UInt32(8 * $0)) }
            }
        case 20127: text.utf16.map { $0 < 0x80 ? UInt8($0) : 0x3F }
        case 28591, 1252:
            text.unicodeScalars.map { scalar in
                if page == 1252, scalar != " ", let place = western.firstIndex(of: scalar) {
                    return UInt8(0x80 + place)
                }
                return scalar.value < 0x100 ? UInt8(scalar.value) : 0x3F
            }
        default: Array(text.utf8)
        }
    }
}
