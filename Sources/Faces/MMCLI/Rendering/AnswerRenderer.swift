package import MMCore
package import MMOperations

/// Writes an answer in the requested format, batch by batch where the answer is a long list.
package struct AnswerRenderer {
    private let form: AnswerForm
    private let note: (String) -> Void
    private let write: ([UInt8]) async throws(MMError) -> Void
    private let writeError: ([UInt8]) -> Void

    /// Creates a renderer.
    /// - Parameters:
    ///   - form: how the answer is written.
    ///   - note: receives a line for the person about what the format leaves out.
    ///   - writeError: receives what a command writes to its standard error.
    ///   - write: receives the bytes in order.
    package init(
        _ form: AnswerForm, note: @escaping (String) -> Void = { _ in },
        writeError: @escaping ([UInt8]) -> Void = { _ in },
        write: @escaping ([UInt8]) async throws(MMError) -> Void
    ) {
        self.form = form
        self.note = note
        self.writeError = writeError
        self.write = write
    }

    private var format: GlobalOptions.Format? { form.format }

    /// Writes the whole answer.
    /// - Throws: the `MMError` of fetching a list or of writing.
    package func render(_ answer: OperationAnswer) async throws(MMError) {
        if let text = answer.text, format == nil || format == .text {
            return try await line(answer.isVerbatim ? text : FittedLines.told(text, to: form.width))
        }
        switch answer.body {
        case .text(let text):
            if format == .json { return try await line(JSONWriter.string(.string(text))) }
            try await write(Array(text.utf8))
            if !text.isEmpty, !text.hasSuffix("\n") { try await write([0x0A]) }
        case .bytes(let bytes, let type):
            try await write(bytes)
            // A prompt must not stand behind a short text, such as a count.
            if form.width != nil, type.hasPrefix("text/"), bytes.last.map({ $0 != 0x0A }) ?? false {
                try await write([0x0A])
            }
        case .value(let value): try await render(value, columns: answer.columns)
        case .json(let bytes): try await render(text: bytes, columns: answer.columns)
        case .items(let stream): try await render(stream, columns: answer.columns)
        case .output(let stream): try await pass(stream)
        }
    }

    /// Writes a command's output as it arrives, each piece to the stream that it came from.
    private func pass(_ stream: ItemStream) async throws(MMError) {
        while let batch = try await stream.next() {
            for row in batch {
                let piece = try CommandPiece(row: row)
                if piece.isError { writeError(piece.bytes) } else { try await write(piece.bytes) }
            }
        }
    }

    private func line(_ text: String) async throws(MMError) {
        try await write(Array(text.utf8) + [0x0A])
    }

    /// Writes many lines in chunks, which limits both memory and system calls.
    private func lines<Item>(_ items: [Item], _ text: (Item) -> String) async throws(MMError) {
        var bytes: [UInt8] = []
        for item in items {
            bytes += text(item).utf8
            bytes.append(0x0A)
            if bytes.count >= Self.piece {
                try await write(bytes)
                bytes.removeAll(keepingCapacity: true)
            }
        }
        if !bytes.isEmpty { try await write(bytes) }
    }

    private static let piece = 64 << 10

    private func render(text bytes: [UInt8], columns: [String]) async throws(MMError) {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONParser.parse(bytes)
        } catch {
            // A service's own text is shown unchanged, even if it turns out not to be JSON.
            return try await write(bytes)
        }
        try await render(value, columns: columns)
        if (format ?? usual(of: value, columns: columns)) != .json, value["@odata.nextLink"] != nil {
            note("These are the first rows. All of them: --all; so many: --top N.")
        }
    }

    private func render(_ value: JSONValue, columns declared: [String]) async throws(MMError) {
        let selection = try RowSelection(form, of: Rows(of: value, columns: declared)?.items ?? [value])
        let value = selection.applied(to: value)
        let columns = selection.columns.isEmpty ? declared : selection.columns
        switch format ?? usual(of: value, columns: columns) {
        case .json: try await line(JSONWriter.string(value, layout: .indented(2)))
        case .jsonl:
            guard let rows = Rows(of: value, columns: columns) else { return try await line(JSONWriter.string(value)) }
            try await lines(rows.items) { JSONWriter.string($0) }
        case .csv:
            let rows = Rows(of: value, columns: columns) ?? Rows(items: [value], columns: columns)
            noteNested(rows)
            try await lines([rows.columns] + rows.items.map { rows.cells(of: $0) }) { CSVText.line($0) }
        case .table:
            guard let rows = Rows(of: value, columns: columns) else { return try await fields(of: value) }
            let layout = layout(
                of: rows, isNamed: !columns.isEmpty, mayHide: selection.columns.isEmpty,
                dropsEmpty: selection.columns.isEmpty)
            try await line(layout.header)
            try await lines(rows.items) { layout.line($0) }
        case .text, .tsv:
            guard let rows = Rows(of: value, columns: columns) else { return try await fields(of: value) }
            try await lines(rows.items) { rows.cells(of: $0).joined(separator: "\t") }
        case .md:
            let rows = Rows(of: value, columns: columns) ?? Rows(items: [value], columns: columns)
            try await lines(
                MarkdownTable.head(rows.columns) + rows.items.map { MarkdownTable.line(rows.cells(of: $0)) }
            ) { $0 }
        case .yaml: try await lines(YAMLText.lines(of: value)) { $0 }
        }
    }

    /// The format that nobody asked for: a table where an operation names columns, and where a person looks at a list; else JSON.
    private func usual(of value: JSONValue, columns: [String]) -> GlobalOptions.Format {
        guard columns.isEmpty else { return .table }
        guard form.width != nil, let rows = Rows(of: value), rows.items.first?.object != nil else { return .json }
        return .table
    }

    /// Chooses a table's columns, and notes which ones it leaves out.
    private func layout(
        of rows: Rows, isNamed: Bool, mayHide: Bool, dropsEmpty: Bool = false
    ) -> ColumnLayout {
        let layout = ColumnLayout(rows, isNamed: isNamed, mayHide: mayHide, dropsEmpty: dropsEmpty, width: form.width)
        let hidden = layout.hidden
        if !hidden.isEmpty, !rows.items.isEmpty {
            note(
                "\(hidden.count) more \(hidden.count == 1 ? "column" : "columns") "
                    + "(\(hidden.prefix(4).joined(separator: ", "))\(hidden.count > 4 ? ", …" : "")): "
                    + "--columns NAME,NAME or --output json.")
        }
        return layout
    }

    /// Notes which columns of a CSV file hold JSON.
    private func noteNested(_ rows: Rows) {
        let nested = rows.columns.filter { column in
            rows.items.contains { !($0.object?.value(of: column)?.isFlat ?? true) }
        }
        guard !nested.isEmpty else { return }
        note("Values with parts of their own are written as JSON: \(nested.joined(separator: ", ")).")
    }

    /// Writes one object as two columns: name and value.
    private func fields(of value: JSONValue) async throws(MMError) {
        guard let object = value.object else {
            return try await line(value.string ?? JSONWriter.string(value))
        }
        let rows = FieldList(object, isReadable: format == .table).rows
        let table = TableText(widths: TableText.widths(of: rows), cutsCells: false)
        try await lines(rows) { table.line($0) }
    }

    private func render(_ stream: ItemStream, columns: [String]) async throws(MMError) {
        if form.order != nil {
            var items: [JSONValue] = []
            while let batch = try await stream.next() { items += try Self.items(batch) }
            return try await render(.array(items), columns: columns)
        }
        switch format ?? (form.width == nil ? .json : .table) {
        case .json:
            // Nothing is written before the first rows are there and have the columns that were asked for.
            var separator = Array("[\n".utf8)
            var isEmpty = true
            var selection: RowSelection?
            while let batch = try await stream.next() {
                var bytes: [UInt8] = []
                for item in try selected(batch, &selection) {
                    bytes += separator
                    bytes += onScreen(item)
                    separator = Array(",\n".utf8)
                    isEmpty = false
                }
                try await write(bytes)
            }
            try await write(Array((isEmpty ? "[\n]\n" : "\n]\n").utf8))
        case .jsonl:
            var selection: RowSelection?
            while let batch = try await stream.next() {
                var bytes: [UInt8] = []
                for item in try selected(batch, &selection) {
                    // A service may spread its JSON over several lines.
                    if item.contains(0x0A), let value = try? JSONParser.parse(item) {
                        bytes += JSONWriter.bytes(value)
                    } else {
                        bytes += item
                    }
                    bytes.append(0x0A)
                }
                try await write(bytes)
            }
        case .yaml:
            var selection: RowSelection?
            while let batch = try await stream.next() {
                let items = try Self.items(try selected(batch, &selection))
                try await lines(items.flatMap { YAMLText.lines(of: .array([$0])) }) { $0 }
            }
        case .csv, .table, .text, .tsv, .md: try await renderRows(stream, columns: columns)
        }
    }

    /// An item of a list as a person reads it, one member a line; for programs as the service sent it.
    private func onScreen(_ item: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard form.width != nil, let value = try? JSONParser.parse(item) else { return item }
        let lines = JSONWriter.bytes(value, layout: .indented(2)).split(separator: 0x0A)
        return Array(lines.map { [0x20, 0x20] + $0 }.joined(separator: [0x0A]))[...]
    }

    /// The items with the members that were asked for; unread where all were.
    private func selected(_ batch: [ArraySlice<UInt8>], _ selection: inout RowSelection?) throws(MMError)
        -> [ArraySlice<UInt8>]
    {
        guard !form.columns.isEmpty else { return batch }
        let items = try Self.items(batch)
        let chosen: RowSelection
        if let selection { chosen = selection } else { chosen = try RowSelection(form, of: items) }
        selection = chosen
        return items.map { JSONWriter.bytes(chosen.row($0))[...] }
    }

    private static func items(_ batch: [ArraySlice<UInt8>]) throws(MMError) -> [JSONValue] {
        var items: [JSONValue] = []
        for bytes in batch {
            guard let item = try? JSONParser.parse(bytes) else {
                throw MMError(.remoteFailed, "The service sent an item that isn't JSON.")
            }
            items.append(item)
        }
        return items
    }

    /// Writes rows with the columns and widths of the first batch, so that later batches need no memory and move no
    /// columns.
    private func renderRows(_ stream: ItemStream, columns declared: [String]) async throws(MMError) {
        var first: (selection: RowSelection, rows: Rows, table: ColumnLayout?)?
        var cut = 0
        while let batch = try await stream.next() {
            let items = try Self.items(batch)
            if first == nil {
                let selection = try RowSelection(form, of: items)
                let columns = selection.columns.isEmpty ? declared : selection.columns
                let rows = Rows(items: items.map { selection.row($0) }, columns: columns)
                let table =
                    format == .table || format == nil
                    ? layout(of: rows, isNamed: !columns.isEmpty, mayHide: selection.columns.isEmpty) : nil
                first = (selection, rows, table)
                if format == .csv {
                    noteNested(rows)
                    try await line(CSVText.line(rows.columns))
                }
                if format == .md { try await lines(MarkdownTable.head(rows.columns)) { $0 } }
                if let table { try await line(table.header) }
            }
            guard let (selection, rows, table) = first else { continue }
            if format == .csv, selection.columns.isEmpty, declared.isEmpty { cut += items.count { rows.isCut($0) } }
            try await lines(items.map { selection.row($0) }) { item in
                if let table { return table.line(item) }
                let cells = rows.cells(of: item)
                if format == .md { return MarkdownTable.line(cells) }
                return format == .csv ? CSVText.line(cells) : cells.joined(separator: "\t")
            }
        }
        if cut > 0 { note("\(cut) rows have members that the first rows lack and CSV leaves out: --output jsonl.") }
    }
}

