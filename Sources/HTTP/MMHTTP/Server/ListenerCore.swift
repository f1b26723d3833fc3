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
        /// Whether the head of a request is still awaited or arriving.
        var isBeginning = true
        var isBusy = false
        /// The time at which the request's head was complete, or its last piece arrived.
        var heard: ContinuousClock.Instant
        /// Whether the request was answered before its body had arrived.
        var isRefused = false
        /// Whether there was no descriptor left for it, so that its request is refused.
        let isExcess: Bool
        var ends: ConnectionEnds?
        /// A number that distinguishes it from a later connection at the same address in memory.
        let number: UInt64
        /// The watch that reports when the client leaves; one per connection, because each new watch costs a system
        /// call.
        var watch: PollLoop.Watch?
        var hasLeft = false
        /// The request that is being handled.
        var exchange: ServerExchange?
    }

    private struct State {
        var isStopping = false
        /// Keyed by the library's pointer, which is only compared.
        var connections: [UInt: OpenConnection] = [:]
        var lastNumber: UInt64 = 0
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

    init(limits: HTTPServerLimits, poll: PollLoop, admission: HTTPAdmission?, handler: @escaping HTTPHandler) {
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
            accept_with_spare: mm_accept_with_spare,
            connection: { context, connection, descriptor, event in
                guard let connection else { return }
                ListenerCore.at(context)?.connection(connection, descriptor, event)
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
            access: { context, connection, request, method, version, bytes, count in
                guard let request, let method, let version, let count else { return 0 }
                let exchange = Unmanaged<ServerExchange>.fromOpaque(request).takeUnretainedValue()
                let goesOn = exchange.access(
                    method: String(cString: method), version: String(cString: version), bytes: bytes,
                    count: &count.pointee)
                return goesOn ? 1 : 0
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
        return isEmpty ? true : await outcome.wait(until: .after(limit), late: false)
    }

    // MARK: Connections

    private func connection(_ connection: UnsafeMutableRawPointer, _ descriptor: Int32, _ event: mm_httpd_event) {
        let key = UInt(bitPattern: connection)
        let (isRefused, watch) = state.withLock { state in
            let ended = state.connections[key]
            state.lastNumber += 1
            state.connections[key] =
                event == MM_HTTPD_ENDED
                ? nil
                : OpenConnection(
                    descriptor: descriptor, since: .now, heard: .now, isExcess: event == MM_HTTPD_STARTED_IN_EXCESS,
                    number: state.lastNumber)
            return (ended?.isRefused == true && !state.isStopping, ended?.watch)
        }
        if let watch { poll.forget(watch) }
        if isRefused { lingering.take(descriptor) }
    }

    private func begin(_ connection: UnsafeMutableRawPointer) {
        let key = UInt(bitPattern: connection)
        state.withLock { state in
            guard var connection = state.connections[key] else { return }
            connection.isReceiving = true
            connection.isBeginning = true
            connection.since = .now
            state.connections[key] = connection
        }
    }

    /// Records that the head of a request is complete.
    /// - Returns: the response that refuses it if there was no descriptor left for its connection.
    func headArrived(_ connection: UnsafeMutableRawPointer) -> HTTPServerResponse? {
        let isExcess = state.withLock { state in
            state.connections[UInt(bitPattern: connection)]?.isBeginning = false
            state.connections[UInt(bitPattern: connection)]?.heard = .now
            return state.connections[UInt(bitPattern: connection)]?.isExcess ?? false
        }
        return isExcess ? Problem.response(SystemError.error("Accepting the connection", EMFILE)) : nil
    }

    /// Records that a piece of a body has arrived.
    func pieceArrived(_ connection: UnsafeMutableRawPointer) {
        state.withLock { $0.connections[UInt(bitPattern: connection)]?.heard = .now }
    }

    private func requestEnded(_ connection: UnsafeMutableRawPointer) {
        let key = UInt(bitPattern: connection)
        state.withLock { state in
            guard var connection = state.connections[key] else { return }
            connection.isReceiving = false
            connection.isBusy = false
            connection.since = .now
            connection.exchange = nil
            state.connections[key] = connection
        }
    }

    /// Records that a request is refused because of its head; its body, if any, still has to be read.
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
            guard var connection = state.connections[key] else { return ConnectionEnds(of: descriptor) }
            connection.isReceiving = false
            connection.isBusy = true
            if connection.ends == nil { connection.ends = ConnectionEnds(of: descriptor) }
            state.connections[key] = connection
            return connection.ends
        }
    }

    /// Watches for the client leaving, which abandons the request: the library doesn't watch the socket of a suspended
    /// connection. Call it without the exchange's lock.
    func attend(_ exchange: ServerExchange, on connection: UnsafeMutableRawPointer, _ descriptor: Int32) {
        let key = UInt(bitPattern: connection)
        let hasLeft = state.withLock { state in
            guard var connection = state.connections[key] else { return false }
            connection.exchange = exchange
            if connection.watch == nil {
                let number = connection.number
                connection.watch = try? poll.watch(descriptor, for: .peerClosed, once: true) { [weak self] _ in
                    self?.clientLeft(key, number)
                }
            }
            state.connections[key] = connection
            return connection.hasLeft
        }
        if hasLeft { exchange.abandon() }
    }

    private func clientLeft(_ key: UInt, _ number: UInt64) {
        let exchange: ServerExchange? = state.withLock { state in
            guard var connection = state.connections[key], connection.number == number else { return nil }
            connection.hasLeft = true
            state.connections[key] = connection
            return connection.exchange
        }
        exchange?.abandon()
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
                let isSilent =
                    connection.isReceiving && !connection.isBeginning
                    && connection.heard.duration(to: now) > limits.silenceTimeout
                // The descriptor can't have been reused: the library reports the end of a connection before closing it.
                if age > limit || isSilent || age > .milliseconds(500) && mm_peer_has_closed(connection.descriptor) == 1
                {
                    shutdown(connection.descriptor, Int32(SHUT_RDWR))
                }
            }
        }
    }
}

