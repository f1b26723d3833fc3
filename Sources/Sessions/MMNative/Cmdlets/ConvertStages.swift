import MMCore

/// `ConvertTo-Json`.
final class ToJSONStage: Stage {
    private let evaluator: Evaluator
    private let depth: Int
    private let isCompressed: Bool
    private let isArray: Bool
    private let isInput: Bool
    private let namesEnumerations: Bool
    private let escapes: JSONText.Escapes
    private var items: [PSValue] = []

    init(_ command: BoundCommand, _ evaluator: Evaluator) throws(Interrupt) {
        self.evaluator = evaluator
        let word = command["EscapeHandling"]?.text.lowercased() ?? JSONText.Escapes.usual.rawValue
        guard let escapes = JSONText.Escapes(rawValue: word) else { throw .handOver("an unusual -EscapeHandling") }
        self.escapes = escapes
        namesEnumerations = command.isSet("EnumsAsStrings")
        depth = command.count("Depth") ?? 2
        guard depth <= 100 else { throw .handOver("a depth beyond 100") }
        isCompressed = command.isSet("Compress")
        isArray = command.isSet("AsArray")
        isInput = command["InputObject"] != nil
    }

    override func process(_ item: PSValue) throws(Interrupt) {
        items.append(isInput ? item : PSTable.wrappedEntry(item))
    }

    override func finish() throws(Interrupt) {
        guard !items.isEmpty else { return }
        guard evaluator.besideTexts.isEmpty else { throw .handOver("properties beside a value") }
        guard !isInput || !isArray else { throw .handOver("-AsArray of -InputObject") }
        if items.count > 1 || isArray, items.contains(where: { if case .guid = $0 { true } else { false } }) {
            throw .handOver("a list of guids")
        }
        let value: PSValue = items.count == 1 && !isArray ? items[0] : .array(items)
        let json = try JSONText(
            value, depth: depth, isCompressed: isCompressed, isPiped: items.count == 1 && !isInput && !isArray,
            takesAnyOrder: evaluator.host != nil, namesEnumerations: namesEnumerations, escapes: escapes,
            limit: RunFiles.largest, step: evaluator.step)
        if json.isTruncated {
            evaluator.warn(
                "Resulting JSON is truncated as serialization has exceeded the set depth of \(depth).")
        }
        try next(.string(json.text))
    }
}

/// `ConvertFrom-Json` of one strict text; text that only a lenient reader accepts is handed over.
final class FromJSONStage: Stage {
    private var texts: [String] = []
    private var shapes: [[String]: PSShape] = [:]
    private let noText: NativeError
    private var isWhole = false
    private var makesTables = false
    private var depth = 1024

    init(_ command: BoundCommand) throws(Interrupt) {
        noText = command.nullArgument("InputObject")
        super.init()
        guard command.names.isSubset(of: ["InputObject", "Depth", "NoEnumerate", "AsHashtable"]) else {
            throw .handOver("an unusual ConvertFrom-Json")
        }
        makesTables = command.isSet("AsHashtable")
        isWhole = command.isSet("NoEnumerate")
        switch command["Depth"] {
        case nil: break
        case .int(let count)? where count > 0: depth = Int(count)
        default: throw .handOver("an unusual ConvertFrom-Json")
        }
        if command["InputObject"]?.isNull == true { throw .statement(noText) }
    }

    override func process(_ item: PSValue) throws(Interrupt) {
        switch item {
        case .string(let string): texts.append(string)
        case .null, .nothing: try report(noText)
        case .int, .long, .bool: texts.append(try PSText.string(item))
        default: throw .handOver("JSON that isn't a string")
        }
    }

    override func finish() throws(Interrupt) {
        guard let first = texts.first else { return }
        if first.utf8.allSatisfy({ $0.isBlank }) {
            guard texts.count == 1 else { throw .handOver("JSON behind an empty text") }
            return try next(.null)
        }
        // Several texts are either one JSON value each, or the lines of a single one.
        guard let parsed = FromJSONStage.parsed(first) else {
            guard texts.count > 1, let whole = FromJSONStage.parsed(texts.joined(separator: "\n")) else {
                throw FromJSONStage.refusal(of: first)
            }
            return try emit(whole)
        }
        try emit(parsed)
        for text in texts.dropFirst() {
            guard let parsed = FromJSONStage.parsed(text) else { throw FromJSONStage.refusal(of: text) }
            try emit(parsed)
        }
    }

