package import MMCore

/// A JSON-RPC error: the request itself was wrong or could not be served.
///
/// A tool whose *work* fails returns a failed ``ToolResult`` instead; a handler throws this error only where the
/// protocol requires one.
package struct MCPError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The JSON-RPC error code.
    package var code: Int
    /// One sentence, without secrets or internals.
    package var message: String
    /// Further data for client programs.
    package var data: JSONValue?

    /// Creates an error with this code.
    package init(code: Int, _ message: String, data: JSONValue? = nil) {
        self.code = code
        self.message = message
        self.data = data
    }

    /// Message and code.
    package var description: String { "\(message) (\(code))" }

    /// -32700: the text is not JSON.
    package static func parseError(_ detail: String) -> MCPError { MCPError(code: -32700, "Parse error: \(detail)") }

    /// -32600: valid JSON, but no valid message.
    package static func invalidRequest(_ detail: String) -> MCPError {
        MCPError(code: -32600, "Invalid request: \(detail)")
    }

    /// -32601: the server doesn't have the method.
    package static func methodNotFound(_ method: String) -> MCPError {
        MCPError(code: -32601, "Method not found: \(Self.quotable(method))")
    }

    /// -32602: a parameter is wrong; the message names it.
    package static func invalidParams(_ message: String) -> MCPError { MCPError(code: -32602, message) }

    /// -32603: a fault of the server, described without internals.
    package static func internalError(_ message: String = "Internal error") -> MCPError {
        MCPError(code: -32603, message)
    }

    /// -32020: a routing header is missing, malformed or different from the body.
    package static func headerMismatch(_ message: String) -> MCPError { MCPError(code: -32020, message) }

    /// -32021: the request can't be served to a client without these capabilities.
    package static func missingCapability(_ required: JSONObject) -> MCPError {
        MCPError(
            code: -32021,
            "The client must declare these capabilities for this request: \(required.keys.joined(separator: ", "))",
            data: ["requiredCapabilities": .object(required)]
        )
    }

    /// -32022: the requested version is not served in this way.
    package static func unsupportedVersion(_ requested: String) -> MCPError {
        let supported = ProtocolVersion.modern + ProtocolVersion.legacy.reversed()
        return MCPError(
            code: -32022,
            "Unsupported protocol version \(quotable(requested)); supported are "
                + "\(supported.map(\.text).joined(separator: ", "))",
            data: [
                "supported": .array(ProtocolVersion.modern.map { .string($0.text) }),
                "requested": .string(quotable(requested)),
            ]
        )
    }

    /// -32029: a caller has reached a limit (`CallLimits`); over HTTP the status is 429.
    package static func tooManyCalls(_ what: String, seconds: Int) -> MCPError {
        MCPError(
            code: tooManyCallsCode, "\(what). Call again in \(max(1, seconds)) s.",
            data: ["retryAfterSeconds": .int(Int64(max(1, seconds)))])
    }
    static let tooManyCallsCode = -32029

    /// -32603: the client ended its input, and then the time in which its open calls may end was over.
    static let inputEnded = cancelled(
        after: "The input ended", advice: "Keep the input open until all answers are read")

    /// -32603: the server was told to end, and then the time in which open calls may end was over.
    static let serverEnded = cancelled(
        after: "The server was told to end", advice: "Look before you call it again")

    private static func cancelled(after cause: String, advice: String) -> MCPError {
        internalError(
            "\(cause) before the answer was there, so the call was cancelled. What it was about to change may be "
                + "changed. \(advice)")
    }

    /// The error for a resource that doesn't exist: -32002 in the legacy era, -32602 since.
    package static func resourceNotFound(_ uri: String, era: Era) -> MCPError {
        MCPError(
            code: era == .modern ? -32602 : -32002, "Resource not found: \(quotable(uri))",
            data: ["uri": .string(quotable(uri))]
        )
    }

    var json: JSONObject {
        var object: JSONObject = ["code": .int(Int64(code)), "message": .string(message)]
        if let data { object["data"] = data }
        return object
    }

    /// Returns a client's text, shortened for quoting in an answer.
    static func quotable(_ text: String) -> String {
        text.unicodeScalars.count <= 200
            ? text : String(String.UnicodeScalarView(text.unicodeScalars.prefix(200))) + "…"
    }
}
