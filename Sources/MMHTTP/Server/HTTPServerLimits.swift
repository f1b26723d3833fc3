/// What a listener puts up with.
package struct HTTPServerLimits: Sendable {
    /// The largest request line and headers together, in bytes.
    package var maxHeaderBytes: Int
    /// The largest request body, in bytes; a larger one is answered with 413.
    package var maxBodyBytes: Int
    /// The most connections at a time; more wait in the kernel's queue.
    package var maxConnections: Int
    /// How long a connection may stand idle between requests or between two bytes.
    package var idleTimeout: Duration
    /// How long a client may take to send one request from its first byte to its last.
    package var requestTimeout: Duration

    /// Limits for a service of one person.
    package init(
        maxHeaderBytes: Int = 32 << 10, maxBodyBytes: Int = 16 << 20, maxConnections: Int = 2_000,
        idleTimeout: Duration = .seconds(60), requestTimeout: Duration = .seconds(60)
    ) {
        self.maxHeaderBytes = maxHeaderBytes
        self.maxBodyBytes = maxBodyBytes
        self.maxConnections = maxConnections
        self.idleTimeout = idleTimeout
        self.requestTimeout = requestTimeout
    }
}
