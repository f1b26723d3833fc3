import MMCore
import MMHTTP

/// The body of a request, where a JSON object is expected.
enum RequestBody {
    /// The deepest nesting that arguments need.
    private static let limits = JSONLimits(bytes: 64 << 20, depth: 128, duplicateKeys: .refuse)

    /// Reads the object; no body is an empty one.
    /// - Throws: `unsupportedMedia` as `invalidInput`; `invalidInput` that says where the text is wrong.
    static func object(of request: HTTPServerRequest) throws(MMError) -> JSONObject {
        if request.body.isEmpty { return [:] }
        if let type = request.headers["Content-Type"], !MediaTypes.isJSON(type) {
            throw MMError(
                .unsupportedMediaType, "The body is `\(type.prefix(60))`.", hint: "Send Content-Type: application/json."
            )
        }
        guard request.headers.contains("Content-Type") else {
            throw MMError(
                .unsupportedMediaType, "The body has no Content-Type.", hint: "Send Content-Type: application/json.")
        }
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONParser.parse(request.body, limits: limits)
        } catch {
            throw MMError(
                .invalidInput, "The body is not sound JSON: \(error.description).",
                hint: "Send the arguments as one JSON object.")
        }
        guard let object = value.object else {
            throw MMError(
                .invalidInput, "The body is \(value.kindName).", hint: "Send the arguments as one JSON object.")
        }
        return object
    }
}

extension MMErrorCode {
    /// The body is of a kind that is not read here; over HTTP that is 415.
    static let unsupportedMediaType = MMErrorCode("unsupported_media_type")
    /// Nothing that the client takes can be made; over HTTP that is 406.
    static let notAcceptable = MMErrorCode("not_acceptable")
}