/// The two ends of a connection, as the kernel reports them.
struct ConnectionEnds: Sendable {
    let peer: HTTPPeer
    let localAddress: String?
    /// The owner of the peer's end; looked up at most once, since it never changes.
    let owner: PeerOwner

    /// Reads the ends of a connected socket; nil when the peer is gone.
    init?(of descriptor: Int32) {
        guard let far = Self.end(of: descriptor, peer: true) else { return nil }
        if far.family == AF_UNIX {
            guard let who = try? UnixSocket.peer(of: descriptor) else { return nil }
            peer = .unix(uid: who.uid, pid: who.pid)
            localAddress = nil
            owner = PeerOwner(user: { who.uid }, processes: { [who.pid] })
        } else {
            guard let near = Self.end(of: descriptor, peer: false) else { return nil }
            peer = .tcp(address: far.address, port: far.port, localPort: near.port)
            localAddress = near.address
            owner = PeerOwner {
                LoopbackPeer.user(
                    address: far.address, port: far.port, localAddress: near.address, localPort: near.port)
            } processes: {
                LoopbackPeer.processes(
                    address: far.address, port: far.port, localAddress: near.address, localPort: near.port)
            }
        }
    }

    private static func end(of descriptor: Int32, peer: Bool) -> (family: Int32, address: String, port: UInt16)? {
        var text = [CChar](repeating: 0, count: 64)
        var port: UInt16 = 0
        let family = mm_socket_address(descriptor, peer ? 1 : 0, &text, text.count, &port)
        guard family >= 0 else { return nil }
        return (family, String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self), port)
    }
}

/// Closes connections whose requests were refused because of their heads, and whose clients may still be sending the
/// bodies.
///
/// The rest of each is read and discarded, within limits, so that a client that reads only after sending everything
/// finds the response instead of a connection reset (RFC 9112, section 9.6).
final class LingeringClose: Sendable {
    private let limits: HTTPServerLimits
    private let count = Mutex(0)

    /// The maximum number; further connections are closed at once, so that refused clients can't exhaust the
    /// descriptors.
    private static let maxConnections = 100

    init(limits: HTTPServerLimits) {
        self.limits = limits
    }

    /// Duplicates the descriptor of a connection that the server is about to close, and reads its rest.
    func take(_ descriptor: Int32) {
        let hasRoom = count.withLock { count in
            guard count < Self.maxConnections else { return false }
            count += 1
            return true
        }
        guard hasRoom else { return }
        let copy = mm_duplicate(descriptor)
        guard copy >= 0, let rest = try? PolledReader(FileDescriptor(owning: copy)) else { return leave() }
        // The response is complete; the client must see its end before the connection is closed.
        shutdown(descriptor, Int32(SHUT_WR))
        Task {
            await rest.discard(within: limits.discardTime, upTo: limits.discardedBytes)
            leave()
        }
    }

    private func leave() {
        count.withLock { $0 -= 1 }
    }
}

/// The owner of the peer's end of a connection. The kernel is asked on first use, and only once.
///
/// A socket keeps the user who created it, so the answer is valid for the lifetime of the connection.
final class PeerOwner: Sendable {
    private let known = Mutex<(user: UInt32?, processes: [Int32]?)>((nil, nil))
    private let askUser: @Sendable () -> UInt32?
    private let askProcesses: @Sendable () -> [Int32]

    /// Creates an owner that is looked up with functions.
    /// - Parameters:
    ///   - user: returns the user.
    ///   - processes: returns the processes that hold the peer's end.
    init(user: @escaping @Sendable () -> UInt32?, processes: @escaping @Sendable () -> [Int32]) {
        askUser = user
        askProcesses = processes
    }

    /// The user; `nil` when the peer is on another machine or no longer known to the kernel.
    var user: UInt32? {
        if let user = known.withLock({ $0.user }) { return user }
        let user = askUser()
        known.withLock { $0.user = user }
        return user
    }

    /// The processes that hold the peer's end, as far as this user may see them.
    var processes: [Int32] {
        if let processes = known.withLock({ $0.processes }) { return processes }
        let processes = askProcesses()
        known.withLock { $0.processes = processes }
        return processes
    }
}

/// The limits of a listener.
package struct HTTPServerLimits: Sendable {
    /// The maximum size of the request line and headers together, in bytes.
    package var maxHeaderBytes: Int
    /// The maximum size of a request body in bytes; a larger one gets a 413 response.
    package var maxBodyBytes: Int
    /// The maximum number of connections; more wait in the kernel's queue.
    package var maxConnections: Int
    /// The maximum idle time of a connection, between requests or between two bytes.
    package var idleTimeout: Duration
    /// The maximum time for the head of a connection's first request, or of a later one that has begun. Regular clients
    /// don't need longer.
    package var headTimeout: Duration
    /// The maximum time without any bytes of a body that has begun.
    package var silenceTimeout: Duration
    /// The maximum time for sending a request, from its first byte to its last.
    package var requestTimeout: Duration
    /// The maximum number of bytes of a refused body that are read and discarded, so that its sender reads the
    /// response.
    package var discardedBytes = 64 << 20
    /// The maximum time for discarding a refused body.
    package var discardTime = Duration.seconds(10)
    /// The function that selects the receiver for a request's body of any size; it returns nil for a request whose body
    /// is kept in memory, up to the limit.
    package var receiver:
        (@Sendable (_ method: String, _ target: String, _ headers: HTTPHeaders) -> (any HTTPBodyReceiver)?)?

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
