/// What the wire of a session puts up with.
package struct EgressLimits: Sendable {
    /// How many connections there may be at once.
    package var connections = 512
    /// How long a connection may lie idle between two requests.
    package var idle = Duration.seconds(300)
    /// How long a head, or a TLS handshake, may take once it has begun.
    package var head = Duration.seconds(30)
    /// How long a request's body may stand still.
    package var bodyStall = Duration.seconds(60)
    /// How long a client may leave an answer untaken.
    package var answerStall = Duration.seconds(300)
    /// How long a connection is read from after its last answer, for a client that is still sending.
    package var linger = Duration.seconds(10)
    /// How much of what such a client still sends is taken, and thrown away.
    package var lingerBytes = 64 << 20
    /// How much of a body is read before the judge is asked; what is larger is judged by its beginning.
    package var judgedBytes = 1 << 20
    /// How long a request is held open while somebody is asked. .NET's own patience is 100 s.
    package var hold = Duration.seconds(90)
    /// How long a request waits while its service has asked to slow down; beyond that the client is told to.
    package var pace = Duration.seconds(60)
    /// How long a service may take to begin its answer.
    package var answer = Duration.seconds(1_800)

    /// The usual limits.
    package init() {}
}
