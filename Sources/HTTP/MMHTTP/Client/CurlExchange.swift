import CCurl
import Glibc
import MMCore
import MMSystem

/// One exchange on the loop's thread: the easy handle and the data that curl's callbacks use. Never leaves that thread.
final class CurlExchange {
    /// The reason why one of the callbacks stopped the transfer.
    enum Stop {
        case tooLarge
        case tooManyHeaders
        case notPermitted(String)
    }

    private static let maxHeaderBytes = 256 << 10

    let transfer: CurlTransfer
    let easy: UnsafeMutableRawPointer
    private(set) var stop: Stop?
    /// The number of bytes that curl reads at a time. Its default of 16 KB takes four times as many system calls for a
    /// page of a list.
    private static let receiveBuffer = 64 << 10

    /// Kept until the transfer ends, because curl doesn't copy the list.
    private var list: UnsafeMutablePointer<curl_slist>?
    /// Kept until the transfer ends: the buffer for curl's error message.
    private let errorBuffer = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    private var status = 0
    private var headers = HTTPHeaders()
    private var headerBytes = 0
    private var headIsComplete = false
    private var body: [UInt8] = []
    private var sent = 0

    init(_ transfer: CurlTransfer, easy: UnsafeMutableRawPointer) {
        self.transfer = transfer
        self.easy = easy
        errorBuffer.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        mm_curl_list_free(list)
        errorBuffer.deallocate()
    }

