/// Why something that came from a session goes no further: told to its client, and recorded.
package struct WireFault: Error, Sendable, Hashable {
    /// What kind of fault it is: a stable word for records and answers.
    package struct Kind: Sendable, Hashable, RawRepresentable {
        /// The word.
        package let rawValue: String

        /// A kind of this word.
        package init(rawValue: String) { self.rawValue = rawValue }

        /// The message breaks HTTP's own rules, or could be read in two ways.
        package static let malformed = Kind(rawValue: "malformed_request")
        /// The head or the body is too large.
        package static let tooLarge = Kind(rawValue: "too_large")
        /// Nothing arrived in time.
        package static let tooSlow = Kind(rawValue: "too_slow")
        /// The body ended before its announced end.
        package static let torn = Kind(rawValue: "torn_body")
        /// HTTP/2, HTTP/1.0, web sockets: what is not passed on.
        package static let otherProtocol = Kind(rawValue: "protocol_not_passed")
        /// CONNECT, the TLS handshake and `Host` do not name the same server.
        package static let nameMismatch = Kind(rawValue: "name_mismatch")
        /// The session may not reach the host.
        package static let foreignHost = Kind(rawValue: "host_not_allowed")
        /// The proxy's secret is missing or wrong.
        package static let notAuthenticated = Kind(rawValue: "proxy_secret_needed")
        /// The process doesn't belong to the session.
        package static let foreignProcess = Kind(rawValue: "process_not_of_session")
        /// The TLS handshake failed.
        package static let tls = Kind(rawValue: "tls_failed")
        /// A placeholder arrived where its token is not taken.
        package static let placeholderElsewhere = Kind(rawValue: "placeholder_at_other_host")
        /// A token or another credential that this session was not given.
        package static let foreignCredential = Kind(rawValue: "credential_not_of_session")
        /// The judge refused.
        package static let refused = Kind(rawValue: "refused")
        /// The command that sent it is being stopped.
        package static let stopped = Kind(rawValue: "command_stopped")
        /// There was no fresh token.
        package static let noToken = Kind(rawValue: "no_token")
        /// The service could not be reached, or did not answer as it should.
        package static let upstream = Kind(rawValue: "service_unreachable")
        /// The service has asked to slow down, for longer than a client waits.
        package static let throttled = Kind(rawValue: "throttled")
        /// The client is gone.
        package static let clientGone = Kind(rawValue: "client_gone")
        /// The sign-in service's answer could not be taken apart, or somebody else signed in.
        package static let signIn = Kind(rawValue: "sign_in_refused")
    }

    /// The status that the client gets.
    package let status: Int
    /// What kind of fault it is.
    package let kind: Kind
    /// What happened and what to do, in a sentence or two; without secrets.
    package let message: String

    /// A fault.
    package init(_ status: Int, _ kind: Kind, _ message: String) {
        self.status = status
        self.kind = kind
        self.message = message
    }
}