extension JSONValue {
    /// Whether a cell can hold this without JSON: a plain value, or a list of them.
    fileprivate var isFlat: Bool { isSimple || (array?.allSatisfy(\.isSimple) ?? false) }
}

/// Tables of Markdown.
enum MarkdownTable {
    /// The first two lines.
    static func head(_ columns: [String]) -> [String] {
        [line(columns), "|" + String(repeating: " --- |", count: columns.count)]
    }

    /// One line. A bar would end a cell, and a line break the table.
    static func line(_ cells: [String]) -> String {
        let written = cells.map { cell in
            var text = ""
            for character in cell {
                switch character {
                case "|": text += "\\|"
                case _ where character.isNewline: text += "<br>"
                default: text.append(character)
                }
            }
            return text
        }
        return "| " + written.joined(separator: " | ") + " |"
    }
}

/// One object as rows of a name and a value, with the members of objects inside it under names with dots.
struct FieldList: Sendable {
    /// The rows, each a name and a value.
    let rows: [[String]]

    /// The members of an object.
    /// - Parameters:
    ///   - object: the object.
    ///   - isReadable: whether values are written as people read them; otherwise as the service sent them.
    init(_ object: JSONObject, isReadable: Bool) {
        rows = Self.rows(of: object, under: "", isReadable)
    }

