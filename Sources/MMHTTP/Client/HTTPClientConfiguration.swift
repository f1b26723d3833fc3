import MMCore

/// How a client connects.
package struct HTTPClientConfiguration: Sendable {
    /// How many connections are kept open for reuse.
    package var maxConnections: Int
    /// The most connections to one host; further requests wait, or share one over HTTP/2.
    package var maxConnectionsPerHost: Int
    /// The time to connect, TLS handshake included.
    package var connectTimeout: Duration
    /// How long a body that has begun may stand still, unless the request says otherwise.
    package var stallTimeout: Duration
    /// The name of the client's thread, as debuggers and `/proc` show it.
    package var threadName = "mm-http-client"
    /// The User-Agent of requests that name none.
    package var userAgent: String
    /// A file of trusted certificates in place of the system's.
    package var certificateFile: String?
    /// The proxy for addresses that are not on this machine, or nil.
    package var proxy: ProxySettings?

    /// A configuration from the variables that curl itself reads: `https_proxy`, `HTTPS_PROXY`, `all_proxy`,
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

    // SharePoint serves traffic that says whose it is before traffic that does not (Microsoft Learn, “Avoid getting
    // throttled or blocked in SharePoint Online”): publisher kind, company, program and version.
    private static let decoratedName = "NONISV|MicrosoftMaster|mm/\(ProductVersion.text)"
}
