public import MMCore

/// The error of a JSON-RPC answer: the request itself was wrong or could not be served.
///
/// A tool whose *work* fails answers with a ``ToolResult`` that says so instead; a handler throws this only where the
/// protocol asks for an error.
public struct MCPError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The JSON-RPC code.
    public var code: Int
    /// One sentence, without secrets and internals.
    public var message: String
    /// What a client's program may read.
    public var data: JSONValue?

    /// An error of this code.
    public init(code: Int, _ message: String, data: JSONValue? = nil) {
        self.code = code
        self.message = message
        self.data = data
    }

    /// Code and message.
    public var description: String { "\(message) (\(code))" }

    /// -32700: the text is not JSON.
    package static func parseError(_ detail: String) -> MCPError { MCPError(code: -32700, "Parse error: \(detail)") }

    /// -32600: JSON, but no legal message.
    package static func invalidRequest(_ detail: String) -> MCPError {
        MCPError(code: -32600, "Invalid request: \(detail)")
    }

    /// -32601: the method does not exist here.
    package static func methodNotFound(_ method: String) -> MCPError {
        MCPError(code: -32601, "Method not found: \(Self.quotable(method))")
    }

    /// -32602: the parameters are wrong; the message names the one.
    public static func invalidParams(_ message: String, data: JSONValue? = nil) -> MCPError {
        MCPError(code: -32602, message, data: data)
    }

    /// -32603: a fault of ours, told without internals.
    public static func internalError(_ message: String = "Internal error") -> MCPError {
        MCPError(code: -32603, message)
    }

    /// -32020: a routing header is missing, malformed or says something else than the body.
    package static func headerMismatch(_ message: String) -> MCPError { MCPError(code: -32020, message) }

    /// -32021: the request can't be served to a client without these capabilities.
    package static func missingCapability(_ required: JSONObject) -> MCPError {
        MCPError(
            code: -32021,
            "The client must declare these capabilities for this request: \(required.keys.joined(separator: ", "))",
            data: ["requiredCapabilities": .object(required)]
        )
    }

    /// -32022: the request names a version that is not served this way.
    package static func unsupportedVersion(_ requested: String) -> MCPError {
        MCPError(
            code: -32022, "Unsupported protocol version",
            data: [
                "supported": .array(ProtocolVersion.modern.map { .string($0.text) }),
                "requested": .string(quotable(requested)),
            ]
        )
    }

    /// The error for a resource that isn't there: -32002 in the legacy era, -32602 since.
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

    /// What a client wrote, short enough to repeat in an answer.
    static func quotable(_ text: String) -> String {
        text.unicodeScalars.count <= 200
            ? text : String(String.UnicodeScalarView(text.unicodeScalars.prefix(200))) + "…"
    }
}