    /// Sets all options of the transfer.
    func prepare(_ configuration: HTTPClientConfiguration) throws(HTTPError) {
        let request = transfer.request
        var codes: [CURLcode] = []
        func long(_ option: CURLoption, _ value: Int) { codes.append(mm_curl_set_long(easy, option, value)) }
        func text(_ option: CURLoption, _ value: String) { codes.append(mm_curl_set_text(easy, option, value)) }

        let context = Unmanaged.passUnretained(self).toOpaque()
        codes.append(
            mm_curl_set_callbacks(
                easy, context,
                { bytes, size, count, context in CurlExchange.from(context)?.header(bytes, size * count) ?? 0 },
                { bytes, size, count, context in CurlExchange.from(context)?.write(bytes, size * count) ?? 0 },
                { bytes, size, count, context in CurlExchange.from(context)?.read(bytes, size * count) ?? 0 },
                { context, offset, origin in CurlExchange.from(context)?.seek(offset, origin) ?? CURL_SEEKFUNC_FAIL }))
        codes.append(mm_curl_set_pointer(easy, CURLOPT_ERRORBUFFER, errorBuffer))
        text(CURLOPT_URL, request.url)
        // Send exactly the path that was checked.
        long(CURLOPT_PATH_AS_IS, 1)
        long(CURLOPT_NOSIGNAL, 1)
        long(CURLOPT_FOLLOWLOCATION, 0)
        setProtocol(configuration, long: long, text: text)
        // A handle that was used before may still have its buffer, and then refuses another size.
        _ = mm_curl_set_long(easy, CURLOPT_BUFFERSIZE, Self.receiveBuffer)
        long(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        long(CURLOPT_CONNECTTIMEOUT_MS, Self.milliseconds(configuration.connectTimeout))
        long(CURLOPT_TIMEOUT_MS, Self.milliseconds(request.timeout))
        // Without this, ending a transfer would wait for a hanging name look-up. Unknown before 7.87.
        _ = mm_curl_set_long(easy, CURLOPT_QUICK_EXIT, 1)
        if configuration.looksUpEachConnection { long(CURLOPT_DNS_CACHE_TIMEOUT, 0) }
        // Always set both; otherwise curl reads the environment itself.
        text(CURLOPT_PROXY, transfer.proxy?.url ?? "")
        text(CURLOPT_NOPROXY, "")
        if transfer.permit != nil {
            codes.append(
                mm_curl_set_before(
                    easy, context,
                    { context, _, _, _, _ in
                        CurlExchange.from(context)?.isPermitted == true ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
                    }))
        }
        setMethod(long: long, text: text)
        try setHeaders(configuration)
        codes.append(mm_curl_set_list(easy, CURLOPT_HTTPHEADER, list))
        if let failed = codes.first(where: { $0 != CURLE_OK }) {
            throw HTTPError(
                .unavailable, "libcurl refuses an option: \(String(cString: mm_curl_easy_strerror(failed))).",
                hint: "apt-get install --only-upgrade libcurl4 (7.88 or later, with OpenSSL)")
        }
    }

    private func setProtocol(
        _ configuration: HTTPClientConfiguration, long: (CURLoption, Int) -> Void, text: (CURLoption, String) -> Void
    ) {
        let isSecure = transfer.address.isSecure
        if mm_curl_set_text(easy, CURLOPT_PROTOCOLS_STR, isSecure ? "https" : "http") != CURLE_OK {
            // Before 7.85 curl has only the numeric option.
            long(CURLOPT_PROTOCOLS, isSecure ? 2 : 1)
        }
        long(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS)
        long(CURLOPT_PIPEWAIT, isSecure ? 1 : 0)
        long(CURLOPT_SSL_VERIFYPEER, 1)
        long(CURLOPT_SSL_VERIFYHOST, 2)
        long(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
        long(CURLOPT_TCP_KEEPALIVE, 1)
        if let file = configuration.certificateFile { text(CURLOPT_CAINFO, file) }
        if let own = configuration.clientCertificate {
            text(CURLOPT_SSLCERT, own.certificate)
            text(CURLOPT_SSLKEY, own.key)
        }
    }

    private func setMethod(long: (CURLoption, Int) -> Void, text: (CURLoption, String) -> Void) {
        let request = transfer.request
        let takesBody = ["POST", "PUT", "PATCH"].contains(request.method)
        if request.method == "HEAD" {
            long(CURLOPT_NOBODY, 1)
        } else if request.body != nil || request.upload != nil || takesBody {
            let length = request.upload.map { $0.length ?? -1 } ?? request.body?.count ?? 0
            long(CURLOPT_POST, 1)
            _ = mm_curl_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(length))
            text(CURLOPT_CUSTOMREQUEST, request.method)
        } else {
            long(CURLOPT_HTTPGET, 1)
            if request.method != "GET" { text(CURLOPT_CUSTOMREQUEST, request.method) }
        }
        if !isRepeatable, request.body?.isEmpty ?? true, request.upload == nil {
            // If a kept connection dies without an answer, curl resends by itself unless it would have to rewind a
            // body, which `seek` refuses. Without a body, only a fresh connection prevents that.
            long(CURLOPT_FRESH_CONNECT, 1)
        }
    }

    /// Whether sending the request twice has the same effect as sending it once (RFC 9110, section 9.2.2).
    private var isRepeatable: Bool {
        let method = transfer.request.method
        if ["GET", "HEAD", "OPTIONS"].contains(method) { return true }
        return ["PUT", "DELETE"].contains(method) && !transfer.request.isNeverResent
    }

    private func setHeaders(_ configuration: HTTPClientConfiguration) throws(HTTPError) {
        let request = transfer.request
        func append(_ line: String) {
            if let longer = mm_curl_list_append(list, line) { list = longer }
        }
        for field in request.headers {
            if HTTPHeaders.sameName(field.name, "content-length") { continue }
            // curl's notation for a header without a value.
            append(field.value.isEmpty ? field.name + ";" : "\(field.name): \(field.value)")
        }
        if !request.headers.contains("user-agent") { append("User-Agent: \(configuration.userAgent)") }
        // By default curl waits a second for a 100 (Continue) that most servers never send, and labels every body a
        // form.
        append("Expect:")
        // HTTP/2 frames the body itself; curl leaves the field out there.
        if let upload = request.upload, upload.length == nil { append("Transfer-Encoding: chunked") }
        if !request.headers.contains("content-type") { append("Content-Type:") }
        if !request.headers.contains("accept-encoding") {
            _ = mm_curl_set_text(easy, CURLOPT_ACCEPT_ENCODING, "gzip, deflate")
        }
    }

    /// Delivers the outcome to the waiting tasks.
    func finish(_ code: CURLcode) {
        if code == CURLE_OK, headIsComplete {
            if transfer.delivery == .whole {
                transfer.head.resolve(.success(CurlTransfer.Head(status: status, headers: headers, body: body)))
            }
            transfer.finish(.success(()))
        } else {
            // curl accepts a response whose headers are cut off.
            let code = code == CURLE_OK ? CURLE_PARTIAL_FILE : code
            let error = CurlFailure(code, of: transfer, easy: easy, curlMessage: String(cString: errorBuffer)).error(
                stop)
            transfer.fail(error)
        }
    }

    /// Whether the request may still be sent.
    private var isPermitted: Bool {
        guard let refusal = transfer.permit?.refusal() else { return true }
        stop = .notPermitted(refusal)
        return false
    }

    private static func from(_ context: UnsafeMutableRawPointer?) -> CurlExchange? {
        context.map { Unmanaged<CurlExchange>.fromOpaque($0).takeUnretainedValue() }
    }

    private static func milliseconds(_ duration: Duration) -> Int {
        // Zero would mean no limit.
        Int(min(max(1, duration.milliseconds), 2_000_000_000))
    }

    private func header(_ bytes: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int {
        guard let bytes, count > 0 else { return count }
        // Lines after the head are trailers, which aren't needed.
        if headIsComplete { return count }
        headerBytes += count
        guard headerBytes <= Self.maxHeaderBytes, headers.count < 1_000 else {
            stop = .tooManyHeaders
            return 0
        }
        var line = UnsafeRawBufferPointer(start: bytes, count: count)[...]
        while let last = line.last, last == 0x0A || last == 0x0D { line.removeLast() }
        if line.starts(with: "HTTP/".utf8) {
            headers = HTTPHeaders()
            let parts = line.split(separator: 0x20, maxSplits: 2)
            status = parts.count > 1 ? Int(String(decoding: parts[1], as: UTF8.self)) ?? 0 : 0
        } else if line.isEmpty {
            // Interim responses (1xx) are followed by the final one.
            if status >= 200 { completeHead() }
        } else {
            headers.add(line: line)
        }
        return count
    }

    private func completeHead() {
        guard !headIsComplete else { return }
        headIsComplete = true
        if !transfer.request.headers.contains("accept-encoding"), headers.contains("content-encoding") {
            // curl has decoded the body, so these two fields no longer describe it.
            headers.remove("content-encoding")
            if transfer.request.method != "HEAD" { headers.remove("content-length") }
        }
        let stall = transfer.request.stallTimeout ?? stallTimeout
        if stall > .zero {
            _ = mm_curl_set_long(easy, CURLOPT_LOW_SPEED_LIMIT, 1)
            _ = mm_curl_set_long(easy, CURLOPT_LOW_SPEED_TIME, max(1, Int(stall.components.seconds)))
        }
        switch transfer.delivery {
        case .streamed:
            // A stream may run for days; from here on only a stall ends it.
            _ = mm_curl_set_long(easy, CURLOPT_TIMEOUT_MS, 0)
            transfer.head.resolve(.success(CurlTransfer.Head(status: status, headers: headers, body: [])))
        case .whole:
            if let announced = headers["content-length"].flatMap({ Int($0) }), announced > 0 {
                body.reserveCapacity(min(announced, transfer.request.maxResponseBytes, 4 << 20))
            }
        }
    }

    /// The client's default stall time, for requests without one of their own.
    var stallTimeout: Duration = .zero

    private func write(_ bytes: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int {
        guard let bytes, count > 0 else { return count }
        let piece = UnsafeRawBufferPointer(start: bytes, count: count)
        switch transfer.delivery {
        case .streamed:
            return transfer.accept(piece) ? count : Int(CURL_WRITEFUNC_PAUSE)
        case .whole:
            guard body.count + count <= transfer.request.maxResponseBytes else {
                stop = .tooLarge
                return 0
            }
            body.append(contentsOf: piece)
            return count
        }
    }

    private func read(_ bytes: UnsafeMutablePointer<CChar>?, _ room: Int) -> Int {
        guard let bytes else { return 0 }
        if sent > 0, !isPermitted { return Int(CURL_READFUNC_ABORT) }
        if let upload = transfer.upload {
            switch upload.take(into: UnsafeMutableRawBufferPointer(start: bytes, count: room)) {
            case .bytes(let count):
                sent += count
                return count
            case .later: return Int(CURL_READFUNC_PAUSE)
            case .end: return 0
            case .broken: return Int(CURL_READFUNC_ABORT)
            }
        }
        guard let content = transfer.request.body else { return 0 }
        let count = min(room, content.count - sent)
        guard count > 0 else { return 0 }
        content.withUnsafeBytes { source in
            UnsafeMutableRawBufferPointer(start: bytes, count: count)
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[sent..<(sent + count)]))
        }
        sent += count
        return count
    }

    private func seek(_ offset: curl_off_t, _ origin: Int32) -> Int32 {
        // The server may have acted on a body that has begun to go out, so only repeatable requests are sent again.
        let isUnsent = sent == 0
        guard origin == SEEK_SET, offset >= 0, isUnsent || (isRepeatable && transfer.upload == nil) else {
            return CURL_SEEKFUNC_FAIL
        }
        sent = Int(offset)
        return CURL_SEEKFUNC_OK
    }
}

/// Translates a failed curl transfer into an error (curl.se/libcurl/c/libcurl-errors.html).
struct CurlFailure {
    let code: CURLcode
    let transfer: CurlTransfer
    /// The method and URL, as the start of a sentence.
    let what: String
    /// curl's own error message.
    let curlMessage: String
    /// Whether the connection was established, so that the request may have been sent.
    let reachedServer: Bool
    /// The status of the proxy's response to CONNECT; 0 for none.
    let connectStatus: Int
    /// The reason why a SOCKS proxy made no connection.
    let proxyReason: CURLproxycode
    /// OpenSSL's verification result for the server's certificate, and below for the proxy's; 0 for none.
    let certificateFault: Int
    let proxyCertificateFault: Int

