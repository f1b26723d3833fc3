import CCurl
import Glibc
import MMCore

extension CurlFailure {
    /// What went wrong with the secure connection; `nil` where that was not the trouble.
    var secureError: HTTPError? {
        switch code {
        case CURLE_SSL_CACERT_BADFILE:
            HTTPError(
                .tls, "\(what): the file of trusted certificates can't be read.",
                hint: "Check SSL_CERT_FILE, or apt-get install ca-certificates.")
        case CURLE_SSL_CONNECT_ERROR where isBrokenOff:
            HTTPError(
                .connectionLost,
                "\(what): \(peer) broke the connection off while it was being secured. Nothing was sent.",
                hint: "Try again. If it stays, something in between does not let secure connections to "
                    + "\(transfer.address.host) pass: ask whoever runs the network.",
                mayHaveBeenSent: false)
        case CURLE_PEER_FAILED_VERIFICATION: certificateError
        case CURLE_SSL_CONNECT_ERROR where certificate != nil: certificateError
        case CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_SSL_ISSUER_ERROR,
            CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_ENGINE_INITFAILED:
            HTTPError(
                .tls, "\(what): no secure connection with \(peer) (\(said)).",
                hint: "It may not speak TLS 1.2 or newer there, or something in between answers in its place.")
        default: nil
        }
    }

    /// A proxy reached by https has a certificate of its own.
    private var isProxys: Bool { transfer.proxy?.form == .https && connectStatus == 0 }

    private var peer: String {
        if isProxys, let proxy = transfer.proxy { return "the proxy \(proxy.display)" }
        return transfer.address.host
    }

    /// Whether the far end, or something in between, closed or reset the connection within the handshake. curl has one
    /// code for every trouble there; only its words tell.
    private var isBrokenOff: Bool {
        let marks =
            ["SSL_ERROR_SYSCALL", "unexpected eof"] + [ECONNRESET, EPIPE].map { String(cString: strerror($0)) }
        return marks.contains { said.contains($0) }
    }

    /// OpenSSL's number for what is wrong with the certificate (openssl-verification-options(1)); `nil` where it has not
    /// said anything: 1 is what curl begins with.
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
                    "Check this machine's clock (date). If it is right, whoever runs \(peer) must renew the certificate."
            )
        case 9:
            return HTTPError(
                .tls, "\(what): the certificate of \(peer) is not valid yet.",
                hint: "Check this machine's clock (date).")
        case 2, 3, 18, 19, 20, 21, 22, 24, 27:
            return HTTPError(
                .tls, "\(what): the certificate of \(peer) comes from an authority that is not trusted here (\(said)).",
                hint: authority)
        case 23: return HTTPError(.tls, "\(what): the certificate of \(peer) was revoked.", hint: "Do not go on.")
        case nil:
            // Names are compared by curl itself.
            return HTTPError(
                .tls, "\(what): the certificate that \(peer) shows was issued for another host (\(said)).",
                hint:
                    "Check the address. Something in between may answer in its place, a sign-in page of the network for one."
            )
        case .some:
            return HTTPError(.tls, "\(what): the certificate of \(peer) can't be accepted (\(said)).", hint: authority)
        }
    }
}
