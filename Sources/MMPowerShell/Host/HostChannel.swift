import Glibc
import MMCore
import MMSystem

/// The connection to one host and the console text of its process: input and output, one command at a time, its stop,
/// and the loss of the host.
///
/// Reading happens on the poll loop's thread; all mutable state is protected by one lock. Actions that must not run
/// under the lock (resuming readers that call back, signals, timers) are collected and run after it is released.
final class HostChannel: Sendable {
    struct State {
        var decoder: WireDecoder
        var machine: CommandMachine
        var feed: RunFeed?
        var timer: DeadlineWatch.Token?
        var requests: [UInt64: OneShot<Result<HostFrame, MMError>>] = [:]
        /// The bytes that wait to be written, followed by the total numbers of bytes queued and written.
        var outgoing: [UInt8] = []
        var queued = 0
        var written = 0
        /// The offset at which the running command's request ends in the stream of written bytes.
        var requestEnd = 0
        var isPaused = false
        var isConsoleIdle = false
        var consoleBytes = 0
        var droppedConsole = 0
        /// The readers of standard output and standard error, in this order.
        var console = [ConsoleReader(.stdout), ConsoleReader(.stderr)]
        var isOpen = [true, true]
        var sent: OneShot<Delivery>?
        var loss: HostLoss?
        /// Whether the connection is closed; the exit of the process will then give the reason.
        var isWireClosed = false
        var lastWords = LastWords()
        var watches: [PollLoop.Watch] = []
    }

    /// The outcome of sending a request to the host.
    enum Delivery: Sendable, Hashable {
        /// The kernel has accepted the whole request.
        case sent
        /// The host was lost before that; nothing of the request was run.
        case lost
        /// The command was stopped before that; its feed holds the reason.
        case stopped
    }

    /// The actions to run after the lock is released.
    struct Effects {
        var work: [@Sendable () -> Void] = []
        mutating func later(_ body: @escaping @Sendable () -> Void) { work.append(body) }
        func perform() { for body in work { body() } }
    }

    let process: HostProcess
    let socket: FileDescriptor
    let outputs: HostOutputs
    let consoleLimit: Int
    private let answerWithin: Duration
    /// The control that cuts off the process's requests on its proxy; `nil` for a process that reaches the network
    /// directly.
    let requests: RequestGate?
    let loop: PollLoop
    let state: Mutex<State>
    let onLoss: @Sendable (String) -> Void

    /// Creates a channel over a connected socket, which it owns, and the outputs of the process.
    /// - Parameters:
    ///   - onLoss: called once, when the host is lost, with what happened.
    init(
        process: HostProcess, socket: consuming FileDescriptor, outputs: HostOutputs, decoder: WireDecoder,
        settings: HostSettings, onLoss: @escaping @Sendable (String) -> Void
    ) throws(MMError) {
        self.process = process
        self.socket = socket
        self.outputs = outputs
        consoleLimit = settings.consoleLimit
        answerWithin = settings.times.answerWithin
        loop = try PollLoop.shared()
        requests = settings.requests.map { RequestGate($0) }
        state = Mutex(
            State(
                decoder: decoder,
                machine: CommandMachine(times: settings.times, cuts: settings.requests != nil)))
        self.onLoss = onLoss
    }

    deinit { for watch in state.withLock({ $0.watches }) { loop.forget(watch) } }

    /// Starts reading.
    func open() throws(MMError) {
        try state.withLock { (state) throws(MMError) in
            // The loop must not keep a session alive that is no longer referenced.
            state.watches = [
                try loop.watch(socket.raw, for: .read, once: true) { [weak self] _ in self?.socketReady() },
                try loop.watch(outputs.stdout.raw, for: .read, once: true) { [weak self] _ in self?.consoleReady(0) },
                try loop.watch(outputs.stderr.raw, for: .read, once: true) { [weak self] _ in self?.consoleReady(1) },
            ]
        }
    }

    var loss: HostLoss? { state.withLock { $0.loss } }
    var isLost: Bool { state.withLock { $0.loss != nil } }
}

