import CCurl
import Glibc
import MMCore

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
