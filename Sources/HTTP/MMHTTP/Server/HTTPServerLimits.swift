/// The limits of a listener.
package struct HTTPServerLimits: Sendable {
    /// The maximum size of the request line and headers together, in bytes.
    package var maxHeaderBytes: Int
    /// The maximum size of a request body in bytes; a larger one gets a 413 response.
    package var maxBodyBytes: Int
    /// The maximum number of connections; more wait in the kernel's queue.
    package var maxConnections: Int
    /// How long a connection may be idle, between requests or between two bytes.
    package var idleTimeout: Duration
    /// How long a client may take until its first request has a head, or a later one that it has begun: nobody needs longer who
    /// means to ask something.
    package var headTimeout: Duration
    /// How long nothing of a body may arrive that has begun.
    package var silenceTimeout: Duration
    /// How long a client may take to send a request, from its first byte to its last.
    package var requestTimeout: Duration
    /// How much of a refused body is taken and thrown away, so that its sender reads the answer.
    package var discardedBytes = 64 << 20
    /// How long that may last.
    package var discardTime = Duration.seconds(10)

    /// Creates limits; the defaults suit a service for one person.
    package init(
        maxHeaderBytes: Int = 32 << 10, maxBodyBytes: Int = 16 << 20, maxConnections: Int = 2_000,
        idleTimeout: Duration = .seconds(60), headTimeout: Duration = .seconds(15),
        silenceTimeout: Duration = .seconds(15), requestTimeout: Duration = .seconds(60)
    ) {
        self.maxHeaderBytes = maxHeaderBytes
        self.maxBodyBytes = maxBodyBytes
        self.maxConnections = maxConnections
        self.idleTimeout = idleTimeout
        self.headTimeout = headTimeout
        self.silenceTimeout = silenceTimeout
        self.requestTimeout = requestTimeout
    }
}
