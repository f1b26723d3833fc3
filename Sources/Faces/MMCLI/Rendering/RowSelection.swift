import MMCore
import MMOperations

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
