import MMCore
import MMHTTP
import MMIdentity
import MMSystem

/// One request of a session, from its head to the last byte of the answer.
struct EgressExchange: Sendable {
    let place: EgressPlace
    let target: String
    let core: EgressCore
    let client: any RequestClient
    let writer: any AnswerSink
    let number: UInt64
    let record: RecordDraft
    private let head: RequestHead
    private let body: any ClientBody
    private let socket: (channel: WireChannel, input: WireInput)?
    private let stop = RequestStop()

    init(_ head: RequestHead, to place: EgressPlace, target: String, on sides: RequestSides, core: EgressCore) {
        self.head = head
        self.place = place
        let target = place.spelled(target)
        self.target = target
        (client, body, writer, socket) = (sides.client, sides.body, sides.writer, sides.socket)
        self.core = core
        number = core.nextNumber()
        record = RecordDraft(
            session: core.settings.session, number: number, time: core.settings.clock.now, method: head.method,
            host: String(place.ownOrigin.drop { $0 != "/" }.dropFirst(2)), target: target)
    }

    /// Carries the request out and records it.
    /// - Returns: whether another request may follow on this connection.
    /// - Throws: `.clientGone`.
    func run() async throws(WireFault) -> Bool {
        defer { core.settings.events(.request(record.finished(bytesUp: body.count))) }
        do throws(WireFault) {
            return try await core.cut.run(number, ending: stop) { [record, client] in
                // An answer that has begun can't be replaced, so its connection is closed.
                if record.hasAnswered { client.drop() }
            } _: { () async throws(WireFault) in
                try await carryOut()
            }
        } catch {
            record.failed(error)
            guard !record.hasAnswered, error.kind != .clientGone else { throw WireChannel.gone }
            return try await refuse(error)
        }
    }

    private func refuse(
        _ fault: WireFault, code: String? = nil, extra: HTTPHeaders = [:]
    ) async throws(WireFault) -> Bool {
        record.answered(fault.status)
        // A client that tried another protocol may continue with a request of the right one.
        let keepsAlive = head.keepsAlive && body.isDone && fault.kind != .otherProtocol
        try await writer.refuse(
            fault, code: code, from: place, extra: extra, keepsAlive: keepsAlive,
            isHead: head.method == "HEAD")
        return keepsAlive
    }

    private func carryOut() async throws(WireFault) -> Bool {
        let isWebSocket = try WebSocketHandshake.isHandshake(head, to: place)
        if place.service == .gallery, head.method != "GET", head.method != "HEAD" {
            throw WireFault(
                403, .refused, "Sessions may only read the PowerShell Gallery.")
        }
        var fields = Self.endToEnd(head.headers)
        if isWebSocket { fields.set("Upgrade", WebSocketHandshake.name) }
        // One stand-in address serves many hosts, some of which are one customer's vault or account.
        if place.standIn != nil { fields.set("X-Forwarded-Host", place.host) }
        let credentials = try OutgoingCredentials(fields, target: target, to: place, core: core)
        let described = try await describe(credentials)
        // Bodies for hosts that any customer can get are searched for placeholders: one there was carried out of the
        // session.
        if place.isOpenToStrangers, !core.settings.vault.placeholders(in: described.body.seen).isEmpty {
            throw OutgoingCredentials.elsewhere(place, nil, core)
        }
        let signIn = try SignInExchange(described, core: core)
        let (requestClass, refusal) = try await judge(described)
        if let refusal {
            let fault = WireFault(403, .refused, refusal.message)
            record.failed(fault)
            return try await refuse(fault, code: refusal.code)
        }
        if place.owner == .unknown { core.settings.hosts.tenant.admit(place.host) }
        if let known = signIn?.known { return try await repeated(known) }
        let filled = try await credentials.filled()
        var request = try outgoing(described, filled, requestClass, signIn)
        let namesHosts = credentials.holdsTokens && TenantHosts.mayName(place, method: head.method, target: target)
        let pace = place.service.flatMap { core.settings.pace?($0) }
        if let wait = try await turn(by: pace) { return try await postpone(signIn, by: wait) }
        let witness = requestClass == "read" ? nil : await core.settings.judge.witness(of: described)
        let isRead = signIn != nil || namesHosts || witness != nil || place.standIn != nil
        Self.complete(&request.headers, isRead: isRead)
        if isWebSocket, let socket { return try await openWebSocket(request, on: socket.channel, socket.input) }
        let sent = core.settings.clock.now
        var stream: HTTPStream
        do throws(WireFault) { stream = try await open(request, telling: witness) } catch {
            guard let waiting = signIn?.waiting(for: error) else { throw error }
            return try await repeated(waiting)
        }
        if stream.status == 401, request.upload == nil,
            let headers = try await renewed(credentials, filled, after: stream, sent: sent)
        {
            // The body is read to its end so that its connection can be reused.
            _ = try? await stream.collect(limit: 1 << 20)
            request.headers = headers
            Self.complete(&request.headers, isRead: isRead)
            stream = try await open(request, telling: witness)
        }
        await heed(stream, sent, pace)
        if let signIn { return try await answer(stream, signIn) }
        return try await pass(stream, learning: namesHosts && stream.status == 200, witness)
    }