    /// Returns what becomes of a text that a strict reader refuses. PowerShell's own reader accepts some of them; none
    /// that begins like a page or a sentence.
    private static func refusal(of text: String) -> Interrupt {
        guard let first = text.utf8.first, first > 0x20, first < 0x7F,
            !"\"'tfnNIu-{[],)/.0123456789".utf8.contains(first)
        else { return .handOver("JSON that a strict reader refuses") }
        let message =
            "Conversion from JSON failed with error: Unexpected character encountered while parsing value: "
            + "\(Character(UnicodeScalar(first))). Path '', line 0, position 0."
        return .statement(
            NativeError(
                "System.ArgumentException,Microsoft.PowerShell.Commands.ConvertFromJsonCommand", message,
                category: "NotSpecified", command: "ConvertFrom-Json", isReadable: true))
    }

    private func emit(_ json: JSONValue) throws(Interrupt) {
        guard FromJSONStage.levels(of: json) <= depth else { throw .handOver("JSON deeper than -Depth") }
        let value = try value(json)
        if isWhole { try next(value) } else { try Evaluator.enumerate(value, into: next) }
    }

    private static func levels(of json: JSONValue) -> Int {
        switch json {
        case .array(let items): 1 + (items.map(levels).max() ?? 0)
        case .object(let members): 1 + (members.map { levels(of: $0.value) }.max() ?? 0)
        default: 0
        }
    }

    private static func parsed(_ text: String) -> JSONValue? {
        if let strict = try? JSONParser.parse(text, limits: .strict) { return strict }
        return LenientJSON.strict(text).flatMap { try? JSONParser.parse($0, limits: .strict) }
    }

    private func check(_ names: [String]) throws(Interrupt) {
        var seen = Set<String>()
        for name in names {
            let command = "Microsoft.PowerShell.Commands.ConvertFromJsonCommand"
            if name.isEmpty {
                let message = "The provided JSON includes a property whose name is an empty string."
                throw .statement(NativeError("EmptyKeyInJsonString," + command, message))
            }
            guard
                name.unicodeScalars.allSatisfy({
                    $0.value >= 0x20 && $0.value < 0x7F || (0xC0...0xFF).contains($0.value)
                })
            else { throw .handOver("unusual names in JSON") }
            if !seen.insert(name.lowercased()).inserted {
                let message = "Cannot convert the JSON string because it contains keys with different casing."
                throw .statement(NativeError("KeysWithDifferentCasingInJsonString," + command, message))
            }
        }
    }

    /// Returns whether a text has the form of a date: `2026-01-31T12:00:00`, perhaps with more behind it.
    private static func isDate(_ text: String) -> Bool {
        let units = text.utf8
        guard (19...40).contains(units.count) else { return false }
        return zip(units, "0000-00-00T00:00:00".utf8).allSatisfy { unit, form in
            form == UInt8(ascii: "0") ? (0x30...0x39).contains(unit) : unit == form
        }
    }

    private func value(_ json: JSONValue) throws(Interrupt) -> PSValue {
        switch json {
        case .null: return .null
        case .bool(let flag): return .bool(flag)
        case .int(let number): return .long(number)
        case .double(let number): return .double(number)
        case .number: throw .handOver("a number of unusual size")
        case .string(let text):
            if Self.isDate(text) {
                guard let date = PSDate(json: text) else { throw .handOver("a date in an unusual form") }
                return .date(date)
            }
            guard !text.hasPrefix("/Date(") else { throw .handOver("a date in an unusual form") }
            return .string(text)
        case .array(let items):
            var values: [PSValue] = []
            values.reserveCapacity(items.count)
            for item in items { values.append(try value(item)) }
            return .array(values)
        case .object(let members) where makesTables:
            let table = PSTable(.json, countsCase: true)
            for member in members {
                let key = PSValue.string(member.key)
                guard PSTable.accepts(key), table.add(key, try value(member.value)) else {
                    throw .handOver("unusual names in JSON")
                }
            }
            return .table(table)
        case .object(let members):
            let names = members.keys
            var known = shapes[names]
            if known == nil {
                try check(names)
                known = PSShape(names)
                shapes[names] = known
            }
            guard let shape = known else { throw .handOver("unusual names in JSON") }
            var values: [PSValue] = []
            values.reserveCapacity(members.count)
            for member in members { values.append(try value(member.value)) }
            return .object(PSObject(shape: shape, values: values))
        }
    }
}