    private static func rows(of object: JSONObject, under prefix: String, _ isReadable: Bool) -> [[String]] {
        object.flatMap { name, value -> [[String]] in
            // What describes the answer and not the object.
            if isReadable, name.hasPrefix("@odata.") { return [] }
            if let inner = value.object, !inner.isEmpty {
                return rows(of: inner, under: prefix + name + ".", isReadable)
            }
            return [[prefix + name, isReadable ? ReadableCell.text(value, in: prefix + name) : value.cellText]]
        }
    }
}

/// JSON values as YAML in its block form. Every text that YAML could take for anything else is quoted as JSON quotes it, which
/// YAML reads the same.
enum YAMLText {
    /// The lines of a value.
    static func lines(of value: JSONValue) -> [String] {
        switch value {
        case .object(let members) where !members.isEmpty:
            members.flatMap { name, value in entry(scalar(.string(name)) + ":", value) }
        case .array(let items) where !items.isEmpty:
            items.flatMap { item in
                let lines = lines(of: item)
                return ["- " + lines[0]] + lines.dropFirst().map { "  " + $0 }
            }
        default: [scalar(value)]
        }
    }

    private static func entry(_ name: String, _ value: JSONValue) -> [String] {
        switch value {
        case .object(let members) where !members.isEmpty: [name] + lines(of: value).map { "  " + $0 }
        case .array(let items) where !items.isEmpty: [name] + lines(of: value)
        default: ["\(name) \(scalar(value))"]
        }
    }

