internal import MMCore
internal import MMHTTP

/// The common behaviour of the platform services: the check of tokens, and the form of lists.
struct PlatformAnswers {
    let context: TenantContext
    let bearer: BearerCheck

    /// Returns the answer to a request with a valid token and API version, with the common headers.
    /// - Parameters:
    ///   - version: the version of the service; empty for any.
    ///   - answer: returns the answer to whom the token represents.
    func checked(
        _ request: HTTPServerRequest, for resource: ServedResource, version: String = "",
        _ answer: (SignedInPrincipal) -> HTTPServerResponse
    ) -> HTTPServerResponse {
        var answer =
            switch principal(of: request, for: resource) {
            case .success(let principal): Self.refusal(request, version: version) ?? answer(principal)
            case .failure(let refusal): refusal.answer
            }
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

    /// The refusal of a request with an invalid token.
    private struct Refusal: Error {
        let answer: HTTPServerResponse
    }

    /// Returns whom the token of a request represents, or the refusal of an invalid one.
    private func principal(
        of request: HTTPServerRequest, for resource: ServedResource
    ) -> Result<SignedInPrincipal, Refusal> {
        let challenge: HTTPHeaders = ["WWW-Authenticate": "Bearer authorization_uri=\"\(context.base)/\""]
        func refused(_ message: String) -> Result<SignedInPrincipal, Refusal> {
            .failure(Refusal(answer: .failure(401, "AuthenticationFailed", message, headers: challenge)))
        }
        do throws(TokenMint.Refusal) {
            let principal = try bearer.principal(request, for: resource)
            return bearer.isRevoked(principal) ? refused("The access token has been revoked.") : .success(principal)
        } catch {
            let message =
                switch error {
                case .absent: "The request has no access token."
                case .expired: "The access token has expired."
                case .wrongAudience: "The access token has the wrong audience."
                case .malformed, .forged: "The access token is not valid."
                }
            return refused(message)
        }
    }

    /// Returns a list with the paging of these services: `nextLink` without a namespace, and always with the port.
    /// - Parameter named: returns the value of a name that filters know but that isn't a member of a row.
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
