internal import MMCore
internal import MMHTTP

/// Usage reports: Graph answers with the address of a file, which carries its own permission.
struct UsageReports {
    let context: TenantContext
    let store: DirectoryStore
    let mint: TokenMint
    private static let periods = ["D7": 7, "D30": 30, "D90": 90, "D180": 180]

    /// Where the files are fetched.
    static func routes(_ services: TenantServices) -> Router<Void> {
        var routes = ServiceRoutes(services) { $0.reports }
        routes.on("GET", path: "/_reports/{report}", Self.file)
        return routes.router
    }

    /// The answer to a report function; `nil` for everything else below `/reports`.
    func answer(_ call: GraphCall) throws(GraphFailure) -> HTTPServerResponse? {
        guard call.segments.count > 1, call.segments[1].name.hasPrefix("get") else { return nil }
        let function = call.segments[1]
        guard call.request.method == "GET" else { throw .notAllowed(call.request.method) }
        try check(call)
        guard let report = UsageReport.all.first(where: { $0.name.lowercased() == function.name.lowercased() }) else {
            throw .unknownSegment(function.name)
        }
        guard let period = function.arguments?["period"], Self.periods[period] != nil else {
            throw GraphFailure(
                400, "InvalidParameter",
                "Invalid input: the period of \(report.name) must be one of D7, D30, D90, D180.")
        }
        let grant = mint.tag("report:\(report.name):\(period)")
        return HTTPServerResponse(
            status: 302,
            headers: [
                "Location":
                    "\(context.base)/_reports/\(report.name)?period=\(period)&token=\(PercentCoding.unreserved(grant))",
                "Content-Type": "application/octet-stream",
            ])
    }

    private func check(_ call: GraphCall) throws(GraphFailure) {
        let denied = GraphFailure(
            403, "S2SUnauthorized", "Invalid permission. Reports.Read.All and a role that reads reports are needed.")
        guard call.principal.permissions.contains("Reports.Read.All") else { throw denied }
        if call.principal.isApp { return }
        let roles = store.roles(of: call.principal)
        guard roles.contains(.globalAdministrator) || roles.contains(.globalReader) else { throw denied }
    }

    /// The file of a report.
    private func file(_ request: ServiceRequest) -> HTTPServerResponse {
        let fields = request.http.queryFields
        guard let report = UsageReport.all.first(where: { $0.name == request.name("report") }),
            let period = fields["period"], let days = Self.periods[period],
            fields["token"] == mint.tag("report:\(report.name):\(period)")
        else { return HTTPServerResponse(status: 403, contentType: "text/plain", body: Array("AccessDenied\n".utf8)) }
        var text = "\u{FEFF}" + report.columns.map(\.title).joined(separator: ",") + "\r\n"
        // Reports lag two days behind.
        let refreshed = store.users.now / 86_400 * 86_400 - 2 * 86_400
        let mixing = context.mixing.branch(71)
        for index in 0..<store.users.count {
            let user = store.users.row(index)
            guard report.isOfEverybody || !user.isGuest, store.user(user.id) != nil else { continue }
            let row = UsageReport.Row(user: user, refreshed: refreshed, days: days, mixing: mixing)
            text += report.columns.map { Self.quoted($0.value(row)) }.joined(separator: ",") + "\r\n"
        }
        var answer = HTTPServerResponse(status: 200, contentType: "application/octet-stream", body: Array(text.utf8))
        answer.headers.set("Content-Disposition", "attachment; filename=\"\(report.name)\(period).csv\"")
        return answer
    }

    private static func quoted(_ text: String) -> String {
        text.contains(where: { ",\"\n".contains($0) }) ? "\"\(text.replacing("\"", with: "\"\""))\"" : text
    }
}