/// The fields of a CSV text that stand in quotation marks.
enum CSVQuotes {
    case always, asNeeded, never
    /// Those of these columns, in lower case.
    case columns(Set<String>)

    /// Reads `-UseQuotes` and `-QuoteFields`.
    init(_ command: BoundCommand) throws(Interrupt) {
        switch (command["UseQuotes"], command["QuoteFields"]) {
        case (nil, nil): self = .always
        case (nil, let columns?):
            self = .columns(
                Set(
                    try Cmdlets.list(columns.plain).map { (name) throws(Interrupt) in
                        try PSText.string(name).lowercased()
                    }))
        case (let kind?, nil):
            switch kind.text.lowercased() {
            case "always": self = .always
            case "asneeded": self = .asNeeded
            case "never": self = .never
            default: throw .handOver("an unusual -UseQuotes")
            }
        default: throw .handOver("-QuoteFields with -UseQuotes")
        }
    }

    /// Returns a field of a column as it is written.
    func field(_ text: String, of column: String, _ delimiter: String) -> String {
        let encloses =
            switch self {
            case .always: true
            case .asNeeded: text.contains(delimiter) || text.utf8.contains { $0 == 0x22 || $0 == 10 }
            case .never: false
            case .columns(let names): names.contains(column.lowercased())
            }
        guard encloses else { return text }
        return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}

/// `ConvertTo-Csv` of custom objects.
final class ToCSVStage: Stage {
    private let delimiter: String
    private let quotes: CSVQuotes
    private let hasTypes: Bool
    private var showsHeader: Bool
    /// The names of the columns; `nil` until the first object tells them.
    private var names: [String]?
    /// The error of an object that is null.
    private let noInput: NativeError

    init(_ command: BoundCommand) throws(Interrupt) {
        noInput = command.nullArgument("InputObject")
        let known: Set<String> = [
            "Delimiter", "UseQuotes", "QuoteFields", "IncludeTypeInformation", "NoTypeInformation", "NoHeader",
        ]
        guard command.names.isSubset(of: known) else { throw .handOver("an unusual ConvertTo-Csv") }
        switch command["Delimiter"] {
        case nil: delimiter = ","
        case .string(let text)? where text.utf8.count == 1 && text.isPlain && text != "\"": delimiter = text
        default: throw .handOver("an unusual delimiter")
        }
        quotes = try CSVQuotes(command)
        hasTypes = command.isSet("IncludeTypeInformation")
        guard !hasTypes || !command.isSet("NoTypeInformation") else { throw .handOver("an unusual ConvertTo-Csv") }
        showsHeader = !command.isSet("NoHeader")
    }

    /// Writes records with a delimiter.
    /// - Parameters:
    ///   - showsHeader: whether the first line holds the names, unless there are columns already.
    ///   - columns: the columns of the file that the records are appended to; `nil` if the first object tells them.
    ///   - command: the command that writes the file.
    init(delimiter: String, quotes: CSVQuotes, showsHeader: Bool, columns: [String]?, for command: BoundCommand) {
        noInput = command.nullArgument("InputObject")
        self.delimiter = delimiter
        self.quotes = quotes
        self.showsHeader = showsHeader
        names = columns
        hasTypes = false
    }

