internal import MMCore
internal import MMHTTP

/// SharePoint's own API, which accepts only tokens for SharePoint: the tenant's sites, their lists and items, their
/// users and groups, and the search.
///
/// Lists and items are those of Graph, so a change by one API is seen by the other. It answers in JSON alone.
struct SharePointService {
    let context: TenantContext
    let store: DirectoryStore
    let bearer: BearerCheck

    /// Returns the routes of the service.
    static func routes(_ services: TenantServices) -> Router<Void> {
        var routes = ServiceRoutes(services) { $0.sharePoint }
        for site in ["", "/sites/{site}"] { routes.all("\(site)/_api/{path...}", Self.answer) }
        return routes.router
    }

    private func answer(_ request: ServiceRequest) -> HTTPServerResponse {
        let principal: SignedInPrincipal
        do throws(TokenMint.Refusal) {
            principal = try bearer.principal(request.http, for: .sharePoint)
        } catch {
            return refusal(error.message)
        }
        guard !bearer.isRevoked(principal) else { return refusal("The token has been revoked.") }
        let form = SharePointForm(accepting: request.http.headers["Accept"])
        do throws(SharePointFailure) {
            let call = try SharePointCall(request.http)
            return form.response(try answer(call, principal))
        } catch {
            return form.response(error)
        }
    }

    private func answer(
        _ call: SharePointCall, _ principal: SignedInPrincipal
    ) throws(SharePointFailure) -> SharePointAnswer {
        guard let site = store.table(.sites).find(call.site) else {
            throw SharePointFailure(404, "-1, System.IO.FileNotFoundException", "404 FILE NOT FOUND")
        }
        switch (call.method, call.steps.map(\.name).joined(separator: "/")) {
        case ("POST", "contextinfo"):
            // Only calls with cookies need the digest, but libraries ask for it before each change.
            return .object(
                [
                    "FormDigestTimeoutSeconds": 1800, "FormDigestValue": .string("0x5A4E424F58,\(context.now)"),
                    "LibraryVersion": "16.0.0.0", "WebFullUrl": site["webUrl"] ?? .null,
                ], name: "GetContextWebInformation")
        case ("GET", "search/query"):
            return .object(SharePointSearch(store: store).answer(call.options), name: "query")
        default:
            guard call.steps.first?.name == "web" else { throw .notServed(call) }
            return try SharePointWeb(context: context, store: store, site: site, principal: principal)
                .answer(call, call.steps.dropFirst())
        }
    }

    private func refusal(_ message: String) -> HTTPServerResponse {
        var answer = HTTPServerResponse(
            status: 401, json: ["error": "invalid_request", "error_description": .string(message)])
        answer.headers.set(
            "WWW-Authenticate",
            "Bearer realm=\"\(TenantIdentity.id)\",client_id=\"\(ServedResource.sharePoint.appID)\","
                + "authorization_uri=\"\(context.base)/common/oauth2/authorize\"")
        return answer
    }
}

/// A request to SharePoint's own API.
struct SharePointCall {
    /// A step of a path, such as `getbytitle('Tasks')`.
    struct Step {
        /// The name in small letters.
        let name: String
        /// The argument without its quotes; `nil` if there are no parentheses.
        let argument: String?
    }

    /// The site, as paths of Graph name it.
    let site: String
    /// The steps after `_api`.
    let steps: [Step]
    /// The method, which a POST may name in a header.
    let method: String
    let options: QueryOptions
    let http: HTTPServerRequest

