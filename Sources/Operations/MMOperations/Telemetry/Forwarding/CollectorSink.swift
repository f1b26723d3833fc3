import MMCore
import MMHTTP
import MMSystem

/// Sends lines to an HTTPS collector, as JSON lines with a bearer token from a file.
struct CollectorSink: AuditSink {
    let url: String
    let tokenFile: String?
    let transport: any HTTPTransport

    func send(_ lines: [ArraySlice<UInt8>]) async throws(AuditSinkFault) {
        var headers: HTTPHeaders = ["Content-Type": "application/x-ndjson"]
        // Read each time: whoever renews the token restarts nothing.
        if let secret = try await secret() { headers.set("Authorization", "Bearer " + secret.reveal()) }
        let body = Array(lines.joined(separator: [0x0A])) + [0x0A]
        let request = HTTPRequest(
            method: "POST", url: url, headers: headers, body: body, timeout: .seconds(30), maxResponseBytes: 1 << 20,
            allowsPlainHTTP: true)
        let status: Int
        let rest: Duration?
        do throws(HTTPError) {
            let response = try await transport.send(request)
            status = response.status
            rest = response.headers["Retry-After"].flatMap { Int64($0) }.map { .seconds(min($0, 3600)) }
        } catch {
            throw AuditSinkFault(error.message)
        }
        guard !(200..<300).contains(status) else { return }
        throw AuditSinkFault("it answered \(status)", after: rest, isTooMuch: status == 413)
    }

    private func secret() async throws(AuditSinkFault) -> Secret? {
        guard let tokenFile else { return nil }
        do throws(MMError) {
            return try await BlockingWork.run { () throws(MMError) in
                guard let bytes = try ProtectedFile.read(tokenFile, limit: 4096) else {
                    throw MMError(.notFound, "there is no token file \(tokenFile)")
                }
                let text = bytes.filter { $0 > 0x20 && $0 < 0x7F }
                guard !text.isEmpty else { throw MMError(.invalidInput, "the token file \(tokenFile) is empty") }
                return Secret(String(decoding: text, as: UTF8.self))
            }
        } catch {
            throw AuditSinkFault(error.message)
        }
    }
}