    /// Describes the failure of a transfer that has ended.
    init(_ code: CURLcode, of transfer: CurlTransfer, easy: UnsafeMutableRawPointer, curlMessage: String) {
        self.code = code
        self.transfer = transfer
        what = "\(transfer.request.method) \(transfer.address.display)"
        self.curlMessage = curlMessage.isEmpty ? String(cString: mm_curl_easy_strerror(code)) : curlMessage
        reachedServer = mm_curl_info_offset(easy, CURLINFO_PRETRANSFER_TIME_T) > 0
        connectStatus = mm_curl_info_long(easy, CURLINFO_HTTP_CONNECTCODE)
        proxyReason = CURLproxycode(UInt32(clamping: mm_curl_info_long(easy, CURLINFO_PROXY_ERROR)))
        certificateFault = mm_curl_info_long(easy, CURLINFO_SSL_VERIFYRESULT)
        proxyCertificateFault = mm_curl_info_long(easy, CURLINFO_PROXY_SSL_VERIFYRESULT)
    }

    /// Returns the failure as an error.
    /// - Parameter stop: the reason why one of the callbacks ended the transfer, if one did.
    func error(_ stop: CurlExchange.Stop?) -> HTTPError {
        switch stop {
        case .tooLarge: tooLarge
        case .tooManyHeaders:
            HTTPError(.protocolViolation, "\(what): the answer's headers are larger than 256 KiB.")
        case .notPermitted(let why):
            HTTPError(.unavailable, "\(what): \(why)", mayHaveBeenSent: reachedServer && transfer.request.upload != nil)
        case nil: proxyError ?? secureError ?? plainError
        }
    }