    /// Tells the client to come again later, because the service would refuse the request now.
    private func postpone(_ signIn: SignInExchange?, by wait: Duration) async throws(WireFault) -> Bool {
        let fault = WireFault(429, .throttled, "\(place.host) is throttling this connection; nothing was sent.")
        record.failed(fault)
        if let waiting = signIn?.waiting(for: fault) { return try await repeated(waiting) }
        return try await refuse(fault, extra: ["Retry-After": String(wait.components.seconds + 1)])
    }

    /// Returns the request that is sent for a described one.
    private func outgoing(
        _ described: DescribedRequest, _ filled: OutgoingCredentials.Filled, _ requestClass: String,
        _ signIn: SignInExchange?
    ) throws(WireFault) -> HTTPRequest {
        var request = HTTPRequest(
            method: head.method, url: described.url, headers: filled.headers, timeout: core.settings.limits.answer,
            allowsPlainHTTP: !place.isSentSecurely)
        // The owner has listed this very port.
        request.allowsPlainHTTPToOtherHosts = place.service == nil && !place.isSecure
        request.isNeverResent = true
        request.permit = core.settings.permit?(requestClass)
        request.stallTimeout = core.settings.limits.answerStall
        switch described.body {
        case .none: break
        case .whole(let bytes): request.body = try signIn?.outgoingBody() ?? bytes
        case .beginning(let bytes, let length):
            request.upload = HTTPUpload(length: length, pieces: Self.rest(of: body, after: bytes))
        }
        return request
    }

    // MARK: While its client waits

    /// Runs work while the client is connected; if the client leaves, the request is ended.
    private func whileConnected<Value>(_ work: () async -> Value) async -> Value {
        client.onDeparture { [stop] in stop() }
        defer { client.onDeparture(nil) }
        return await work()
    }

    /// Waits for work that a request needs before it is sent.
    /// - Throws: `.clientGone` if the client has left meanwhile, whatever the work's result: the request isn't sent.
    private func beforeSending<Value>(_ work: () async -> Value) async throws(WireFault) -> Value {
        let value = await whileConnected(work)
        guard !client.hasLeft, !Task.isCancelled else { throw WireChannel.gone }
        return value
    }

    // MARK: Before it is sent

    /// Returns the request as the judge sees it, after reading as much of the body as is judged.
    private func describe(_ credentials: OutgoingCredentials) async throws(WireFault) -> DescribedRequest {
        var seen: [UInt8] = []
        if head.body != .none {
            if head.expectsContinue { try await writer.goOn() }
            while seen.count < core.settings.limits.judgedBytes, let piece = try await body.next() { seen += piece }
        }
        let described: DescribedRequest.Body
        if head.body == .none {
            described = .none
        } else if body.isDone {
            described = .whole(seen)
        } else if case .length(let count) = head.body {
            described = .beginning(seen, length: count)
        } else {
            described = .beginning(seen, length: nil)
        }
        return DescribedRequest(
            number: number, session: core.settings.session, place: place, method: head.method, target: target,
            headers: credentials.plain, body: described, account: credentials.account)
    }

