import CDashboardPages
import CQRCode
import MMCore
import MMHTTP
import MMOperations
import MMSessions

/// The routes of the dashboard: a page that shows what is running, with some more details and actions for its owner.
struct Dashboard: Sendable {
    private let calls: CallRoutes
    private let service: any OperationService
    private let services: OperationServices
    private let lock: DashboardLock
    private let metrics: PoolMetrics
    private let requireTerminal: PersonProof.Requirement
    private let own: DashboardFeed
    private let others: DashboardFeed

    /// How many of the latest operations are shown.
    private static let recent = 150
    /// How many jobs are shown.
    private static let mostJobs = 20
    /// The time between two states.
    private static let pause = Duration.seconds(1)

    init(
        calls: CallRoutes, service: any OperationService, services: OperationServices, shared: RESTShared,
        requireTerminal: @escaping PersonProof.Requirement,
        handshake: @escaping @Sendable () async -> PoolHandshake
    ) {
        self.calls = calls
        self.service = service
        self.services = services
        lock = shared.lock
        self.requireTerminal = requireTerminal
        metrics = shared.metrics
        let (metrics, server) = (shared.metrics, calls.serverName)
        let desk = ApprovalDesk(services, shared.ceremonies)
        own = DashboardFeed(pause: Self.pause) {
            await Self.state(services, metrics, desk, await handshake(), for: nil)
        }
        others = DashboardFeed(pause: Self.pause) {
            await Self.state(services, metrics, desk, await handshake(), for: server)
        }
    }

    func add(to router: inout Router<AdmittedPeer>) {
        DashboardPages.add(to: &router)
        router.get("/v1/events", events)
        router.get("/v1/dashboard/connections", connections)
        router.get("/v1/dashboard/code") { request in
            secret(QRCodeRoute.answer(for: Self.query(request.http.query ?? "")["text"] ?? ""))
        }
        router.post("/v1/dashboard/token", token)
        router.post("/v1/dashboard/unlock", unlock)
        router.post("/v1/dashboard/lock") { request in
            lock.lock(request.http.headers["MM-Unlock"] ?? "")
            return HTTPServerResponse(status: 204)
        }
        router.post("/v1/dashboard/login") { (request) throws(MMError) in
            try await act(request, .login, ["connection"])
        }
        router.post("/v1/dashboard/reset") { (request) throws(MMError) in
            try await act(request, .reset, ["connection", "module"])
        }
    }

    @Sendable private func events(_ request: AdmittedRequest) async -> HTTPServerResponse {
        let feed = request.peer.isOwn ? own : others
        let last = request.http.headers["Last-Event-ID"]
        return .events { (writer) async throws(HTTPError) in
            var seen = last
            for await frame in await feed.frames(after: last) {
                // A page that hears nothing at all takes the pool for one that hangs.
                try await writer.send(
                    frame.id == seen
                        ? SSEEvent(data: "{}", event: "alive")
                        : SSEEvent(data: frame.data, event: "state", id: frame.id))
                seen = frame.id
            }
        }
    }

    /// Returns a page of the connections that contain a search text, for when there are too many to show at once.
    @Sendable private func connections(_ request: AdmittedRequest) async -> HTTPServerResponse {
        let asked = Self.query(request.http.query ?? "")
        let page = await PoolOverview.connections(
            services.sessionServices, for: request.peer.isOwn ? nil : calls.serverName, holding: asked["search"] ?? "",
            page: asked["page"].flatMap { Int($0) } ?? 1)
        return secret(page)
    }

    private static func query(_ text: String) -> [String: String] {
        var values: [String: String] = [:]
        for item in text.split(separator: "&").prefix(10) {
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let value = PercentCoding.decode(parts[1].utf8) else { continue }
            values[String(parts[0])] = String(value.prefix(200))
        }
        return values
    }

    @Sendable private func token(_ request: AdmittedRequest) throws(MMError) -> HTTPServerResponse {
        try calls.speaksForPerson(request.peer)
        if case .process(let pid) = request.peer { try requireTerminal(pid) }
        let seconds = DashboardLock.tokenAge.components.seconds
        return secret(["token": .string(lock.newToken().reveal()), "seconds": .int(seconds)])
    }

    @Sendable private func unlock(_ request: AdmittedRequest) throws(MMError) -> HTTPServerResponse {
        guard let token = try request.http.jsonObject()["token"]?.string, let page = lock.unlock(token)
        else {
            throw MMError(
                .forbidden, "This token can't unlock the dashboard: it is invalid, used, or older than five minutes.",
                hint: "mm pool status --unlock prints another.")
        }
        let seconds = DashboardLock.pageAge.components.seconds
        return secret(["unlock": .string(page.reveal()), "seconds": .int(seconds)])
    }

