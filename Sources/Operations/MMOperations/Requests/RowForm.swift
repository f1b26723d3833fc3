import MMCore

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
