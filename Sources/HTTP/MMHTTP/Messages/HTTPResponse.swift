/// A complete response.
package struct HTTPResponse: Sendable {
    /// The status code.
    package let status: Int
    /// The header fields.
    package let headers: HTTPHeaders
    /// The body, decompressed.
    package let body: [UInt8]

    package init(status: Int, headers: HTTPHeaders = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// A response whose body is read while it arrives.
package struct HTTPStream: Sendable {
    /// The status code.
    package let status: Int
    /// The header fields.
    package let headers: HTTPHeaders
    /// The body. Leaving it unread holds the server back; releasing it ends the transfer.
    package let chunks: HTTPBody

    package init(status: Int, headers: HTTPHeaders, chunks: HTTPBody) {
        self.status = status
        self.headers = headers
        self.chunks = chunks
    }

    /// Reads the rest of the body.
    /// - Parameter limit: the maximum number of bytes to read.
    /// - Throws: the error that ended the transfer, or `.tooLarge`.
    package func collect(limit: Int) async throws(HTTPError) -> [UInt8] {
        var body: [UInt8] = []
        var iterator = chunks.makeAsyncIterator()
        while let chunk = try await iterator.next() {
            guard body.count + chunk.count <= limit else {
                throw HTTPError(.tooLarge, "The answer is larger than \(limit) bytes.")
            }
            body += chunk
        }
        return body
    }
}
