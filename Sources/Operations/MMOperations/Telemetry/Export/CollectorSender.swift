import MMCore
import MMHTTP

/// Sends batches to a collector over HTTP, again after a rest where it is worth it.
struct CollectorSender: Sendable {
    /// What became of a batch.
    enum Outcome: Sendable {
        case accepted
        /// It would be refused again.
        case refused(String)
        /// It may be accepted later.
        case later(String, after: Duration?)
    }

    private let transport: any HTTPTransport
    private let destination: TelemetrySettings.Destination

    init(to destination: TelemetrySettings.Destination, over transport: any HTTPTransport) {
        (self.destination, self.transport) = (destination, transport)
    }

    /// Sends a batch once.
    func send(_ body: [UInt8]) async -> Outcome {
        var headers: HTTPHeaders = ["Content-Type": "application/json"]
        for (name, value) in destination.headers { headers.set(name, value) }
        var request = HTTPRequest(
            method: "POST", url: destination.url, headers: headers, body: body, timeout: destination.timeout,
            maxResponseBytes: 1 << 20, allowsPlainHTTP: true)
        // A collector in the same cluster is reached so; what is sent holds no secrets but the owner's own headers.
        request.allowsPlainHTTPToOtherHosts = destination.headers.isEmpty
        do throws(HTTPError) {
            let response = try await transport.send(request)
            switch response.status {
            case 200..<300: return .accepted
            // Those that the specification calls retryable.
            case 429, 502, 503, 504:
                let rest = response.headers["Retry-After"].flatMap { Int64($0) }.map { Duration.seconds(min($0, 300)) }
                return .later("it answered \(response.status)", after: rest)
            default: return .refused("it answered \(response.status)")
            }
        } catch {
            return .later(error.message, after: nil)
        }
    }
}
