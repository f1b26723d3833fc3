import MMCore
import MMHTTP
import MMNative

/// The cmdlets that scripts call in the sessions of other modules, through the session's proxy, as `other-modules.ps1`
/// does in a real PowerShell.
struct StandInElsewhere: Sendable {
    /// Their names in lower case.
    var names: Set<String> = []
    private let address: String
    private let authorization: String
    private let client = HTTPClient(configuration: HTTPClientConfiguration(environment: [:]))

    /// Reads the address of the session's proxy.
    /// - Parameter environment: the session's variables, which name its proxy; `nil` is returned for a session without
    ///   one.
    init?(_ environment: [String: String]) {
        guard let proxy = environment["HTTPS_PROXY"], let at = proxy.lastIndex(of: "@"),
            let start = proxy.firstRange(of: "://")?.upperBound
        else { return nil }
        address = "http://\(proxy[proxy.index(after: at)...])/session/cmdlets"
        authorization = "Basic " + Base64.text(Array(proxy[start..<at].utf8))
    }

    func knows(_ name: String) -> Bool { names.contains(name.lowercased()) }

    /// Calls a cmdlet.
    /// - Returns: its output.
    /// - Throws: the error that ended it, or its first error record, which the stand-in can't report otherwise.
    func rows(of call: CmdletCall) async throws(CmdletFault) -> [JSONValue] {
        var body: JSONObject = ["cmdlet": .string(call.name), "arguments": .array(try arguments(of: call))]
        if call.takesInput, let input = call.input { body["input"] = .array([try Self.packed(input)]) }
        var request = HTTPRequest(
            method: "POST", url: address, body: JSONWriter.bytes(.object(body)), allowsPlainHTTP: true)
        request.headers.set("Authorization", authorization)
        let answer: HTTPResponse
        do throws(HTTPError) { answer = try await client.send(request) } catch {
            throw Self.failed(error.mmError(for: "the session's wire").message, "CalledElsewhere")
        }
        guard answer.status == 200 else {
            throw Self.failed(String(decoding: answer.body, as: UTF8.self), "CalledElsewhere")
        }
        var rows: [JSONValue] = []
        for line in answer.body.split(separator: UInt8(ascii: "\n")) {
            guard let frame = try? JSONParser.parse(Array(line)) else { continue }
            switch frame["t"]?.string {
            case "value": rows.append(frame["v"] ?? .null)
            case "error", "failure":
                throw Self.failed(frame["message"]?.string ?? "", frame["id"]?.string ?? "CalledElsewhere")
            default: continue
            }
        }
        return rows
    }

    private static func failed(_ message: String, _ id: String) -> CmdletFault {
        .failed(NativeError(id, message, isReadable: true))
    }

    private func arguments(of call: CmdletCall) throws(CmdletFault) -> [JSONValue] {
        var words: [JSONValue] = []
        for argument in call.arguments {
            switch argument {
            case .parameter(let name, let value, _):
                words.append(["name": .string(name), "tied": .bool(value != nil)])
                if let value { words.append(["value": try Self.packed(value)]) }
            case .value(let value, _): words.append(["value": try Self.packed(value)])
            }
        }
        return words
    }

    private static func packed(_ value: PSValue) throws(CmdletFault) -> JSONValue {
        guard let json = value.convertedToJSON(depth: 4) else { throw .handedOver("an argument of unusual type") }
        return packed(json)
    }

    private static func packed(_ json: JSONValue) -> JSONValue {
        switch json {
        case .null: ["t": "null"]
        case .bool: ["t": "bool", "v": json]
        case .string: ["t": "text", "v": json]
        case .array(let items): ["t": "list", "v": .array(items.map(packed))]
        case .object(let members):
            ["t": "object", "v": .array(members.map { ["k": .string($0.key), "v": packed($0.value)] })]
        default: ["t": "number", "v": .string(json.description)]
        }
    }
}
