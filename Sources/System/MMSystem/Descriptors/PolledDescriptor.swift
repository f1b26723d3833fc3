import CMMSystem
import Glibc
package import MMCore

/// A non-blocking descriptor that retries when the poll loop reports it ready: the common part of `PolledReader`,
/// `PolledWriter` and `PolledListener`. Supports one caller at a time.
final class PolledDescriptor: Sendable {
    /// The result of one attempt.
    enum Step<Value: Sendable>: Sendable {
        case done(Value)
        case failed(MMError)
        /// Not ready; try again when the loop reports readiness.
        case wait
    }

    private struct State {
        let descriptor: Int32
        var isClosed = false
        var watch: PollLoop.Watch?
        var turn: OneShot<Void>?
    }

    private enum Outcome<Value: Sendable>: Sendable {
        case done(Value)
        case failed(MMError)
        case wait(OneShot<Void>)
    }

    private let loop: PollLoop
    private let readiness: PollLoop.Readiness
    private let state: Mutex<State>

    /// Takes ownership of a descriptor and makes it non-blocking, which affects everyone who shares its open file.
    /// - Throws: `.unavailable` when the loop can't be started; the descriptor is then closed.
    init(_ descriptor: consuming FileDescriptor, for readiness: PollLoop.Readiness) throws(MMError) {
        loop = try PollLoop.shared()
        self.readiness = readiness
        let raw = descriptor.release()
        mm_set_nonblocking(raw, 1)
        state = Mutex(State(descriptor: raw))
    }

    deinit { close() }

    /// Repeats an attempt until it is done or fails.
    /// - Parameters:
    ///   - what: the operation, for error messages, such as “Reading”.
    ///   - attempt: tries once with the descriptor, or with nil once it is closed. It must not wait.
    /// - Throws: `.cancelled` when the task is cancelled, and whatever `attempt` fails with.
    func perform<Value: Sendable>(
        _ what: String, _ attempt: @Sendable (Int32?) -> Step<Value>
    ) async throws(MMError) -> Value {
        while true {
            if Task.isCancelled { throw MMError(.cancelled, "\(what) was cancelled.") }
            let outcome: Outcome<Value> = state.withLock { state in
                switch attempt(state.isClosed ? nil : state.descriptor) {
                case .done(let value): return .done(value)
                case .failed(let error): return .failed(error)
                case .wait: break
                }
                precondition(state.turn == nil && !state.isClosed, "A descriptor has one caller")
                do throws(MMError) {
                    return .wait(try turn(&state))
                } catch {
                    return .failed(error)
                }
            }
            switch outcome {
            case .done(let value): return value
            case .failed(let error): throw error
            case .wait(let turn):
                await withTaskCancellationHandler {
                    await turn.wait()
                } onCancel: {
                    turn.resolve(())
                }
                state.withLock { $0.turn = nil }
            }
        }
    }

    /// Closes the descriptor; a waiting caller makes one more attempt without it.
    func close() {
        let turn: OneShot<Void>? = state.withLock { state in
            guard !state.isClosed else { return nil }
            state.isClosed = true
            if let watch = state.watch { loop.forget(watch) }
            Glibc.close(state.descriptor)
            return state.turn
        }
        turn?.resolve(())
    }

    private func turn(_ state: inout State) throws(MMError) -> OneShot<Void> {
        if let watch = state.watch {
            loop.rearm(watch, for: readiness)
        } else {
            state.watch = try loop.watch(state.descriptor, for: readiness, once: true) { [weak self] _ in
                self?.state.withLock { $0.turn }?.resolve(())
            }
        }
        let turn = OneShot<Void>()
        state.turn = turn
        return turn
    }
}

/// Reads a pipe, socket or pseudo-terminal without blocking a thread, and without holding a buffer while nothing
/// arrives. Nothing is read until a caller asks for it, which creates back-pressure on the peer.
package final class PolledReader: Sendable {
    private let source: PolledDescriptor

    /// Takes ownership of a descriptor and makes it non-blocking, which affects everyone who shares its open file.
    /// - Throws: `.unavailable` when the loop can't be started.
    package init(_ descriptor: consuming FileDescriptor) throws(MMError) {
        source = try PolledDescriptor(descriptor, for: .read)
    }

    /// Returns the available bytes, waiting until there are some. Supports one reader at a time.
    /// - Parameter limit: the maximum number of bytes to return.
    /// - Returns: nil at the end of the input and after `close`.
    /// - Throws: `.cancelled` when the task is cancelled; the system's error when reading fails.
    package func read(upTo limit: Int = 64 << 10) async throws(MMError) -> [UInt8]? {
        try await source.perform("Reading") { descriptor in
            guard let descriptor else { return .done(nil) }
            if let bytes = Self.take(from: descriptor, upTo: limit) { return .done(bytes.isEmpty ? nil : bytes) }
            switch errno {
            case EAGAIN: return .wait
            // The last user of a pseudo-terminal or the peer of a socket is gone.
            case EIO, ECONNRESET: return .done(nil)
            default: return .failed(SystemError.error("Reading"))
            }
        }
    }

    /// Closes the descriptor; a waiting reader gets nil.
    package func close() { source.close() }

    /// Returns the available bytes: empty at the end of the input, nil with `errno` when there are none yet.
    private static func take(from descriptor: Int32, upTo limit: Int) -> [UInt8]? {
        withUnsafeTemporaryAllocation(byteCount: max(1, limit), alignment: 16) { room in
            var count: Int
            repeat { count = Glibc.read(descriptor, room.baseAddress, room.count) } while count < 0 && errno == EINTR
            return count < 0 ? nil : Array(room.prefix(count))
        }
    }
}

