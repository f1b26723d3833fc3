import CCurl
import Glibc
import MMCore

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

extension CurlFailure {
    /// The error if the failure lies between this machine and the far side of the proxy; `nil` if there is no proxy or
    /// the connection through it was established.
    var proxyError: HTTPError? {
        guard let proxy = transfer.proxy, !reachedServer else { return nil }
        let name = "the proxy \(proxy.display)"
        let look =
            "\(proxy.variable) in the environment names the proxy; NO_PROXY names hosts that are reached without it."
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
                    "Put them into \(proxy.variable): http://USER:PASSWORD@HOST:PORT, special characters percent-encoded."
            )
        case 401, 403:
            HTTPError(
                .proxy, "\(text): it does not allow \(transfer.address.host).",
                hint:
                    "Ask the proxy's operator to allow \(transfer.address.host):\(transfer.address.port), or name the "
                    + "host in NO_PROXY if it can be reached without the proxy.")
        case 500...599:
            HTTPError(
                .connect, "\(text): it can't reach \(transfer.address.host), or has trouble itself.",
                hint: "Try again in a moment; if the problem persists, ask the proxy's operator.")
        default:
            HTTPError(
                .proxy, "\(text).",
                hint: "Check that \(proxy.variable) names a proxy for https (one that takes CONNECT).")
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
                hint: "Check them in \(proxy.variable): \(proxy.form.rawValue)://USER:PASSWORD@HOST:PORT.")
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
                .proxy, "\(what): what answers at \(name) does not speak \(proxy.form.rawValue).",
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
                    + "in its place."
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
            "If a proxy of your organisation looks into secure connections, or the server has a certificate of its own, "
            + "put that authority's certificate into a file with the others and name it in SSL_CERT_FILE. Otherwise "
            + "install the usual authorities: apt-get install ca-certificates."
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
                .tls, "\(what): the certificate that \(peer) shows was issued for another host (\(curlMessage)).",
                hint:
                    "Check the address. A network device may be answering in its place, such as a captive portal."
            )
        case .some:
            return HTTPError(
                .tls, "\(what): the certificate of \(peer) can't be accepted (\(curlMessage)).", hint: authority)
        }
    }
}
