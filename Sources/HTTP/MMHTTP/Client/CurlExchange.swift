import CCurl
import Glibc
import MMCore
import MMSystem

/// One exchange on the loop's thread: the easy handle and the data that curl's callbacks use. Never leaves that thread.
final class CurlExchange {
    /// Why one of the callbacks stopped the transfer.
    enum Stop {
        case tooLarge
        case tooManyHeaders
        case foreignListener
        case notPermitted(String)
    }

    private static let maxHeaderBytes = 256 << 10

    let transfer: CurlTransfer
    let easy: UnsafeMutableRawPointer
    private(set) var stop: Stop?
    /// Kept until the transfer ends, because curl doesn't copy the list.
    private var list: UnsafeMutablePointer<curl_slist>?
    /// Kept until the transfer ends: the folder of a socket whose own path is too long.
    private var socketFolder: UnixSocketPath?
    /// Kept until the transfer ends: the buffer for curl's error message.
    private let errorBuffer = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    private var status = 0
    private var headers = HTTPHeaders()
    private var headerBytes = 0
    private var headIsComplete = false
    private var body: [UInt8] = []
    private var sent = 0
    private var socket = CURL_SOCKET_BAD

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
        let address = transfer.address
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
        // Send exactly the path that was judged.
        long(CURLOPT_PATH_AS_IS, 1)
        long(CURLOPT_NOSIGNAL, 1)
        long(CURLOPT_FOLLOWLOCATION, 0)
        if mm_curl_set_text(easy, CURLOPT_PROTOCOLS_STR, address.isSecure ? "https" : "http") != CURLE_OK {
            // Before 7.85 curl has only the numeric option.
            long(CURLOPT_PROTOCOLS, address.isSecure ? 2 : 1)
        }
        long(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS)
        long(CURLOPT_PIPEWAIT, address.isSecure ? 1 : 0)
        long(CURLOPT_SSL_VERIFYPEER, 1)
        long(CURLOPT_SSL_VERIFYHOST, 2)
        long(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
        long(CURLOPT_TCP_KEEPALIVE, 1)
        long(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        long(CURLOPT_CONNECTTIMEOUT_MS, Self.milliseconds(configuration.connectTimeout))
        long(CURLOPT_TIMEOUT_MS, Self.milliseconds(request.timeout))
        // Without this, ending a transfer would wait for a hanging name look-up. Unknown before 7.87.
        _ = mm_curl_set_long(easy, CURLOPT_QUICK_EXIT, 1)
        if let file = configuration.certificateFile { text(CURLOPT_CAINFO, file) }
        if let own = configuration.clientCertificate {
            text(CURLOPT_SSLCERT, own.certificate)
            text(CURLOPT_SSLKEY, own.key)
        }
        if configuration.looksUpEachConnection { long(CURLOPT_DNS_CACHE_TIMEOUT, 0) }
        // Always set both; otherwise curl reads the environment itself.
        text(CURLOPT_PROXY, transfer.proxy?.url ?? "")
        text(CURLOPT_NOPROXY, "")
        if let path = request.unixSocket {
            let socket: UnixSocketPath
            do throws(MMError) { socket = try UnixSocketPath(path) } catch {
                throw HTTPError(
                    error.code == .notFound ? .connect : .invalidRequest, error.message, hint: error.hint)
            }
            text(CURLOPT_UNIX_SOCKET_PATH, socket.usable)
            if socket.isShortened {
                // The short name refers to a descriptor, which may later stand for another folder.
                long(CURLOPT_FRESH_CONNECT, 1)
                long(CURLOPT_FORBID_REUSE, 1)
            }
            socketFolder = socket
            if request.unixSocketOwner != nil {
                codes.append(
                    mm_curl_set_gate(
                        easy, context,
                        { context, _, address in CurlExchange.from(context)?.open(address) ?? CURL_SOCKET_BAD },
                        { context, _, _, _, _ in
                            let exchange = CurlExchange.from(context)
                            return exchange?.isPeerAllowed == true && exchange?.isPermitted == true
                                ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
                        }))
            }
        }
        if request.unixSocketOwner == nil, transfer.permit != nil {
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

    /// Delivers the outcome to those who wait for it.
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
            transfer.head.resolve(.failure(error))
            transfer.finish(.failure(error))
        }
    }

    /// Opens a socket for a new connection, and remembers it until its peer has been checked.
    private func open(_ address: UnsafeMutablePointer<curl_sockaddr>?) -> curl_socket_t {
        guard let address = address?.pointee else { return CURL_SOCKET_BAD }
        socket = Glibc.socket(
            address.family, address.socktype | Int32(SOCK_CLOEXEC.rawValue), address.protocol)
        return socket
    }

    /// Whether the required user listens at the request's socket. A reused connection was checked when it was made.
    private var isPeerAllowed: Bool {
        guard socket != CURL_SOCKET_BAD else { return true }
        let isOwner = (try? UnixSocket.peer(of: socket))?.uid == transfer.request.unixSocketOwner
        if !isOwner { stop = .foreignListener }
        return isOwner
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
        } else if let first = line.first, first == 0x20 || first == 0x09 {
            headers.continueLast(with: Self.trimmed(line))
        } else if let colon = line.firstIndex(of: UInt8(ascii: ":")) {
            headers.add(Self.trimmed(line[..<colon]), Self.trimmed(line[(colon + 1)...]))
        }
        return count
    }

    private static func trimmed(_ bytes: Slice<UnsafeRawBufferPointer>) -> String {
        var bytes = bytes
        while let first = bytes.first, first == 0x20 || first == 0x09 { bytes.removeFirst() }
        while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
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