    /// Asks the judge, and the person if the judge requires it.
    private func judge(_ request: DescribedRequest) async throws(WireFault) -> (class: String, refusal: RequestRefusal?)
    {
        let core = core
        let verdict = try await beforeSending { await core.settings.judge.judge(request) }
        record.judged(verdict.requestClass, deploying: DeployedTemplate.all(of: request))
        switch verdict {
        case .allow(let name): return (name, nil)
        case .refuse(let name, let refusal): return (name, refusal)
        case .hold(let name, let decision):
            core.settings.events(.held(number: number, host: place.host, method: head.method))
            let refusal = try await beforeSending { await Self.decide(within: core.settings.limits.hold, decision) }
            return (name, refusal)
        }
    }

    private static func decide(
        within limit: Duration, _ decision: @escaping @Sendable () async -> RequestRefusal?
    ) async -> RequestRefusal? {
        let late = RequestRefusal(
            code: "confirmation_needed", message: "The confirmation timed out; the request was not sent.")
        return await withTaskGroup(of: RequestRefusal?.self) { group in
            group.addTask { await decision() }
            group.addTask {
                try? await Task.sleep(for: limit)
                return late
            }
            let first = await group.next() ?? late
            group.cancelAll()
            return first
        }
    }

    // MARK: Pace

    /// Waits for the request's turn among the connection's requests to a service that has asked to slow down.
    /// - Returns: the remaining wait, if it is longer than clients wait.
    private func turn(by pace: ServicePace?) async throws(WireFault) -> Duration? {
        guard let pace else { return nil }
        let patience = ContinuousClock.now + core.settings.limits.pace
        return try await beforeSending {
            while let wait = await pace.take() {
                guard ContinuousClock.now + wait < patience else { return wait }
                guard (try? await Task.sleep(for: wait)) != nil else { return nil }
            }
            return nil
        }
    }

    /// Updates the pace from an answer.
    private func heed(_ stream: HTTPStream, _ sent: Timestamp, _ pace: ServicePace?) async {
        guard let pace else { return }
        if stream.status == 429 || stream.status == 503 {
            guard let asked = stream.headers["retry-after"],
                let wait = RetryAfter.wait(asked, now: core.settings.clock.now)
            else { return }
            await pace.slowDown(for: wait, sent: sent)
        } else if stream.status < 400 {
            await pace.goOn(sent: sent)
        }
    }

    // MARK: Sending

    /// Opens the request at the service.
    /// - Parameter witness: is told if the request fails.
    private func open(
        _ request: HTTPRequest, telling witness: RequestWitness?
    ) async throws(WireFault) -> HTTPStream {
        do throws(WireFault) { return try await open(request) } catch {
            await witness?.tell(nil)
            throw error
        }
    }

    private func open(_ request: HTTPRequest) async throws(WireFault) -> HTTPStream {
        if Task.isCancelled { throw WireChannel.gone }
        record.sent()
        let core = core
        let outcome = await whileConnected {
            await Result { () async throws(HTTPError) in try await core.transport.open(request) }
        }
        switch outcome {
        case .success(let stream):
            record.heard(stream.headers)
            return stream
        case .failure(let error):
            if !error.mayHaveBeenSent { record.notSent() }
            if error.kind == .cancelled { throw WireChannel.gone }
            let status = error.kind == .timeout ? 504 : 502
            throw WireFault(status, .upstream, "\(place.host) did not answer: \(error.message)")
        }
    }

