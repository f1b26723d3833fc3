import MMCore
import MMOperations

/// The rows of an answer in the form that its call asks for with `output`.
enum FormedRows {
    /// The form with one JSON text per line, in which a list can be streamed.
    static let lines = "jsonl"

    /// Returns the answer with its rows as CSV, as a table or as lines of JSON; the same answer for other forms and for
    /// what has no rows. For columns the whole list is read, since they are only known then.
    static func answer(_ answer: OperationAnswer, as form: String?) async throws(MMError) -> OperationAnswer {
        guard let form, ["csv", "table", lines].contains(form) else { return answer }
        switch answer.body {
        case .text, .bytes, .output: return answer
        case .items where form == lines: return answer
        // A service's own text is passed on unchanged, even if it turns out not to be JSON.
        case .json(let bytes) where (try? JSONParser.parse(bytes)) == nil: return answer
        case .value, .json, .items: break
        }
        guard let rows = Rows(of: try await answer.wholeValue(), columns: answer.columns) else { return answer }
        var formed = answer
        if let end = answer.body.stream?.end() { formed.add(end) }
        let isFirstPage = answer.body.isFirstPage
        switch form {
        case "csv":
            let lines = [rows.columns] + rows.items.map { rows.cells(of: $0) }
            formed.body = text(lines.map { CSVText.line($0) }, as: "text/csv; charset=utf-8")
        case lines:
            formed.body = text(rows.items.map { JSONWriter.string($0) }, as: "application/x-ndjson")
        default:
            let cells = [rows.columns] + rows.items.map { rows.cells(of: $0) }
            let table = TableText(fitting: cells)
            formed.body = text(cells.map { table.line($0) }, as: "text/plain; charset=utf-8")
        }
        // The rows alone don't show that there are more, as the service's own page does.
        if isFirstPage {
            formed.notes.append("Only the first rows are here. Give `all` for all, or `top` for a number.")
        }
        return formed
    }

    private static func text(_ lines: [String], as type: String) -> OperationAnswer.Body {
        .bytes(lines.flatMap { Array($0.utf8) + [0x0A] }, contentType: type)
    }
}
