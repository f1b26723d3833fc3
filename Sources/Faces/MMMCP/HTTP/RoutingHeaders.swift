import MMCore

/// The headers that repeat parts of a modern request, so that proxies can route without reading bodies.
struct RoutingHeaders: Sendable {
    let request: MCPHTTPRequest

    /// Compares version, method and name with the body.
    /// - Throws: -32020 for a header that is missing, repeated, malformed or different from the body.
    func check(_ message: IncomingRequest, version: String) throws(MCPError) {
        try require("MCP-Protocol-Version", is: version)
        try require("Mcp-Method", is: message.method)
        let key: String
        switch Method(rawValue: message.method) {
        case .callTool, .getPrompt: key = "name"
        case .readResource: key = "uri"
        case .getTask, .updateTask, .cancelTask: key = "taskId"
        default: return
        }
        let written = message.params[key]?.string
        // A missing name is an error of the body and is reported as such.
        if written == nil, request.values(of: "Mcp-Name").isEmpty { return }
        let found = try decoded("Mcp-Name", single("Mcp-Name"))
        guard found == written else { throw .headerMismatch("Mcp-Name is not params.\(key) of the body.") }
    }

    /// Compares the headers of a tool's marked parameters with the arguments.
    /// - Throws: -32020, as above.
    func check(_ headers: ParameterHeaders, arguments: JSONObject) throws(MCPError) {
        for header in headers.headers {
            let name = "Mcp-Param-\(header.name)"
            guard let value = ParameterHeaders.value(at: header.path, in: arguments) else {
                guard request.values(of: name).isEmpty else {
                    throw .headerMismatch(
                        "\(name) is there, and the argument \(header.path.joined(separator: ".")) is not.")
                }
                continue
            }
            let text = try decoded(name, single(name))
            guard Self.isSame(text, value) else {
                throw .headerMismatch("\(name) is not the argument \(header.path.joined(separator: ".")).")
            }
        }
    }

    private func require(_ name: String, is wanted: String) throws(MCPError) {
        guard try single(name) == wanted else { throw .headerMismatch("\(name) is not what the body says.") }
    }

    private func single(_ name: String) throws(MCPError) -> String {
        let values = request.values(of: name)
        guard let value = values.first else { throw .headerMismatch("The header \(name) is missing.") }
        guard values.count == 1 else { throw .headerMismatch("The header \(name) comes more than once.") }
        return value
    }

    /// Decodes a value: literal text, or base64 of UTF-8 between markers.
    private func decoded(_ name: String, _ value: String) throws(MCPError) -> String {
        guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 <= 0x7E }) else {
            throw .headerMismatch("The header \(name) has characters that must be sent as base64.")
        }
        guard value.hasPrefix("=?base64?"), value.hasSuffix("?="), value.utf8.count >= 11 else { return value }
        let inner = value.dropFirst(9).dropLast(2)
        guard inner.utf8.count % 4 == 0, let bytes = Base64.bytes(String(inner)),
            let text = String(validating: bytes, as: UTF8.self)
        else { throw .headerMismatch("The header \(name) is not base64 of UTF-8 text.") }
        return text
    }

    private static func isSame(_ text: String, _ value: JSONValue) -> Bool {
        switch value {
        case .string(let wanted): return text == wanted
        case .bool(let flag): return text == (flag ? "true" : "false")
        case .int, .double, .number:
            guard let number = try? JSONParser.parse(text) else { return false }
            if number == value { return true }
            switch (number.double, value.double) {
            case (let left?, let right?):
                // Beyond the integers that a double represents exactly, only identical digits are the same number.
                return left == right && abs(left) <= 9_007_199_254_740_992
            default: return false
            }
        // The body has a value here that no header can express; validation against the schema reports it.
        case .null, .array, .object: return true
        }
    }
}