    private static func scalar(_ value: JSONValue) -> String {
        guard case .string(let text) = value, isPlain(text) else { return JSONWriter.string(value) }
        return text
    }

    /// Whether YAML reads a text as the text that it is, without quotes.
    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first, text.utf8.count <= 200 else { return false }
        let isWord = text.unicodeScalars.allSatisfy { scalar in
            scalar.isASCII && (scalar.properties.isAlphabetic || "0123456789_-./@ ".unicodeScalars.contains(scalar))
        }
        let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
        return isWord && first.properties.isAlphabetic && !text.hasSuffix(" ") && !words.contains(text.lowercased())
    }
}

/// The members and the order that somebody asked for, applied to the rows of an answer.
struct RowSelection: Sendable {
    /// The columns asked for, spelled as the rows spell them; empty: all.
    let columns: [String]
    private let order: RowOrder?

    /// Finds the columns asked for in rows.
    /// - Parameters:
    ///   - form: what was asked for.
    ///   - rows: the rows known so far.
    /// - Throws: `MMError.invalidInput` when no row has a column of that name.
    init(_ form: AnswerForm, of rows: [JSONValue]) throws(MMError) {
        var columns: [String] = []
        for column in form.columns { columns.append(try Self.found(column, in: rows, flag: "--columns")) }
        self.columns = columns
        if let order = form.order {
            let column = try Self.found(order.column, in: rows, flag: "--sort")
            self.order = RowOrder(column: column, isDescending: order.isDescending)
        } else {
            order = nil
        }
    }

    /// An answer with these members and in this order; a list keeps what stands around it.
    func applied(to value: JSONValue) -> JSONValue {
        guard order != nil || !columns.isEmpty else { return value }
        switch value {
        case .array(let rows): return .array(applied(to: rows))
        case .object(var object):
            // The same list that `Rows` finds.
            if let rows = object["value"]?.array {
                object["value"] = .array(applied(to: rows))
            } else if object.count == 1, let list = object.first(where: { $0.value.array != nil }) {
                object[list.key] = .array(applied(to: list.value.array ?? []))
            } else {
                return row(value)
            }
            return .object(object)
        default: return value
        }
    }

    private func applied(to rows: [JSONValue]) -> [JSONValue] {
        (order?.sorted(rows) ?? rows).map(row)
    }

    /// A row with the members asked for; one that it lacks is `null`.
    func row(_ item: JSONValue) -> JSONValue {
        guard !columns.isEmpty, let object = item.object else { return item }
        return .object(JSONObject(columns.map { ($0, object.value(of: $0) ?? .null) }))
    }

