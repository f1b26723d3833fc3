package import MMCore

/// Reads request bodies that must be JSON objects.
extension HTTPServerRequest {
    /// The depth limit is ample for arguments.
    private static let objectLimits = JSONLimits(bytes: 64 << 20, depth: 128, duplicateKeys: .refuse)

    /// Reads the body as a JSON object; a missing body is an empty object.
    /// - Throws: `unsupportedMediaType`; `invalidInput` with the position of the fault.
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
                .invalidInput, "The body isn't valid JSON: \(error.description).",
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
    /// The body's media type isn't supported; 415 over HTTP.
    package static let unsupportedMediaType = MMErrorCode("unsupported_media_type")
    /// None of the media types that the client accepts can be produced; 406 over HTTP.
    package static let notAcceptable = MMErrorCode("not_acceptable")
}
