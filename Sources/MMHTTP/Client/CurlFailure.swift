import CCurl

/// What curl's result codes mean here (curl.se/libcurl/c/libcurl-errors.html).
enum CurlFailure {
    static func error(
        _ code: CURLcode, stop: CurlExchange.Stop?, transfer: CurlTransfer, reachedServer: Bool
    ) -> HTTPError {
        let request = transfer.request
        let what = "\(request.method) \(transfer.address.display)"
        let said = String(cString: mm_curl_easy_strerror(code))
        switch stop {
        case .tooLarge:
            return HTTPError(.tooLarge, "\(what): the answer is larger than \(request.maxResponseBytes) bytes.")
        case .tooManyHeaders:
            return HTTPError(.protocolViolation, "\(what): the answer's headers are larger than 256 KiB.")
        case nil: break
        }
        switch code {
        case CURLE_OPERATION_TIMEDOUT:
            return HTTPError(
                .timeout,
                reachedServer
                    ? "\(what): no complete answer in time." : "\(what): no connection in time.",
                mayHaveBeenSent: reachedServer)
        case CURLE_COULDNT_RESOLVE_HOST:
            return HTTPError(.resolve, "\(what): the host name \(transfer.address.host) has no address.")
        case CURLE_COULDNT_RESOLVE_PROXY:
            return HTTPError(
                .resolve, "\(what): the proxy's host name has no address.",
                hint: "Check https_proxy and all_proxy in the environment.")
        case CURLE_COULDNT_CONNECT:
            let place = request.unixSocket.map { "the socket \($0)" } ?? transfer.address.host
            return HTTPError(.connect, "\(what): nothing answers at \(place).")
        case CURLE_PROXY:
            return HTTPError(
                .connect, "\(what): the proxy refuses.", hint: "Check https_proxy and all_proxy in the environment.")
        case CURLE_SSL_CACERT_BADFILE:
            return HTTPError(
                .tls, "\(what): the file of trusted certificates can't be read.",
                hint: "Check SSL_CERT_FILE, or apt-get install ca-certificates.")
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_ENGINE_INITFAILED:
            return HTTPError(.tls, "\(what): the secure connection failed (\(said)).")
        case CURLE_PARTIAL_FILE, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_GOT_NOTHING, CURLE_SEND_FAIL_REWIND:
            return HTTPError(
                .connectionLost, "\(what): the connection ended before the answer was complete.",
                mayHaveBeenSent: reachedServer)
        case CURLE_HTTP2, CURLE_HTTP2_STREAM:
            return HTTPError(.connectionLost, "\(what): the server broke off the HTTP/2 exchange.")
        case CURLE_FILESIZE_EXCEEDED:
            return HTTPError(.tooLarge, "\(what): the answer is larger than \(request.maxResponseBytes) bytes.")
        case CURLE_UNSUPPORTED_PROTOCOL where reachedServer:
            return HTTPError(.protocolViolation, "\(what): what answers does not speak HTTP.")
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT:
            return HTTPError(.invalidRequest, "\(what): the URL can't be used (\(said)).")
        case CURLE_OUT_OF_MEMORY, CURLE_FAILED_INIT:
            return HTTPError(.unavailable, "\(what): libcurl failed (\(said)).")
        default:
            return HTTPError(
                .protocolViolation, "\(what): the server's answer can't be read (\(said)).",
                mayHaveBeenSent: reachedServer)
        }
    }
}