extension HostChannel {
    /// Sends a command.
    /// - Parameters:
    ///   - finished: called once when the host is free again.
    /// - Returns: the run, and, if its request wasn't sent at once, a promise that reports its delivery.
    /// - Throws: `HostLoss` when the host is gone; nothing was sent then.
    func run(
        _ command: PowerShellCommand, deadline: Deadline, finished: @escaping @Sendable () -> Void
    ) throws(HostLoss) -> (run: PowerShellRun, delivery: OneShot<Delivery>?) {
        let feed = RunFeed(resume: { [weak self] in self?.resumeReading() }, finished: finished)
        let begun: (id: UInt64, delivery: OneShot<Delivery>?)? = state.withLock { state in
            guard state.loss == nil, let id = state.machine.begin() else { return nil }
            discardConsole(&state)
            state.feed = feed
            queue(HostRequest.run(id: id, command).line, &state)
            state.requestEnd = state.queued
            state.sent = state.written < state.requestEnd ? OneShot() : nil
            state.timer = deadline.instant.map { instant in
                DeadlineWatch.shared.watch(instant) { [weak self] in self?.stop(id, .deadline) }
            }
            return (id, state.sent)
        }
        guard let (id, delivery) = begun else {
            throw state.withLock { $0.loss } ?? HostLoss(reason: "Another command was running")
        }
        let run = PowerShellRun(feed: feed) { [weak self] reason in self?.stop(id, reason) }
        return (run, delivery)
    }

    /// Stops a command, step by step, whatever it does.
    func stop(_ id: UInt64, _ reason: CommandMachine.StopReason) {
        let (actions, feed) = state.withLock { state in
            // Another command may be running by now; its feed must not be drained.
            state.machine.owns(id) ? (state.machine.stop(id, reason), state.feed) : ([], nil)
        }
        // A reader that is gone or slow must not keep PowerShell from reading the stop.
        if reason != .asked || !actions.isEmpty { feed?.drain(keeping: reason == .asked) }
        perform(actions)
    }

    /// Stops the running command, if any.
    func stopAny(_ reason: CommandMachine.StopReason) {
        if let id = state.withLock({ $0.machine.running?.id }) { stop(id, reason) }
    }

    func climb(_ id: UInt64) {
        perform(state.withLock { $0.machine.climb(id) })
    }

    /// Waits until a process whose end is the next step shows that it runs, so that the time of this step counts from
    /// there. One that was suspended, or got no processor, reads the request to stop only then, and its command takes
    /// some time to end; the process's end would cost the session its sign-in. One whose command ignores the stop
    /// answers at once.
    private func letAnswer(before id: UInt64) async {
        guard state.withLock({ $0.machine.endsProcessNext(id) }) else { return }
        _ = try? await request({ .ping(id: $0) }, deadline: .after(answerWithin))
    }

    func perform(_ actions: [CommandMachine.Action]) {
        for action in actions {
            switch action {
            case .sendStop(let id): send(.stop(id: id))
            case .sweep: process.endOthers()
            case .cut(let id): requests?.cut(for: id)
            case .terminate: process.terminate()
            case .kill: process.kill()
            case .wake(let id, let wait):
                Task { [weak self] in
                    await self?.letAnswer(before: id)
                    try? await Task.sleep(for: wait)
                    self?.climb(id)
                }
            }
        }
    }

    /// Sends a request and waits for its answer.
    func request(_ make: (UInt64) -> HostRequest, deadline: Deadline) async throws(MMError) -> HostFrame {
        let answer = OneShot<Result<HostFrame, MMError>>()
        let id: UInt64? = state.withLock { state in
            guard state.loss == nil else { return nil }
            let id = state.machine.nextNumber()
            state.requests[id] = answer
            queue(make(id).line, &state)
            return id
        }
        guard let id else { throw lostError() }
        let result = await answer.wait(
            until: deadline, late: .failure(deadline.exceeded("waiting for PowerShell's answer")),
            cancelled: .failure(MMError(.cancelled, "The request to PowerShell was cancelled.")))
        state.withLock { _ = $0.requests.removeValue(forKey: id) }
        return try result.get()
    }

    /// Sends a request that isn't answered.
    func send(_ request: HostRequest) {
        state.withLock { state in
            if state.loss == nil { queue(request.line, &state) }
        }
    }

    func lostError() -> MMError {
        (state.withLock { $0.loss } ?? HostLoss(reason: "PowerShell has ended")).error
    }
}

