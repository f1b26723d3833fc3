internal import MMCore
internal import MMHTTP
internal import MMIdentity

extension GraphClient {
    private static let maxRedirects = 5

    /// Follows a read's redirect to a download URL. The URL carries its own authorisation, so no credential is sent
    /// along.
    func follow(
        _ redirect: GraphResponse, of request: GraphRequest, from url: String, deadline: Deadline,
        delivery: Delivery
    ) async throws(MMError) -> GraphResponse {
        var current = redirect
        var place = url
        for _ in 0..<Self.maxRedirects {
            guard request.method == "GET" || request.method == "HEAD", let location = current.header("Location"),
                let next = Self.absolute(location, from: place), let address = WebAddress(next)
            else {
                throw MMError(
                    .remoteFailed,
                    "\(service.rawValue) answered \(request.method) \(request.target.path) with a redirect (\(current.status)) "
                        + "that is not followed.",
                    hint: "Only reads are redirected to downloads. Check the endpoint.")
            }
            try check(address, for: "a download")
            var headers: HTTPHeaders = ["Accept": "*/*"]
            for name in ["Range", "If-Range"] {
                if let value = request.header(name) { headers.set(name, value) }
            }
            let wire = HTTPRequest(
                method: request.method, url: next, headers: headers,
                timeout: min(.seconds(100), max(deadline.remaining, .milliseconds(1))),
                maxResponseBytes: Self.maxResponseBytes, allowsPlainHTTP: address.scheme == "http")
            do {
                current = try await delivery.exchange(wire, over: transport)
            } catch {
                throw error.mmError(for: "The download of \(request.target.path)")
            }
            place = next
            switch current.status {
            case 200..<300: return current
            case 300..<400: continue
            default:
                // The URL is a secret, so it stays out of the error.
                throw MMError(
                    .remoteFailed,
                    "The download of \(request.target.path) from \(address.host) failed with status "
                        + "\(current.status).",
                    hint: "Such links expire within minutes to an hour: request a new one.",
                    retry: WaitAdvice(current.fields, now: clock.now).asked.map { .after($0) } ?? .now,
                    details: ["status": .int(Int64(current.status)), "host": .string(address.host)])
            }
        }
        throw MMError(.remoteFailed, "The download of \(request.target.path) is redirected in a loop.")
    }

    /// Admits only `https`, and no host of this machine or its network; the sandbox is the exception.
    func check(_ address: WebAddress, for what: String) throws(MMError) {
        let isSandbox = cloud.name == "sandbox" && address.isLoopback
        guard !address.hasUserInfo, isSandbox || (address.scheme == "https" && !Self.isInternal(address)) else {
            throw MMError(
                .denied, "\(service.rawValue) gave \(address.origin) for \(what), where nothing is sent.",
                hint: "Only https addresses outside this machine are used.")
        }
    }

    private static func isInternal(_ address: WebAddress) -> Bool {
        if address.isLoopback || address.host.hasPrefix("[") { return true }
        // Download hosts have names. An IP address in any spelling (10.0.0.1, 2130706433, 0x7f000001) is suspicious.
        return address.host.split(separator: ".").last?.first?.isNumber ?? true
    }

    static func absolute(_ location: String, from place: String) -> String? {
        if WebAddress(location) != nil { return location }
        guard location.hasPrefix("/"), !location.hasPrefix("//"), let base = WebAddress(place) else { return nil }
        return base.origin + location
    }
}
