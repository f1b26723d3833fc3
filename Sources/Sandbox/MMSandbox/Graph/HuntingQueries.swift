import MMCore
import MMHTTP

/// Advanced hunting: `security/runHuntingQuery`, which queries the logs of mail, sign-ins, apps and devices.
struct HuntingQueries {
    let context: TenantContext
    let tables: LogTables
    let permissions: GraphPermissions

    /// Returns the answer; `nil` for every other call.
    func answer(_ call: GraphCall) throws(GraphFailure) -> HTTPServerResponse? {
        guard call.segments.count == 2,
            call.segments[1].name.lowercased().split(separator: ".").last == "runhuntingquery"
        else { return nil }
        try call.requirePost()
        try permissions.check(call, GraphPlace(.single(nil, .object([:])), "security", .hunting, []))
        let body = try call.object()
        guard let text = (body["Query"] ?? body["query"])?.string, !text.isEmpty else {
            throw .badRequest("The query is missing.")
        }
        // Without a period, the last 30 days are read.
        let given = (body["Timespan"] ?? body["timespan"])?.string ?? "P30D"
        guard let period = LogPeriod(given, now: context.now) else {
            throw .badRequest("The timespan is not an ISO 8601 duration or interval.")
        }
        do throws(KustoFailure) {
            let found = try KustoQuery.run(text, now: context.now, table: "") { name in
                tables.ofHunting(name).map { period.rows(of: $0, by: "Timestamp") }
            }
            return answer(call, found.table)
        } catch {
            guard error.code != "NotServedBySandbox" else { throw GraphFailure(400, error.code, error.message) }
            let unparsed = error.place.map {
                "A recognition error occurred in the query at '\($0.token)' on line \($0.line), position \($0.column)"
            }
            let unknown = error.table.map { "'\($0)' is not a table of advanced hunting" }
            throw GraphFailure(400, "BadRequest", "Query failed. \(unparsed ?? unknown ?? error.message).")
        }
    }

    private func answer(_ call: GraphCall, _ table: KustoTable) -> HTTPServerResponse {
        let types: [KustoType: String] = [
            .string: "String", .long: "Int64", .real: "Double", .bool: "SByte", .datetime: "DateTime",
            .dynamic: "Object",
        ]
        let schema = table.columns.map { name -> JSONValue in
            ["name": .string(name), "type": .string(types[table.type(of: name)] ?? "String")]
        }
        // No more than 100,000 rows are returned.
        let rows = table.rows.prefix(100_000).map { row in
            JSONValue.object(JSONObject(table.columns.map { ($0, row[$0] ?? .null) }))
        }
        return GraphAnswers.json([
            "@odata.context": .string(
                "\(context.base)/\(call.version)/$metadata#microsoft.graph.security.huntingQueryResults"),
            "schema": .array(schema), "results": .array(rows),
        ])
    }
}
