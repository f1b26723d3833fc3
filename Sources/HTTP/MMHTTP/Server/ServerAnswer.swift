import CMicroHTTPD
import Glibc

/// Converts a response to libmicrohttpd's form.
enum ServerAnswer {
    /// Creates the library's response object, which the caller must free after queuing it. Nil when memory has run out.
    static func make(
        _ response: HTTPServerResponse, for exchange: ServerExchange, closing: Bool, isHead: Bool
    ) -> (status: UInt32, response: UnsafeMutableRawPointer)? {
        var response = response
        // A mistake in a handler must not produce a second header or a broken status line.
        if let fault = HTTPFieldRules.fault(in: response.headers) {
            response = .text(fault + "\n", status: 500)
        } else if !(200...599).contains(response.status) {
            response = .text("The handler gave the status \(response.status).\n", status: 500)
        }
        let hasNoBody = response.status == 204 || response.status == 304
        let raw: UnsafeMutableRawPointer?
        switch response.body {
        case .stream where !hasNoBody && !isHead:
            raw = mm_httpd_response_stream(
                { context, _, bytes, room in
                    guard let context else { return Int(MM_HTTPD_BROKEN) }
                    return Unmanaged<ServerExchange>.fromOpaque(context).takeUnretainedValue()
                        .read(into: bytes, room: room)
                }, Unmanaged.passRetained(exchange).toOpaque(),
                { context in
                    if let context { Unmanaged<ServerExchange>.fromOpaque(context).release() }
                })
        case .bytes(let bytes) where !hasNoBody && !bytes.isEmpty:
            guard let copy = malloc(bytes.count) else { return nil }
            bytes.withUnsafeBytes {
                copy.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(copy), byteCount: $0.count)
            }
            raw = mm_httpd_response_bytes(copy, bytes.count, copy) { free($0) }
        default:
            raw = mm_httpd_response_bytes(nil, 0, nil) { _ in }
        }
        guard let raw else { return nil }
        for field in response.headers where !isOurs(field.name) {
            _ = mm_httpd_response_header(raw, field.name, field.value)
        }
        if closing { _ = mm_httpd_response_header(raw, "Connection", "close") }
        return (UInt32(response.status), raw)
    }

    private static func isOurs(_ name: String) -> Bool {
        ["content-length", "transfer-encoding", "connection", "date"].contains { HTTPHeaders.sameName($0, name) }
    }
}
