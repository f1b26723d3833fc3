/// The destination of the messages about one incoming message: the pipe, or the HTTP response to that POST.
///
/// The synchronous members must not block, because they are called with a call's lock held. Those that may suspend are
/// called without it.
protocol MessageChannel: Sendable {
    /// Sends a message that precedes the answer: a notification, or a question to the client.
    func send(_ message: [UInt8])

    /// Sends the answer, or ends the channel without one. Called once.
    func finish(_ answer: Reply?)

    /// Sends an answer with long texts, in place of `finish`. May suspend for as long as the client takes to read.
    func finish(streaming reply: StreamedReply) async

    /// Whether so many bytes await the client that dispensable messages should be dropped.
    var isCongested: Bool { get }

    /// Suspends while too many bytes await the client: work should begin only once its output will be read.
    func waitForRoom() async

    /// Closes the client's connection while the call continues; the client reconnects later for the rest. Effective
    /// only where a stream can be resumed.
    func release(retryAfter wait: Duration)
}

extension MessageChannel {
    func finish(streaming reply: StreamedReply) async { finish(await reply.gathered()) }
    func release(retryAfter wait: Duration) {}
}
