import MMHTTP
import MMIdentity

/// Who sent a request and waits for its answer, as far as the exchange depends on it.
protocol RequestClient: Sendable {
    /// Whether the client has left.
    var hasLeft: Bool { get }
    /// Calls a handler when the client leaves, at once where it has; nil removes the handler.
    func onDeparture(_ handler: (@Sendable () -> Void)?)
    /// Ends what the client is being told, so that it sees that the rest is missing.
    func drop()
}

extension RequestClient {
    /// Does something as long as the client is there; when it leaves, the work is cancelled.
    func whileConnected<Value: Sendable>(_ work: @escaping @Sendable () async -> Value) async -> Value {
        let task = Task(operation: work)
        onDeparture { task.cancel() }
        defer { onDeparture(nil) }
        return await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
    }
}

/// The body of one request while it is read. For one reader at a time.
protocol ClientBody: Sendable {
    /// How many bytes have been read.
    var count: Int { get }
    /// Whether all of it has been read.
    var isDone: Bool { get }
    /// The next piece; nil at the end.
    func next() async throws(WireFault) -> [UInt8]?
}

/// Where the answer to one request goes.
protocol AnswerSink: Sendable {
    /// The client may send the body that it announced.
    func goOn() async throws(WireFault)
    /// An answer that is here as a whole.
    func whole(
        _ status: Int, _ headers: HTTPHeaders, _ body: [UInt8], length: Int, keepsAlive: Bool
    ) async throws(WireFault)
    /// The head of an answer whose body follows. It may wait for what comes next, until `flush`.
    func head(_ status: Int, _ headers: HTTPHeaders, keepsAlive: Bool) async throws(WireFault)
    /// A piece of a body, as a chunk where its length isn't known. It may wait as the head may.
    func piece(_ bytes: [UInt8], isChunked: Bool) async throws(WireFault)
    /// The end of a chunked body.
    func end() async throws(WireFault)
    /// Sends what waits.
    func flush() async throws(WireFault)
}

extension AnswerSink {
    /// A refusal of ours, in the shape of the service that was asked.
    func refuse(
        _ fault: WireFault, code: String? = nil, service: CloudHost.Service? = nil,
        extra: HTTPHeaders = [:], keepsAlive: Bool, isHead: Bool = false
    ) async throws(WireFault) {
        let body = ServiceRefusal.body(fault, code: code, service: service)
        var headers = extra
        headers.set("Content-Type", "application/json")
        headers.set("Cache-Control", "no-store")
        try await whole(fault.status, headers, isHead ? [] : body, length: body.count, keepsAlive: keepsAlive)
    }
}

/// The two sides of a request on its client's connection.
struct RequestSides: Sendable {
    let client: any RequestClient
    let body: any ClientBody
    let writer: any AnswerSink
    /// The connection itself, where the request may take it over; nil where others share it.
    let socket: (channel: WireChannel, input: WireInput)?

    /// A request that has the connection to itself.
    init(_ head: RequestHead, on channel: WireChannel, _ input: WireInput, patience: Duration) {
        client = channel
        body = RequestBodyReader(head.body, from: input, patience: patience)
        writer = AnswerWriter(channel)
        socket = (channel, input)
    }

    /// One of many requests on a connection.
    init(_ stream: HTTP2Stream) {
        (client, body, writer, socket) = (stream, stream, stream, nil)
    }
}
