internal import MMCore
internal import MMHTTP

extension HTTPServerResponse {
    init(status: Int, contentType: String, body: [UInt8]) {
        self.init(status: status, headers: ["Content-Type": contentType], body: .bytes(body))
    }

    init(status: Int, json: JSONValue, contentType: String = "application/json; charset=utf-8") {
        self.init(status: status, contentType: contentType, body: JSONWriter.bytes(json))
    }

    /// Returns an error in the format of most services.
    static func failure(
        _ status: Int, _ code: String, _ message: String, headers: HTTPHeaders = [:]
    ) -> HTTPServerResponse {
        var answer = HTTPServerResponse(
            status: status, json: ["error": ["code": .string(code), "message": .string(message)]])
        for field in headers { answer.headers.set(field.name, field.value) }
        return answer
    }

    /// The body, which services build completely before it is sent.
    var bytes: [UInt8] { if case .bytes(let bytes) = body { bytes } else { [] } }
}