    override func process(_ item: PSValue) throws(Interrupt) {
        if item.isNull { return try report(noInput) }
        guard case .object(let object) = item, object.isOfScript || object.isEntry, object.isListable, !object.hasHidden
        else {
            throw .handOver("CSV of \(item.typeName)")
        }
        if names == nil {
            let object = object.whole
            names = object.shape.names
            if hasTypes { try next(.string("#TYPE \(object.typeName)")) }
            if showsHeader {
                let head = object.shape.names.map { quotes.field($0, of: $0, delimiter) }
                try next(.string(head.joined(separator: delimiter)))
            }
        }
        var fields: [String] = []
        if let names, names.count < 2, names.allSatisfy({ object[$0]?.isNull ?? true }) {
            throw .handOver("a row of nothing in CSV")
        }
        for name in names ?? [] {
            guard let text = try text(of: name, in: object) else {
                fields.append("")
                continue
            }
            fields.append(quotes.field(text, of: name, delimiter))
        }
        try next(.string(fields.joined(separator: delimiter)))
    }

    /// Returns the text of a field; `nil` for a value that is null.
    private func text(of name: String, in object: PSObject) throws(Interrupt) -> String? {
        switch object.listed(name) ?? .null {
        case .null: nil
        // It is an object there, whose text is empty.
        case .nothing: ""
        case .array, .list: try object.listText(of: name)
        case .double(let number): PSText.long(number)
        case .single(let number): PSText.long(number)
        case .table(let table) where !table.isOrdered: "System.Collections.Hashtable"
        case .table(let table): try table.text
        case .block: object[name]?.typeName ?? ""
        case .object(let inner) where !inner.isCustom: throw .handOver("objects in CSV")
        case let value: try PSText.string(value)
        }
    }
}

/// Converts the lenient JSON that PowerShell accepts to strict JSON: comments, trailing commas, single quotes.
enum LenientJSON {
    /// Returns the same value as strict JSON; `nil` for text that isn't even lenient JSON.
    static func strict(_ text: String) -> String? {
        let units = Array(text.utf8)
        var result: [UInt8] = []
        var place = 0
        /// The position of a comma that only white space and comments have followed.
        var comma: Int?
        while place < units.count {
            let unit = units[place]
            let next = place + 1 < units.count ? units[place + 1] : 0
            switch unit {
            case UInt8(ascii: "/") where next == UInt8(ascii: "/"):
                while place < units.count, units[place] != 10, units[place] != 13 { place += 1 }
                continue
            case UInt8(ascii: "/") where next == UInt8(ascii: "*"):
                var end = place + 2
                while end + 1 < units.count, units[end] != UInt8(ascii: "*") || units[end + 1] != UInt8(ascii: "/") {
                    end += 1
                }
                guard end + 1 < units.count else { return nil }
                place = end + 2
                continue
            case UInt8(ascii: "'"), UInt8(ascii: "\""):
                comma = nil
                guard let end = string(units, place, into: &result) else { return nil }
                place = end
                continue
            case UInt8(ascii: ","):
                // Two commas in a row mean a missing element, which is a different matter.
                guard comma == nil, let last = result.last(where: { !$0.isBlank }), !"[{,:".utf8.contains(last) else {
                    return nil
                }
                comma = result.count
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                if let comma { result[comma] = UInt8(ascii: " ") }
                comma = nil
            case let unit where unit.isBlank: break
            default: comma = nil
            }
            result.append(unit)
            place += 1
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func string(_ units: [UInt8], _ start: Int, into result: inout [UInt8]) -> Int? {
        let quote = units[start]
        result.append(UInt8(ascii: "\""))
        var place = start + 1
        while place < units.count {
            let unit = units[place]
            if unit == quote {
                result.append(UInt8(ascii: "\""))
                return place + 1
            }
            if unit == UInt8(ascii: "\\") {
                guard place + 1 < units.count, units[place + 1] != UInt8(ascii: "'") else { return nil }
                result += units[place...(place + 1)]
                place += 2
                continue
            }
            if unit == UInt8(ascii: "\"") { result.append(UInt8(ascii: "\\")) }
            result.append(unit)
            place += 1
        }
        return nil
    }
}
