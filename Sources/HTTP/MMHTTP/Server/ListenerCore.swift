import CMMSystem
import CMicroHTTPD
import Glibc
import MMCore
import MMSystem

/// The state behind the server's callbacks: the connections, and the requests being handled.
final class ListenerCore: Sendable {
    private struct OpenConnection {
        let descriptor: Int32
        var since: ContinuousClock.Instant
        var isReceiving = false
        /// Whether a request, or its head at least, is awaited or on its way.
        var isBeginning = true
        var isBusy = false
        /// The request was answered before its body had arrived.
        var isRefused = false
        var ends: ConnectionEnds?
    }

    private struct State {
        var isStopping = false
        /// Keyed by the library's pointer, which is only compared.
        var connections: [UInt: OpenConnection] = [:]
        var exchanges: [ObjectIdentifier: ServerExchange] = [:]
        var drained: [OneShot<Bool>] = []
    }

    let handler: HTTPHandler
    let limits: HTTPServerLimits
    let poll: PollLoop
    private let admission: HTTPAdmission?
    private let lingering: LingeringClose
    private let state: Mutex<State>

    /// Up to this size, receiving a body is cheaper than checking the request twice.
    private static let smallBody = 16 << 10

    init(
        limits: HTTPServerLimits, poll: PollLoop, admission: HTTPAdmission? = nil, handler: @escaping HTTPHandler
    ) {
        self.admission = admission
        self.limits = limits
        self.poll = poll
        self.handler = handler
        lingering = LingeringClose(limits: limits)
        state = Mutex(State())
    }

    /// Returns the library's callbacks, which retain this object until `releaseCallbacks`.
    func callbacks() -> mm_httpd_callbacks {
        mm_httpd_callbacks(
            context: Unmanaged.passRetained(self).toOpaque(),
            connection: { context, connection, descriptor, started in
                guard let connection else { return }
                ListenerCore.at(context)?.connection(connection, descriptor, started: started == 1)
            },
            begin: { context, connection, target, isWhole in
                guard let core = ListenerCore.at(context), let connection else { return nil }
                let text = target.map { String(cString: $0) } ?? ""
                core.begin(connection)
                let exchange = ServerExchange(
                    target: text, isWhole: isWhole == 1, connection: ServerExchange.Connection(raw: connection),
                    listener: core)
                return Unmanaged.passRetained(exchange).toOpaque()
            },
            access: { context, connection, request, method, _, bytes, count in
                guard let request, let method, let count else { return 0 }
                let exchange = Unmanaged<ServerExchange>.fromOpaque(request).takeUnretainedValue()
                return exchange.access(method: String(cString: method), bytes: bytes, count: &count.pointee) ? 1 : 0
            },
            completed: { context, connection, request in
                guard let request, let connection else { return }
                let exchange = Unmanaged<ServerExchange>.fromOpaque(request).takeRetainedValue()
                exchange.complete()
                ListenerCore.at(context)?.requestEnded(connection)
            })
    }

    /// Releases the library's reference after its thread has ended.
    func releaseCallbacks() {
        Unmanaged.passUnretained(self).release()
    }

    private static func at(_ context: UnsafeMutableRawPointer?) -> ListenerCore? {
        context.map { Unmanaged<ListenerCore>.fromOpaque($0).takeUnretainedValue() }
    }

    // MARK: Requests

    /// Whether new requests are refused.
    var isStopping: Bool { state.withLock { $0.isStopping } }

    /// Registers a request that is about to be handled.
    /// - Returns: false when the listener is stopping.
    func register(_ exchange: ServerExchange) -> Bool {
        state.withLock { state in
            guard !state.isStopping else { return false }
            state.exchanges[ObjectIdentifier(exchange)] = exchange
            return true
        }
    }

    /// Unregisters a request that is over.
    func unregister(_ exchange: ServerExchange) {
        let drained: [OneShot<Bool>] = state.withLock { state in
            guard state.exchanges.removeValue(forKey: ObjectIdentifier(exchange)) != nil, state.exchanges.isEmpty else {
                return []
            }
            defer { state.drained = [] }
            return state.drained
        }
        for waiter in drained { waiter.resolve(true) }
    }

    /// Stops taking new requests.
    func stopTaking() {
        state.withLock { $0.isStopping = true }
    }

    /// The requests being handled.
    var exchanges: [ServerExchange] { state.withLock { Array($0.exchanges.values) } }