    private var tooLarge: HTTPError {
        HTTPError(.tooLarge, "\(what): the answer is larger than \(transfer.request.maxResponseBytes) bytes.")
    }

    private var plainError: HTTPError {
        switch code {
        case CURLE_OPERATION_TIMEDOUT:
            return HTTPError(
                .timeout,
                reachedServer
                    ? "\(what): no complete answer in time." : "\(what): no connection in time.",
                mayHaveBeenSent: reachedServer)
        case CURLE_COULDNT_RESOLVE_HOST:
            return HTTPError(.resolve, "\(what): the host name \(transfer.address.host) has no address.")
        case CURLE_COULDNT_CONNECT:
            return HTTPError(.connect, "\(what): could not connect to \(transfer.address.host).")
        case CURLE_PARTIAL_FILE, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_GOT_NOTHING, CURLE_SEND_FAIL_REWIND:
            return HTTPError(
                .connectionLost, "\(what): the connection ended before the answer was complete.",
                mayHaveBeenSent: reachedServer)
        case CURLE_HTTP2, CURLE_HTTP2_STREAM:
            return HTTPError(.connectionLost, "\(what): the server aborted the HTTP/2 exchange.")
        case CURLE_FILESIZE_EXCEEDED: return tooLarge
        case CURLE_UNSUPPORTED_PROTOCOL where reachedServer:
            return HTTPError(.protocolViolation, "\(what): the server doesn't speak HTTP.")
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT:
            return HTTPError(.invalidRequest, "\(what): the URL can't be used (\(curlMessage)).")
        case CURLE_OUT_OF_MEMORY, CURLE_FAILED_INIT:
            return HTTPError(
                .unavailable, "\(what): libcurl failed (\(curlMessage)).", mayHaveBeenSent: reachedServer)
        default:
            return HTTPError(
                .protocolViolation, "\(what): the server's answer can't be read (\(curlMessage)).",
                mayHaveBeenSent: reachedServer)
        }
    }
}

extension CurlFailure {
    /// The error if the failure lies between this machine and the far side of the proxy; `nil` if there is no proxy or
    /// the connection through it was established.
    var proxyError: HTTPError? {
        guard let proxy = transfer.proxy, !reachedServer else { return nil }
        let name = "the proxy \(proxy.display)"
        let look =
            "\(proxy.variable) in the environment sets the proxy; NO_PROXY sets hosts that are reached without it."
        // Any status but success is a refusal: nothing was sent to the server behind the proxy.
        if connectStatus >= 300 || (100..<200).contains(connectStatus) { return refusal(by: proxy, name) }
        switch code {
        case CURLE_COULDNT_RESOLVE_PROXY:
            return HTTPError(.connect, "\(what): the host name of \(name) has no address.", hint: look)
        case CURLE_COULDNT_CONNECT:
            return HTTPError(.connect, "\(what): could not connect to \(name).", hint: look)
        case CURLE_OPERATION_TIMEDOUT:
            return HTTPError(
                .timeout, "\(what): no connection in time through \(name).", hint: look, mayHaveBeenSent: false)
        case CURLE_PROXY: return socksRefusal(by: proxy, name)
        case CURLE_COULDNT_RESOLVE_HOST where !proxy.form.resolvesNames: return unresolved(by: proxy)
        case CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE:
            guard connectStatus == 0 else { return nil }
            return HTTPError(
                .connectionLost, "\(what): \(name) ended the connection before it answered.", hint: look,
                mayHaveBeenSent: false)
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY:
            return HTTPError(
                .proxy, "\(what): the server at \(name) isn't that kind of proxy (\(curlMessage)).",
                hint: "Check scheme and port. " + look)
        default: return nil
        }
    }

