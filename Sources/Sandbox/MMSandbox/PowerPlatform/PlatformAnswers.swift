internal import MMCore
internal import MMHTTP

/// How the platform services answer: their check of tokens, their lists.
struct PlatformAnswers {
    let context: TenantContext
    let bearer: BearerCheck

    /// The answer to a request whose token and version of the API are in order, with the headers that all of them have.
    /// - Parameter version: the version that the service has; any where there is none.
    func checked(
        _ request: HTTPServerRequest, for resource: ServedResource, version: String = "",
        _ answer: () -> HTTPServerResponse
    ) -> HTTPServerResponse {
        var answer = refusal(request, for: resource) ?? Self.refusal(request, version: version) ?? answer()
        answer.headers.set("x-ms-request-id", RandomBytes.uuid())
        answer.headers.set("x-ms-correlation-request-id", RandomBytes.uuid())
        return answer
    }

    private static func refusal(_ request: HTTPServerRequest, version: String) -> HTTPServerResponse? {
        guard let asked = request.queryFields["api-version"], !asked.isEmpty else {
            return .failure(
                400, "MissingApiVersionParameter",
                "The api-version query parameter (?api-version=) is required for all requests.")
        }
        guard asked.hasPrefix(version) else {
            return .failure(
                400, "InvalidApiVersionParameter",
                "The api-version '\(asked.prefix(40))' is invalid. The supported versions are '\(version)'.")
        }
        return nil
    }

    /// The answer when the token of a platform request is not in order; `nil` when it is.
    private func refusal(_ request: HTTPServerRequest, for resource: ServedResource) -> HTTPServerResponse? {
        let challenge: HTTPHeaders = ["WWW-Authenticate": "Bearer authorization_uri=\"\(context.base)/\""]
        do throws(TokenMint.Refusal) {
            let principal = try bearer.principal(request, for: resource)
            guard !bearer.isRevoked(principal) else {
                return .failure(401, "AuthenticationFailed", "The access token has been revoked.", headers: challenge)
            }
            return nil
        } catch {
            let message =
                switch error {
                case .absent: "The request has no access token."
                case .expired: "The access token has expired."
                case .wrongAudience: "The access token has the wrong audience."
                case .malformed, .forged: "The access token is not valid."
                }
            return .failure(401, "AuthenticationFailed", message, headers: challenge)
        }
    }

    /// A list with the paging of these services: `nextLink` without a namespace, the port always written out.
    /// - Parameter named: what filters know by a name that is no member of a row.
    func list(
        _ request: HTTPServerRequest, _ rows: [JSONValue],
        named: @escaping (_ name: String, _ row: JSONValue) -> JSONValue? = { _, _ in nil }
    ) -> HTTPServerResponse {
        let fields = request.queryFields
        var matching = rows
        if let filter = fields["$filter"], !filter.isEmpty {
            guard let expression = try? FilterParser.parse(filter) else {
                return .failure(400, "InvalidFilterInQueryString", "The filter '\(filter.prefix(200))' is not valid.")
            }
            matching = rows.filter { row in
                FilterEvaluator(property: { name in
                    let small = "\(name.prefix(1).lowercased())\(name.dropFirst())"
                    return row["properties"]?[small] ?? row[small] ?? named(small, row)
                }).matches(expression)
            }
        }
        let start = fields["$skiptoken"].flatMap { PageToken($0)?.matched } ?? 0
        if fields["$skiptoken"] != nil, fields["$skiptoken"].flatMap({ PageToken($0) }) == nil {
            return .failure(400, "InvalidSkipToken", "The skip token is not valid.")
        }
        let size = max(1, fields["$top"].flatMap { Int($0) } ?? 50)
        let page = matching.dropFirst(start).prefix(size)
        var members: JSONObject = ["value": .array(Array(page))]
        if start + page.count < matching.count {
            let kept = (request.query ?? "").split(separator: "&").filter {
                !$0.hasPrefix("$skiptoken=") && !$0.hasPrefix("%24skiptoken=")
            }
            let token = "$skiptoken=\(PageToken(matched: start + page.count).text)"
            members["nextLink"] = .string(
                "\(context.base)\(request.path)?\((kept.map(String.init) + [token]).joined(separator: "&"))")
        }
        return HTTPServerResponse(status: 200, json: .object(members))
    }
}
