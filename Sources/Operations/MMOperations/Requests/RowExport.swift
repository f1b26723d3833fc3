import MMCore
import MMDesk
import MMShell

/// Writes a whole list to a file or to the store of answers, in the requested form and with constant memory, however
/// long the list is.
struct RowExport {
    let context: OperationContext
    let services: ShellServices
    let connection: String
    let form: RowForm
    /// Whether an existing file may be replaced.
    let replaces: Bool
    /// Whether other people wrote the list, where its rows don't show that.
    var isForeign = false

    /// The word for a handle in place of a path.
    static let handleWord = "handle"

    /// Returns the file that rows are to be written to; `nil` for the store.
    func place(_ named: String, suggested: String?) async throws(MMError) -> LocalFiles.Place? {
        guard named != Self.handleWord else { return nil }
        return try await CallerFiles(context, services).local().place(named, suggested: suggested)
    }

    /// Writes a list to its end.
    /// - Parameters:
    ///   - stream: the rows.
    ///   - place: the file; `nil` for the store.
    ///   - columns: the columns of a CSV file, where they are known before the rows are.
    /// - Returns: the file or handle, and the number of rows.
    func write(_ stream: ItemStream, to place: LocalFiles.Place?, columns: [String] = []) async throws(MMError)
        -> OperationAnswer
    {
        var columns = columns
        var rows = stream
        var kept: StoredOutput?
        let outputs = services.work.outputs.of(context.call.caller)
        if form == .csv, columns.isEmpty {
            // The first line names the columns of all rows, which are only known after the last row.
            let (stored, found) = try await spool(stream, into: outputs)
            columns = found
            kept = stored
            rows = ItemStream(of: stored, in: outputs)
        }
        defer { if let kept { try? outputs.remove(kept.handle) } }
        let text = RowText(form, columns: columns)
        return try await place == nil
            ? store(rows, text, in: outputs) : file(rows, text, at: place)
    }

    private func spool(_ stream: ItemStream, into outputs: OutputStore) async throws(MMError) -> (
        StoredOutput, [String]
    ) {
        var writer = try outputs.begin(connection: connection)
        var names: [String] = []
        var seen: Set<String> = []
        while let batch = try await stream.next() {
            for row in batch {
                try writer.append(row: row)
                let members = (try? JSONParser.parse(Array(row)))?.object
                for key in members?.keys ?? [] where !key.hasPrefix("@odata.") && seen.insert(key).inserted {
                    names.append(key)
                }
            }
        }
        let stored = try writer.finish()
        return (stored, names.isEmpty ? ["value"] : names)
    }

    private func file(_ rows: ItemStream, _ given: RowText, at place: LocalFiles.Place?) async throws(MMError)
        -> OperationAnswer
    {
        guard let place else { throw MMError(.internalError, "a file without a place") }
        var text = given
        let file = try await RowFile(at: place, replaces: replaces)
        try await file.write(text.beginning)
        while let batch = try await rows.next() { try await file.write(text.text(of: batch)) }
        try await file.write(text.end)
        let size = try await file.finish()
        return answer(["path": .string(place.path)], place.path, text.count, size, rows.end().notes)
    }

    private func store(_ rows: ItemStream, _ given: RowText, in outputs: OutputStore) async throws(MMError)
        -> OperationAnswer
    {
        var text = given
        var writer = try outputs.begin(connection: connection)
        writer.isForeign = isForeign
        try writer.append(text: text.beginning)
        while let batch = try await rows.next() {
            for row in batch { writer.look(at: row) }
            try writer.append(text: text.text(of: batch))
        }
        try writer.append(text: text.end)
        let stored = try writer.finishText()
        return answer(["handle": .string(stored.handle)], stored.handle, text.count, stored.bytes, rows.end().notes)
    }

    private func answer(_ place: JSONObject, _ name: String, _ count: Int, _ size: Int, _ notes: [String])
        -> OperationAnswer
    {
        context.record.note("bytes", .int(Int64(size)))
        var value = place
        value["rows"] = .int(Int64(count))
        value["size"] = .int(Int64(size))
        value["form"] = .string(form.rawValue)
        return OperationAnswer(
            .value(.object(value)), notes: notes,
            text: "\(name): \(count.counted("row")) as \(form.rawValue), \(size) bytes",
            connection: connection)
    }
}

/// The format of rows in a file.
enum RowForm: String, Sendable, CaseIterable {
    /// A JSON array.
    case json
    /// One JSON object in each line (JSON Lines).
    case jsonl
    /// Comma-separated values, with the column names in the first line.
    case csv

    /// Returns the format that a call asks for, or else that of the file's name; JSON by default.
    /// - Parameters:
    ///   - word: the argument `output` of the call.
    ///   - file: the file's name, or an address that ends with it.
    /// - Throws: `invalidInput` for a format that files can't have.
    static func of(_ word: String?, file: String?) throws(MMError) -> RowForm {
        if let word {
            if let form = RowForm(rawValue: word) { return form }
            throw MMError(
                .invalidInput, "`output` can't be `\(word)` in a file.",
                hint: "It is one of \(allCases.map(\.rawValue).joined(separator: ", ")).", details: ["field": "output"])
        }
        return byName(file) ?? .json
    }

    /// Returns the format of a file's name; `nil` for other names.
    static func byName(_ file: String?) -> RowForm? {
        guard var name = file?.lowercased() else { return nil }
        // An address may denote the content of a file: /me/drive/root:/users.csv:/content.
        for ending in ["/content", ":"] where name.hasSuffix(ending) { name = String(name.dropLast(ending.count)) }
        switch name.split(separator: ".").last {
        case "csv"?: return .csv
        case "jsonl"?, "ndjson"?: return .jsonl
        case "json"?: return .json
        default: return nil
        }
    }
}

/// Writes rows as the text of a file, a batch at a time.
struct RowText: Sendable {
    private let form: RowForm
    private let columns: [String]
    /// The number of rows so far.
    private(set) var count = 0

    /// Creates a writer.
    /// - Parameter columns: the columns of a CSV file; unused for other formats.
    init(_ form: RowForm, columns: [String]) {
        self.form = form
        self.columns = columns
    }

    /// The text before all rows.
    var beginning: [UInt8] {
        switch form {
        case .json: Array("[".utf8)
        case .jsonl: []
        case .csv: Array((CSVText.line(columns) + "\n").utf8)
        }
    }

    /// The text after all rows.
    var end: [UInt8] { form == .json ? Array("\n]\n".utf8) : [] }

    /// Returns the text of the next rows.
    mutating func text(of batch: [ArraySlice<UInt8>]) -> [UInt8] {
        var text: [UInt8] = []
        for row in batch {
            switch form {
            case .json:
                text += Array((count == 0 ? "\n" : ",\n").utf8)
                text += JSONWriter.oneLine(row)
            case .jsonl:
                text += JSONWriter.oneLine(row)
                text.append(0x0A)
            case .csv:
                let value = (try? JSONParser.parse(Array(row))) ?? .string(String(decoding: row, as: UTF8.self))
                let cells = Rows(items: [], columns: columns).cells(of: value)
                text += Array((CSVText.line(cells) + "\n").utf8)
            }
            count += 1
        }
        return text
    }
}
