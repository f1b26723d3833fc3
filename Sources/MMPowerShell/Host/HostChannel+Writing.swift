import Glibc
import MMCore
import MMSystem

extension HostChannel {
    func queue(_ line: [UInt8], _ state: inout State) {
        let wasEmpty = state.outgoing.isEmpty
        state.queued += line.count
        if wasEmpty {
            let count = writeSome(line[...])
            state.written += count
            if count == line.count { return }
            state.outgoing = Array(line[count...])
        } else {
            state.outgoing.append(contentsOf: line)
        }
        arm(&state)
    }

    func writeRest(_ state: inout State) {
        guard !state.outgoing.isEmpty else { return }
        let count = writeSome(state.outgoing[...])
        state.written += count
        state.outgoing.removeFirst(count)
        if state.outgoing.isEmpty { state.outgoing = [] }
        if state.written >= state.requestEnd, let sent = state.sent {
            state.sent = nil
            sent.resolve(.sent)
        }
    }

    /// How many bytes the kernel took. A broken socket takes none: the loss shows when it is read.
    func writeSome(_ bytes: ArraySlice<UInt8>) -> Int {
        var done = 0
        bytes.withUnsafeBytes { bytes in
            while done < bytes.count {
                let count = Glibc.send(
                    socket.raw, bytes.baseAddress?.advanced(by: done), bytes.count - done,
                    Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { break }
                done += count
            }
        }
        return done
    }

    /// Waits for what there is to wait for.
    func arm(_ state: inout State) {
        guard state.loss == nil, !state.isWireClosed, let watch = state.watches.first else { return }
        var interest: PollLoop.Readiness = []
        if !state.isPaused { interest.insert(.read) }
        if !state.outgoing.isEmpty { interest.insert(.write) }
        // A hang-up is always told: waiting for nothing else would be told of it again and again.
        if !interest.isEmpty { loop.rearm(watch, for: interest) }
    }

    func resumeReading() {
        state.withLock { state in
            guard state.isPaused else { return }
            state.isPaused = false
            arm(&state)
            armConsole(&state)
        }
    }

    func armConsole(_ state: inout State) {
        guard !state.isPaused, !state.isConsoleIdle, state.watches.count == 3 else { return }
        for output in 0...1 where state.isOpen[output] { loop.rearm(state.watches[1 + output], for: .read) }
    }
}
