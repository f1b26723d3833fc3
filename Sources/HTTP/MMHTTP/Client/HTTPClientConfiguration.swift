import MMCore

/// How a client connects.
package struct HTTPClientConfiguration: Sendable {
    /// The number of connections kept open for reuse.
    package var maxConnections: Int
    /// The maximum number of connections to one host; further requests wait, or share one over HTTP/2.
    package var maxConnectionsPerHost: Int
    /// The time limit for connecting, including the TLS handshake.
    package var connectTimeout: Duration
    /// How long a body may stall once it has begun, unless the request sets its own limit.
    package var stallTimeout: Duration
    /// The name of the client's thread, as debuggers and `/proc` show it.
    package var threadName = "mm-http-client"
    /// The User-Agent of requests that don't set one.
    package var userAgent: String
    /// A file of trusted certificates that replaces the system's.
    package var certificateFile: String?
    /// Files (PEM) with what the client proves itself with, to servers that ask.
    package var clientCertificate: (certificate: String, key: String)?
    /// Whether a name is looked up for every new connection, for servers that move; otherwise addresses are kept for a
    /// minute.
    package var looksUpEachConnection = false
    /// The proxy for addresses outside this machine; nil for none.
    package var proxy: ProxySettings?

    /// Creates a configuration from the variables that curl itself reads: `https_proxy`, `HTTPS_PROXY`, `all_proxy`,
    /// `ALL_PROXY`, `no_proxy`, `NO_PROXY`, and `SSL_CERT_FILE` (everything.curl.dev, “Proxy environment variables”).
    /// - Parameter environment: the variables, usually the process's own.
    package init(environment: [String: String]) {
        maxConnections = 64
        maxConnectionsPerHost = 256
        connectTimeout = .seconds(30)
        stallTimeout = .seconds(60)
        userAgent = Self.decoratedName
        certificateFile = environment["SSL_CERT_FILE"].flatMap { $0.isEmpty ? nil : $0 }
        proxy = ProxySettings(environment: environment)
    }

    // SharePoint prioritises traffic that identifies itself (Microsoft Learn, “Avoid getting throttled or blocked in
    // SharePoint Online”): publisher kind, company, program and version.
    private static let decoratedName = "NONISV|MicrosoftMaster|mm/\(ProductVersion.text)"
}
