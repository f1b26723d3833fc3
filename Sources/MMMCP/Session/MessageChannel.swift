/// Where the messages about one incoming message go: the pipe, or the HTTP answer to that one POST.
///
/// None of these may block: they are called with a call's lock held. What may suspend is
/// called without it.
protocol MessageChannel: Sendable {
    /// Sends something that precedes the answer: a notification, or a question to the client.
    func send(_ message: [UInt8])

    /// Sends the answer, or says that there will be none. Called once.
    func finish(_ answer: Reply?)

    /// Sends an answer with long texts, in place of `finish`. May suspend for as long as the client reads.
    func finish(streaming reply: StreamedReply) async

    /// Whether so much waits for the client that messages nobody needs are better left out.
    var isCongested: Bool { get }

    /// Waits while too much waits for the client: work is better begun when somebody reads what comes of it.
    func waitForRoom() async

    /// Lets the client's connection go while the call runs on; it comes back for the rest after a while. Only where a
    /// stream can be resumed.
    func release(retryAfter wait: Duration)
}

extension MessageChannel {
    func finish(streaming reply: StreamedReply) async { finish(await reply.gathered()) }
    func release(retryAfter wait: Duration) {}
}
