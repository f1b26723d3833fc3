import CMMSystem
import Glibc
import MMCore
import MMSystem

/// The bytes of one accepted connection, plain at first and encrypted after `secure`. It allows one reader and one
/// writer at a time.
final class WireChannel: RequestClient {
    /// The TLS state. `@unchecked Sendable`: used only under the mutex.
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
    ///   - answerStall: the maximum time that the client may leave an answer unread.
    /// - Throws: `.unavailable` if there are no file descriptors left.
    init(_ socket: consuming FileDescriptor, answerStall: Duration) throws(MMError) {
        self.answerStall = answerStall
        presence = try ClientPresence(try socket.duplicate())
        reader = try PolledReader(try socket.duplicate())
        writer = try PolledWriter(socket)
    }

    /// Returns whether one of these processes holds the client's end.
    func isHeld(heldBy processes: [Int32]) -> Bool { presence.isHeld(heldBy: processes) }

    /// Whether the client has left.
    var hasLeft: Bool { presence.hasLeft }

    /// Calls a handler when the client leaves, or at once if it has left; `nil` removes the handler.
    func onDeparture(_ handler: (@Sendable () -> Void)?) { presence.onDeparture(handler) }

    /// Reads the next bytes from the client; `nil` at their end.
    /// - Parameter deadline: the time at which reading fails; afterwards no more can be read.
    /// - Throws: `.tooSlow`, or the fault of the TLS connection.
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
        // OpenSSL keeps a buffer as large as the largest piece that it was given.
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

    /// Encrypts the connection from now on.
    /// - Parameters:
    ///   - tls: the server's side.
    ///   - early: bytes that the client has already sent.
    ///   - deadline: the time by which the handshake must be complete.
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
            // After a failed handshake too, because the alert gives the reason.
            if !outgoing.isEmpty { try await send(outgoing) }
            if try result.get() { return }
            guard let bytes = try await receive(until: deadline) else {
                throw WireFault(400, .tls, "The client disconnected during the TLS handshake.")
            }
            layer.withLock { $0.tls?.receive(bytes) }
        }
    }

    /// Closes the connection, after TLS's closing message if it is encrypted.
    ///
    /// A client that is still sending would get a reset, and might never read its answer, so its bytes are read and
    /// discarded for a while.
    /// - Parameters:
    ///   - time: the maximum time for this.
    ///   - bytes: the maximum number of bytes to discard.
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

    /// Closes the connection at once.
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
        if bytes == nil, isLate.withLock({ $0 }) { throw WireFault(408, .tooSlow, "No data arrived in time.") }
        return bytes
    }

    private func send(_ bytes: [UInt8]) async throws(WireFault) {
        let watch = DeadlineWatch.shared.watch(.now + answerStall) { [self] in drop() }
        defer { DeadlineWatch.shared.cancel(watch) }
        do throws(MMError) { try await writer.write(bytes) } catch { throw Self.gone }
    }

    static let gone = WireFault(499, .clientGone, "The client has disconnected.")
}

/// A watch for the client's departure while nothing is read from its connection.
final class ClientPresence: Sendable {
    private struct State {
        var watch: PollLoop.Watch?
        var hasLeft = false
        var handler: (@Sendable () -> Void)?
        /// The file descriptor, released when the connection is closed.
        var raw: Int32?
    }

    private let loop: PollLoop
    private let state: Mutex<State>

    /// Watches a socket through its own file descriptor.
    /// - Throws: `.unavailable` if the poll loop can't be started.
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

    /// Returns whether one of these processes holds the other end.
    func isHeld(heldBy processes: [Int32]) -> Bool {
        guard let raw = state.withLock({ $0.raw }) else { return false }
        return LoopbackPeer.isPeer(of: raw, heldBy: processes)
    }

    /// Tells the client that no more bytes follow.
    /// - Returns: a file descriptor for reading what it still sends; `nil` if the connection is gone.
    func finishAnswers() -> FileDescriptor? {
        let copy: Int32 = state.withLock { state in
            guard let raw = state.raw, shutdown(raw, Int32(SHUT_WR)) == 0 else { return -1 }
            return mm_duplicate(raw)
        }
        return copy < 0 ? nil : FileDescriptor(owning: copy)
    }

    /// Calls a handler when the client leaves, or at once if it has left; `nil` removes the handler.
    func onDeparture(_ handler: (@Sendable () -> Void)?) {
        let hasLeft = state.withLock { state in
            state.handler = handler
            return state.hasLeft
        }
        if hasLeft { handler?() }
    }

    /// Stops watching.
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
