import MMCore

/// Puts the connection and its tenant in front of each row, where the row is made: no later step could confuse them.
struct TenantRow: Sendable {
    /// The connection.
    let connection: String
    /// Its tenant, by its id where that is known.
    let tenant: String

    /// A row with its connection and tenant. Members of these names that say something else keep it under `_connection` and
    /// `_tenant`.
    func tagged(_ item: JSONValue) -> JSONObject {
        var row: JSONObject = ["connection": .string(connection), "tenant": .string(tenant)]
        guard let object = item.object else {
            row["value"] = item
            return row
        }
        for (key, value) in object {
            guard let own = row[key], key == "connection" || key == "tenant" else {
                row[key] = value
                continue
            }
            if own != value { row["_" + key] = value }
        }
        return row
    }

    /// The rows of an answer that is no stream.
    /// - Parameters:
    ///   - body: the answer.
    ///   - columns: those that the operation shows.
    ///   - member: the member whose items are the rows, where the operation names one.
    /// - Throws: `unsupported` for bytes, which have no rows.
    static func items(
        of body: OperationAnswer.Body, columns: [String], member: String?
    ) throws(MMError) -> [JSONValue] {
        let value: JSONValue
        switch body {
        case .value(let given): value = given
        case .json(let bytes):
            do throws(JSONError) { value = try JSONParser.parse(bytes) } catch {
                throw MMError(.remoteFailed, "The answer isn't JSON: \(error).", hint: "Ask again.")
            }
        case .text(let text): return [["text": .string(text)]]
        case .bytes(let bytes, let type):
            throw MMError(
                .unsupported, "The answer is \(bytes.count) bytes of \(type), which have no rows.",
                hint: "Ask one connection alone.")
        case .items, .output: return []
        }
        if let member, let items = value[member]?.array { return items }
        // An answer that has the columns itself is a row, whatever lists it holds.
        if columns.contains(where: { value[$0] != nil && value[$0]?.array == nil }) { return [value] }
        return Rows(of: value, columns: columns)?.items ?? [value]
    }

    /// Whether an answer is the first page of a list that goes on.
    static func isFirstPage(_ body: OperationAnswer.Body) -> Bool {
        guard case .json(let bytes) = body, let value = try? JSONParser.parse(bytes) else { return false }
        return value["@odata.nextLink"] != nil
    }
}