    /// Returns the whole body: the part that the judge has seen, then the rest as it arrives.
    private static func rest(of body: any ClientBody, after seen: [UInt8]) -> HTTPBody {
        let first = Mutex<[UInt8]?>(seen)
        return HTTPBody(next: { () async throws(HTTPError) -> [UInt8]? in
            let begun: [UInt8]? = first.withLock { first in
                defer { first = nil }
                return first
            }
            if let begun { return begun }
            do throws(WireFault) { return try await body.next() } catch {
                throw HTTPError(.connectionLost, error.message)
            }
        })
    }

    /// Completes the header fields: removes those that depend on the sent body, and sets the accepted encodings.
    private static func complete(_ headers: inout HTTPHeaders, isRead: Bool) {
        headers.remove("content-length")
        // An answer must come unencoded if the client accepts no encoding, or if it is read here.
        if isRead {
            headers.remove("accept-encoding")
        } else if !headers.contains("accept-encoding") {
            headers.set("Accept-Encoding", "identity")
        }
    }

    // MARK: Refused tokens

    /// Returns the header fields for repeating a request whose token was refused. They contain another token, which was
    /// requested with the challenge's claims.
    /// - Returns: `nil` if there is no other token, or if the request may have been carried out: the refusal is then
    ///   passed on.
    private func renewed(
        _ credentials: OutgoingCredentials, _ filled: OutgoingCredentials.Filled, after stream: HTTPStream,
        sent: Timestamp
    ) async throws(WireFault) -> HTTPHeaders? {
        guard !filled.tokens.isEmpty else { return nil }
        let challenge = BearerChallenge(stream.headers.values(for: "www-authenticate"))
        // A 401 without a challenge may come from a server behind the one that checked the token.
        let isSafe = challenge != nil || head.method == "GET" || head.method == "HEAD"
        let refusals = filled.tokens.mapValues { TokenRefusal(of: $0, sent: sent, claims: challenge?.claims) }
        let again = await whileConnected {
            await Result { () async throws(WireFault) in try await credentials.filled(insteadOf: refusals) }
        }
        // The reason for a missing token has been reported elsewhere; the session gets the service's own answer.
        guard isSafe, case .success(let fresh) = again, fresh.tokens != filled.tokens else { return nil }
        return fresh.headers
    }

    // MARK: Answers

    /// Passes on an answer of the sign-in service after replacing its tokens.
    private func answer(_ stream: HTTPStream, _ signIn: SignInExchange) async throws(WireFault) -> Bool {
        let bytes: [UInt8]
        do throws(HTTPError) { bytes = try await stream.collect(limit: SignInExchange.maxAnswerBytes) } catch {
            throw WireFault(502, .upstream, "The sign-in service's answer is incomplete or too large.")
        }
        if let waiting = signIn.waiting(forStatus: stream.status) { return try await repeated(waiting) }
        let answer = try await signIn.answer(stream.status, stream.headers, bytes)
        var headers = Self.endToEnd(stream.headers)
        headers.remove("content-length")
        headers.remove("content-encoding")
        let keepsAlive = head.keepsAlive && body.isDone
        record.answered(answer.status)
        let isHead = head.method == "HEAD"
        var text = answer.body
        if var rewriter = rewriter(of: &headers) { text = rewriter.take(text) + rewriter.end() }
        try await writer.whole(
            answer.status, headers, isHead ? [] : text, length: text.count, keepsAlive: keepsAlive)
        record.passed(text.count)
        return keepsAlive
    }

    /// Sends a known answer instead of asking the sign-in service again.
    private func repeated(_ known: SignInExchange.Answer) async throws(WireFault) -> Bool {
        let keepsAlive = head.keepsAlive && body.isDone
        record.answered(known.status)
        try await writer.whole(
            known.status, ["Content-Type": "application/json; charset=utf-8"], known.body, length: known.body.count,
            keepsAlive: keepsAlive)
        record.passed(known.body.count)
        return keepsAlive
    }

