internal import MMCore
internal import MMHTTP

/// The workspace of Azure Monitor: queries over its logs through the resource manager.
struct LogWorkspace {
    let context: TenantContext
    let answers: PlatformAnswers
    let content: AzureContent
    let access: AzureAccess
    let tables: LogTables

    /// Returns the routes of the service.
    static func routes(_ services: TenantServices) -> Router<Void> {
        var routes = ServiceRoutes(services) { $0.logs }
        let workspace =
            "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.OperationalInsights/workspaces/"
            + "{workspace}"
        routes.on("GET", "POST", path: "\(workspace)/query", Self.query)
        return routes.router
    }

    private func query(_ request: ServiceRequest) -> HTTPServerResponse {
        answers.checked(request.http, for: .arm) { principal in
            let type = "Microsoft.OperationalInsights/workspaces"
            let (group, name) = (request.name("group"), request.name("workspace"))
            let id = "\(AzureContent.scope(ofGroup: group))/providers/\(type)/\(name)"
            let action = AzureAction.reading("\(type)/query", at: id)
            guard access.permits(principal, action) else { return access.refusal(principal, action) }
            guard request.name("subscription").lowercased() == AzureContent.subscriptionID, content.resource(id) != nil
            else {
                return .failure(
                    404, "ResourceNotFound",
                    "The Resource '\(type)/\(name)' under resource group '\(group)' was not found.")
            }
            let fields = request.http.queryFields
            let body = request.http.object ?? [:]
            guard let text = body["query"]?.string ?? fields["query"], !text.isEmpty else {
                return Self.refused(inner: nil)
            }
            let timespan = body["timespan"]?.string ?? fields["timespan"]
            let period = timespan.flatMap { LogPeriod($0, now: context.now) }
            guard timespan == nil || period != nil else { return Self.refused(inner: Self.badPeriod) }
            do throws(KustoFailure) {
                let found = try KustoQuery.run(text, now: context.now, table: "") { name in
                    tables.ofWorkspace(name).map { period?.rows(of: $0, by: "TimeGenerated") ?? $0 }
                }
                return Self.answer(found.table)
            } catch {
                return Self.refused(inner: Self.inner(error))
            }
        }
    }

    private static func answer(_ table: KustoTable) -> HTTPServerResponse {
        let columns = table.columns.map { name -> JSONValue in
            ["name": .string(name), "type": .string(table.type(of: name).rawValue)]
        }
        // Dynamic values are texts in this format.
        let rows = table.rows.map { row -> JSONValue in
            .array(
                table.columns.map { name in
                    switch row[name] ?? .null {
                    case .array(let items): .string(JSONWriter.string(.array(items)))
                    case .object(let members): .string(JSONWriter.string(.object(members)))
                    case let value: value
                    }
                })
        }
        return HTTPServerResponse(
            status: 200,
            json: ["tables": [["name": "PrimaryResult", "columns": .array(columns), "rows": .array(rows)]]])
    }

    // MARK: Errors

    private static let badPeriod: JSONValue = [
        "code": "InvalidTimespan", "message": "The timespan is not an ISO 8601 duration or interval.",
    ]

    private static func refused(inner: JSONValue?) -> HTTPServerResponse {
        var error: JSONObject = [
            "message": "The request had some invalid properties", "code": "BadArgumentError",
            "correlationId": .string(RandomBytes.uuid()),
        ]
        error["innererror"] = inner
        return HTTPServerResponse(status: 400, json: ["error": .object(error)])
    }

    /// Returns an error of a query in the form of this service.
    private static func inner(_ failure: KustoFailure) -> JSONValue {
        if let place = failure.place {
            return [
                "code": "SyntaxError", "message": "A recognition error occurred in the query.",
                "innererror": [
                    "code": "SYN0002",
                    "message": .string(
                        "Query could not be parsed at '\(place.token)' on line [\(place.line),\(place.column)]"),
                    "line": .int(Int64(place.line)), "pos": .int(Int64(place.column)), "token": .string(place.token),
                ],
            ]
        }
        guard failure.code != "NotServedBySandbox" else {
            return ["code": .string(failure.code), "message": .string(failure.message)]
        }
        let message =
            failure.table.map { "Failed to resolve table or column expression named '\($0)'" } ?? failure.message
        return [
            "code": "SemanticError", "message": "A semantic error occurred.",
            "innererror": ["code": "SEM0100", "message": .string(message)],
        ]
    }
}

/// The period that a caller gives beside a query: an ISO 8601 duration up to now, or an interval.
struct LogPeriod: Sendable {
    private let times: ClosedRange<Int64>

    /// Parses a period; nil if the text is none.
    init?(_ text: String, now: Int64) {
        func time(_ part: Substring) -> Int64? { ServiceTime.seconds(String(part)).map { Int64($0.rounded(.down)) } }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let bounds: (start: Int64?, end: Int64?)
        switch parts.count {
        case 1: bounds = (Self.duration(parts[0]).map { now - $0 }, now)
        case 2:
            let (first, last) = (Self.duration(parts[0]), Self.duration(parts[1]))
            let (start, end) = (time(parts[0]), time(parts[1]))
            bounds = (
                start ?? end.flatMap { end in first.map { end - $0 } },
                end ?? start.flatMap { start in last.map { start + $0 } }
            )
        default: return nil
        }
        guard let start = bounds.start, let end = bounds.end, start <= end else { return nil }
        times = start...end
    }

    /// Returns the seconds of a duration such as `P1DT12H`; nil if the text is none.
    private static func duration(_ text: Substring) -> Int64? {
        guard text.first == "P", text.count > 1, text.count < 40 else { return nil }
        var (seconds, digits, isTime): (Int64, String, Bool) = (0, "", false)
        for character in text.dropFirst() {
            if character == "T", digits.isEmpty, !isTime {
                isTime = true
            } else if character.isASCII, character.isNumber {
                digits.append(character)
            } else {
                let units: [Character: Int64] = isTime ? ["H": 3600, "M": 60, "S": 1] : ["W": 604_800, "D": 86_400]
                guard let unit = units[character], let count = Int64(digits), count < 1_000_000 else { return nil }
                seconds += count * unit
                digits = ""
            }
        }
        return digits.isEmpty ? seconds : nil
    }

    /// Returns the rows of a table whose time lies in the period.
    func rows(of table: KustoTable, by column: String) -> KustoTable {
        KustoTable(
            columns: table.columns,
            rows: table.rows.filter { KustoTime.seconds($0[column]).map(times.contains) ?? false })
    }
}
