internal import MMCore
internal import MMHTTP

extension HTTPServerResponse {
    init(status: Int, contentType: String, body: [UInt8]) {
        self.init(status: status, headers: ["Content-Type": contentType], body: .bytes(body))
    }

    init(status: Int, json: JSONValue, contentType: String = "application/json; charset=utf-8") {
        self.init(status: status, contentType: contentType, body: JSONWriter.bytes(json))
    }

    /// The body, which services make whole before it is sent.
    var bytes: [UInt8] { if case .bytes(let bytes) = body { bytes } else { [] } }
}
