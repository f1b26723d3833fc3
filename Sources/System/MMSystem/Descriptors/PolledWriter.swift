import Glibc
package import MMCore

/// Writes to a pipe, socket or pseudo-terminal without blocking a thread.
package final class PolledWriter: Sendable {
    private struct State {
        var isBusy = false
        var queue: [OneShot<Void>] = []
    }

    private let target: PolledDescriptor
    private let state = Mutex(State())

    /// Takes ownership of a descriptor and makes it non-blocking, which affects everyone who shares its open file.
    /// - Throws: `.unavailable` when the loop can't be started.
    package init(_ descriptor: consuming FileDescriptor) throws(MMError) {
        target = try PolledDescriptor(descriptor, for: .write)
    }

    /// Writes all bytes, after those of earlier callers. A cancelled write may have written some of them.
    /// - Throws: `.unavailable` when the peer is gone or the writer was closed; `.cancelled`.
    package func write(_ bytes: [UInt8]) async throws(MMError) {
        await enter()
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
    private func enter() async {
        let turn: OneShot<Void>? = state.withLock { state in
            guard state.isBusy else {
                state.isBusy = true
                return nil
            }
            let turn = OneShot<Void>()
            state.queue.append(turn)
            return turn
        }
        await turn?.wait()
    }

    private func leave() {
        let next: OneShot<Void>? = state.withLock { state in
            guard !state.queue.isEmpty else {
                state.isBusy = false
                return nil
            }
            return state.queue.removeFirst()
        }
        next?.resolve(())
    }
}