extension HostChannel {
    /// The time that a process gets to exit after it has closed its connection.
    private static let endWithin = Duration.seconds(2)

    /// Handles the end of the connection. Usually the process is ending, and its exit status says more.
    func wireClosed(_ state: inout State, _ effects: inout Effects) {
        guard !state.isWireClosed else { return }
        state.isWireClosed = true
        effects.later { [weak self] in
            Task {
                try? await Task.sleep(for: Self.endWithin)
                self?.loseClosedWire()
            }
        }
    }

    private func loseClosedWire() {
        var effects = Effects()
        state.withLock { lose("PowerShell closed its connection", &$0, &effects) }
        effects.perform()
    }

    /// Handles the exit of the process, after reading the rest of its output.
    func processEnded(_ exit: ChildProcess.Exit) {
        var effects = Effects()
        state.withLock { state in
            // The kernel buffers only a few hundred kilobytes for a slow reader.
            readSocket(&state, &effects, rounds: 256, whatever: true)
            let half = state.decoder.isInsideLine ? " in the middle of a record" : ""
            lose(
                "PowerShell ended \(HostProcess.words(exit))\(half)", &state, &effects, isExit: true,
                isKill: exit == .signal(SIGKILL))
        }
        effects.perform()
    }

    /// Marks the host as lost.
    /// - Parameters:
    ///   - isExit: whether the process is gone already.
    ///   - isKill: whether it was killed; unless a command is being stopped, another party did that.
    func lose(
        _ reason: String, _ state: inout State, _ effects: inout Effects, isExit: Bool = false, isKill: Bool = false
    ) {
        guard state.loss == nil else { return }
        let console = readConsole(&state, rounds: 16)
        let loss = HostLoss(
            reason: reason, lastWords: state.lastWords.text, isForMemory: isKill || state.lastWords.speakOfMemory)
        state.loss = loss
        for watch in state.watches { loop.forget(watch) }
        state.watches = []
        let waiting = state.requests.values
        state.requests = [:]
        let error = loss.error
        for request in waiting { request.resolve(.failure(error)) }
        let wasSent = state.written >= state.requestEnd
        let command = state.machine.lose()
        requests?.ended(.max)
        if let timer = state.timer { DeadlineWatch.shared.cancel(timer) }
        state.timer = nil
        state.outgoing = []
        if let sent = state.sent {
            state.sent = nil
            sent.resolve(command?.stop == nil ? .lost : .stopped)
        }
        if let feed = state.feed {
            state.feed = nil
            _ = feed.add(console, bytes: 0)
            let outcome: RunFeed.Outcome =
                switch command?.stop {
                case .deadline: .failed(StopErrors.deadline(restarted: true))
                case .cancelled: .failed(StopErrors.cancelled)
                case .closing: .failed(StopErrors.closing)
                case .asked: .failed(StopErrors.stoppedHard)
                case nil: .lost(loss.told(wasSent: wasSent))
                }
            effects.later {
                feed.tellFinished()
                feed.finish(outcome)
            }
        }
        if !isExit { effects.later { [process] in process.kill() } }
        effects.later { [onLoss] in onLoss(loss.account) }
    }
}

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

    /// Reads frames until the socket is empty, the rounds are used up, or the reader is too slow.
    func readSocket(
        _ state: inout State, _ effects: inout Effects, rounds: Int, whatever isLast: Bool = false
    ) {
        for _ in 0..<rounds where state.loss == nil && (isLast || !state.isPaused) {
            switch read(socket.raw, into: { state.decoder.append($0) }) {
            case .bytes(let count):
                takeFrames(&state, &effects, bytes: count)
                // A short read means that the socket is empty; the poll loop reports when it no longer is. The last
                // reading is no longer watched, so it continues.
                if count < Self.firstRead, !isLast { return }
            case .nothing: return
            case .end: return wireClosed(&state, &effects)
            }
        }
    }

    func takeFrames(_ state: inout State, _ effects: inout Effects, bytes: Int) {
        var events: [RunEvent] = []
        do throws(HostWireFault) {
            while let frame = try state.decoder.next() {
                switch frame {
                case .record(let id, let record):
                    if state.machine.owns(id) { events.append(.record(record)) }
                case .leftOut(let id, let excess):
                    if state.machine.owns(id) { events.append(.record(Self.leftOut(excess))) }
                case .end(let id, let end):
                    if state.machine.owns(id) { finish(id, end, after: &events, bytes: bytes, &state, &effects) }
                case .busy(let id):
                    if state.machine.owns(id) {
                        throw HostWireFault("a refusal of a command that nothing stood in the way of")
                    }
                case .pong(let id, _), .constrained(let id):
                    state.requests.removeValue(forKey: id)?.resolve(.success(frame))
                case .hello:
                    throw HostWireFault("a second greeting")
                }
            }
        } catch {
            lose("PowerShell sent \(error)", &state, &effects)
        }
        if let feed = state.feed, feed.add(events, bytes: bytes) { state.isPaused = true }
    }

    static func leftOut(_ excess: HostFrame.Excess) -> PowerShellRecord {
        let value =
            switch excess {
            case .bytes(let size): "A value of \(size) bytes"
            case .depth(let most): "A value nested deeper than \(most) levels"
            }
        let message = "\(value) was left out, because it exceeds the limit. Select fewer of its properties."
        return PowerShellRecord(
            .error,
            ["message": .string(message), "id": .string(PowerShellRecord.tooLarge), "category": "LimitsExceeded"])
    }

    func finish(
        _ id: UInt64, _ end: CommandEnd, after events: inout [RunEvent], bytes: Int, _ state: inout State,
        _ effects: inout Effects
    ) {
        guard let command = state.machine.end(id), let feed = state.feed else { return }
        // The next command's requests must not be cut off.
        if command.stop != nil { requests?.ended(id) }
        // Everything that the command wrote to its outputs before its end was sent is in the pipes by now.
        events += readConsole(&state, rounds: 64)
        for output in 0...1 { if let rest = state.console[output].flush() { events.append(.console(rest)) } }
        if state.droppedConsole > 0 { events.append(.record(Self.consoleLeftOut(state.droppedConsole))) }
        events += end.conversionFaults.map { .record(Self.mayLack($0)) }
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
        // Report the host as free first, so that a reader of the end finds it free.
        effects.later {
            feed.tellFinished()
            if case .ended = outcome { feed.finish(outcome, last: .end(end)) } else { feed.finish(outcome) }
        }
        // The process was told to exit, but its command ended first; the next one must not be sent to a dying process.
        if isEnding {
            lose("PowerShell was ended because its command didn't stop", &state, &effects)
        }
    }

    private static func mayLack(_ fault: String) -> PowerShellRecord {
        PowerShellRecord(.warning, .string("The output may lack something: PowerShell couldn't convert it (\(fault))."))
    }

    private static func consoleLeftOut(_ bytes: Int) -> PowerShellRecord {
        PowerShellRecord(
            .warning, .string("\(bytes) bytes of console text were left out, because they exceed the limit."))
    }

    func consoleReady(_ output: Int) {
        state.withLock { state in
            guard state.loss == nil else { return }
            let events = readConsole(output, &state, rounds: 4)
            if let feed = state.feed {
                if feed.add(events, bytes: events.count * 64) { state.isPaused = true }
            } else if state.consoleBytes > 256 << 10 {
                // Unrequested output that doesn't end: stop reading, so that the writer blocks until the next command.
                state.isConsoleIdle = true
            }
            armConsole(&state)
        }
    }

    /// Reads both pipes. Usually both are empty, which a single poll shows.
    func readConsole(_ state: inout State, rounds: Int) -> [RunEvent] {
        var pipes = [outputs.stdout.raw, outputs.stderr.raw].enumerated().map { (output, raw) in
            pollfd(fd: state.isOpen[output] ? raw : -1, events: Int16(POLLIN), revents: 0)
        }
        guard poll(&pipes, nfds_t(pipes.count), 0) != 0 else { return [] }
        return readConsole(0, &state, rounds: rounds) + readConsole(1, &state, rounds: rounds)
    }

    /// Reads one pipe. Text outside of a command and text over the limit are dropped.
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

    /// Drops text that arrived while no command was running.
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

    /// The size of the first read.
    private static let firstRead = 1024

    enum ReadResult {
        case bytes(Int)
        case nothing
        case end
    }

    /// Reads from a descriptor. Most reads find little or nothing, so the first one uses a buffer on the stack.
    func read(_ descriptor: Int32, into take: (UnsafeBufferPointer<UInt8>) -> Void) -> ReadResult {
        let first = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.firstRead) {
            fill($0, descriptor, take)
        }
        guard case .bytes(Self.firstRead) = first else { return first }
        let rest = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64 << 10) { fill($0, descriptor, take) }
        guard case .bytes(let count) = rest else { return first }
        return .bytes(Self.firstRead + count)
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

    /// Writes bytes and returns how many the kernel accepted. A broken socket accepts none; the loss is detected when
    /// reading.
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

    /// Arms the watch for the events that are needed now.
    func arm(_ state: inout State) {
        guard state.loss == nil, !state.isWireClosed, let watch = state.watches.first else { return }
        var interest: PollLoop.Readiness = []
        if !state.isPaused { interest.insert(.read) }
        if !state.outgoing.isEmpty { interest.insert(.write) }
        // A hang-up is always reported, so arming without any interest would report it again and again.
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

/// Converts the bytes of one output to text, without splitting characters.
struct ConsoleReader: Sendable {
    let stream: ConsoleText.Stream
    private var rest: [UInt8] = []

    init(_ stream: ConsoleText.Stream) { self.stream = stream }

    /// Returns the text of these bytes; an incomplete character at the end is kept until its rest arrives.
    mutating func read(_ bytes: some Collection<UInt8>) -> ConsoleText? {
        var all = rest
        all.append(contentsOf: bytes)
        let unfinished = Self.unfinishedTail(all)
        rest = Array(all.suffix(unfinished))
        all.removeLast(unfinished)
        return all.isEmpty ? nil : ConsoleText(stream, String(decoding: all, as: UTF8.self))
    }

    /// Returns the incomplete character that is kept, as its rest will not arrive.
    mutating func flush() -> ConsoleText? {
        defer { rest = [] }
        return rest.isEmpty ? nil : ConsoleText(stream, String(decoding: rest, as: UTF8.self))
    }

    private static func unfinishedTail(_ bytes: [UInt8]) -> Int {
        for back in 1...3 where bytes.count >= back {
            let byte = bytes[bytes.count - back]
            if byte & 0xC0 == 0x80 { continue }
            let length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
            return length > back ? back : 0
        }
        return 0
    }
}

/// The last output of a process on its standard error, which usually says why it exited.
struct LastWords: Sendable {
    /// The number of lines that are kept, and the number of bytes of each.
    private static let most = (lines: 6, bytes: 2048)
    private var lines: [[UInt8]] = []
    private var line: [UInt8] = []

    /// Adds output. Stack frames aren't kept: a crash prints its reason first, and then any number of them.
    mutating func add(_ more: some Collection<UInt8>) {
        var rest = more[...]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            extend(rest[..<end])
            if Self.tells(line) {
                if lines.count == Self.most.lines { lines.removeFirst() }
                lines.append(line)
            }
            line.removeAll(keepingCapacity: true)
            rest = rest[rest.index(after: end)...]
        }
        extend(rest)
    }

    private mutating func extend(_ more: some Collection<UInt8>) {
        line.append(contentsOf: more.prefix(Self.most.bytes - line.count))
    }

    /// Returns whether a line is neither blank nor a stack frame.
    private static func tells(_ line: [UInt8]) -> Bool {
        let text = line.drop { $0 <= UInt8(ascii: " ") }
        return !text.isEmpty && !text.starts(with: "at ".utf8)
    }

    /// The text, without colours, secrets and stack frames; `nil` when there is none.
    var text: String? {
        let kept = (lines + (Self.tells(line) ? [line] : []))
            .flatMap { TerminalText.plain(String(decoding: $0, as: UTF8.self)).split(whereSeparator: \.isNewline) }
            .map { String($0).trimmingBlanks() }
            .filter { !$0.isEmpty }
        guard !kept.isEmpty else { return nil }
        let text = Redactor.standard.text(kept.suffix(Self.most.lines).joined(separator: " / "))
        return text.count > 600 ? "…" + text.suffix(600) : text
    }

    /// Whether the text reports that memory ran out.
    var speakOfMemory: Bool { text?.lowercased().contains("out of memory") ?? false }
}
