internal import MMCore

/// A service's error response, parsed as far as possible: gateways respond in HTML, and some services in formats of
/// their own.
package struct ServiceError: Sendable, Hashable {
    /// The status.
    package let status: Int
    /// The service's error code, such as `ResourceNotFound`; may be empty.
    package let code: String
    /// The service's message; may be empty.
    package let message: String
    /// A more specific code, if there is one.
    package let innerCode: String?
    /// The request id, by which the service's operators can find the request.
    package let requestID: String?
    /// The request id that the client sent.
    package let clientRequestID: String?

    /// Parses an error response.
    package init(_ response: GraphResponse) {
        status = response.status
        let value = try? JSONParser.parse(response.body, limits: JSONLimits(bytes: 1 << 20, depth: 64))
        let object = value?.object
        let error = object?["error"] ?? object?["odata.error"]
        let fields = error?.object
        let inner = fields?["innerError"]?.object ?? fields?["innererror"]?.object
        // Older services use OAuth's format: {"error": "code", "error_description": "message"}.
        let plainWord = error?.string
        code = fields?["code"]?.string ?? plainWord ?? object?["code"]?.string ?? ""
        let sentence =
            fields?["message"]?.string ?? fields?["message"]?["value"]?.string ?? object?["error_description"]?.string
            ?? object?["message"]?.string ?? object?["Message"]?.string
        message = sentence.map(Self.oneLine) ?? Self.fromText(response, isObject: object != nil)
        innerCode = inner?["code"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        requestID = response.requestID ?? inner?["request-id"]?.string
        clientRequestID = response.header("client-request-id") ?? inner?["client-request-id"]?.string
    }

    /// Returns the message of a response that isn't JSON: the title of a web page, or the text on one line.
    private static func fromText(_ response: GraphResponse, isObject: Bool) -> String {
        guard !isObject, !response.body.isEmpty else { return "" }
        let text = String(decoding: response.body.prefix(4096), as: UTF8.self)
        if text.lowercased().contains("<html") || response.contentType == "text/html" {
            let lower = text.lowercased()
            if let start = lower.firstRange(of: "<title>")?.upperBound,
                let end = lower[start...].firstRange(of: "</title>")?.lowerBound
            {
                return "a web page titled “\(oneLine(String(lower[start..<end])))” instead of an answer"
            }
            return "a web page instead of an answer"
        }
        return oneLine(text)
    }

    private static func oneLine(_ text: String) -> String {
        let line = text.split { $0.isNewline }.joined(separator: " ").trimmed
        return line.count <= 800 ? line : line.prefix(800) + "…"
    }
}
