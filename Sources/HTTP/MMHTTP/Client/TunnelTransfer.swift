import CCurl
import CMMSystem
import Glibc
import MMCore
import MMSystem

/// The state shared by a tunnel and the thread that transfers its bytes. curl's handle is used only on that thread.
final class TunnelTransfer: Sendable {
    private struct State {
        var outgoing: [UInt8] = []
        var incoming: [UInt8] = []
        var end: Result<Void, HTTPError>?
        var isClosed = false
        /// The connection's socket while it is open; otherwise -1.
        var socket: Int32 = -1
        var sender: OneShot<Void>?
        var receiver: OneShot<Void>?
    }

    /// The number of unread bytes at which reading pauses until the receiver has caught up.
    private static let highWater = 256 << 10
    private static let pieceSize = 32 << 10
    private let state = Mutex(State())
    private let wakeEvent: EventDescriptor
    /// Resolved when the thread has ended the connection.
    let gone = OneShot<Void>()

    init() throws(MMError) { wakeEvent = try EventDescriptor() }

    func send(_ bytes: [UInt8]) async throws(HTTPError) {
        let turn = OneShot<Void>()
        let isOver = state.withLock { state in
            guard state.end == nil, !state.isClosed else { return true }
            state.outgoing = bytes
            state.sender = turn
            return false
        }
        if !isOver {
            wakeEvent.wake()
            try await wait(for: turn, "Sending")
        }
        let end = state.withLock { $0.outgoing.isEmpty && !isOver ? nil : $0.end ?? .success(()) }
        guard let end else { return }
        try end.get()
        throw Self.lost
    }

    func receive() async throws(HTTPError) -> [UInt8]? {
        while true {
            let turn = OneShot<Void>()
            let (bytes, end): ([UInt8], Result<Void, HTTPError>?) = state.withLock { state in
                defer { state.incoming = [] }
                if state.incoming.isEmpty, state.end == nil, !state.isClosed { state.receiver = turn }
                return (state.incoming, state.isClosed ? .success(()) : state.end)
            }
            if !bytes.isEmpty {
                if bytes.count >= Self.highWater { wakeEvent.wake() }
                return bytes
            }
            if let end {
                try end.get()
                return nil
            }
            try await wait(for: turn, "Receiving")
        }
    }

    /// Waits for a turn. Cancellation ends the connection: part of what was to be sent may have been sent.
    private func wait(for turn: OneShot<Void>, _ what: String) async throws(HTTPError) {
        await withTaskCancellationHandler {
            await turn.wait()
        } onCancel: {
            close()
        }
        guard Task.isCancelled else { return }
        close()
        throw HTTPError(.cancelled, "\(what) through a connection was cancelled.")
    }

    /// The number of sent bytes that the other machine hasn't acknowledged; nil once the connection has ended.
    var unacknowledged: Int? {
        state.withLock { state in
            guard state.socket >= 0, state.end == nil, !state.isClosed else { return nil }
            var left: Int32 = 0
            return ioctl(state.socket, UInt(TIOCOUTQ), &left) == 0 ? Int(left) : 0
        }
    }

    func close() {
        finish { $0.isClosed = true }
        wakeEvent.wake()
    }

    private static let lost = HTTPError(.connectionLost, "The connection has ended.", mayHaveBeenSent: true)

    private func end(_ result: Result<Void, HTTPError>) {
        finish { state in
            if state.end == nil { state.end = result }
        }
    }

    private func finish(_ change: (inout State) -> Void) {
        let waiting: [OneShot<Void>?] = state.withLock { state in
            change(&state)
            defer { (state.sender, state.receiver) = (nil, nil) }
            return [state.sender, state.receiver]
        }
        for one in waiting { one?.resolve(()) }
    }

    // MARK: The thread