    private func refusal(by proxy: ProxyAddress, _ name: String) -> HTTPError {
        let text = "\(what): \(name) refuses the connection with status \(connectStatus)"
        return switch connectStatus {
        case 407 where proxy.hasUser:
            HTTPError(
                .proxy, "\(text): it does not accept the user name and password.",
                hint:
                    "Check user name and password in \(proxy.variable). Nothing was repeated, so that no account is locked."
            )
        case 407:
            HTTPError(
                .proxy, "\(text): it requires a user name and password.",
                hint:
                    "Put USER:PASSWORD@ in front of the host in \(proxy.variable), special characters percent-encoded."
            )
        case 401, 403:
            HTTPError(
                .proxy, "\(text): it does not allow \(transfer.address.host).",
                hint:
                    "Ask the proxy's operator to allow \(transfer.address.host):\(transfer.address.port), or add the "
                    + "host to NO_PROXY if it can be reached without the proxy.")
        case 500...599:
            HTTPError(
                .connect, "\(text): it can't reach \(transfer.address.host), or has a problem itself.",
                hint: "Try again in a moment; if the problem persists, ask the proxy's operator.")
        default:
            HTTPError(
                .proxy, "\(text).",
                hint: "Check that \(proxy.variable) is a proxy for https (with CONNECT).")
        }
    }