extension PolledReader {
    /// Reads and discards what a peer is still sending, and closes the descriptor once the peer has ended.
    ///
    /// A peer that still sends when its connection is closed gets a reset, and might never read the answer that it was
    /// given before (RFC 9112, section 9.6).
    /// - Parameters:
    ///   - time: the maximum time.
    ///   - bytes: the maximum number of bytes to read.
    package func discard(within time: Duration, upTo bytes: Int) async {
        let watch = DeadlineWatch.shared.watch(.now + time) { self.close() }
        defer {
            DeadlineWatch.shared.cancel(watch)
            close()
        }
        var left = bytes
        while left > 0, let piece = try? await read(), !piece.isEmpty { left -= piece.count }
    }
}

/// Writes to a pipe, socket or pseudo-terminal without blocking a thread.
package final class PolledWriter: Sendable {
    private struct State {
        var isBusy = false
        /// The places of waiting callers: each is told whether it was admitted.
        var queue: [OneShot<Bool>] = []
    }

    private let target: PolledDescriptor
    private let state = Mutex(State())
    /// Writes run on threads of Swift's pool. In a program of others that uses the libraries, a peer that is gone would
    /// end the program there.
    private static let ignoresBrokenPipes: Void = Signals.ignoreBrokenPipes()

    /// Takes ownership of a descriptor and makes it non-blocking, which affects everyone who shares its open file. From
    /// the first one on, the process ignores SIGPIPE.
    /// - Throws: `.unavailable` when the loop can't be started.
    package init(_ descriptor: consuming FileDescriptor) throws(MMError) {
        _ = Self.ignoresBrokenPipes
        target = try PolledDescriptor(descriptor, for: .write)
    }

    /// Writes all bytes, after those of earlier callers. A cancelled write may have written some of them.
    /// - Throws: `.unavailable` when the peer is gone or the writer was closed; `.cancelled`.
    package func write(_ bytes: [UInt8]) async throws(MMError) {
        try await enter()
        defer { leave() }
        var done = 0
        while done < bytes.count {
            let start = done
            done += try await target.perform("Writing") { descriptor in
                guard let descriptor else { return .failed(MMError(.unavailable, "The connection was closed.")) }
                let count = bytes.withUnsafeBytes { source in
                    Glibc.write(descriptor, source.baseAddress.map { $0 + start }, source.count - start)
                }
                if count >= 0 { return .done(count) }
                switch errno {
                case EINTR: return .done(0)
                case EAGAIN: return .wait
                case EPIPE, ECONNRESET, EIO:
                    return .failed(MMError(.unavailable, "The peer has closed the connection."))
                default: return .failed(SystemError.error("Writing"))
                }
            }
        }
    }

    /// Closes the descriptor; a waiting write fails.
    package func close() { target.close() }

    /// Admits one caller at a time, in order of arrival.
    private func enter() async throws(MMError) {
        let place: OneShot<Bool>? = state.withLock { state in
            guard state.isBusy else {
                state.isBusy = true
                return nil
            }
            let place = OneShot<Bool>()
            state.queue.append(place)
            return place
        }
        guard let place else { return }
        let isAdmitted = await withTaskCancellationHandler {
            await place.wait()
        } onCancel: {
            state.withLock { $0.queue.removeAll { $0 === place } }
            place.resolve(false)
        }
        guard isAdmitted else { throw MMError(.cancelled, "Writing was cancelled.") }
    }

    private func leave() {
        while true {
            let next: OneShot<Bool>? = state.withLock { state in
                guard !state.queue.isEmpty else {
                    state.isBusy = false
                    return nil
                }
                return state.queue.removeFirst()
            }
            // A caller that was cancelled at this very moment leaves the turn to the one behind it.
            if next?.resolve(true) ?? true { return }
        }
    }
}
