package import MMCore
package import MMHTTP
import MMOperations

/// Reads requests and writes responses in the earlier servers' form.
package enum RouteExchange {
    /// Reads the arguments of a POST.
    /// - Returns: the object, or the refusal of a body that isn't one.
    package static func body(_ request: HTTPServerRequest) -> Result<JSONObject, Refusal> {
        // Pages of any origin may send forms and plain text without a preflight request.
        guard isJSON(request.headers["Content-Type"]) else {
            return .failure(Refusal(status: 415, message: "The header Content-Type must be application/json"))
        }
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONParser.parse(request.body, limits: .strict)
        } catch {
            return .failure(Refusal(status: 400, message: "The body isn't JSON: \(error)"))
        }
        guard let object = value.object else {
            return .failure(Refusal(status: 400, message: "The body must be a JSON object, not \(value.kindName)"))
        }
        return .success(object)
    }

    /// The refusal of a request before it reaches its route.
    package struct Refusal: Error {
        /// The HTTP status.
        package let status: Int
        /// What is wrong with the request.
        package let message: String
    }

    /// Converts a reply to an HTTP response.
    package static func response(_ reply: RouteReply) -> HTTPServerResponse {
        .json(JSONWriter.bytes(.object(reply.body)) + [0x0A], status: reply.status)
    }

    private static func isJSON(_ header: String?) -> Bool {
        guard let header else { return false }
        if header == "application/json" { return true }
        let type = header.split(separator: ";", maxSplits: 1).first ?? ""
        let word = type.filter { $0 != " " && $0 != "\t" }.lowercased()
        return word == "application/json" || (word.hasPrefix("application/") && word.hasSuffix("+json"))
    }

    /// Returns a string argument; `nil` when it is absent or empty.
    /// - Throws: `invalidInput` when it has another type.
    package static func text(_ name: String, _ body: JSONObject) throws(MMError) -> String? {
        guard let value = body[name], value != .null else { return nil }
        guard let text = value.string else {
            throw MMError(.invalidInput, "\(name) must be a text, not \(value.kindName)")
        }
        return text.isEmpty ? nil : text
    }
}

extension Router.ErrorResponses {
    /// Refusals as the earlier servers worded them.
    package static var errorObjects: Self {
        Self(
            wrongMethod: { _, methods in
                let message = "Method not allowed: use \(methods.first ?? "GET")"
                return RouteExchange.response(
                    RouteReply(["status": "error", "success": false, "error": .string(message)], status: 405))
            }, failure: { RouteExchange.response(SessionPoolRoutes.failure($0.description)) })
    }
}

/// The reply of one of the earlier servers' routes.
package struct RouteReply: Sendable {
    /// The HTTP status; those servers used 200 for most errors too.
    package var status: Int
    package var body: JSONObject

    package init(_ body: JSONObject, status: Int = 200) {
        self.status = status
        self.body = body
    }
}