    private func unresolved(by proxy: ProxyAddress) -> HTTPError {
        HTTPError(
            .resolve,
            "\(what): the host name \(transfer.address.host) has no address here, and with \(proxy.form.rawValue):// names "
                + "are looked up on this machine, not by the proxy.",
            hint:
                "Write \(proxy.form == .socks4 ? "socks4a" : "socks5h"):// in \(proxy.variable), so that the proxy looks "
                + "names up.")
    }

    /// Returns the error for a SOCKS proxy that made no connection (RFC 1928, section 6).
    private func socksRefusal(by proxy: ProxyAddress, _ name: String) -> HTTPError {
        let host = transfer.address.host
        return switch proxyReason {
        case CURLPX_RESOLVE_HOST: unresolved(by: proxy)
        case CURLPX_NO_AUTH, CURLPX_USER_REJECTED, CURLPX_IDENTD, CURLPX_IDENTD_DIFFER:
            HTTPError(
                .proxy,
                "\(what): \(name) " + (proxy.hasUser ? "does not accept" : "requires") + " a user name and password.",
                hint: "Check them in \(proxy.variable): USER:PASSWORD@ in front of the host.")
        case CURLPX_REPLY_NOT_ALLOWED:
            HTTPError(
                .proxy, "\(what): \(name) does not allow \(host).",
                hint: "Ask the proxy's operator to allow \(host):\(transfer.address.port).")
        case CURLPX_REPLY_CONNECTION_REFUSED, CURLPX_REPLY_GENERAL_SERVER_FAILURE, CURLPX_REPLY_HOST_UNREACHABLE,
            CURLPX_REPLY_NETWORK_UNREACHABLE, CURLPX_REPLY_TTL_EXPIRED:
            HTTPError(.connect, "\(what): \(name) can't reach \(host).")
        case CURLPX_CLOSED, CURLPX_RECV_ADDRESS, CURLPX_RECV_AUTH, CURLPX_RECV_CONNECT, CURLPX_RECV_REQACK,
            CURLPX_SEND_AUTH, CURLPX_SEND_CONNECT, CURLPX_SEND_REQUEST:
            HTTPError(
                .connectionLost, "\(what): \(name) ended the connection before it answered.", mayHaveBeenSent: false)
        case CURLPX_BAD_VERSION, CURLPX_UNKNOWN_MODE, CURLPX_UNKNOWN_FAIL:
            HTTPError(
                .proxy, "\(what): the server at \(name) does not speak \(proxy.form.rawValue).",
                hint: "Check scheme and port in \(proxy.variable).")
        default:
            HTTPError(
                .proxy, "\(what): \(name) made no connection (\(curlMessage)).",
                hint: "Check \(proxy.variable) in the environment.")
        }
    }
}

extension CurlFailure {
    /// The error if the TLS connection failed; `nil` if the failure lies elsewhere.
    var secureError: HTTPError? {
        switch code {
        case CURLE_SSL_CACERT_BADFILE:
            HTTPError(
                .tls, "\(what): the file of trusted certificates can't be read.",
                hint: "Check SSL_CERT_FILE, or apt-get install ca-certificates.")
        case CURLE_SSL_CONNECT_ERROR where isBrokenOff:
            HTTPError(
                .connectionLost,
                "\(what): \(peer) closed the connection during the TLS handshake. Nothing was sent.",
                hint: "Try again. If the problem persists, a network device may be blocking TLS connections to "
                    + "\(transfer.address.host): ask the network's operator.",
                mayHaveBeenSent: false)
        case CURLE_PEER_FAILED_VERIFICATION: certificateError
        case CURLE_SSL_CONNECT_ERROR where certificate != nil: certificateError
        case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_SSL_ISSUER_ERROR,
            CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_ENGINE_INITFAILED:
            HTTPError(
                .tls, "\(what): no secure connection with \(peer) (\(curlMessage)).",
                hint:
                    "It may not speak TLS 1.2 or newer there, or a network device (proxy, captive portal) answers "
                    + "instead."
            )
        default: nil
        }
    }