    /// Waits until no request is being handled.
    /// - Returns: false when the time ran out first.
    func drain(within limit: Duration) async -> Bool {
        let outcome = OneShot<Bool>()
        let isEmpty = state.withLock { state in
            if !state.exchanges.isEmpty { state.drained.append(outcome) }
            return state.exchanges.isEmpty
        }
        if isEmpty { return true }
        let timer = Task {
            try? await Task.sleep(for: limit)
            outcome.resolve(false)
        }
        defer { timer.cancel() }
        return await outcome.wait()
    }

    // MARK: Connections

    private func connection(_ connection: UnsafeMutableRawPointer, _ descriptor: Int32, started: Bool) {
        let key = UInt(bitPattern: connection)
        let isRefused = state.withLock { state in
            let ended = state.connections[key]
            state.connections[key] = started ? OpenConnection(descriptor: descriptor, since: .now) : nil
            return ended?.isRefused == true && !state.isStopping
        }
        if isRefused { lingering.take(descriptor) }
    }

    private func begin(_ connection: UnsafeMutableRawPointer) {
        let key = UInt(bitPattern: connection)
        state.withLock { state in
            state.connections[key]?.isReceiving = true
            state.connections[key]?.isBeginning = true
            state.connections[key]?.since = .now
        }
    }

    /// Records that the head of a request is whole.
    func headArrived(_ connection: UnsafeMutableRawPointer) {
        state.withLock { $0.connections[UInt(bitPattern: connection)]?.isBeginning = false }
    }

    private func requestEnded(_ connection: UnsafeMutableRawPointer) {
        let key = UInt(bitPattern: connection)
        state.withLock { state in
            state.connections[key]?.isReceiving = false
            state.connections[key]?.isBusy = false
            state.connections[key]?.since = .now
        }
    }

    /// Records that a request is refused by its head: its body, if there is one, still has to be taken.
    func refused(_ connection: UnsafeMutableRawPointer) {
        state.withLock { $0.connections[UInt(bitPattern: connection)]?.isRefused = true }
    }

    /// Returns the response that refuses a request which announces a large body; `nil` if the request is admitted.
    func refusal(
        method: String, target: String, headers: HTTPHeaders, _ connection: UnsafeMutableRawPointer,
        _ descriptor: Int32
    ) -> HTTPServerResponse? {
        guard let admission else { return nil }
        let length = headers["Content-Length"].map { Int($0) ?? .max } ?? 0
        guard length > Self.smallBody || headers.contains("Transfer-Encoding") else { return nil }
        let key = UInt(bitPattern: connection)
        let known = state.withLock { state in
            if state.connections[key]?.ends == nil { state.connections[key]?.ends = ConnectionEnds(of: descriptor) }
            return state.connections[key]?.ends
        }
        guard let ends = known else { return nil }
        var request = HTTPServerRequest(
            method: method, target: target, headers: headers, peer: ends.peer, localAddress: ends.localAddress)
        request.owner = ends.owner
        return admission(request)
    }

    /// Records that the whole request has arrived, so that the client's time limit no longer applies.
    /// - Returns: the connection's ends; nil when the peer is gone.
    func received(_ connection: UnsafeMutableRawPointer, _ descriptor: Int32) -> ConnectionEnds? {
        let key = UInt(bitPattern: connection)
        return state.withLock { state in
            state.connections[key]?.isReceiving = false
            state.connections[key]?.isBusy = true
            if let ends = state.connections[key]?.ends { return ends }
            let ends = ConnectionEnds(of: descriptor)
            state.connections[key]?.ends = ends
            return ends
        }
    }

    /// Ends connections whose clients are too slow or have left. The library itself ends only silent ones, and misses
    /// an end that arrives together with the last bytes.
    func sweep() {
        let now = ContinuousClock.now
        state.withLock { state in
            for connection in state.connections.values where !connection.isBusy {
                let age = connection.since.duration(to: now)
                let limit =
                    connection.isBeginning
                    ? limits.headTimeout : connection.isReceiving ? limits.requestTimeout : limits.idleTimeout
                // The descriptor can't have been reused: the library reports the end of a connection before closing it.
                if age > limit || age > .milliseconds(500) && mm_peer_has_closed(connection.descriptor) == 1 {
                    shutdown(connection.descriptor, Int32(SHUT_RDWR))
                }
            }
        }
    }
}
