/// `ConvertFrom-Csv`: each input object is a text with one or more records; the first record names the properties.
final class FromCSVStage: Stage {
    private let delimiter: UInt8
    private var header: PSShape?

    init(_ command: BoundCommand) throws(Interrupt) {
        guard command.names.isSubset(of: ["InputObject", "Delimiter", "Header"]) else {
            throw .handOver("an unusual ConvertFrom-Csv")
        }
        switch command["Delimiter"] {
        case nil: delimiter = UInt8(ascii: ",")
        case .string(let text)? where text.utf8.count == 1 && text.isASCII && text != "\"":
            delimiter = text.utf8.first ?? 0
        case .char(let unit)? where unit != 0x22 && unit < 0x80: delimiter = UInt8(unit)
        default: throw .handOver("an unusual delimiter")
        }
        super.init()
        if let names = command["Header"] {
            var header: [String] = []
            for name in Cmdlets.list(names) {
                guard case .string(let text) = name else { throw .handOver("an unusual header") }
                header.append(text)
            }
            self.header = try Self.shape(header)
        }
    }

    /// Reads records with a delimiter.
    init(delimiter: UInt8, names: [String] = []) throws(Interrupt) {
        self.delimiter = delimiter
        super.init()
        if !names.isEmpty { header = try Self.shape(names) }
    }

    /// Returns the names that the first record of a text holds.
    static func header(of text: String, delimiter: UInt8) throws(Interrupt) -> [String] {
        var reader = CSVReader(units: Array(text.utf8), delimiter: delimiter)
        return try header(&reader).names
    }

    private static func header(_ reader: inout CSVReader) throws(Interrupt) -> PSShape {
        guard !reader.isAtComment else { throw .handOver("a comment in CSV") }
        var names = reader.record()
        while names.count > 1, names.last?.isEmpty == true { names.removeLast() }
        return try shape(names)
    }

    private static func shape(_ names: [String]) throws(Interrupt) -> PSShape {
        // Letters with separate accents could be the same name in another spelling.
        let isCertain = names.allSatisfy { name in
            !name.isEmpty && name.unicodeScalars.allSatisfy { $0.properties.canonicalCombiningClass == .notReordered }
        }
        guard !names.isEmpty, isCertain, let shape = PSShape(names) else {
            throw .handOver("an unusual header")
        }
        return shape
    }

    override func process(_ item: PSValue) throws(Interrupt) {
        let texts = Cmdlets.list(item)
        for text in texts {
            guard case .string(let text) = text, !text.utf8.contains(0) else {
                throw .handOver("CSV that isn't a string")
            }
            if text.isEmpty { continue }
            try read(text)
        }
    }

    private func read(_ text: String) throws(Interrupt) {
        var reader = CSVReader(units: Array(text.utf8), delimiter: delimiter)
        // A first line with this sign is none of the records; it may name the type of the objects.
        if reader.isAtComment {
            let comment = reader.line()
            guard !comment.lowercased().hasPrefix("#type") else { throw .handOver("CSV with a type") }
            guard !reader.isAtEnd else { return }
        }
        if header == nil { header = try Self.header(&reader) }
        guard let header else { return }
        while true {
            let values = reader.record()
            if values.isEmpty { return }
            if values.count == 1, values[0].isEmpty { continue }
            let row = header.names.indices.map { place -> PSValue in
                place < values.count ? .string(values[place]) : .null
            }
            try next(.object(PSObject(shape: header, values: row)))
        }
    }
}

/// Reads CSV records as leniently as PowerShell does.
private struct CSVReader {
    let units: [UInt8]
    let delimiter: UInt8
    private var place = 0

    init(units: [UInt8], delimiter: UInt8) {
        self.units = units
        self.delimiter = delimiter
    }

    /// Whether everything is read.
    var isAtEnd: Bool { place >= units.count }
    /// Whether the rest begins like a comment.
    var isAtComment: Bool { place < units.count && units[place] == UInt8(ascii: "#") }

    /// Reads up to the end of the line.
    mutating func line() -> String {
        let start = place
        while place < units.count {
            let (unit, end) = (units[place], place)
            place += 1
            if isLineEnd(unit) { return String(decoding: units[start..<end], as: UTF8.self) }
        }
        return String(decoding: units[start...], as: UTF8.self)
    }

    private mutating func isLineEnd(_ unit: UInt8) -> Bool {
        guard unit == 13 || unit == 10 else { return false }
        if unit == 13, place < units.count, units[place] == 10 { place += 1 }
        return true
    }

    /// Reads the fields of the next record; none at the end.
    mutating func record() -> [String] {
        var fields: [String] = []
        var field: [UInt8] = []
        var isQuoted = false
        func text(_ units: [UInt8]) -> String { String(decoding: units, as: UTF8.self) }
        while place < units.count {
            let start = place
            let unit = units[place]
            place += 1
            if unit == delimiter {
                if isQuoted {
                    field.append(unit)
                } else {
                    fields.append(text(field))
                    field = []
                }
            } else if unit == UInt8(ascii: "\"") {
                if isQuoted, place < units.count, units[place] == unit {
                    place += 1
                    field.append(unit)
                    continue
                }
                if !isQuoted, field.isEmpty {
                    isQuoted = true
                    continue
                }
                if !isQuoted { field.append(unit) }
                let ends = rest(into: &field, eatsBlanks: isQuoted)
                isQuoted = false
                fields.append(text(field))
                field = []
                if ends { return fields }
            } else if unit == 0x20 || unit == 9, !isQuoted {
                if field.isEmpty { continue }
                field.append(unit)
                let ends = rest(into: &field, eatsBlanks: true)
                fields.append(text(field))
                field = []
                if ends { return fields }
            } else if isLineEnd(unit) {
                if isQuoted {
                    field += units[start..<place]
                } else {
                    fields.append(text(field))
                    return fields
                }
            } else {
                field.append(unit)
            }
        }
        if !field.isEmpty { fields.append(text(field)) }
        return fields
    }

    /// Reads up to the next delimiter; returns whether the record ends there.
    private mutating func rest(into field: inout [UInt8], eatsBlanks: Bool) -> Bool {
        var taken: [UInt8] = []
        var ends = true
        while place < units.count {
            let unit = units[place]
            place += 1
            if unit == delimiter {
                ends = false
                break
            }
            if isLineEnd(unit) { break }
            taken.append(unit)
        }
        let isBlank = taken.allSatisfy { $0 == 0x20 || $0 == 9 }
        if !(eatsBlanks && isBlank) { field += taken }
        return ends
    }
}
