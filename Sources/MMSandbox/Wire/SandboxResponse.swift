internal import MMCore
package import MMHTTP

/// One HTTP answer of the sandbox.
package struct SandboxResponse: Sendable {
    /// The HTTP status.
    package var status: Int
    /// The header lines in order.
    package var headers: HTTPHeaders
    /// The body.
    package var body: [UInt8]
    /// How long the answer is held back.
    package var delay: Duration = .zero
    /// After how many bytes of the body the connection breaks off, when it does.
    package var tornAfter: Int?

    init(status: Int, headers: HTTPHeaders = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    init(status: Int, contentType: String, body: [UInt8]) {
        self.init(status: status, headers: ["Content-Type": contentType], body: body)
    }

    init(status: Int, json: JSONValue, contentType: String = "application/json; charset=utf-8") {
        self.init(status: status, contentType: contentType, body: JSONWriter.bytes(json))
    }
}
