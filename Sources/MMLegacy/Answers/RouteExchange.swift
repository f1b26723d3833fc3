package import MMCore
package import MMHTTP
import MMOperations

/// How the earlier servers read requests and write answers.
package enum RouteExchange {
    /// The arguments of a POST.
    /// - Returns: the object, or the answer to a body that is none.
    package static func body(_ request: HTTPServerRequest) -> Result<JSONObject, Refusal> {
        // Forms and plain text are what pages of any origin may send without asking.
        guard isJSON(request.headers["Content-Type"]) else {
            return .failure(Refusal(status: 415, message: "The header Content-Type must be application/json"))
        }
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONParser.parse(request.body, limits: .strict)
        } catch {
            return .failure(Refusal(status: 400, message: "The body is no JSON: \(error)"))
        }
        guard let object = value.object else {
            return .failure(Refusal(status: 400, message: "The body must be a JSON object, not \(value.kindName)"))
        }
        return .success(object)
    }

    /// A request that reaches no route.
    package struct Refusal: Error {
        /// The HTTP status.
        package let status: Int
        /// What is wrong with it.
        package let message: String
    }

    /// An answer on the wire.
    package static func response(_ reply: RouteReply) -> HTTPServerResponse {
        .json(JSONWriter.bytes(.object(reply.body)) + [0x0A], status: reply.status)
    }

    private static func isJSON(_ header: String?) -> Bool {
        guard let header else { return false }
        let type = header.split(separator: ";", maxSplits: 1).first ?? ""
        let word = type.filter { $0 != " " && $0 != "\t" }.lowercased()
        return word == "application/json" || (word.hasPrefix("application/") && word.hasSuffix("+json"))
    }

    /// A text among arguments; `nil` when absent or empty.
    /// - Throws: `invalidInput` when it is something else.
    package static func text(_ name: String, _ body: JSONObject) throws(MMError) -> String? {
        guard let value = body[name], value != .null else { return nil }
        guard let text = value.string else {
            throw MMError(.invalidInput, "\(name) must be a text, not \(value.kindName)")
        }
        return text.isEmpty ? nil : text
    }
}

extension Router.Refusals {
    /// The earlier servers' words.
    package static var errorObjects: Self {
        Self(
            wrongMethod: { _, methods in
                let message = "Method not allowed: use \(methods.first ?? "GET")"
                return RouteExchange.response(
                    RouteReply(["status": "error", "success": false, "error": .string(message)], status: 405))
            }, failure: { RouteExchange.response(SessionPoolRoutes.failure($0.description)) })
    }
}
