import MMCore

/// The parameters of a tool that clients mirror into HTTP headers, so that proxies can route by them (`x-mcp-header`).
struct ParameterHeaders: Sendable {
    /// A parameter that is mirrored into a header.
    struct Header: Sendable {
        /// The header's name after `Mcp-Param-`, as the schema writes it.
        let name: String
        /// The property names that lead from the root of the arguments to the value.
        let path: [String]
    }

    let headers: [Header]

    /// Finds the marked parameters of a schema.
    /// - Throws: `MMError` for a name that is no valid header name or is already taken, for a parameter whose type has
    ///   no header form, and for one that isn't reached through `properties` alone.
    init(schema: JSONObject, tool: String) throws(MMError) {
        var found: [Header] = []
        try Self.walk(.object(schema), path: [], isReachable: true, tool: tool, into: &found)
        var names: Set<String> = []
        for header in found where !names.insert(header.name.lowercased()).inserted {
            throw MMError(.conflict, "The tool \"\(tool)\" has two parameters for the header \"\(header.name)\".")
        }
        headers = found
    }

    private static func walk(
        _ schema: JSONValue, path: [String], isReachable: Bool, tool: String, into found: inout [Header]
    ) throws(MMError) {
        switch schema {
        case .array(let items):
            for item in items { try walk(item, path: path, isReachable: false, tool: tool, into: &found) }
        case .object(let members):
            if let mark = members["x-mcp-header"] {
                guard isReachable, !path.isEmpty else {
                    throw MMError(
                        .invalidInput, "The tool \"\(tool)\" marks an optional nested parameter for a header.",
                        hint: "x-mcp-header can only be used on parameters that are declared under \"properties\"."
                    )
                }
                found.append(Header(name: try name(mark, members, path, tool), path: path))
            }
            for (key, value) in members {
                if key == "properties", case .object(let properties) = value {
                    for (property, child) in properties {
                        try walk(child, path: path + [property], isReachable: isReachable, tool: tool, into: &found)
                    }
                } else if !["enum", "const", "default", "examples"].contains(key) {
                    try walk(value, path: path, isReachable: false, tool: tool, into: &found)
                }
            }
        default: return
        }
    }

    private static func name(
        _ mark: JSONValue, _ schema: JSONObject, _ path: [String], _ tool: String
    ) throws(MMError) -> String {
        let place = path.joined(separator: ".")
        guard case .string(let name) = mark, !name.isEmpty, name.utf8.allSatisfy(isTokenByte) else {
            throw MMError(.invalidInput, "The tool \"\(tool)\" has no valid header name for \"\(place)\": \(mark).")
        }
        guard let kind = schema["type"]?.string, ["string", "integer", "boolean"].contains(kind) else {
            throw MMError(
                .invalidInput, "The parameter \"\(place)\" of \"\(tool)\" can't be sent as a header.",
                hint: "x-mcp-header can only be used on parameters of the type string, integer or boolean."
            )
        }
        return name
    }

    /// Whether a byte may occur in a token (RFC 9110, section 5.6.2).
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: Array("!#$%&'*+-.^_`|~".utf8).contains(byte)
        }
    }

    /// Returns a call's value for a header; `nil` when the call has none.
    static func value(at path: [String], in arguments: JSONObject) -> JSONValue? {
        var value = JSONValue.object(arguments)
        for step in path {
            guard let next = value[step] else { return nil }
            value = next
        }
        // Spelled out: next to a JSON value, a bare `nil` would become JSON's null.
        return value.isNull ? JSONValue?.none : value
    }
}