    init(_ http: HTTPServerRequest) throws(SharePointFailure) {
        self.http = http
        let parts = http.path.split(separator: "/").map { PercentCoding.decode($0.utf8) ?? String($0) }
        let start = parts.firstIndex { $0.lowercased() == "_api" } ?? parts.startIndex
        site = start == 0 ? "root" : "\(FileContent.host):/" + parts[..<start].joined(separator: "/")
        steps = parts[start...].dropFirst().map { part in
            guard let mark = part.firstIndex(of: "("), part.hasSuffix(")") else {
                return Step(name: part.lowercased(), argument: nil)
            }
            var argument = String(part[part.index(after: mark)...].dropLast())
            if argument.lowercased().hasPrefix("guid'") { argument.removeFirst(4) }
            if argument.count > 1, argument.hasPrefix("'"), argument.hasSuffix("'") {
                argument = String(argument.dropFirst().dropLast()).replacing("''", with: "'")
            }
            return Step(name: part[..<mark].lowercased(), argument: argument)
        }
        let named = http.method == "POST" ? http.headers["X-HTTP-Method"] : nil
        method = (named ?? http.method).uppercased()
        do throws(QueryFault) {
            options = try QueryOptions(parsing: http.query ?? "", version: .three)
        } catch {
            throw .query(error.message)
        }
    }

    /// Returns the written members of a body, without those that name types.
    func members() throws(SharePointFailure) -> JSONObject {
        guard let body = (try? JSONParser.parse(http.body, limits: .strict))?.object else {
            throw .query("The body must be a JSON object.")
        }
        return JSONObject(
            body.filter { name, _ in name != "__metadata" && !name.contains(".") }.map { ($0.key, $0.value) })
    }
}

/// An error of SharePoint's own API.
struct SharePointFailure: Error {
    let status: Int
    let code: String
    let message: String

    init(_ status: Int, _ code: String, _ message: String) {
        self.status = status
        self.code = code
        self.message = message
    }

    static func query(_ message: String) -> SharePointFailure {
        SharePointFailure(400, "-1, Microsoft.SharePoint.Client.InvalidClientQueryException", message)
    }

    /// A path or method that only the sandbox lacks.
    static func notServed(_ call: SharePointCall) -> SharePointFailure {
        SharePointFailure(
            404, "-1, NotServedBySandbox",
            "The sandbox doesn't know \(call.method) \(call.http.path.prefix(200)); the real service may.")
    }
}

/// An answer of SharePoint's own API, before it has a form.
enum SharePointAnswer {
    /// An object; the form with the most metadata wraps the answer of a function in its name.
    case object(JSONObject, name: String? = nil, status: Int = 200)
    case rows([JSONObject], next: String?)
    case nothing(status: Int)
}

/// The form of an answer: how much metadata the client accepts.
struct SharePointForm {
    private let isVerbose: Bool

    init(accepting accept: String?) {
        isVerbose = accept?.lowercased().contains("odata=verbose") == true
    }

    func response(_ answer: SharePointAnswer) -> HTTPServerResponse {
        switch answer {
        case .nothing(let status): return HTTPServerResponse(status: status)
        case .object(let object, let name, let status):
            guard isVerbose else { return HTTPServerResponse(status: status, json: .object(object)) }
            let shown = Self.verbose(.object(object))
            return HTTPServerResponse(status: status, json: ["d": name.map { .object([$0: shown]) } ?? shown])
        case .rows(let rows, let next):
            var page: JSONObject = [:]
            page[isVerbose ? "results" : "value"] = .array(
                rows.map { isVerbose ? Self.verbose(.object($0)) : .object($0) })
            if let next { page[isVerbose ? "__next" : "odata.nextLink"] = .string(next) }
            return HTTPServerResponse(status: 200, json: isVerbose ? ["d": .object(page)] : .object(page))
        }
    }

    func response(_ failure: SharePointFailure) -> HTTPServerResponse {
        HTTPServerResponse(
            status: failure.status,
            json: [
                isVerbose ? "error" : "odata.error": [
                    "code": .string(failure.code), "message": ["lang": "en-US", "value": .string(failure.message)],
                ]
            ])
    }

    private static func verbose(_ value: JSONValue) -> JSONValue {
        switch value {
        case .array(let items): ["results": .array(items.map(verbose))]
        case .object(let members): .object(members.mapValues { verbose($1) })
        default: value
        }
    }
}
