import CCurl
import Glibc
import MMCore
import MMSystem

/// The HTTP client: libcurl on a dedicated thread, loaded on first use. Requests to Unix sockets don't use libcurl.
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
        if let path = request.unixSocket {
            return try await exchange(request, at: path).whole(userAgent: configuration.userAgent)
        }
        let (_, head) = try await exchange(request, .whole)
        return HTTPResponse(status: head.status, headers: head.headers, body: head.body)
    }

    /// Sends a request and returns the response as soon as its headers have arrived.
    /// - Throws: `HTTPError`; `.cancelled` within milliseconds when the task is cancelled.
    package func open(_ request: HTTPRequest) async throws(HTTPError) -> HTTPStream {
        if let path = request.unixSocket {
            let exchange = try await exchange(request, at: path)
            let head = try await exchange.head(userAgent: configuration.userAgent)
            let body = HTTPBody(
                next: { () async throws(HTTPError) in try await exchange.next() }, release: { exchange.close() })
            return HTTPStream(status: head.status, headers: head.headers, chunks: body)
        }
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
            isReady: { transfer.isReady },
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
        guard request.unixSocket == nil else {
            throw HTTPError(.invalidRequest, "Raw connections to a Unix socket aren't made here.")
        }
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
        let proxy = try configuration.proxy?.proxy(for: address)
        let transfer = CurlTransfer(request: request, address: address, proxy: proxy, delivery: delivery)
        let loop = try loopOwner().loop
        if let pieces = request.upload?.pieces, let upload = transfer.upload {
            upload.start(pieces) { loop.resume(transfer) }
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

    private func exchange(_ request: HTTPRequest, at path: String) async throws(HTTPError) -> UnixSocketExchange {
        let address = try checked(request)
        let isClosed = state.withLock { if case .closed = $0 { true } else { false } }
        if isClosed { throw HTTPError(.unavailable, "The HTTP client was shut down.") }
        return try await UnixSocketExchange(request, at: path, address, configuration)
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
                hint: "Use GET, POST, PUT, PATCH or DELETE.")
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
                hint: "Leave it out: it is set from the body.")
        }
        if !address.isSecure {
            guard request.allowsPlainHTTP else {
                throw HTTPError(
                    .invalidRequest, "\(address.display) is not https.", hint: "Use an https URL.")
            }
            guard address.isLoopback || request.unixSocket != nil || request.allowsPlainHTTPToOtherHosts else {
                throw HTTPError(
                    .invalidRequest, "\(address.display) is plain http to another machine.",
                    hint: "Plain http is allowed only for 127.0.0.1, ::1, localhost or a Unix socket.")
            }
        }
        return address
    }
}

/// Runs libcurl's multi interface on one thread. Requests arrive through a mailbox; outcomes are delivered through each
/// transfer's own slots.
final class CurlLoop: Sendable {
    private enum Command {
        case start(CurlTransfer)
        case cancel(CurlTransfer)
        case resume(CurlTransfer)
    }

    private struct Mailbox {
        var commands: [Command] = []
        var isClosing = false
        /// Nil once the thread has freed it. Wake-ups are sent only under this lock, so never after that.
        var multi: MultiHandle?
    }

    /// curl's multi handle. Used only on the loop's thread, except for the wake-up, which curl allows from any thread.
    private struct MultiHandle: @unchecked Sendable {
        // `@unchecked Sendable`: passed between threads only under the mailbox's lock, which also guards its end.
        let raw: UnsafeMutableRawPointer
    }

    private let configuration: HTTPClientConfiguration
    private let mailbox: Mutex<Mailbox>
    private let thread = Mutex<DedicatedThread?>(nil)

