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
            session: core.session, number: number, time: core.clock.now, method: head.method,
            host: String(place.ownOrigin.drop { $0 != "/" }.dropFirst(2)), target: target)
    }

    /// Carries the request out and records it.
    /// - Returns: whether another request may follow on this connection.
    /// - Throws: `.clientGone`.
    func run() async throws(WireFault) -> Bool {
        defer { core.events(.request(record.finished(bytesUp: body.count))) }
        do throws(WireFault) {
            return try await core.cut.run(number, ending: stop) { [record, client] in
                // What has begun to arrive can't be taken back: its client sees the connection end.
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
        // A client that wanted to speak something else may go on with that.
        let keepsAlive = head.keepsAlive && body.isDone && fault.kind != .otherProtocol
        try await writer.refuse(
            fault, code: code, service: place.service, extra: extra, keepsAlive: keepsAlive,
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
        // One address stands in for many hosts, some of which are one customer's vault or account.
        if place.standIn != nil { fields.set("X-Forwarded-Host", place.host) }
        let credentials = try OutgoingCredentials(fields, target: target, to: place, core: core)
        let described = try await describe(credentials)
        // What is sent to strangers is looked through as well: a placeholder there was carried out of the session.
        if place.isOpenToStrangers, !core.vault.placeholders(in: described.body.seen).isEmpty {
            throw OutgoingCredentials.elsewhere(place, nil, core)
        }
        let signIn = try SignInExchange(described, core: core)
        let (requestClass, refusal) = try await judge(described)
        if refusal == nil, place.owner == .unknown { core.hosts.tenant.admit(place.host) }
        if let refusal {
            let fault = WireFault(403, .refused, refusal.message)
            record.failed(fault)
            return try await refuse(fault, code: refusal.code)
        }
        if let known = signIn?.known { return try await repeated(known) }
        let filled = try await credentials.filled()
        var request = HTTPRequest(
            method: head.method, url: described.url, headers: filled.headers, timeout: core.limits.answer,
            allowsPlainHTTP: !place.isSentSecurely)
        // Its owner has listed this very port.
        request.allowsPlainHTTPToOtherHosts = place.service == nil && !place.isSecure
        request.isNeverResent = true
        request.permit = core.permit?(requestClass)
        request.stallTimeout = core.limits.answerStall
        let namesHosts =
            credentials.holdsTokens && TenantHosts.mayName(place, method: head.method, target: target)
        switch described.body {
        case .none: break
        case .whole(let bytes): request.body = try signIn?.outgoingBody() ?? bytes
        case .beginning(let bytes, let length):
            request.upload = HTTPUpload(length: length, pieces: Self.rest(of: body, after: bytes))
        }
        let pace = place.service.flatMap { core.pace?($0) }
        if let wait = try await turn(by: pace) {
            let fault = WireFault(
                429, .throttled, "\(place.host) has asked this connection to slow down; nothing was sent.")
            record.failed(fault)
            if let waiting = signIn?.waiting(for: fault) { return try await repeated(waiting) }
            let seconds = wait.components.seconds + 1
            return try await refuse(fault, extra: ["Retry-After": String(seconds)])
        }
        let witness = requestClass == "read" ? nil : await core.judge.witness(of: described)
        let isRead = signIn != nil || namesHosts || witness != nil || place.standIn != nil
        Self.complete(&request.headers, isRead: isRead)
        if isWebSocket, let socket { return try await openWebSocket(request, on: socket.channel, socket.input) }
        let sent = core.clock.now
        var stream: HTTPStream
        do throws(WireFault) { stream = try await open(request, telling: witness) } catch {
            guard let waiting = signIn?.waiting(for: error) else { throw error }
            return try await repeated(waiting)
        }
        if stream.status == 401, request.upload == nil,
            let headers = try await renewed(credentials, filled, after: stream, sent: sent)
        {
            // Read to its end, so that its connection serves again.
            _ = try? await stream.collect(limit: 1 << 20)
            request.headers = headers
            Self.complete(&request.headers, isRead: isRead)
            stream = try await open(request, telling: witness)
        }
        await heed(stream, sent, pace)
        if let signIn { return try await answer(stream, signIn) }
        return try await pass(stream, learning: namesHosts && stream.status == 200, witness)
    }

    // MARK: While its client waits

    /// Does something as long as the client is there; when it leaves, the request is ended.
    private func whileConnected<Value>(_ work: () async -> Value) async -> Value {
        client.onDeparture { [stop] in stop() }
        defer { client.onDeparture(nil) }
        return await work()
    }

    /// Waits for what a request needs before it is sent.
    /// - Throws: `.clientGone` where the client has left meanwhile, whatever the work came to: nothing is sent for it any more.
    private func beforeSending<Value>(_ work: () async -> Value) async throws(WireFault) -> Value {
        let value = await whileConnected(work)
        guard !client.hasLeft, !Task.isCancelled else { throw WireChannel.gone }
        return value
    }

    // MARK: Before it is sent

    /// The request as the judge sees it. As much of the body is read as it looks at.
    private func describe(_ credentials: OutgoingCredentials) async throws(WireFault) -> DescribedRequest {
        var seen: [UInt8] = []
        if head.body != .none {
            if head.expectsContinue { try await writer.goOn() }
            while seen.count < core.limits.judgedBytes, let piece = try await body.next() { seen += piece }
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
            number: number, session: core.session, place: place, method: head.method, target: target,
            headers: credentials.plain, body: described, account: credentials.account)
    }

    /// Asks the judge, and the person whom the judge wants to ask.
    private func judge(_ request: DescribedRequest) async throws(WireFault) -> (class: String, refusal: RequestRefusal?)
    {
        let core = core
        let verdict = try await beforeSending { await core.judge.judge(request) }
        record.judged(verdict.requestClass, deploying: DeployedTemplate.all(of: request))
        switch verdict {
        case .allow(let name): return (name, nil)
        case .refuse(let name, let refusal): return (name, refusal)
        case .hold(let name, let decision):
            core.events(.held(number: number, host: place.host, method: head.method))
            let refusal = try await beforeSending { await Self.decide(within: core.limits.hold, decision) }
            return (name, refusal)
        }
    }

    private static func decide(
        within limit: Duration, _ decision: @escaping @Sendable () async -> RequestRefusal?
    ) async -> RequestRefusal? {
        let late = RequestRefusal(
            code: "confirmation_needed", message: "The question was not answered in time; the request was not sent.")
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

    /// Waits for its turn among all requests of the connection to a service that has asked to slow down.
    /// - Returns: how long it would still be, where that is longer than clients wait.
    private func turn(by pace: ServicePace?) async throws(WireFault) -> Duration? {
        guard let pace else { return nil }
        let patience = ContinuousClock.now + core.limits.pace
        return try await beforeSending {
            while let wait = await pace.take() {
                guard ContinuousClock.now + wait < patience else { return wait }
                guard (try? await Task.sleep(for: wait)) != nil else { return nil }
            }
            return nil
        }
    }

    /// Takes what an answer says of the next requests.
    private func heed(_ stream: HTTPStream, _ sent: Timestamp, _ pace: ServicePace?) async {
        guard let pace else { return }
        if stream.status == 429 || stream.status == 503 {
            guard let asked = stream.headers["retry-after"],
                let wait = RetryAfter.wait(asked, now: core.clock.now)
            else { return }
            await pace.slowDown(for: wait, sent: sent)
        } else if stream.status < 400 {
            await pace.goOn(sent: sent)
        }
    }

    // MARK: Sending

    /// - Parameter witness: told where nothing came of it.
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

    /// The whole body: what the judge has seen, and the rest as it comes.
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

    /// Finishes the header fields: what is made from the body that is sent, and what encoding the answer may have.
    private static func complete(_ headers: inout HTTPHeaders, isRead: Bool) {
        headers.remove("content-length")
        // Where the client asks for no encoding the answer must come without one; where we read it, too.
        if isRead {
            headers.remove("accept-encoding")
        } else if !headers.contains("accept-encoding") {
            headers.set("Accept-Encoding", "identity")
        }
    }

    // MARK: Refused tokens

    /// The fields for sending a request once more whose token was refused: with another one, which the challenge's claims
    /// were asked for with.
    /// - Returns: `nil` where there is none, or where the request may have been carried out: the refusal is passed on.
    private func renewed(
        _ credentials: OutgoingCredentials, _ filled: OutgoingCredentials.Filled, after stream: HTTPStream,
        sent: Timestamp
    ) async throws(WireFault) -> HTTPHeaders? {
        guard !filled.tokens.isEmpty else { return nil }
        let challenge = BearerChallenge(stream.headers.values(for: "www-authenticate"))
        // A bare 401 may come from a server behind the one that looked at the token.
        let isSafe = challenge != nil || head.method == "GET" || head.method == "HEAD"
        let refusals = filled.tokens.mapValues { TokenRefusal(of: $0, sent: sent, claims: challenge?.claims) }
        let again = await whileConnected {
            await Result { () async throws(WireFault) in try await credentials.filled(insteadOf: refusals) }
        }
        // Why there is none was told to those who show it; the session gets the service's own words.
        guard isSafe, case .success(let fresh) = again, fresh.tokens != filled.tokens else { return nil }
        return fresh.headers
    }

    // MARK: Answers

    /// An answer of the sign-in service, which is taken apart before the session gets it.
    private func answer(_ stream: HTTPStream, _ signIn: SignInExchange) async throws(WireFault) -> Bool {
        let bytes: [UInt8]
        do throws(HTTPError) { bytes = try await stream.collect(limit: SignInExchange.maxAnswerBytes) } catch {
            throw WireFault(502, .upstream, "The sign-in service's answer broke off, or is too large.")
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

    /// An answer in the place of one that the sign-in service would give.
    private func repeated(_ known: SignInExchange.Answer) async throws(WireFault) -> Bool {
        let keepsAlive = head.keepsAlive && body.isDone
        record.answered(known.status)
        try await writer.whole(
            known.status, ["Content-Type": "application/json; charset=utf-8"], known.body, length: known.body.count,
            keepsAlive: keepsAlive)
        record.passed(known.body.count)
        return keepsAlive
    }

    /// Any other answer, piece by piece: the service is held back by a client that reads slowly.
    /// - Parameters:
    ///   - learns: whether it may name hosts of the tenant.
    ///   - witness: who wants to know of it.
    private func pass(
        _ stream: HTTPStream, learning learns: Bool, _ witness: RequestWitness?
    ) async throws(WireFault) -> Bool {
        var seen = SeenAnswer(limit: learns ? TenantHosts.maxAnswerBytes : witness == nil ? 0 : RequestWitness.most)
        let outcome: Result<Bool, WireFault>
        do throws(WireFault) { outcome = .success(try await relay(stream, &seen)) } catch { outcome = .failure(error) }
        if let witness {
            await witness.tell(.init(status: stream.status, headers: stream.headers, body: seen.whole))
        }
        // Before its client can ask for what it has read of.
        if learns, case .success = outcome, let whole = seen.whole { core.hosts.tenant.learn(from: whole) }
        // The end of a body that comes in chunks is told last: by then all is noted.
        if case .success(true) = outcome, seen.endsWithChunk { try await writer.end() }
        return try outcome.get() && !seen.isTorn && head.keepsAlive && body.isDone
    }

    /// What is kept of an answer that passes.
    private struct SeenAnswer {
        let limit: Int
        var bytes: [UInt8] = []
        var isWhole = false
        var isTorn = false
        var endsWithChunk = false

        init(limit: Int) { self.limit = limit }

        /// All of its body, where that is within the limit.
        var whole: [UInt8]? { isWhole ? bytes : nil }
    }

    /// - Returns: whether the answer came to its end.
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
        // The service may answer before it has taken the whole body: the rest of it can't be told from another request.
        record.answered(stream.status)
        try await writer.head(stream.status, headers, keepsAlive: head.keepsAlive && body.isDone)
        var iterator = stream.chunks.makeAsyncIterator()
        var count = 0
        while true {
            let piece: [UInt8]?
            if !stream.chunks.isReady { try await writer.flush() }
            do throws(HTTPError) { piece = try await iterator.next() } catch {
                try await writer.flush()
                throw WireFault(502, .upstream, "The answer broke off: \(error.message)")
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

    /// What puts the address that was asked in the place of a stand-in's own; nil where none stands in.
    private func rewriter(of headers: inout HTTPHeaders) -> AddressRewriter? {
        guard let standIn = place.standIn else { return nil }
        headers = HTTPHeaders(
            headers.fields.map { HTTPHeaders.Field(name: $0.name, value: place.shown($0.value)) })
        let type = headers["content-type"]?.lowercased() ?? ""
        guard ["json", "text", "xml"].contains(where: type.contains) else { return nil }
        // Its length is another one then.
        headers.remove("content-length")
        return AddressRewriter(standIn, to: place.ownOrigin)
    }

    // MARK: Fields

    /// The fields that are meant for the other end: what belongs to one connection is left out (RFC 9110, section 7.6.1).
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

/// What is known of a request so far.
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

    /// What services call a request.
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

    /// Whether the client has got the head of an answer.
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

    /// The service has begun to answer.
    func heard(_ headers: HTTPHeaders) {
        let id = Self.names.lazy.compactMap { headers[$0] }.first.map { String($0.prefix(80)) }
        state.withLock { $0.requestID = id }
    }

    /// The record of a request that has ended.
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
    /// Opens a web socket at the service, and passes what either side sends until one ends it. Only the handshake's header
    /// fields carry tokens.
    func openWebSocket(
        _ request: HTTPRequest, on channel: WireChannel, _ input: WireInput
    ) async throws(WireFault) -> Bool {
        let tunnel = try await connect(request)
        if let refusal = request.permit?.refusal() {
            tunnel.close()
            throw WireFault(502, .upstream, refusal)
        }
        record.sent()
        let late = DeadlineWatch.shared.watch(.now + core.limits.head) { tunnel.close() }
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
        place.timeout = core.limits.head
        let (core, asked) = (core, place)
        let outcome = await whileConnected {
            await Result { () async throws(HTTPError) in try await core.transport.connect(asked) }
        }
        do throws(HTTPError) { return try outcome.get() } catch {
            if error.kind == .cancelled { throw WireChannel.gone }
            throw WireFault(502, .upstream, "\(self.place.host) can't be reached: \(error.message)")
        }
    }

    /// Passes bytes both ways. What a call opened sends no more once the call has ended, or may send no more.
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
                        guard core.judge.holds(number), permit?.refusal() == nil,
                            (try? await tunnel.send(bytes)) != nil
                        else { return }
                        record.raised(bytes.count)
                    }
                    piece = (try? await channel.read(until: .now + core.limits.answer)) ?? nil
                }
            }
            await group.next()
            tunnel.close()
            group.cancelAll()
        }
    }
}

/// Puts one address in the place of another in a text that comes in pieces: a stand-in names itself in its answers, and
/// programs go on at the address that they know.
struct AddressRewriter {
    private let old: [UInt8]
    private let new: [UInt8]
    /// The end of the last piece, which may be the beginning of an address.
    private var rest: [UInt8] = []

    /// - Parameters:
    ///   - old: the address that is taken out.
    ///   - new: the one that takes its place.
    init(_ old: String, to new: String) {
        self.old = Array(old.utf8)
        self.new = Array(new.utf8)
    }

    /// A text that is there as a whole.
    static func whole(_ text: String, _ old: String, to new: String) -> String {
        var rewriter = AddressRewriter(old, to: new)
        return String(decoding: rewriter.take(Array(text.utf8)) + rewriter.end(), as: UTF8.self)
    }

    /// As much of the text with a further piece as is certain.
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

    /// What is left at the text's end.
    mutating func end() -> [UInt8] {
        defer { rest = [] }
        return rest
    }
}