    /// Connects, reports the outcome to the task that awaits the transfer, and transfers bytes until either side ends.
    func run(_ transfer: CurlTransfer, _ configuration: HTTPClientConfiguration) {
        defer { gone.resolve(()) }
        guard let easy = mm_curl_easy_init() else {
            transfer.head.resolve(.failure(HTTPError(.unavailable, "libcurl has no memory left.")))
            return
        }
        defer { mm_curl_easy_cleanup(easy) }
        let exchange = CurlExchange(transfer, easy: easy)
        do throws(HTTPError) { try exchange.prepare(configuration) } catch {
            transfer.head.resolve(.failure(error))
            return
        }
        _ = mm_curl_set_long(easy, CURLOPT_CONNECT_ONLY, 1)
        _ = mm_curl_set_long(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
        // A cancelled transfer has no waiter any more, and mustn't keep this thread until its time limit.
        _ = mm_curl_set_watch(easy, Unmanaged.passUnretained(transfer).toOpaque()) { context, _, _, _, _ in
            guard let context else { return 0 }
            return Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue().isCancelled ? 1 : 0
        }
        let code = mm_curl_easy_perform(easy)
        guard code == CURLE_OK else { return exchange.finish(code) }
        let socket = mm_curl_info_socket(easy)
        state.withLock { $0.socket = socket }
        // No time limit applies from here on: the timeout covers only connecting.
        transfer.head.resolve(.success(CurlTransfer.Head(status: 0, headers: HTTPHeaders(), body: [])))
        // This runs before curl closes the socket and its number can be reused.
        defer { state.withLock { $0.socket = -1 } }
        carry(easy, socket)
    }

    private func carry(_ easy: UnsafeMutableRawPointer, _ socket: Int32) {
        var room = [UInt8](repeating: 0, count: Self.pieceSize)
        while true {
            let (outgoing, hasRoom, isClosed) = state.withLock { state in
                (state.outgoing, state.incoming.count < Self.highWater, state.isClosed)
            }
            guard !isClosed else { return }
            guard let sent = write(outgoing, easy) else { return end(.failure(Self.lost)) }
            var received = 0
            if hasRoom {
                let code = mm_curl_easy_receive(easy, &room, room.count, &received)
                if code == CURLE_OK {
                    guard received > 0 else { return end(.success(())) }
                    deliver(room.prefix(received))
                } else if code != CURLE_AGAIN {
                    return end(.failure(Self.lost))
                }
            }
            // TLS may buffer more than the socket shows, so read until nothing is left.
            if received > 0 { continue }
            var events = Int16(0)
            if hasRoom { events |= Int16(POLLIN) }
            if sent < outgoing.count { events |= Int16(POLLOUT) }
            wakeEvent.wait(with: socket, for: events)
        }
    }

    /// Sends as many bytes as possible.
    /// - Returns: the number of bytes sent; nil when the connection is broken.
    private func write(_ bytes: [UInt8], _ easy: UnsafeMutableRawPointer) -> Int? {
        guard !bytes.isEmpty else { return 0 }
        var count = 0
        let code = bytes.withUnsafeBytes { mm_curl_easy_send(easy, $0.baseAddress, $0.count, &count) }
        guard code == CURLE_OK || code == CURLE_AGAIN else { return nil }
        let sender: OneShot<Void>? = state.withLock { state in
            state.outgoing.removeFirst(min(count, state.outgoing.count))
            guard state.outgoing.isEmpty else { return nil }
            defer { state.sender = nil }
            return state.sender
        }
        sender?.resolve(())
        return count
    }

    private func deliver(_ bytes: ArraySlice<UInt8>) {
        let receiver: OneShot<Void>? = state.withLock { state in
            state.incoming += bytes
            defer { state.receiver = nil }
            return state.receiver
        }
        receiver?.resolve(())
    }

    /// Wakes a thread that waits for a socket.
    private final class EventDescriptor: Sendable {
        private let descriptor: FileDescriptor

        init() throws(MMError) {
            let raw = mm_eventfd()
            guard raw >= 0 else { throw SystemError.error("Waiting for a connection") }
            descriptor = FileDescriptor(owning: raw)
        }

        func wake() {
            var one: UInt64 = 1
            _ = Glibc.write(descriptor.raw, &one, 8)
        }

        /// Waits until the descriptor is signalled or the socket is ready.
        func wait(with socket: Int32, for events: Int16) {
            var places = [
                pollfd(fd: descriptor.raw, events: Int16(POLLIN), revents: 0),
                pollfd(fd: events == 0 ? -1 : socket, events: events, revents: 0),
            ]
            _ = poll(&places, 2, -1)
            var count: UInt64 = 0
            _ = Glibc.read(descriptor.raw, &count, 8)
        }
    }
}

/// A connection to a server that carries raw bytes, for another protocol that a request has switched to. libcurl
/// establishes it, with the trust store and the proxy used for every request.
///
/// Supports one sender and one receiver at a time.
package final class HTTPTunnel: Sendable {
    private let line: TunnelTransfer

    private init(_ line: TunnelTransfer) { self.line = line }

    deinit { line.close() }

    /// Connects to a transfer's server.
    static func open(
        _ transfer: CurlTransfer, _ configuration: HTTPClientConfiguration
    ) async throws(HTTPError) -> HTTPTunnel {
        let tunnel: HTTPTunnel
        do throws(MMError) {
            let line = try TunnelTransfer()
            tunnel = HTTPTunnel(line)
            try DedicatedThread.start(configuration.threadName + "-line") { line.run(transfer, configuration) }
        } catch {
            throw HTTPError(.unavailable, error.message, hint: error.hint)
        }
        let head = await withTaskCancellationHandler {
            await transfer.head.wait()
        } onCancel: {
            transfer.cancel()
        }
        _ = try head.get()
        return tunnel
    }

    /// Sends bytes; returns once the system has accepted them.
    /// - Throws: `.connectionLost` once the connection has ended; `.cancelled` when the task is cancelled while it
    ///   waits, which ends the connection.
    package func send(_ bytes: [UInt8]) async throws(HTTPError) {
        guard !bytes.isEmpty else { return }
        try await line.send(bytes)
    }

    /// The number of sent bytes that the other machine hasn't acknowledged; nil once the connection has ended.
    package var unacknowledged: Int? { line.unacknowledged }

    /// Returns the received bytes as soon as there are some; nil when the server ends the connection.
    /// - Throws: `.connectionLost` when the connection breaks; `.cancelled` when the task is cancelled while it waits,
    ///   which ends the connection.
    package func receive() async throws(HTTPError) -> [UInt8]? { try await line.receive() }

    /// Ends the connection and wakes the tasks that wait for it.
    package func close() { line.close() }

    /// Ends the connection and waits until the server was told of its end, as TLS requires; otherwise a process that
    /// ends now would break the connection. Call it only once.
    package func closeInOrder(within limit: Duration) async {
        line.close()
        await line.gone.wait(until: .after(limit), late: ())
    }
}