    /// Passes on any other answer in pieces, reading from the service only as fast as the client reads.
    /// - Parameters:
    ///   - learns: whether the answer may name hosts of the tenant.
    ///   - witness: is told about the answer.
    private func pass(
        _ stream: HTTPStream, learning learns: Bool, _ witness: RequestWitness?
    ) async throws(WireFault) -> Bool {
        var seen = SeenAnswer(limit: learns ? TenantHosts.maxAnswerBytes : witness == nil ? 0 : RequestWitness.most)
        let outcome: Result<Bool, WireFault>
        do throws(WireFault) { outcome = .success(try await relay(stream, &seen)) } catch { outcome = .failure(error) }
        if let witness {
            await witness.tell(.init(status: stream.status, headers: stream.headers, body: seen.whole))
        }
        // This is done before the client can use a host that it has read in the answer.
        if learns, case .success = outcome, let whole = seen.whole { core.settings.hosts.tenant.learn(from: whole) }
        // The last chunk of a chunked body is sent only now, when everything has been recorded.
        if case .success(true) = outcome, seen.endsWithChunk { try await writer.end() }
        return try outcome.get() && !seen.isTorn && head.keepsAlive && body.isDone
    }

    /// The part of a passing answer that is kept.
    private struct SeenAnswer {
        let limit: Int
        var bytes: [UInt8] = []
        var isWhole = false
        var isTorn = false
        var endsWithChunk = false

        init(limit: Int) { self.limit = limit }

        /// The whole body, if it is within the limit.
        var whole: [UInt8]? { isWhole ? bytes : nil }
    }

    /// Relays the answer to the client.
    /// - Returns: whether the answer was complete.
    private func relay(_ stream: HTTPStream, _ seen: inout SeenAnswer) async throws(WireFault) -> Bool {
        var headers = Self.endToEnd(stream.headers)
        let hasBody = head.method != "HEAD" && AnswerWriter.hasBody(stream.status)
        var rewriter = rewriter(of: &headers)
        let announced = headers["content-length"].flatMap { Int($0) }
        seen.endsWithChunk = hasBody && announced == nil
        if seen.endsWithChunk {
            headers.remove("content-length")
            headers.set("Transfer-Encoding", "chunked")
        }
        // If the service answers before it has read the whole body, the rest can't be told from another request.
        record.answered(stream.status)
        try await writer.head(stream.status, headers, keepsAlive: head.keepsAlive && body.isDone)
        var iterator = stream.chunks.makeAsyncIterator()
        var count = 0
        while true {
            let piece: [UInt8]?
            if !stream.chunks.isReady { try await writer.flush() }
            do throws(HTTPError) { piece = try await iterator.next() } catch {
                try await writer.flush()
                throw WireFault(502, .upstream, "The answer is incomplete: \(error.message)")
            }
            guard let piece else { break }
            guard hasBody else { continue }
            count += piece.count
            if count <= seen.limit { seen.bytes += piece }
            record.passed(piece.count)
            try await writer.piece(rewriter?.take(piece) ?? piece, isChunked: seen.endsWithChunk)
        }
        if let rest = rewriter?.end() { try await writer.piece(rest, isChunked: seen.endsWithChunk) }
        if !seen.endsWithChunk { try await writer.flush() }
        seen.isWhole = seen.bytes.count == count
        seen.isTorn = hasBody && announced != nil && announced != count
        return true
    }

    /// Returns a rewriter that replaces a stand-in's address with the requested one; `nil` if there is no stand-in.
    private func rewriter(of headers: inout HTTPHeaders) -> AddressRewriter? {
        guard let standIn = place.standIn else { return nil }
        headers = HTTPHeaders(
            headers.fields.map { HTTPHeaders.Field(name: $0.name, value: place.shown($0.value)) })
        let type = headers["content-type"]?.lowercased() ?? ""
        guard ["json", "text", "xml"].contains(where: type.contains) else { return nil }
        // Rewriting may change the length.
        headers.remove("content-length")
        return AddressRewriter(standIn, to: place.ownOrigin)
    }

    // MARK: Fields

