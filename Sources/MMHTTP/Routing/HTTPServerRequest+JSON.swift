package import MMCore

/// The body of a request, where a JSON object is expected.
extension HTTPServerRequest {
    /// The deepest nesting that arguments need.
    private static let objectLimits = JSONLimits(bytes: 64 << 20, depth: 128, duplicateKeys: .refuse)

    /// Reads the object; no body is an empty one.
    /// - Throws: `unsupportedMediaType`; `invalidInput` that says where the text is wrong.
    package func jsonObject() throws(MMError) -> JSONObject {
        if body.isEmpty { return [:] }
        if let type = headers["Content-Type"], !MediaTypes.isJSON(type) {
            throw MMError(
                .unsupportedMediaType, "The body is `\(type.prefix(60))`.", hint: "Send Content-Type: application/json."
            )
        }
        guard headers.contains("Content-Type") else {
            throw MMError(
                .unsupportedMediaType, "The body has no Content-Type.", hint: "Send Content-Type: application/json.")
        }
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONParser.parse(body, limits: Self.objectLimits)
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
    package static let unsupportedMediaType = MMErrorCode("unsupported_media_type")
    /// Nothing that the client takes can be made; over HTTP that is 406.
    package static let notAcceptable = MMErrorCode("not_acceptable")
}