    private func secret(_ object: JSONObject) -> HTTPServerResponse {
        var response = HTTPServerResponse.json(JSONWriter.bytes(.object(object)))
        response.headers.set("Cache-Control", "no-store")
        return response
    }

    /// Performs one of the dashboard's few actions for an unlocked page.
    private func act(
        _ request: AdmittedRequest, _ operation: OperationDeclaration, _ names: [String]
    ) async throws(MMError) -> HTTPServerResponse {
        guard lock.isUnlocked(request.http.headers["MM-Unlock"]) else {
            throw MMError(
                .forbidden, "The dashboard is read-only.", hint: "mm pool status --unlock prints a token to unlock it.",
                details: ["locked": true])
        }
        let body = try request.http.jsonObject()
        var arguments = JSONObject()
        for name in names { arguments[name] = body[name] }
        let context = CallContext(
            caller: Caller(surface: .rest, name: "dashboard", server: nil), timeLimit: .seconds(60))
        let called = try service.catalogue.require(operation.name)
        let answer = try await metrics.counted(called) { [arguments] () async throws(MMError) in
            try await service.call(called, arguments, in: context)
        }
        return try await PlainAnswer.response(answer, for: ["Accept": "application/json"])
    }

    /// Collects the state to show.
    private static func state(
        _ services: OperationServices, _ metrics: PoolMetrics, _ desk: ApprovalDesk, _ handshake: PoolHandshake,
        for server: String?
    ) async -> JSONObject {
        let counts = metrics.current
        let (sessions, unlisted) = await PoolOverview.sessions(services.sessionServices, for: server)
        var state: JSONObject = [
            "version": .string(handshake.build.version), "started": .string(handshake.started.iso8601),
            "sessions": .array(sessions.map { .object($0.json) }), "unlisted": .int(Int64(unlisted)),
            "counts": [
                "requests": .int(Int64(counts.total)), "errors": .int(Int64(counts.errors)),
                "underWay": .int(Int64(counts.underWay)),
            ],
        ]
        // Only the owner sees other clients' calls.
        guard server == nil else { return state }
        state["jobs"] = .array(
            services.jobs.table.reports(for: nil).prefix(mostJobs).map { .object(JobCalls.object($0, in: { $0 })) })
        let entries = (try? services.audit.newest(recent, where: AuditedCall.isCall)) ?? []
        do throws(MMError) {
            state["approvals"] = .object(try await desk.overview())
        } catch {
            state["approvals"] = ["error": .object(error.json)]
        }
        let shown = [
            "seq", "time", "operation", "connection", "module", "class", "outcome", "client", "surface", "confirmedBy",
            "approvedBy", "durationMilliseconds",
        ]
        state["recent"] = .array(
            entries.reversed().map { entry in
                var row = JSONObject(shown.compactMap { key in entry[key].map { (key, $0) } })
                row["what"] = .string(String(AuditedCall.what(entry).prefix(300)))
                return .object(row)
            })
        return state
    }
}

/// A text as a QR code for the page to draw, so that a phone can open the address of a sign-in.
enum QRCodeRoute {
    /// Returns the code's width and modules, line by line, `1` for a dark one; both empty if the text can't be encoded.
    static func answer(for text: String) -> JSONObject {
        var modules = [UInt8](repeating: 0, count: 177 * 177)
        let width = text.utf8.count > 300 ? 0 : Int(mm_qr_encode(text, &modules, modules.count))
        let bits = modules.prefix(width * width).map { $0 & 1 == 1 ? UInt8(ascii: "1") : UInt8(ascii: "0") }
        return ["width": .int(Int64(width)), "modules": .string(String(decoding: bits, as: UTF8.self))]
    }
}

/// The dashboard's files.
enum DashboardPages {
    /// Adds the paths of the files.
    static func add(to router: inout Router<AdmittedPeer>) {
        router.get("/") { _ in file("text/html; charset=utf-8", dashboard_page_html()) }
        router.get("/dashboard.js") { _ in file("text/javascript; charset=utf-8", dashboard_page_script()) }
        router.get("/page.js") { _ in file("text/javascript; charset=utf-8", dashboard_page_common()) }
        router.get("/charts.js") { _ in file("text/javascript; charset=utf-8", dashboard_page_charts()) }
        router.get("/approvals.js") { _ in file("text/javascript; charset=utf-8", dashboard_page_approvals()) }
        router.get("/dashboard.css") { _ in file("text/css; charset=utf-8", dashboard_page_style()) }
    }

    /// Loads nothing from elsewhere, creates no markup from data, and can't be framed.
    private static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
        + "form-action 'none'; frame-ancestors 'none'"