    /// Whether the proxy itself, reached over https, presented the certificate in question.
    private var isProxys: Bool { transfer.proxy?.form == .https && connectStatus == 0 }

    private var peer: String {
        if isProxys, let proxy = transfer.proxy { return "the proxy \(proxy.display)" }
        return transfer.address.host
    }

    /// Whether the peer, or something in between, closed or reset the connection during the handshake. curl has one
    /// code for every failure there; only its message tells them apart.
    private var isBrokenOff: Bool {
        let marks =
            ["SSL_ERROR_SYSCALL", "unexpected eof"] + [ECONNRESET, EPIPE].map { String(cString: strerror($0)) }
        return marks.contains { curlMessage.contains($0) }
    }

    /// OpenSSL's verification error for the certificate (openssl-verification-options(1)); `nil` if it reported none. 1
    /// is curl's initial value.
    private var certificate: Int? {
        let number = isProxys ? proxyCertificateFault : certificateFault
        return number > 1 ? number : nil
    }

    private var certificateError: HTTPError {
        let authority =
            "If a proxy of your organisation inspects secure connections, or the server has a private certificate, "
            + "add that authority's certificate to a file with the others and set SSL_CERT_FILE to it. Otherwise "
            + "install the standard authorities: apt-get install ca-certificates."
        switch certificate {
        case 10:
            return HTTPError(
                .tls, "\(what): the certificate of \(peer) has expired.",
                hint:
                    "Check this machine's clock (date). If it is right, the operator of \(peer) must "
                    + "renew the certificate."
            )
        case 9:
            return HTTPError(
                .tls, "\(what): the certificate of \(peer) is not valid yet.",
                hint: "Check this machine's clock (date).")
        case 2, 3, 18, 19, 20, 21, 22, 24, 27:
            return HTTPError(
                .tls,
                "\(what): the certificate of \(peer) comes from an authority that is not trusted here (\(curlMessage)).",
                hint: authority)
        case 23:
            return HTTPError(.tls, "\(what): the certificate of \(peer) was revoked.", hint: "Don't use this server.")
        case nil:
            // curl compares host names itself, so OpenSSL reports nothing.
            return HTTPError(
                .tls, "\(what): the certificate of \(peer) was issued for another host (\(curlMessage)).",
                hint:
                    "Check the address. A network device, such as a captive portal, may be answering instead."
            )
        case .some:
            return HTTPError(
                .tls, "\(what): the certificate of \(peer) can't be accepted (\(curlMessage)).", hint: authority)
        }
    }
}