    /// Returns the end-to-end fields, without those that belong to one connection (RFC 9110, section 7.6.1).
    static func endToEnd(_ headers: HTTPHeaders) -> HTTPHeaders {
        let listed = RequestHead.names(in: headers["connection"])
        return HTTPHeaders(
            headers.fields.filter { field in
                let name = field.name.lowercased()
                return !listed.contains(name) && !ownFields.contains(name) && HTTPFieldRules.isToken(name)
                    && HTTPFieldRules.isFieldValue(field.value)
            })
    }

    private static let ownFields: Set<String> = [
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade", "host", "expect", "alt-svc",
    ]
}

/// The record of a request so far.
final class RecordDraft: Sendable {
    private struct State {
        var requestClass: String?
        var templates: [DeployedTemplate] = []
        var status = 0
        var fault: String?
        var bytesUp = 0
        var bytesDown = 0
        var requestID: String?
        var wasSent = false
    }

    /// The header fields that contain a service's id for a request.
    private static let names = ["request-id", "x-ms-request-id", "x-ms-correlation-request-id", "sprequestguid"]

    private let session: String
    private let number: UInt64
    private let time: Timestamp
    private let begin = ContinuousClock.now
    private let method: String
    private let host: String
    private let target: String
    private let state = Mutex(State())

    init(session: String, number: UInt64, time: Timestamp, method: String, host: String, target: String) {
        self.session = session
        self.number = number
        self.time = time
        self.method = method
        self.host = host
        self.target = target
    }

    /// Whether the client has received the head of an answer.
    var hasAnswered: Bool { state.withLock { $0.status != 0 } }

    func judged(_ name: String, deploying templates: [DeployedTemplate]) {
        state.withLock { ($0.requestClass, $0.templates) = (name, templates) }
    }
    func sent() { state.withLock { $0.wasSent = true } }
    func notSent() { state.withLock { $0.wasSent = false } }
    func answered(_ status: Int) { state.withLock { $0.status = status } }
    func raised(_ bytes: Int) { state.withLock { $0.bytesUp += bytes } }
    func passed(_ bytes: Int) { state.withLock { $0.bytesDown += bytes } }
    func failed(_ fault: WireFault) { state.withLock { $0.fault = fault.kind.rawValue } }

    /// Records that the service has begun to answer.
    func heard(_ headers: HTTPHeaders) {
        let id = Self.names.lazy.compactMap { headers[$0] }.first.map { String($0.prefix(80)) }
        state.withLock { $0.requestID = id }
    }

    /// Returns the record of a request that has ended.
    func finished(bytesUp: Int) -> EgressRecord {
        state.withLock { state in
            EgressRecord(
                session: session, number: number, time: time, duration: ContinuousClock.now - begin, method: method,
                host: host,
                pathTemplate: PathTemplate.of(target), requestClass: state.requestClass, templates: state.templates,
                status: state.status,
                fault: state.fault, bytesUp: bytesUp + state.bytesUp, bytesDown: state.bytesDown,
                requestID: state.requestID,
                wasSent: state.wasSent)
        }
    }
}

extension EgressExchange {
    /// Opens a web socket at the service, and passes bytes in both directions until one side ends it. Only the
    /// handshake's header fields contain tokens.
    func openWebSocket(
        _ request: HTTPRequest, on channel: WireChannel, _ input: WireInput
    ) async throws(WireFault) -> Bool {
        let tunnel = try await connect(request)
        if let refusal = request.permit?.refusal() {
            tunnel.close()
            throw WireFault(502, .upstream, refusal)
        }
        record.sent()
        let late = DeadlineWatch.shared.watch(.now + core.settings.limits.head) { tunnel.close() }
        let (target, host) = (target, String(place.origin.drop { $0 != "/" }.dropFirst(2)))
        let outcome = await whileConnected { () async -> Result<WebSocketHandshake, WireFault> in
            await Result { () async throws(WireFault) in
                do throws(HTTPError) {
                    try await tunnel.send(WebSocketHandshake.bytes(request, target: target, host: host))
                } catch {
                    throw WireFault(502, .upstream, "\(host) did not answer: \(error.message)")
                }
                return try await WebSocketHandshake.answer(from: tunnel)
            }
        }
        DeadlineWatch.shared.cancel(late)
        let answer = try outcome.get()
        record.heard(answer.headers)
        record.answered(answer.status)
        var headers = Self.endToEnd(answer.headers)
        guard answer.status == 101 else {
            headers.remove("content-length")
            try await writer.whole(answer.status, headers, [], length: 0, keepsAlive: false)
            return false
        }
        headers.set("Connection", "Upgrade")
        headers.set("Upgrade", WebSocketHandshake.name)
        try await writer.head(101, headers, keepsAlive: true)
        try await writer.flush()
        await pass(tunnel, beginning: answer.rest, permit: request.permit, on: channel, input)
        return false
    }