    private static func file(_ type: String, _ page: dashboard_page) -> HTTPServerResponse {
        HTTPServerResponse(
            headers: [
                "Content-Type": type, "Cache-Control": "no-cache", "Content-Security-Policy": policy,
                "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
                "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
            ], body: .bytes(Array(UnsafeBufferPointer(start: page.bytes, count: page.count))))
    }
}

/// The state that the dashboard shows, collected once for all watchers, and only while there are any.
actor DashboardFeed {
    /// A state and its id.
    struct Frame: Sendable {
        let id: String
        let data: String
    }

    /// The number of collections without news after which the state is given again.
    private static let quiet = 5

    private let look: @Sendable () async -> JSONObject
    private let pause: Duration
    /// Distinguishes this process's ids from another's.
    private let mark = RandomBytes.text(bytes: 6)
    private var count = 0
    private var frame: Frame?
    /// The collections since the watchers were last told something.
    private var silence = 0
    private var watchers: [Int: AsyncStream<Frame>.Continuation] = [:]
    private var lastWatcher = 0
    private var work: Task<Void, Never>?

    /// Creates a feed.
    /// - Parameters:
    ///   - pause: the time between two collections.
    ///   - look: collects the current state.
    init(pause: Duration, look: @escaping @Sendable () async -> JSONObject) {
        self.pause = pause
        self.look = look
    }

    /// Returns the states from now on. One that stays for long is given again from time to time. A slow reader skips to
    /// the newest.
    /// - Parameter last: the id of the last state that the watcher has seen, which isn't given at once.
    func frames(after last: String?) -> AsyncStream<Frame> {
        let (stream, continuation) = AsyncStream.makeStream(of: Frame.self, bufferingPolicy: .bufferingNewest(1))
        lastWatcher += 1
        let number = lastWatcher
        watchers[number] = continuation
        continuation.onTermination = { [weak self] _ in
            guard let self else { return }
            Task { await self.leave(number) }
        }
        if work == nil {
            work = Task { [weak self, pause] in
                while !Task.isCancelled {
                    await self?.tick()
                    try? await Task.sleep(for: pause)
                }
            }
        } else if let frame, frame.id != last {
            continuation.yield(frame)
        }
        return stream
    }

    private func leave(_ number: Int) {
        watchers[number] = nil
        guard watchers.isEmpty else { return }
        work?.cancel()
        work = nil
        frame = nil
    }

    private func tick() async {
        let data = JSONWriter.string(.object(await look()))
        if let frame, frame.data == data {
            silence += 1
            if silence >= Self.quiet { tell(frame) }
        } else {
            count += 1
            let next = Frame(id: "\(mark)-\(count)", data: data)
            frame = next
            tell(next)
        }
    }

    private func tell(_ frame: Frame) {
        silence = 0
        for watcher in watchers.values { watcher.yield(frame) }
    }
}

/// Decides who may act on the dashboard: the owner, who was given a token outside the browser.
final class DashboardLock: Sendable {
    private struct State {
        var token: (secret: Secret, until: ContinuousClock.Instant)?
        var unlocked: [(secret: Secret, until: ContinuousClock.Instant)] = []
    }

    /// How long a token may be used.
    static let tokenAge = Duration.seconds(300)
    /// How long a page stays unlocked.
    static let pageAge = Duration.seconds(3600)
    private static let mostPages = 8

    private let now: @Sendable () -> ContinuousClock.Instant
    private let state = Mutex(State())

    init(now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.now = now
    }

    /// Returns a token that unlocks one page, once. It invalidates an earlier one.
    func newToken() -> Secret {
        let token = Secret(RandomBytes.text(bytes: 15))
        let until = now() + Self.tokenAge
        state.withLock { $0.token = (token, until) }
        return token
    }

    /// Redeems a token.
    /// - Returns: the secret that the page identifies itself with from now on; `nil` for a wrong, used or expired
    ///   token.
    func unlock(_ token: String) -> Secret? {
        let page = Secret(RandomBytes.text(bytes: 24))
        let now = now()
        return state.withLock { state in
            guard let waiting = state.token, waiting.secret == Secret(token), now < waiting.until else { return nil }
            state.token = nil
            state.unlocked = state.unlocked.filter { now < $0.until }.suffix(Self.mostPages - 1)
            state.unlocked.append((page, now + Self.pageAge))
            return page
        }
    }

    /// Returns whether a page may do more than show the state.
    func isUnlocked(_ page: String?) -> Bool {
        guard let page else { return false }
        let now = now()
        let wanted = Secret(page)
        return state.withLock { state in
            // Every entry is compared, so that the time taken doesn't reveal which one matched.
            state.unlocked.reduce(false) { found, entry in
                (entry.secret == wanted && now < entry.until) || found
            }
        }
    }

    /// Locks a page again.
    func lock(_ page: String) {
        let gone = Secret(page)
        state.withLock { state in state.unlocked.removeAll { $0.secret == gone } }
    }
}