    /// Loads libcurl and starts the thread.
    /// - Throws: `.unavailable`, naming the package to install.
    static func start(_ configuration: HTTPClientConfiguration) throws(HTTPError) -> CurlLoop {
        if let reason = mm_curl_load() {
            throw HTTPError(
                .unavailable, "libcurl can't be opened: \(String(cString: reason)).",
                hint: "apt-get install libcurl4 (libcurl4t64 from Debian 13 on)")
        }
        guard let multi = mm_curl_multi_init() else {
            throw HTTPError(.unavailable, "libcurl could not start: out of memory.")
        }
        // Without descriptors for its wake-ups libcurl starts all the same, and a request would wait for minutes.
        guard mm_curl_multi_wakeup(multi) == CURLM_OK else {
            mm_curl_multi_cleanup(multi)
            let error = SystemError.error("Starting libcurl", EMFILE)
            throw HTTPError(.unavailable, error.message, hint: error.hint)
        }
        _ = mm_curl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, configuration.maxConnections)
        _ = mm_curl_multi_set_long(multi, CURLMOPT_MAX_HOST_CONNECTIONS, configuration.maxConnectionsPerHost)
        _ = mm_curl_multi_set_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_MULTIPLEX))
        let loop = CurlLoop(configuration, MultiHandle(raw: multi))
        do throws(MMError) {
            let thread = try DedicatedThread.start(configuration.threadName) { loop.run() }
            loop.thread.withLock { $0 = thread }
        } catch {
            mm_curl_multi_cleanup(multi)
            throw HTTPError(.unavailable, error.message, hint: error.hint)
        }
        return loop
    }

    private init(_ configuration: HTTPClientConfiguration, _ multi: MultiHandle) {
        self.configuration = configuration
        mailbox = Mutex(Mailbox(multi: multi))
    }

    /// Starts a transfer, unless the loop is closing.
    func begin(_ transfer: CurlTransfer) {
        if !post(.start(transfer)) { transfer.cancel() }
    }

    /// Ends a transfer whose waiters have already been told.
    func cancel(_ transfer: CurlTransfer) {
        _ = post(.cancel(transfer))
    }

    /// Resumes a paused transfer.
    func resume(_ transfer: CurlTransfer) {
        _ = post(.resume(transfer))
    }

    /// Cancels all transfers and ends the thread.
    func close() {
        mailbox.withLock { mailbox in
            mailbox.isClosing = true
            if let multi = mailbox.multi { _ = mm_curl_multi_wakeup(multi.raw) }
        }
    }

    /// Waits until the thread has ended after `close`.
    func closed() async {
        await thread.withLock { $0 }?.ended()
    }

    private func post(_ command: Command) -> Bool {
        mailbox.withLock { mailbox in
            guard !mailbox.isClosing, let multi = mailbox.multi else { return false }
            mailbox.commands.append(command)
            if mailbox.commands.count == 1 { _ = mm_curl_multi_wakeup(multi.raw) }
            return true
        }
    }

    private func run() {
        guard let multi = mailbox.withLock({ $0.multi })?.raw else { return }
        var running = RunningExchanges(multi: multi)
        while true {
            let (commands, isClosing) = mailbox.withLock { mailbox in
                defer { mailbox.commands = [] }
                return (mailbox.commands, mailbox.isClosing)
            }
            for command in commands {
                switch command {
                case .start(let transfer): running.start(transfer, configuration)
                case .cancel(let transfer): running.cancel(transfer)
                case .resume(let transfer): running.resume(transfer)
                }
            }
            if isClosing { break }
            running.perform()
            // Without transfers only a wake-up ends the wait, so an idle client uses no CPU time.
            _ = mm_curl_multi_poll(multi, 600_000)
        }
        running.end()
        let left = mailbox.withLock { mailbox in
            mailbox.multi = nil
            defer { mailbox.commands = [] }
            return mailbox.commands
        }
        for case .start(let transfer) in left { transfer.cancel() }
        mm_curl_multi_cleanup(multi)
    }
}

/// The exchanges of one client, on its thread.
private struct RunningExchanges {
    let multi: UnsafeMutableRawPointer
    private var exchanges: [ObjectIdentifier: CurlExchange] = [:]
    /// Handles that were used before, which keep what they have learned of their hosts.
    private var spare: [UnsafeMutableRawPointer] = []

    private static let mostSpare = 16

    init(multi: UnsafeMutableRawPointer) {
        self.multi = multi
    }

    mutating func start(_ transfer: CurlTransfer, _ configuration: HTTPClientConfiguration) {
        guard !transfer.isCancelled else { return }
        guard let easy = spare.popLast() ?? mm_curl_easy_init() else {
            transfer.fail(HTTPError(.unavailable, "libcurl has no memory left."))
            return
        }
        let exchange = CurlExchange(transfer, easy: easy)
        exchange.stallTimeout = configuration.stallTimeout
        do throws(HTTPError) {
            try exchange.prepare(configuration)
        } catch {
            mm_curl_easy_cleanup(easy)
            transfer.fail(error)
            return
        }
        exchanges[ObjectIdentifier(transfer)] = exchange
        if mm_curl_multi_add(multi, easy) != CURLM_OK {
            exchange.finish(CURLE_FAILED_INIT)
            release(exchange)
        }
    }

    mutating func cancel(_ transfer: CurlTransfer) {
        if let exchange = exchanges[ObjectIdentifier(transfer)] { release(exchange) }
    }

    func resume(_ transfer: CurlTransfer) {
        if let exchange = exchanges[ObjectIdentifier(transfer)] {
            _ = mm_curl_easy_pause(exchange.easy, CURLPAUSE_CONT)
        }
    }

    /// Lets every transfer make progress, and finishes those that are done.
    mutating func perform() {
        var count: Int32 = 0
        _ = mm_curl_multi_perform(multi, &count)
        var code = CURLE_OK
        while let easy = mm_curl_multi_next_done(multi, &code) {
            guard let context = mm_curl_info_private(easy) else { continue }
            let exchange = Unmanaged<CurlExchange>.fromOpaque(context).takeUnretainedValue()
            exchange.finish(code)
            release(exchange)
        }
    }

    mutating func end() {
        for exchange in exchanges.values { exchange.transfer.cancel() }
        for exchange in Array(exchanges.values) { release(exchange) }
        for easy in spare { mm_curl_easy_cleanup(easy) }
    }

    private mutating func release(_ exchange: CurlExchange) {
        exchanges[ObjectIdentifier(exchange.transfer)] = nil
        _ = mm_curl_multi_remove(multi, exchange.easy)
        mm_curl_easy_reset(exchange.easy)
        if spare.count < Self.mostSpare { spare.append(exchange.easy) } else { mm_curl_easy_cleanup(exchange.easy) }
    }
}
