internal import MMCore
internal import MMHTTP

/// SharePoint's own API, which accepts only tokens for SharePoint: the tenant's root site and its lists.
struct SharePointService {
    let context: TenantContext
    let store: DirectoryStore
    let bearer: BearerCheck

    /// Returns the routes of the service.
    static func routes(_ services: TenantServices) -> Router<Void> {
        var routes = ServiceRoutes(services) { $0.sharePoint }
        routes.on("GET", path: "/_api/web", Self.web)
        routes.on("GET", path: "/_api/web/lists", Self.lists)
        return routes.router
    }

    private func web(_ request: ServiceRequest) -> HTTPServerResponse {
        checked(request.http) {
            guard let site = store.table(.sites).find("root") else { return .failure(404, "-1", "There is no site.") }
            return HTTPServerResponse(
                status: 200,
                json: ["Id": .string(site.id), "Title": site["displayName"] ?? .null, "Url": site["webUrl"] ?? .null])
        }
    }

    private func lists(_ request: ServiceRequest) -> HTTPServerResponse {
        checked(request.http) {
            guard let site = store.table(.sites).find("root") else { return .failure(404, "-1", "There is no site.") }
            let rows = store.table(.lists(site.id)).all.map { list -> JSONValue in
                [
                    "Id": .string(list.id), "Title": list["displayName"] ?? .null,
                    "DefaultViewUrl": list["webUrl"] ?? .null, "Hidden": list["list"]?["hidden"] ?? false,
                    "BaseTemplate": list["list"]?["template"] == "documentLibrary" ? 101 : 100,
                ]
            }
            return HTTPServerResponse(status: 200, json: ["value": .array(rows)])
        }
    }

    private func checked(_ request: HTTPServerRequest, _ answer: () -> HTTPServerResponse) -> HTTPServerResponse {
        do throws(TokenMint.Refusal) {
            let principal = try bearer.principal(request, for: .sharePoint)
            return bearer.isRevoked(principal) ? refusal("The token has been revoked.") : answer()
        } catch {
            return refusal(error.message)
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
