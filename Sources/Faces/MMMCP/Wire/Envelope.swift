import MMCore

/// An encoded answer to a request.
struct Reply: Sendable {
    let bytes: [UInt8]
    /// The error code, for an error; it decides the HTTP status.
    let errorCode: Int?
}

/// Encodes the server's messages, each as one line of JSON without its line end.
enum Envelope {
    static func result(_ id: RequestID, _ result: JSONObject) -> Reply {
        var bytes = Array("{\"jsonrpc\":\"2.0\",\"id\":".utf8)
        append(id, to: &bytes)
        bytes.append(contentsOf: ",\"result\":".utf8)
        bytes.append(contentsOf: JSONWriter.bytes(.object(result)))
        bytes.append(UInt8(ascii: "}"))
        return Reply(bytes: bytes, errorCode: nil)
    }

    static func error(_ id: RequestID?, _ error: MCPError) -> Reply {
        Reply(
            bytes: JSONWriter.bytes(["jsonrpc": "2.0", "id": id?.json ?? .null, "error": .object(error.json)]),
            errorCode: error.code
        )
    }

    static func answer(_ id: RequestID, _ answer: Answer) -> Reply {
        switch answer {
        case .success(let result): Self.result(id, result)
        case .failure(let error): Self.error(id, error)
        }
    }

    static func notification(_ method: String, _ params: JSONObject) -> [UInt8] {
        var message: JSONObject = ["jsonrpc": "2.0", "method": .string(method)]
        if !params.isEmpty { message["params"] = .object(params) }
        return JSONWriter.bytes(.object(message))
    }

    static func request(_ id: RequestID, _ method: String, _ params: JSONObject) -> [UInt8] {
        JSONWriter.bytes([
            "jsonrpc": "2.0", "id": id.json, "method": .string(method), "params": .object(params),
        ])
    }

    private static func append(_ id: RequestID, to bytes: inout [UInt8]) {
        switch id {
        case .string(let text): JSONWriter.append(text, to: &bytes)
        case .int(let number): bytes.append(contentsOf: String(number).utf8)
        case .big(let text): bytes.append(contentsOf: text.utf8)
        }
    }
}

/// The answer to a request: a result object or an error.
typealias Answer = Result<JSONObject, MCPError>