    private func connect(_ request: HTTPRequest) async throws(WireFault) -> HTTPTunnel {
        var place = request
        place.timeout = core.settings.limits.head
        let (core, asked) = (core, place)
        let outcome = await whileConnected {
            await Result { () async throws(HTTPError) in try await core.transport.connect(asked) }
        }
        do throws(HTTPError) { return try outcome.get() } catch {
            if error.kind == .cancelled { throw WireChannel.gone }
            throw WireFault(502, .upstream, "\(self.place.host) can't be reached: \(error.message)")
        }
    }

    /// Passes bytes in both directions. A web socket that a call opened sends nothing more once the call has ended or
    /// may not send.
    private func pass(
        _ tunnel: HTTPTunnel, beginning: [UInt8], permit: SendPermit?, on channel: WireChannel, _ input: WireInput
    ) async {
        let (record, core, number) = (record, core, number)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                var piece: [UInt8]? = beginning
                while let bytes = piece {
                    if !bytes.isEmpty {
                        guard (try? await channel.write(bytes)) != nil else { return }
                        record.passed(bytes.count)
                    }
                    piece = (try? await tunnel.receive()) ?? nil
                }
            }
            group.addTask {
                var piece: [UInt8]? = input.takeEarly()
                while let bytes = piece {
                    if !bytes.isEmpty {
                        guard core.settings.judge.holds(number), permit?.refusal() == nil,
                            (try? await tunnel.send(bytes)) != nil
                        else { return }
                        record.raised(bytes.count)
                    }
                    piece = (try? await channel.read(until: .now + core.settings.limits.answer)) ?? nil
                }
            }
            await group.next()
            tunnel.close()
            group.cancelAll()
        }
    }
}

/// Replaces one address with another in a text that arrives in pieces: a stand-in names itself in its answers, and
/// programs must continue with the address that they know.
struct AddressRewriter {
    private let old: [UInt8]
    private let new: [UInt8]
    /// The end of the last piece, which may be the beginning of the address.
    private var rest: [UInt8] = []

    /// Creates a rewriter.
    /// - Parameters:
    ///   - old: the address to replace.
    ///   - new: its replacement.
    init(_ old: String, to new: String) {
        self.old = Array(old.utf8)
        self.new = Array(new.utf8)
    }

    /// Rewrites a complete text.
    static func whole(_ text: String, _ old: String, to new: String) -> String {
        var rewriter = AddressRewriter(old, to: new)
        return String(decoding: rewriter.take(Array(text.utf8)) + rewriter.end(), as: UTF8.self)
    }

    /// Returns the part of the text that is final after a further piece.
    mutating func take(_ piece: [UInt8]) -> [UInt8] {
        let text = rest + piece
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var index = 0
        while index < text.count {
            let left = text.count - index
            if text[index] == old[0] {
                if left < old.count, text[index...].elementsEqual(old.prefix(left)) { break }
                if left >= old.count, text[index..<(index + old.count)].elementsEqual(old) {
                    result += new
                    index += old.count
                    continue
                }
            }
            result.append(text[index])
            index += 1
        }
        rest = Array(text[index...])
        return result
    }

    /// Returns the remaining text at the end.
    mutating func end() -> [UInt8] {
        defer { rest = [] }
        return rest
    }
}