    /// The column as the rows spell it.
    private static func found(_ column: String, in rows: [JSONValue], flag: String) throws(MMError) -> String {
        guard !rows.isEmpty else { return column }
        for case .object(let row) in rows {
            if let spelling = spelling(of: column, in: row) { return spelling }
        }
        let names = Rows(items: rows).columns
        let near = NearestNames.of(column, among: names, limit: 3)
        throw MMError(
            .invalidInput, "\(flag) names “\(column)”, which no row has.",
            hint: near.isEmpty
                ? "The rows have \(names.prefix(20).joined(separator: ", "))\(names.count > 20 ? ", …" : ""). "
                    + "Microsoft Graph sends some members only to those who ask: --query '$select=…'."
                : "Did you mean \(near.joined(separator: ", "))?")
    }

    /// The name of a member, or of members inside one another, in the spelling of a row.
    private static func spelling(of column: String, in row: JSONObject) -> String? {
        if row[column] != nil { return column }
        let wanted = column.lowercased()
        if let key = row.keys.first(where: { $0.lowercased() == wanted }) { return key }
        guard let dot = column.firstIndex(of: "."),
            let outer = row.keys.first(where: { $0.lowercased() == column[..<dot].lowercased() }),
            let inner = row[outer]?.object,
            let rest = spelling(of: String(column[column.index(after: dot)...]), in: inner)
        else { return nil }
        return "\(outer).\(rest)"
    }
}

/// How an answer is written.
package struct AnswerForm: Sendable {
    /// The format; `nil` for the one that suits the answer.
    package var format: GlobalOptions.Format?
    /// The columns or members that somebody asked for; empty: those that suit the answer.
    package var columns: [String]
    /// The column by which rows are sorted.
    package var order: RowOrder?
    /// The cells in a line of the screen; `nil` where the answer goes to a file or a program.
    package var width: Int?

    /// A form.
    /// - Parameters:
    ///   - format: the format; `nil` for the one that suits the answer.
    ///   - columns: the columns that somebody asked for.
    ///   - order: the column by which rows are sorted.
    ///   - width: the cells in a line of the screen.
    package init(
        format: GlobalOptions.Format?, columns: [String] = [], order: RowOrder? = nil, width: Int? = nil
    ) {
        self.format = format
        self.columns = columns
        self.order = order
        self.width = width
    }
}

/// The order of rows by one of their columns.
package struct RowOrder: Sendable {
    /// The column.
    package let column: String
    /// Whether the largest comes first.
    package let isDescending: Bool

    /// An order by a column.
    init(column: String, isDescending: Bool) {
        self.column = column
        self.isDescending = isDescending
    }

    /// Reads the value of `--sort`: a column, with a minus in front for the largest first.
    /// - Throws: `MMError.invalidInput` when no column is named.
    package init(_ text: String) throws(MMError) {
        isDescending = text.hasPrefix("-")
        column = isDescending ? String(text.dropFirst()) : text
        guard !column.isEmpty else {
            throw MMError(
                .invalidInput, "--sort names no column.",
                hint: "For example `--sort displayName`, or `--sort -size` for the largest first.")
        }
    }

    /// The rows in this order; those without a value come last, those with equal values stay in their order.
    package func sorted(_ rows: [JSONValue]) -> [JSONValue] {
        let keyed = rows.enumerated().map { index, row in
            (index: index, row: row, key: Key(row.object?.value(of: column)))
        }
        return keyed.sorted { left, right in
            if left.key.isMissing || right.key.isMissing {
                return left.key.isMissing == right.key.isMissing ? left.index < right.index : right.key.isMissing
            }
            let comparison = left.key.compared(to: right.key)
            if comparison == 0 { return left.index < right.index }
            return isDescending ? comparison > 0 : comparison < 0
        }.map(\.row)
    }

    /// A value to compare: numbers by size, before texts without regard to case.
    private struct Key {
        let number: Double?
        let text: String
        let isMissing: Bool

        init(_ value: JSONValue?) {
            number = value?.double
            text = number == nil ? (value?.cellText ?? "").lowercased() : ""
            isMissing = value?.isNull ?? true
        }

        func compared(to other: Key) -> Int {
            switch (number, other.number) {
            case (let left?, let right?): left < right ? -1 : left > right ? 1 : 0
            case (_?, nil): -1
            case (nil, _?): 1
            case (nil, nil): text < other.text ? -1 : text > other.text ? 1 : 0
            }
        }
    }
}
