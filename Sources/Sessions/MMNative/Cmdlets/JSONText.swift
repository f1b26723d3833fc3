/// The text that `ConvertTo-Json` writes for a value.
struct JSONText {
    /// Which characters are escaped beside those that JSON demands (`-EscapeHandling`).
    enum Escapes: String {
        case usual = "default"
        case nonASCII = "escapenonascii"
        case html = "escapehtml"

        /// Returns whether a character is written as its number.
        func covers(_ scalar: Unicode.Scalar) -> Bool {
            switch scalar {
            case "\u{0}"..."\u{1F}", "\u{85}", "\u{2028}", "\u{2029}": true
            case "\"", "&", "'", "<", ">": self == .html
            default: self == .nonASCII && !scalar.isASCII
            }
        }
    }

    private let escapes: Escapes
    private let isCompressed: Bool
    private let depth: Int
    private let isPiped: Bool
    private let takesAnyOrder: Bool
    private let namesEnumerations: Bool
    private let limit: Int
    private let step: () throws(Interrupt) -> Void
    private(set) var text = ""
    /// Whether a value lay deeper than the depth and was replaced by its text.
    private(set) var isTruncated = false

    /// Writes one value.
    /// - Parameters:
    ///   - takesAnyOrder: whether a hashtable with text keys may be written in the order of its script. .NET seeds
    ///     string hashes anew in each process, so any order can occur.
    ///   - namesEnumerations: whether enumerations are written by their names instead of their numbers.
    ///   - escapes: which characters are escaped beside those that JSON demands.
    ///   - limit: the bytes after which no further value is written, and the text is handed over: many values may share
    ///     the storage of a single long text.
    ///   - step: called for each nested value; throws to end a long text that is no longer needed.
    init(
        _ value: PSValue, depth: Int, isCompressed: Bool, isPiped: Bool = false, takesAnyOrder: Bool = false,
        namesEnumerations: Bool = false, escapes: Escapes = .usual, limit: Int = .max,
        step: @escaping () throws(Interrupt) -> Void = {}
    ) throws(Interrupt) {
        self.escapes = escapes
        (self.limit, self.step) = (limit, step)
        self.depth = depth
        self.isPiped = isPiped
        self.takesAnyOrder = takesAnyOrder
        self.namesEnumerations = namesEnumerations
        self.isCompressed = isCompressed
        try write(value, level: 0)
    }

    private mutating func write(_ value: PSValue, level: Int) throws(Interrupt) {
        try step()
        try StepBound.text(bytes: text.utf8.count, limit: limit)
        switch value {
        case .list(let list): try write(.array(list.items), level: level)
        case .null, .nothing: text += "null"
        case .bool(let flag): text += flag ? "true" : "false"
        case .byte(let number): text += String(number)
        case .int(let number): text += String(number)
        case .long(let number): text += String(number)
        case .single(let number): try write(.double(PSText.widened(number)), level: level)
        case .double(let number):
            if number.isFinite {
                let digits = PSText.long(number)
                text += digits.contains(".") || digits.contains("E") ? digits : digits + ".0"
            } else {
                quote(PSText.long(number))
            }
        case .decimal(let number): text += number.json
        case .span(let ticks):
            guard level <= depth else { return try truncate(value) }
            try members(
                PSSpan.names, PSSpan.names.map { PSSpan.property(ticks, $0.lowercased()) ?? .null }, level: level)
        case .guid(let guid):
            // A value from a pipeline is wrapped, which exposes the property that PowerShell adds to it.
            guard level == 0, isPiped else {
                quote(guid)
                return
            }
            try members(["value", "Guid"], [.string(guid), .string(guid)], level: level)
        case .version(let parts):
            guard level <= depth else { return try truncate(value) }
            let names = ["Major", "Minor", "Build", "Revision", "MajorRevision", "MinorRevision"]
            var values = (0..<4).map { PSValue.int($0 < parts.count ? parts[$0] : -1) }
            let revision = parts.count > 3 ? parts[3] : -1
            values += [.int(revision >> 16), .int(Int32(Int16(truncatingIfNeeded: revision)))]
            try members(names, values, level: level)
        case .enumeration(let own) where namesEnumerations: quote(own.name)
        case .enumeration(let own): text += String(own.value)
        case .char(let unit): quote(String(decoding: [unit], as: UTF16.self))
        case .string(let string): quote(string)
        case .date(let date):
            quote(date.json ?? date.text)
        case .array(let items):
            guard level <= depth else { return try truncate(value) }
            try list(items.count, "[", "]", level: level) { (writer, place) throws(Interrupt) in
                try writer.write(items[place], level: level + 1)
            }
        case .table(let table):
            guard level <= depth else { return try truncate(value) }
            guard table.hasOrder(orAny: takesAnyOrder) else {
                throw .handOver("a hashtable without a defined order")
            }
            try members(table.pairs.map(\.key), table.pairs.map(\.value), level: level)
        case .object(let object):
            // The service returned nothing for a property of a class that isn't known.
            if object.model != nil, object.declared == nil, object.shape.names.isEmpty { return text += "null" }
            guard level <= depth else { return try truncate(value) }
            // It has a name only if a pipeline has wrapped it.
            guard object.typeName != PSTable.entryType else { throw .handOver("an entry of a hashtable in JSON") }
            guard object.isListable, !object.hasHidden else { throw .handOver("the members of \(object.typeName)") }
            let whole = object.whole
            try members(whole.shape.names, whole.values, level: level)
        case .block, .type, .typeInfo, .ownType: throw .handOver("\(value.typeName) as JSON")
        }
    }

    private mutating func truncate(_ value: PSValue) throws(Interrupt) {
        isTruncated = true
        if case .array(let items) = value, items.contains(where: { if case .object = $0 { true } else { false } }) {
            throw .handOver("objects in a list beyond the depth")
        }
        quote(try PSText.string(value))
    }

    private mutating func members(_ names: [String], _ values: [PSValue], level: Int) throws(Interrupt) {
        let isCompressed = isCompressed
        try list(names.count, "{", "}", level: level) { (writer, place) throws(Interrupt) in
            writer.quote(names[place])
            writer.text += isCompressed ? ":" : ": "
            try writer.write(values[place], level: level + 1)
        }
    }

    private mutating func list(
        _ count: Int, _ open: String, _ close: String, level: Int,
        _ write: (inout JSONText, Int) throws(Interrupt) -> Void
    ) throws(Interrupt) {
        text += open
        for place in 0..<count {
            if place > 0 { text += "," }
            if !isCompressed { text += "\n" + String(repeating: "  ", count: level + 1) }
            try write(&self, place)
        }
        if !isCompressed, count > 0 { text += "\n" + String(repeating: "  ", count: level) }
        text += close
    }

    private mutating func quote(_ string: String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"" where escapes != .html: text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{8}": text += "\\b"
            case "\u{C}": text += "\\f"
            case _ where escapes.covers(scalar):
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16)
                    text += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
                }
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
