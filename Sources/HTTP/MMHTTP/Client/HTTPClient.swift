import MMCore
import MMSystem

/// The HTTP client: libcurl on a dedicated thread, loaded on first use.
///
/// Redirects are returned rather than followed, so that no credential travels along. Only `https` is sent, unless a
/// request allows plain HTTP to this machine. A request that may not be repeated is never sent twice.
package final class HTTPClient: HTTPTransport {
    private let configuration: HTTPClientConfiguration
    private let state = Mutex(State.idle)

    private enum State {
        case idle
        case running(LoopOwner)
        case closed
    }

    /// Ends the loop's thread once neither the client nor an unread body needs it.
    private final class LoopOwner: Sendable {
        let loop: CurlLoop

        init(_ loop: CurlLoop) {
            self.loop = loop
        }

        deinit { loop.close() }
    }

    /// Creates a client. Nothing is loaded or started before the first request.
    package init(configuration: HTTPClientConfiguration) {
        self.configuration = configuration
    }

    /// Sends a request and waits for the whole response. Redirects are returned, not followed.
    /// - Throws: `HTTPError`; `.cancelled` within milliseconds when the task is cancelled.
    package func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        let (_, head) = try await exchange(request, .whole)
        return HTTPResponse(status: head.status, headers: head.headers, body: head.body)
    }

    /// Sends a request and returns the response as soon as its headers have arrived.
    /// - Throws: `HTTPError`; `.cancelled` within milliseconds when the task is cancelled.
    package func open(_ request: HTTPRequest) async throws(HTTPError) -> HTTPStream {
        let (transfer, head) = try await exchange(request, .streamed)
        let owner = try loopOwner()
        let body = HTTPBody(
            next: { () async throws(HTTPError) -> [UInt8]? in
                let piece = await withTaskCancellationHandler {
                    await Result { () async throws(HTTPError) in
                        try await transfer.next { owner.loop.resume(transfer) }
                    }
                } onCancel: {
                    transfer.cancel()
                    owner.loop.cancel(transfer)
                }
                return try piece.get()
            },
            release: {
                transfer.cancel()
                owner.loop.cancel(transfer)
            })
        return HTTPStream(status: head.status, headers: head.headers, chunks: body)
    }

    /// Connects to a request's server, through the proxy and with the checks that apply to every request. Nothing is
    /// sent.
    /// - Throws: `HTTPError`; `.cancelled` when the task is cancelled.
    package func connect(_ request: HTTPRequest) async throws(HTTPError) -> HTTPTunnel {
        let address = try checked(request)
        let proxy = try configuration.proxy?.proxy(for: address)
        // Loads libcurl, and throws if the client was shut down.
        _ = try loopOwner()
        let transfer = CurlTransfer(request: request, address: address, proxy: proxy, delivery: .whole)
        return try await HTTPTunnel.open(transfer, configuration)
    }

    /// Cancels all transfers and ends the client's thread; later requests fail.
    package func shutdown() async {
        let owner: LoopOwner? = state.withLock { state in
            defer { state = .closed }
            if case .running(let owner) = state { return owner }
            return nil
        }
        owner?.loop.close()
        await owner?.loop.closed()
    }

    private func exchange(
        _ request: HTTPRequest, _ delivery: CurlTransfer.Delivery
    ) async throws(HTTPError) -> (CurlTransfer, CurlTransfer.Head) {
        let address = try checked(request)
        let proxy = request.unixSocket == nil ? try configuration.proxy?.proxy(for: address) : nil
        let transfer = CurlTransfer(request: request, address: address, proxy: proxy, delivery: delivery)
        let loop = try loopOwner().loop
        if let pieces = request.upload?.pieces, let upload = transfer.upload {
            // Outlives this call if the response's head arrives before the body has been sent, and ends with the
            // transfer.
            Task { await upload.feed(pieces) { loop.resume(transfer) } }
        }
        let head = await withTaskCancellationHandler {
            loop.begin(transfer)
            return await transfer.head.wait()
        } onCancel: {
            transfer.cancel()
            loop.cancel(transfer)
        }
        return (transfer, try head.get())
    }

    private func loopOwner() throws(HTTPError) -> LoopOwner {
        let result: Result<LoopOwner, HTTPError> = state.withLock { state in
            switch state {
            case .running(let owner): return .success(owner)
            case .closed: return .failure(HTTPError(.unavailable, "The HTTP client was shut down."))
            case .idle:
                do throws(HTTPError) {
                    let owner = LoopOwner(try CurlLoop.start(configuration))
                    state = .running(owner)
                    return .success(owner)
                } catch {
                    return .failure(error)
                }
            }
        }
        return try result.get()
    }

    private func checked(_ request: HTTPRequest) throws(HTTPError) -> HTTPAddress {
        guard HTTPFieldRules.isToken(request.method) else {
            throw HTTPError(
                .invalidRequest, "The method “\(HTTPFieldRules.printable(request.method))” is not a token.",
                hint: "Give GET, POST, PUT, PATCH or DELETE.")
        }
        let address = try HTTPAddress(request.url)
        if let fault = HTTPFieldRules.fault(in: request.headers) {
            throw HTTPError(.invalidRequest, fault, hint: "Remove line breaks and control characters from it.")
        }
        if request.headers.contains("transfer-encoding") {
            throw HTTPError(
                .invalidRequest, "The header Transfer-Encoding can't be set; the client chooses it.")
        }
        guard request.body == nil || request.upload == nil else {
            throw HTTPError(.invalidRequest, "The request has two bodies.")
        }
        let length = request.upload.map(\.length) ?? request.body?.count ?? 0
        if let said = request.headers["content-length"], said != length.map({ String($0) }) {
            throw HTTPError(
                .invalidRequest, "The header Content-Length doesn't match the body's length.",
                hint: "Leave it out: it is made from the body.")
        }
        if !address.isSecure {
            guard request.allowsPlainHTTP else {
                throw HTTPError(
                    .invalidRequest, "\(address.display) is not https.", hint: "Give an https URL.")
            }
            guard address.isLoopback || request.unixSocket != nil || request.allowsPlainHTTPToOtherHosts else {
                throw HTTPError(
                    .invalidRequest, "\(address.display) is plain http to another machine.",
                    hint: "Plain http goes only to 127.0.0.1, ::1, localhost or a Unix socket.")
            }
        }
        return address
    }
}
