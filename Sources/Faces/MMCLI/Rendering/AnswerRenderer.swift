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
            return try await line(answer.isVerbatim ? text : FittedLines.message(text, to: form.width))
        }
        if format == nil, form.width != nil, case .value(let value) = answer.body, !answer.columns.isEmpty,
            Rows(of: value, columns: answer.columns)?.items.isEmpty == true
        {
            // A person is told in words that a list is empty: a header alone looks like a failure.
            if answer.notes.isEmpty { note("There is nothing to show.") }
            return
        }
        switch answer.body {
        case .text(let text):
            if format == .json { return try await line(JSONWriter.string(.string(text))) }
            try await write(Array(text.utf8))
            if !text.isEmpty, !text.hasSuffix("\n") { try await write([0x0A]) }
        case .bytes(let bytes, let type):
            try await write(bytes)
            // The shell's prompt must not appear behind a short text, such as a count.
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
                try Self.goOn()
            }
        }
        if !bytes.isEmpty { try await write(bytes) }
    }

    private static let piece = 64 << 10

    /// Returns the next rows of a list. Rows may have been fetched long before they are written, so that fetching them
    /// doesn't notice that the command was stopped.
    private func next(of stream: ItemStream) async throws(MMError) -> [ArraySlice<UInt8>]? {
        try Self.goOn()
        return try await stream.next()
    }

    private static func goOn() throws(MMError) {
        if Task.isCancelled { throw MMError(.cancelled, "Writing the answer was cancelled.") }
    }

    private func render(text bytes: [UInt8], columns: [String]) async throws(MMError) {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONParser.parse(bytes)
        } catch {
            // A service's own text is shown unchanged, even if it turns out not to be JSON.
            return try await write(bytes)
        }
        try await render(value, columns: columns)
        if (format ?? usual(of: value, columns: columns)) != .json, value.hasNextPage {
            note("Only the first rows are shown. For all rows add --all, for a number of rows --top N.")
        }
    }

    private func render(_ value: JSONValue, columns declared: [String]) async throws(MMError) {
        let selection = try RowSelection(form, of: Rows(of: value, columns: declared)?.items ?? [value])
        let value = selection.applied(to: value)
        let columns = selection.columns.isEmpty ? declared : selection.columns
        switch format ?? usual(of: value, columns: declared) {
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

    /// The default format: a table if the operation names columns or a person looks at a list, otherwise JSON.
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
                "\(hidden.count.counted("more column")) "
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
        note("Nested values are written as JSON: \(nested.joined(separator: ", ")).")
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
            while let batch = try await next(of: stream) { items += try Self.items(batch) }
            return try await render(.array(items), columns: columns)
        }
        switch format ?? (form.width == nil ? .json : .table) {
        case .json:
            // Nothing is written before the first rows have arrived, since they must have the requested columns.
            var separator = Array("[\n".utf8)
            var isEmpty = true
            var selection: RowSelection?
            while let batch = try await next(of: stream) {
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
            while let batch = try await next(of: stream) {
                var bytes: [UInt8] = []
                for item in try selected(batch, &selection) {
                    bytes += JSONWriter.oneLine(item)
                    bytes.append(0x0A)
                }
                try await write(bytes)
            }
        case .yaml:
            var isEmpty = true
            var selection: RowSelection?
            while let batch = try await next(of: stream) {
                let items = try Self.items(try selected(batch, &selection))
                isEmpty = isEmpty && items.isEmpty
                try await lines(items.flatMap { YAMLText.lines(of: .array([$0])) }) { $0 }
            }
            // An empty text is `null` in YAML.
            if isEmpty { try await line("[]") }
        case .csv, .table, .text, .tsv, .md: try await renderRows(stream, columns: columns)
        }
    }

    /// Formats an item of a list: indented for a person, as the service sent it for programs.
    private func onScreen(_ item: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard form.width != nil, let value = try? JSONParser.parse(item) else { return item }
        let lines = JSONWriter.bytes(value, layout: .indented(2)).split(separator: 0x0A)
        return Array(lines.map { [0x20, 0x20] + $0 }.joined(separator: [0x0A]))[...]
    }

    /// Returns the items with the requested members only; unparsed if all members are wanted.
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

    /// Writes rows with the columns and widths of the first batch: later batches needn't be kept in memory and the
    /// columns don't move.
    private func renderRows(_ stream: ItemStream, columns declared: [String]) async throws(MMError) {
        var first: (selection: RowSelection, rows: Rows, table: ColumnLayout?)?
        var cut = 0
        while let batch = try await next(of: stream) {
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
        if cut > 0 {
            note(
                "\(cut.counted("row has", "rows have")) properties that the first rows lack and CSV omits. "
                    + "To see them, use --output jsonl."
            )
        }
    }
}

extension JSONValue {
    /// Whether a cell can show the value without JSON: a plain value, or a list of them.
    fileprivate var isFlat: Bool { isSimple || (array?.allSatisfy(\.isSimple) ?? false) }
}

/// Markdown tables.
enum MarkdownTable {
    /// Returns the heading and the line below it.
    static func head(_ columns: [String]) -> [String] {
        [line(columns), "|" + String(repeating: " --- |", count: columns.count)]
    }

    /// Returns one row. Bars and line breaks are replaced because they would end a cell or the table.
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

/// One object as rows of a name and a value. Members of nested objects get names with dots.
struct FieldList: Sendable {
    /// The rows, each a name and a value.
    let rows: [[String]]

    /// Lists the members of an object.
    /// - Parameters:
    ///   - object: the object.
    ///   - isReadable: whether values are written for people; otherwise as the service sent them.
    init(_ object: JSONObject, isReadable: Bool) {
        rows = Self.rows(of: object, under: "", isReadable)
    }

    private static func rows(of object: JSONObject, under prefix: String, _ isReadable: Bool) -> [[String]] {
        object.flatMap { name, value -> [[String]] in
            // Annotations describe the answer, not the object.
            if isReadable, name.hasPrefix("@odata.") { return [] }
            if let inner = value.object, !inner.isEmpty {
                return rows(of: inner, under: prefix + name + ".", isReadable)
            }
            return [[prefix + name, isReadable ? ReadableCell.text(value, in: prefix + name) : value.cellText]]
        }
    }
}

/// JSON values as YAML in block style. Every text that YAML could interpret as anything else is quoted as in JSON,
/// which YAML reads the same way.
enum YAMLText {
    /// Returns the lines of a value.
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
        guard case .string(let text) = value, isPlain(text) else { return escaped(JSONWriter.string(value)) }
        return text
    }

    /// Escapes the characters that JSON may contain, but YAML not, and those that YAML 1.1 takes for line breaks (YAML
    /// 1.2.2, sections 5.1 and 5.4).
    private static func escaped(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isEscaped) else { return text }
        var escaped = ""
        for scalar in text.unicodeScalars {
            if isEscaped(scalar) {
                let digits = String(scalar.value, radix: 16)
                escaped += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            } else {
                escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    private static func isEscaped(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x7F...0x9F, 0x2028, 0x2029, 0xFFFE, 0xFFFF: true
        default: false
        }
    }

    /// Returns whether YAML reads an unquoted text as that text.
    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first, text.utf8.count <= 200 else { return false }
        let isWord = text.unicodeScalars.allSatisfy { scalar in
            scalar.isASCII && (scalar.properties.isAlphabetic || "0123456789_-./@ ".unicodeScalars.contains(scalar))
        }
        let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
        return isWord && first.properties.isAlphabetic && !text.hasSuffix(" ") && !words.contains(text.lowercased())
    }
}

/// The requested members and order, applied to the rows of an answer.
struct RowSelection: Sendable {
    /// The requested columns, spelled as in the rows; empty for all.
    let columns: [String]
    private let order: RowOrder?

    /// Finds the requested columns in rows.
    /// - Parameters:
    ///   - form: the requested form.
    ///   - rows: the rows known so far.
    /// - Throws: `MMError.invalidInput` when no row has a column of that name.
    init(_ form: AnswerForm, of rows: [JSONValue]) throws(MMError) {
        var columns: [String] = []
        for column in form.columns { columns.append(try Self.found(column, in: rows, flag: "--columns", form)) }
        self.columns = columns
        if let order = form.order {
            let column = try Self.found(order.column, in: rows, flag: "--sort", form)
            self.order = RowOrder(column: column, isDescending: order.isDescending)
        } else {
            order = nil
        }
    }

    /// Returns an answer with the selected members and order; the other members of an object around a list stay.
    func applied(to value: JSONValue) -> JSONValue {
        guard order != nil || !columns.isEmpty else { return value }
        switch value {
        case .array(let rows): return .array(applied(to: rows))
        case .object(var object):
            // Must find the same list as `Rows`.
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

    /// Returns a row with the requested members; those that it lacks are `null`.
    func row(_ item: JSONValue) -> JSONValue {
        guard !columns.isEmpty, let object = item.object else { return item }
        return .object(JSONObject(columns.map { ($0, object.value(of: $0) ?? .null) }))
    }

    /// Returns a column's name as the rows spell it.
    private static func found(
        _ column: String, in rows: [JSONValue], flag: String, _ form: AnswerForm
    ) throws(MMError) -> String {
        guard !rows.isEmpty else { return column }
        for case .object(let row) in rows {
            if let spelling = spelling(of: column, in: row) { return spelling }
        }
        let names = Rows(items: rows).columns
        let near = NearestNames.of(column, among: names, limit: 3)
        throw MMError(
            .invalidInput, "No row has the property “\(column)” of \(flag).",
            hint: near.isEmpty
                ? "The rows have \(names.prefix(20).joined(separator: ", "))\(names.count > 20 ? ", …" : "")."
                    + (form.queryFlag.map { " Some properties are only returned on request: \($0) '$select=…'." } ?? "")
                : "Did you mean \(near.joined(separator: ", "))?")
    }

    /// Returns the name of a member, or the path of a nested one, in the spelling of a row.
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

/// The form in which an answer is written.
package struct AnswerForm: Sendable {
    /// The format; `nil` for the default one.
    package var format: GlobalOptions.Format?
    /// The requested columns or members; empty for the default ones.
    package var columns: [String]
    /// The column by which rows are sorted.
    package var order: RowOrder?
    /// The width of the screen in cells; `nil` if the output goes to a file or a program.
    package var width: Int?
    /// The flag by which a call asks for further properties of its rows; `nil` where it can't.
    package var queryFlag: String?

    /// Creates a form.
    /// - Parameters:
    ///   - format: the format; `nil` for the default one.
    ///   - columns: the requested columns or members.
    ///   - order: the column by which rows are sorted.
    ///   - width: the width of the screen in cells.
    ///   - queryFlag: the flag by which a call asks for further properties of its rows.
    package init(
        format: GlobalOptions.Format?, columns: [String] = [], order: RowOrder? = nil, width: Int? = nil,
        queryFlag: String? = nil
    ) {
        self.format = format
        self.columns = columns
        self.order = order
        self.width = width
        self.queryFlag = queryFlag
    }
}
