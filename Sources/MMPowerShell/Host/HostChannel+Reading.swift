import Glibc
import MMCore
import MMSystem

extension HostChannel {
    func socketReady() {
        var effects = Effects()
        state.withLock { state in
            guard state.loss == nil else { return }
            writeRest(&state)
            readSocket(&state, &effects, rounds: 4)
            arm(&state)
        }
        effects.perform()
    }

    /// Reads frames until there is nothing more to read, the rounds are over, or the reader is behind.
    func readSocket(
        _ state: inout State, _ effects: inout Effects, rounds: Int, whatever isLast: Bool = false
    ) {
        for _ in 0..<rounds where state.loss == nil && (isLast || !state.isPaused) {
            switch read(socket.raw, into: { state.decoder.append($0) }) {
            case .bytes(let count): takeFrames(&state, &effects, bytes: count)
            case .nothing: return
            case .end: return wireClosed(&state, &effects)
            }
        }
    }

    func takeFrames(_ state: inout State, _ effects: inout Effects, bytes: Int) {
        var events: [RunEvent] = []
        do throws(WireFault) {
            while let frame = try state.decoder.next() {
                switch frame {
                case .record(let id, let record):
                    if state.machine.owns(id) { events.append(.record(record)) }
                case .oversized(let id, let size):
                    if state.machine.owns(id) { events.append(.record(Self.leftOut(size))) }
                case .end(let id, let end):
                    if state.machine.owns(id) { finish(id, end, after: &events, bytes: bytes, &state, &effects) }
                case .busy(let id):
                    if state.machine.owns(id) {
                        throw WireFault("a refusal of a command that nothing stood in the way of")
                    }
                case .pong(let id, _), .constrained(let id):
                    state.requests.removeValue(forKey: id)?.resolve(.success(frame))
                case .hello:
                    throw WireFault("a second greeting")
                }
            }
        } catch {
            lose("PowerShell sent \(error)", &state, &effects)
        }
        if let feed = state.feed, feed.add(events, bytes: bytes) { state.isPaused = true }
    }

    static func leftOut(_ size: Int) -> PowerShellRecord {
        PowerShellRecord(
            .error,
            [
                "message": .string(
                    "A value of \(size) bytes was left out: it is over the limit. Select fewer properties of it."),
                "id": .string(PowerShellRecord.tooLarge), "category": "LimitsExceeded",
            ])
    }

    func finish(
        _ id: UInt64, _ end: CommandEnd, after events: inout [RunEvent], bytes: Int, _ state: inout State,
        _ effects: inout Effects
    ) {
        guard let command = state.machine.end(id), let feed = state.feed else { return }
        // The next command's requests must not meet what this one's met.
        if command.stop != nil { requests?.ended(id) }
        // What the command wrote to its outputs before its end was sent is in the pipes by now.
        events += readConsole(&state, rounds: 64)
        for output in 0...1 { if let rest = state.console[output].flush() { events.append(.console(rest)) } }
        if state.droppedConsole > 0 { events.append(.record(Self.consoleLeftOut(state.droppedConsole))) }
        _ = feed.add(events, bytes: bytes, wakes: false)
        events = []
        state.feed = nil
        state.consoleBytes = 0
        if let timer = state.timer { DeadlineWatch.shared.cancel(timer) }
        state.timer = nil
        let isEnding = command.rung == .terminated || command.rung == .killed
        let outcome: RunFeed.Outcome
        switch command.stop {
        case nil, .asked: outcome = .ended
        case .deadline: outcome = .failed(StopErrors.deadline(restarted: isEnding))
        case .cancelled: outcome = .failed(StopErrors.cancelled)
        case .closing: outcome = .failed(StopErrors.closing)
        }
        // Who reads the end finds the host free.
        effects.later {
            feed.tellFinished()
            if case .ended = outcome { feed.finish(outcome, last: .end(end)) } else { feed.finish(outcome) }
        }
        // It was told to end, and its command came to an end first: the next one must not meet a dying process.
        if isEnding {
            lose("PowerShell was ended because its command didn't stop", &state, &effects)
        }
    }

    static func consoleLeftOut(_ bytes: Int) -> PowerShellRecord {
        PowerShellRecord(.warning, .string("\(bytes) bytes of console text were left out: they are over the limit."))
    }

    func consoleReady(_ output: Int) {
        state.withLock { state in
            guard state.loss == nil else { return }
            let events = readConsole(output, &state, rounds: 4)
            if let feed = state.feed {
                if feed.add(events, bytes: events.count * 64) { state.isPaused = true }
            } else if state.consoleBytes > 256 << 10 {
                // Nobody asked for it and it doesn't end: the writer has to wait until the next command.
                state.isConsoleIdle = true
            }
            armConsole(&state)
        }
    }

    func readConsole(_ state: inout State, rounds: Int) -> [RunEvent] {
        readConsole(0, &state, rounds: rounds) + readConsole(1, &state, rounds: rounds)
    }

    /// What is in a pipe. Text of nobody is thrown away, and so is text over the limit.
    func readConsole(_ output: Int, _ state: inout State, rounds: Int) -> [RunEvent] {
        var events: [RunEvent] = []
        for _ in 0..<rounds where state.isOpen[output] {
            var bytes: [UInt8] = []
            switch read(output == 0 ? outputs.stdout.raw : outputs.stderr.raw, into: { bytes += $0 }) {
            case .nothing: return events
            case .end: state.isOpen[output] = false
            case .bytes(let count):
                let room = max(0, consoleLimit - state.consoleBytes)
                state.consoleBytes += count
                if output == 1 { state.lastWords.add(bytes) }
                guard state.feed != nil else { continue }
                if count > room { state.droppedConsole += count - room }
                if room > 0, let text = state.console[output].read(bytes.prefix(room)) { events.append(.console(text)) }
            }
        }
        return events
    }

    /// Text that came while no command ran belongs to nobody.
    func discardConsole(_ state: inout State) {
        state.feed = nil
        _ = readConsole(&state, rounds: 16)
        state.console = [ConsoleReader(.stdout), ConsoleReader(.stderr)]
        state.consoleBytes = 0
        state.droppedConsole = 0
        state.lastWords = LastWords()
        if state.isConsoleIdle {
            state.isConsoleIdle = false
            armConsole(&state)
        }
    }

    enum ReadResult {
        case bytes(Int)
        case nothing
        case end
    }

    /// Most reads find little or nothing: those need no memory but the stack's.
    func read(_ descriptor: Int32, into take: (UnsafeBufferPointer<UInt8>) -> Void) -> ReadResult {
        let first = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1024) { fill($0, descriptor, take) }
        guard case .bytes(1024) = first else { return first }
        let rest = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64 << 10) { fill($0, descriptor, take) }
        guard case .bytes(let count) = rest else { return first }
        return .bytes(1024 + count)
    }

    private func fill(
        _ room: UnsafeMutableBufferPointer<UInt8>, _ descriptor: Int32, _ take: (UnsafeBufferPointer<UInt8>) -> Void
    ) -> ReadResult {
        while true {
            let count = Glibc.read(descriptor, room.baseAddress, room.count)
            if count > 0 {
                take(UnsafeBufferPointer(rebasing: room[..<count]))
                return .bytes(count)
            }
            if count == 0 { return .end }
            if errno == EINTR { continue }
            return errno == EAGAIN ? .nothing : .end
        }
    }
}
