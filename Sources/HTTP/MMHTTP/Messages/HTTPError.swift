package import MMCore

/// The reason why an exchange ended without a response. A response with status 400 or 500 isn't an error.
package struct HTTPError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure.
    package enum Kind: Sendable, Hashable {
        /// The request must not be sent as it is; the message names the field.
        case invalidRequest
        /// The host name has no address.
        case resolve
        /// No connection could be made.
        case connect
        /// The proxy refuses to forward the request, or its address can't be used; trying again doesn't help.
        case proxy
        /// The peer's certificate or the TLS handshake failed.
        case tls
        /// The time ran out, or the body stalled for too long.
        case timeout
        /// The task was cancelled.
        case cancelled
        /// The response is larger than the request allows.
        case tooLarge
        /// The connection ended during the exchange.
        case connectionLost
        /// The peer doesn't speak HTTP correctly.
        case protocolViolation
        /// A system library or resource is missing on this machine.
        case unavailable
    }

    /// The kind of failure.
    package let kind: Kind
    /// The description of what happened, without secrets: URLs are shown without their query.
    package let message: String
    /// The advice on what to do next.
    package let hint: String?
    /// Whether the server may have begun to act on the request; false only if it certainly hasn't.
    package let mayHaveBeenSent: Bool

    /// Creates an error.
    /// - Parameters:
    ///   - kind: what kind of failure it is.
    ///   - message: what happened.
    ///   - hint: what to do next.
    ///   - mayHaveBeenSent: whether the server may have seen the request; nil for what the kind implies.
    package init(_ kind: Kind, _ message: String, hint: String? = nil, mayHaveBeenSent: Bool? = nil) {
        self.kind = kind
        self.message = message
        self.hint = hint
        self.mayHaveBeenSent =
            mayHaveBeenSent
            ?? {
                switch kind {
                case .invalidRequest, .resolve, .connect, .proxy, .tls, .unavailable: false
                case .timeout, .cancelled, .tooLarge, .connectionLost, .protocolViolation: true
                }
            }()
    }

    /// The prospects of sending the same request again.
    package enum RetryAdvice: Sendable, Hashable {
        /// Pointless, or it could act twice.
        case never
        /// Unlikely to succeed, because no server was reached.
        case unlikely
        /// Reasonably likely to succeed.
        case worthwhile
    }

    /// Returns how promising it is to send the same request again.
    /// - Parameter isRepeatable: whether sending it twice has the same effect as sending it once.
    package func retryAdvice(isRepeatable: Bool) -> RetryAdvice {
        switch kind {
        case .connect, .resolve: .unlikely
        // The system itself has repeated the connection's first packet all that time.
        case .timeout where !mayHaveBeenSent: .unlikely
        case .connectionLost, .timeout, .protocolViolation: !mayHaveBeenSent || isRepeatable ? .worthwhile : .never
        case .invalidRequest, .proxy, .tls, .cancelled, .tooLarge, .unavailable: .never
        }
    }

    /// The message.
    package var description: String { message }

    /// Returns the error to report from an operation.
    /// - Parameter what: what was being done, as the start of a sentence: “Reading the signed-in user”.
    package func mmError(for what: String) -> MMError {
        let text = "\(what) failed: \(message)"
        switch kind {
        case .invalidRequest: return MMError(.invalidInput, text, hint: hint)
        case .resolve, .connect:
            return MMError(
                .unavailable, text, hint: hint ?? "Check the network, the proxy settings and the address.", retry: .now)
        case .connectionLost:
            return MMError(
                .unavailable, text,
                hint: hint ?? "Try again. If the connection keeps failing, check the network and any proxy.",
                retry: .now)
        case .proxy:
            return MMError(.unavailable, text, hint: hint ?? "Check HTTPS_PROXY and NO_PROXY in the environment.")
        case .tls:
            return MMError(
                .unavailable, text,
                hint: hint ?? "Check this machine's clock and its certificates (apt-get install ca-certificates; "
                    + "SSL_CERT_FILE sets another bundle).")
        case .timeout:
            return MMError(
                .deadlineExceeded, text,
                hint: hint ?? "Try again with more time (--timeout SECONDS), or request less.",
                retry: .now)
        case .cancelled: return MMError(.cancelled, "\(what) was cancelled.")
        case .tooLarge:
            return MMError(
                .limitExceeded, text,
                hint: hint
                    ?? "If it is a list, request less: fewer fields, or a smaller page. If it is never so large, another server "
                    + "may be answering: check the address, HTTPS_PROXY and NO_PROXY.")
        case .protocolViolation:
            return MMError(
                .remoteFailed, text,
                hint: hint
                    ?? "Another server may be answering: check the address, HTTPS_PROXY and NO_PROXY.")
        case .unavailable: return MMError(.unavailable, text, hint: hint)
        }
    }
}
