import CMMSystem
import Glibc
import MMCore
import MMSystem

/// The bytes of one accepted connection: plain, and after `secure` under TLS. For one reader and one writer at a time.
final class WireChannel: RequestClient {
    /// The TLS state. `@unchecked Sendable`: reached under the mutex alone.
    private struct Layer: @unchecked Sendable {
        var tls: TLSConnection?
    }

    private static let pieceSize = 64 << 10
    private let reader: PolledReader
    private let writer: PolledWriter
    private let layer = Mutex(Layer())
    private let isLate = Mutex(false)
    private let presence: ClientPresence
    private let answerStall: Duration

    /// Takes over a socket.
    /// - Parameters:
    ///   - socket: the accepted connection.
    ///   - answerStall: how long the client may leave an answer untaken.
    /// - Throws: `.unavailable` when there are no descriptors left.
    init(_ socket: consuming FileDescriptor, answerStall: Duration) throws(MMError) {
        self.answerStall = answerStall
        presence = try ClientPresence(try socket.duplicate())
        reader = try PolledReader(try socket.duplicate())
        writer = try PolledWriter(socket)
    }

    /// Whether one of these processes holds the client's end.
    func isHeld(heldBy processes: [Int32]) -> Bool { presence.isHeld(heldBy: processes) }

    /// Whether the client has left.
    var hasLeft: Bool { presence.hasLeft }

    /// Calls a handler when the client leaves, at once where it has; nil removes the handler.
    func onDeparture(_ handler: (@Sendable () -> Void)?) { presence.onDeparture(handler) }

    /// The next bytes from the client; nil at their end.
    /// - Parameter deadline: when to give up; reading is over then.
    /// - Throws: `.tooSlow`, or what is wrong with the TLS connection.
    func read(until deadline: ContinuousClock.Instant) async throws(WireFault) -> [UInt8]? {
        while true {
            let step: TLSConnection.Reading? = layer.withLock { $0.tls?.read() }
            switch step {
            case .bytes(let bytes): return bytes
            case .end: return nil
            case .failed(let reason): throw WireFault(400, .tls, "The TLS connection broke: \(reason).")
            case nil:
                return try await receive(until: deadline)
            case .wait:
                guard let bytes = try await receive(until: deadline) else { return nil }
                layer.withLock { $0.tls?.receive(bytes) }
            }
        }
    }

    /// Sends bytes to the client.
    /// - Throws: `.clientGone`.
    func write(_ bytes: [UInt8]) async throws(WireFault) {
        var rest = bytes[...]
        // TLS keeps room for the most that it was ever given at once.
        repeat {
            let piece = rest.prefix(Self.pieceSize)
            rest = rest.dropFirst(Self.pieceSize)
            let outgoing: [UInt8]? = layer.withLock { layer in
                guard let tls = layer.tls else { return Array(piece) }
                return tls.write(piece) ? tls.takeOutgoing() : nil
            }
            guard let outgoing else { throw Self.gone }
            try await send(outgoing)
        } while !rest.isEmpty
    }

    /// Ends TLS here from now on.
    /// - Parameters:
    ///   - tls: the server's side.
    ///   - early: bytes that the client sent already.
    ///   - deadline: when the handshake must be done.
    func secure(
        _ tls: sending TLSConnection, early: [UInt8], until deadline: ContinuousClock.Instant
    ) async throws(WireFault) {
        tls.receive(early)
        layer.withLock { [tls = Layer(tls: tls)] in $0 = tls }
        while true {
            let (result, outgoing) = layer.withLock { layer -> (Result<Bool, WireFault>, [UInt8]) in
                guard let tls = layer.tls else { return (.failure(Self.gone), []) }
                let result = tls.handshake()
                return (result, tls.takeOutgoing())
            }
            // Also of a handshake that failed: the alert says why.
            if !outgoing.isEmpty { try await send(outgoing) }
            if try result.get() { return }
            guard let bytes = try await receive(until: deadline) else {
                throw WireFault(400, .tls, "The client disconnected during the TLS handshake.")
            }
            layer.withLock { $0.tls?.receive(bytes) }
        }
    }

