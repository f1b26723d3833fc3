import CCurl

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
    /// Why a SOCKS proxy made no connection.
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
    /// - Parameter stop: why one of our own callbacks ended the transfer, if it did.
    func error(_ stop: CurlExchange.Stop?) -> HTTPError {
        switch stop {
        case .tooLarge: tooLarge
        case .tooManyHeaders:
            HTTPError(.protocolViolation, "\(what): the answer's headers are larger than 256 KiB.")
        case .foreignListener:
            HTTPError(
                .connect,
                "\(what): the process at \(transfer.request.unixSocket ?? "the socket") belongs to another user.")
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
            let place = transfer.request.unixSocket.map { "the socket \($0)" } ?? transfer.address.host
            return HTTPError(.connect, "\(what): could not connect to \(place).")
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
            return HTTPError(.unavailable, "\(what): libcurl failed (\(curlMessage)).")
        default:
            return HTTPError(
                .protocolViolation, "\(what): the server's answer can't be read (\(curlMessage)).",
                mayHaveBeenSent: reachedServer)
        }
    }
}
