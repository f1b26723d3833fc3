import MMCore
import MMDesk
import MMShell

/// Writes a whole list to a file of the caller's, or to the store of answers: every row, in the form that was asked for, with flat
/// memory however long the list is.
struct RowExport {
    let context: OperationContext
    let services: ShellServices
    let connection: String
    let form: RowForm
    /// Whether a file of that name may go.
    let replaces: Bool

    /// The word that stands for a handle in the place of a path.
    static let handleWord = "handle"

    /// The file that rows are to be written to; `nil` for the store.
    func place(_ named: String, suggested: String?) async throws(MMError) -> LocalFiles.Place? {
        guard named != Self.handleWord else { return nil }
        return try await CallerFiles(context, services).local().place(named, suggested: suggested)
    }

    /// Reads a list to its end.
    /// - Parameters:
    ///   - stream: the rows.
    ///   - place: the file; `nil` for the store.
    ///   - columns: the columns of a CSV file, where they are known before the rows are.
    /// - Returns: where they are now, and how many.
    func write(_ stream: ItemStream, to place: LocalFiles.Place?, columns: [String] = []) async throws(MMError)
        -> OperationAnswer
    {
        var columns = columns
        var rows = stream
        var kept: StoredOutput?
        let outputs = services.work.outputs.of(context.call.caller)
        if form == .csv, columns.isEmpty {
            // The first line has the columns of all rows: those are known when the last one has come.
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
        try writer.append(text: text.beginning)
        while let batch = try await rows.next() { try writer.append(text: text.text(of: batch)) }
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
            text: "\(name): \(count) \(count == 1 ? "row" : "rows") as \(form.rawValue), \(size) bytes",
            connection: connection)
    }
}

/// How the rows of a list stand in a file.
enum RowForm: String, Sendable, CaseIterable {
    /// One list of JSON.
    case json
    /// A JSON object a line.
    case jsonl
    /// Lines of values, with the names of the columns first.
    case csv

    /// The form that a call asks for, else the one that a file's name says; JSON where neither does.
    /// - Parameters:
    ///   - word: `output` of the call.
    ///   - file: the file's name, or an address that ends with it.
    /// - Throws: `invalidInput` for a form that no file has.
    static func of(_ word: String?, file: String?) throws(MMError) -> RowForm {
        if let word {
            if let form = RowForm(rawValue: word) { return form }
            throw MMError(
                .invalidInput, "`output` can't be `\(word)` in a file.",
                hint: "It is one of \(allCases.map(\.rawValue).joined(separator: ", ")).", details: ["field": "output"])
        }
        return byName(file) ?? .json
    }

    /// The form that a file's name says; `nil` for other names.
    static func byName(_ file: String?) -> RowForm? {
        guard var name = file?.lowercased() else { return nil }
        // An address may name the content of a file: /me/drive/root:/users.csv:/content.
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
    /// How many rows there were.
    private(set) var count = 0

    /// A text.
    /// - Parameter columns: the columns of a CSV file; other forms have none.
    init(_ form: RowForm, columns: [String]) {
        self.form = form
        self.columns = columns
    }

    /// What stands before all rows.
    var beginning: [UInt8] {
        switch form {
        case .json: Array("[".utf8)
        case .jsonl: []
        case .csv: Array((CSVText.line(columns) + "\n").utf8)
        }
    }

    /// What stands behind them.
    var end: [UInt8] { form == .json ? Array("\n]\n".utf8) : [] }

    /// The next rows.
    mutating func text(of batch: [ArraySlice<UInt8>]) -> [UInt8] {
        var text: [UInt8] = []
        for row in batch {
            switch form {
            case .json:
                text += Array((count == 0 ? "\n" : ",\n").utf8)
                text += plain(row)
            case .jsonl:
                text += plain(row)
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

    /// A row on one line.
    private func plain(_ row: ArraySlice<UInt8>) -> [UInt8] {
        guard row.contains(0x0A) || row.contains(0x0D), let value = try? JSONParser.parse(Array(row)) else {
            return Array(row)
        }
        return JSONWriter.bytes(value)
    }
}
