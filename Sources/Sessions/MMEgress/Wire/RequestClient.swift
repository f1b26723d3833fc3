import MMHTTP

/// The client that sent a request and waits for its answer, as far as the exchange depends on it.
protocol RequestClient: Sendable {
    /// Whether the client has disconnected.
    var hasLeft: Bool { get }
    /// Calls a handler when the client disconnects, or at once if it has; `nil` removes the handler.
    func onDeparture(_ handler: (@Sendable () -> Void)?)
    /// Aborts the answer, so that the client notices that the rest is missing.
    func drop()
}

extension RequestClient {
    /// Runs work while the client is connected; the work is cancelled when the client disconnects.
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
    /// The number of bytes read so far.
    var count: Int { get }
    /// Whether the body has been read completely.
    var isDone: Bool { get }
    /// Returns the next piece; `nil` at the end.
    func next() async throws(WireFault) -> [UInt8]?
}

/// The destination of the answer to one request.
protocol AnswerSink: Sendable {
    /// Tells the client to send the announced body.
    func goOn() async throws(WireFault)
    /// Writes a complete answer.
    func whole(
        _ status: Int, _ headers: HTTPHeaders, _ body: [UInt8], length: Int, keepsAlive: Bool
    ) async throws(WireFault)
    /// Writes the head of an answer whose body follows. It may be buffered until `flush`.
    func head(_ status: Int, _ headers: HTTPHeaders, keepsAlive: Bool) async throws(WireFault)
    /// Writes a piece of a body, as a chunk if the body's length isn't known. It may be buffered, too.
    func piece(_ bytes: [UInt8], isChunked: Bool) async throws(WireFault)
    /// Writes the end of a chunked body.
    func end() async throws(WireFault)
    /// Sends buffered bytes.
    func flush() async throws(WireFault)
}

extension AnswerSink {
    /// Writes a refusal, in the form of the service that the request was for.
    func refuse(
        _ fault: WireFault, code: String? = nil, from place: EgressPlace? = nil,
        extra: HTTPHeaders = [:], keepsAlive: Bool, isHead: Bool = false
    ) async throws(WireFault) {
        let answer = ServiceRefusal.answer(fault, code: code, place: place)
        var headers = answer.headers
        for field in extra { headers.set(field.name, field.value) }
        headers.set("Cache-Control", "no-store")
        try await whole(
            fault.status, headers, isHead ? [] : answer.body, length: answer.body.count, keepsAlive: keepsAlive)
    }
}

/// The client, body and answer of a request on its client's connection.
struct RequestSides: Sendable {
    let client: any RequestClient
    let body: any ClientBody
    let writer: any AnswerSink
    /// The connection itself, if the request may take it over; `nil` if it is shared with other requests.
    let socket: (channel: WireChannel, input: WireInput)?

    /// Creates the sides of a request that has the connection to itself.
    init(_ head: RequestHead, on channel: WireChannel, _ input: WireInput, patience: Duration) {
        client = channel
        body = RequestBodyReader(head.body, from: input, patience: patience)
        writer = AnswerWriter(channel)
        socket = (channel, input)
    }

    /// Creates the sides of one of many requests on a connection.
    init(_ stream: HTTP2Stream) {
        (client, body, writer, socket) = (stream, stream, stream, nil)
    }
}
