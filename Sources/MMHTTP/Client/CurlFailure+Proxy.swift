import CCurl

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
