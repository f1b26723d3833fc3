internal import MMCore
internal import MMHTTP

/// How the platform services answer: their errors, their check of tokens, their lists.
struct PlatformAnswers {
    let context: TenantContext
    let bearer: BearerCheck

    /// The error of a platform service.
    static func error(_ status: Int, _ code: String, _ message: String, headers: HTTPHeaders = [:])
        -> SandboxResponse
    {
        var answer = SandboxResponse(
            status: status, json: ["error": ["code": .string(code), "message": .string(message)]])
        for field in headers { answer.headers.set(field.name, field.value) }
        return answer
    }

    /// The answer when the token of a platform request is not in order; `nil` when it is.
    func refusal(_ request: SandboxRequest, for resource: ServiceResource) -> SandboxResponse? {
        let challenge: HTTPHeaders = ["WWW-Authenticate": "Bearer authorization_uri=\"\(context.base)/\""]
        do throws(TokenMint.Refusal) {
            let principal = try bearer.principal(request, for: resource)
            guard !bearer.isRevoked(principal) else {
                return Self.error(
                    401, "AuthenticationFailed", "The access token has been revoked.", headers: challenge)
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
            return Self.error(401, "AuthenticationFailed", message, headers: challenge)
        }
    }

    /// A list with the paging of these services: `nextLink` without a namespace, the port always written out.
    func list(_ request: SandboxRequest, _ rows: [JSONValue]) -> SandboxResponse {
        let fields = request.queryFields
        var matching = rows
        if let filter = fields["$filter"] {
            guard let expression = try? FilterParser.parse(filter) else {
                return Self.error(
                    400, "InvalidFilterInQueryString", "The filter '\(filter.prefix(200))' is not valid.")
            }
            matching = rows.filter { row in
                FilterEvaluator(property: { name in
                    let small = "\(name.prefix(1).lowercased())\(name.dropFirst())"
                    return row["properties"]?[small] ?? row[small]
                }).matches(expression)
            }
        }
        let start = fields["$skiptoken"].flatMap { PageToken($0)?.matched } ?? 0
        if fields["$skiptoken"] != nil, fields["$skiptoken"].flatMap({ PageToken($0) }) == nil {
            return Self.error(400, "InvalidSkipToken", "The skip token is not valid.")
        }
        let size = max(1, fields["$top"].flatMap { Int($0) } ?? 50)
        let page = matching.dropFirst(start).prefix(size)
        var members: JSONObject = ["value": .array(Array(page))]
        if start + page.count < matching.count {
            let kept = request.query.split(separator: "&").filter {
                !$0.hasPrefix("$skiptoken=") && !$0.hasPrefix("%24skiptoken=")
            }
            let token = "$skiptoken=\(PageToken(matched: start + page.count).text)"
            members["nextLink"] = .string(
                "\(context.base)\(request.path)?\((kept.map(String.init) + [token]).joined(separator: "&"))")
        }
        return SandboxResponse(status: 200, json: .object(members))
    }
}