    /// Ends the connection, with TLS's closing message where there is one.
    ///
    /// A client that is still sending would get a reset, and might never read its answer: what it sends is taken and thrown
    /// away.
    /// - Parameters:
    ///   - time: how long that may last.
    ///   - bytes: how much is taken.
    func close(lingering time: Duration, upTo bytes: Int) async {
        let closing = layer.withLock { layer in
            layer.tls?.shutdown()
            return layer.tls?.takeOutgoing() ?? []
        }
        if !closing.isEmpty { try? await send(closing) }
        reader.close()
        if let socket = presence.finishAnswers(), let rest = try? PolledReader(socket) {
            await rest.discard(within: time, upTo: bytes)
        }
        drop()
    }

    /// Ends the connection at once.
    func drop() {
        presence.close()
        reader.close()
        writer.close()
    }

    private func receive(until deadline: ContinuousClock.Instant) async throws(WireFault) -> [UInt8]? {
        let watch = DeadlineWatch.shared.watch(deadline) { [self] in
            isLate.withLock { $0 = true }
            reader.close()
        }
        defer { DeadlineWatch.shared.cancel(watch) }
        let bytes: [UInt8]?
        do throws(MMError) { bytes = try await reader.read(upTo: Self.pieceSize) } catch { throw Self.gone }
        if bytes == nil, isLate.withLock({ $0 }) { throw WireFault(408, .tooSlow, "Nothing arrived in time.") }
        return bytes
    }

    private func send(_ bytes: [UInt8]) async throws(WireFault) {
        let watch = DeadlineWatch.shared.watch(.now + answerStall) { [self] in drop() }
        defer { DeadlineWatch.shared.cancel(watch) }
        do throws(MMError) { try await writer.write(bytes) } catch { throw Self.gone }
    }

    static let gone = WireFault(499, .clientGone, "The client has disconnected.")
}

/// Knows when the client of a connection leaves, while nobody reads from it.
final class ClientPresence: Sendable {
    private struct State {
        var watch: PollLoop.Watch?
        var hasLeft = false
        var handler: (@Sendable () -> Void)?
        /// Given back when the connection is closed.
        var raw: Int32?
    }

    private let loop: PollLoop
    private let state: Mutex<State>

    /// Watches a socket's own descriptor for it.
    /// - Throws: `.unavailable` when the poll loop can't be started.
    init(_ socket: consuming FileDescriptor) throws(MMError) {
        loop = try PollLoop.shared()
        let raw = socket.release()
        state = Mutex(State(raw: raw))
        do throws(MMError) {
            let watch = try loop.watch(raw, for: .peerClosed, once: true) { [weak self] _ in self?.depart() }
            state.withLock { $0.watch = watch }
        } catch {
            close()
            throw error
        }
    }

    deinit { close() }

    /// Whether the client has left.
    var hasLeft: Bool { state.withLock { $0.hasLeft } }

    /// Whether one of these processes holds the far end.
    func isHeld(heldBy processes: [Int32]) -> Bool {
        guard let raw = state.withLock({ $0.raw }) else { return false }
        return LoopbackPeer.isPeer(of: raw, heldBy: processes)
    }

    /// Tells the client that no more comes.
    /// - Returns: a descriptor by which to read what it still sends; nil where the connection is gone.
    func finishAnswers() -> FileDescriptor? {
        let copy: Int32 = state.withLock { state in
            guard let raw = state.raw, shutdown(raw, Int32(SHUT_WR)) == 0 else { return -1 }
            return mm_duplicate(raw)
        }
        return copy < 0 ? nil : FileDescriptor(owning: copy)
    }

    /// Calls a handler when the client leaves, at once where it has; nil removes the handler.
    func onDeparture(_ handler: (@Sendable () -> Void)?) {
        let hasLeft = state.withLock { state in
            state.handler = handler
            return state.hasLeft
        }
        if hasLeft { handler?() }
    }

    /// Watches no more.
    func close() {
        let (watch, raw) = state.withLock { state in
            defer {
                state.watch = nil
                state.raw = nil
                state.handler = nil
            }
            return (state.watch, state.raw)
        }
        if let watch { loop.forget(watch) }
        if let raw { _ = FileDescriptor(owning: raw) }
    }

    private func depart() {
        let handler = state.withLock { state in
            state.hasLeft = true
            return state.handler
        }
        handler?()
    }
}
