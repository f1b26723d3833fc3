package import MMCore

/// A JSON-RPC message from a client, parsed and validated.
enum Message: Sendable {
    case request(IncomingRequest)
    case notification(IncomingNotification)
    case response(IncomingResponse)
    case batch([JSONValue])
    /// An invalid message, with its id if that at least was valid.
    case malformed(RequestID?, MCPError)

    /// Whether the message opens calls.
    var wantsAnswer: Bool {
        switch self {
        case .request, .batch: true
        case .notification, .response, .malformed: false
        }
    }
}

/// A message that wants an answer.
struct IncomingRequest: Sendable {
    let id: RequestID
    let method: String
    let params: JSONObject
    /// The size of the text that contained it, for limits.
    var size = 0

    /// The `_meta` of the parameters, if it is an object.
    var meta: JSONObject? { params["_meta"]?.object }

    /// Whether the request is modern, that is, names its protocol version.
    var isModern: Bool { meta?[MetaKey.protocolVersion] != nil }
}

/// A message that never gets an answer.
struct IncomingNotification: Sendable {
    let method: String
    let params: JSONObject
}

/// The client's response to a request from the server.
struct IncomingResponse: Sendable {
    let id: RequestID
    let outcome: Result<JSONObject, MCPError>
}

extension Message {
    /// Parses one message.
    /// - Parameters:
    ///   - bytes: the complete text of one message.
    ///   - limits: the limits on its size and nesting.
    static func parse(_ bytes: some Sequence<UInt8>, limits: JSONLimits) -> Message {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONParser.parse(bytes, limits: limits)
        } catch {
            // A client that can't match the error with its request waits for an answer in vain.
            if error.isTooDeep, let id = JSONRows.scalar(named: "id", in: Array(bytes)).flatMap({ RequestID($0) }) {
                return .malformed(id, .invalidRequest("the message is \(error)"))
            }
            return .malformed(nil, .parseError(error.description))
        }
        return Message(value)
    }

    /// Interprets a parsed message.
    init(_ value: JSONValue) {
        switch value {
        case .array(let items): self = .batch(items)
        case .object(let object): self = Message(object)
        default: self = .malformed(nil, .invalidRequest("a message is an object, not \(value.kindName)"))
        }
    }

    private init(_ object: JSONObject) {
        let id = object["id"].flatMap { RequestID($0) }
        guard object["jsonrpc"] == "2.0" else {
            self = .malformed(id, .invalidRequest("the member \"jsonrpc\" must be \"2.0\""))
            return
        }
        guard let method = object["method"] else {
            self = Self.response(object, id: id)
            return
        }
        guard case .string(let name) = method else {
            self = .malformed(id, .invalidRequest("the member \"method\" must be a string, not \(method.kindName)"))
            return
        }
        if let rawID = object["id"], id == nil {
            self = .malformed(nil, .invalidRequest("the id must be a string or an integer, not \(rawID.kindName)"))
            return
        }
        let params: JSONObject
        switch object["params"] {
        case nil, .null: params = JSONObject()
        case .object(let members): params = members
        case .some(let other):
            // A notification is never answered, not even an invalid one.
            if let id {
                self = .malformed(id, .invalidParams("The parameters must be an object, not \(other.kindName)."))
            } else {
                self = .notification(IncomingNotification(method: name, params: JSONObject()))
            }
            return
        }
        if let id {
            self = .request(IncomingRequest(id: id, method: name, params: params))
        } else {
            self = .notification(IncomingNotification(method: name, params: params))
        }
    }

    private static func response(_ object: JSONObject, id: RequestID?) -> Message {
        let result = object["result"]
        let error = object["error"]
        guard result != nil || error != nil else {
            return .malformed(id, .invalidRequest("a message has a method, a result or an error"))
        }
        guard let id else {
            return .malformed(nil, .invalidRequest("a response has the id of its request"))
        }
        if let error {
            let code = error["code"]?.int ?? -32603
            let text = error["message"]?.string ?? "The client answered with an error."
            return .response(IncomingResponse(id: id, outcome: .failure(MCPError(code: code, text))))
        }
        guard case .object(let members)? = result else {
            let fault = MCPError(code: -32603, "The client's answer isn't an object.")
            return .response(IncomingResponse(id: id, outcome: .failure(fault)))
        }
        return .response(IncomingResponse(id: id, outcome: .success(members)))
    }
}

/// The id of a JSON-RPC request: a string or an integer, echoed with its original type and value (JSON-RPC 2.0, section
/// 4).
package enum RequestID: Sendable, Hashable {
    /// A string id; `"1"` and `1` are different ids.
    case string(String)
    /// An integer id.
    case int(Int64)
    /// The digits of an integer id that doesn't fit into 64 bits.
    case big(String)

    /// Reads the id of a message; `nil` when the value is no valid id.
    /// - Parameter value: the parsed `id` member.
    package init?(_ value: JSONValue) {
        switch value {
        case .string(let text): self = .string(text)
        case .int(let number): self = .int(number)
        case .double(let number):
            guard let whole = Int64(exactly: number) else { return nil }
            self = .int(whole)
        case .number(let text):
            guard text.utf8.allSatisfy({ $0 == UInt8(ascii: "-") || ($0 >= 0x30 && $0 <= 0x39) }) else { return nil }
            self = .big(text)
        default: return nil
        }
    }

    /// The id as JSON, for the wire.
    package var json: JSONValue {
        switch self {
        case .string(let text): .string(text)
        case .int(let number): .int(number)
        case .big(let text): .number(text)
        }
    }
}
