public import MMCore
package import MMSystem

/// A command that was sent to a shell: its output so far, whether it has ended, and how to interact with it.
///
/// Releasing the job neither stops the command nor affects the session.
public final class ShellJob: Sendable {
    /// A part of a stream.
    public struct Page: Sendable, Hashable {
        /// The offset of the first byte; larger than requested if the bytes in between are no longer stored.
        public var start: Int
        /// The bytes.
        public var bytes: [UInt8]
        /// The offset at which to continue.
        public var next: Int { start + bytes.count }
        /// The number of bytes written so far.
        package var total: Int
    }

    /// The stored part of a stream.
    public struct Output: Sendable, Hashable {
        /// The first bytes.
        package var head: [UInt8]
        /// The last bytes, if not all fit into the first ones.
        package var tail: [UInt8]
        /// The number of bytes in between that were not kept; 0 if the output is whole.
        public package(set) var omitted: Int
        /// The number of bytes written.
        package var total: Int

        /// The head and the tail; if bytes are missing in between, a line says how many.
        public var bytes: [UInt8] {
            omitted == 0 ? head + tail : head + Array("\n[… \(omitted) bytes left out …]\n".utf8) + tail
        }

        /// The bytes as text; those that are no UTF-8 are replaced.
        public var text: String { String(decoding: bytes, as: UTF8.self) }
    }

    private struct State {
        var captures: Captures
        var end: ShellEnd?
        var waiters: [UInt64: OneShot<Void>] = [:]
        var nextWaiter: UInt64 = 0
        var ending: [OneShot<Void>] = []
        var changes: UInt64 = 0
        var lastStream = ShellCommand.Stream.stdout
        var isFlooding = false
    }

    private struct Captures {
        var stdout: OutputCapture
        var stderr: OutputCapture
        var terminal: OutputCapture

        subscript(_ stream: ShellCommand.Stream) -> OutputCapture {
            switch stream {
            case .stdout: stdout
            case .stderr: stderr
            case .terminal: terminal
            }
        }

        /// Appends to a stream.
        /// - Returns: its total size.
        mutating func append(_ stream: ShellCommand.Stream, _ bytes: UnsafeRawBufferPointer) -> Int {
            switch stream {
            case .stdout:
                stdout.append(bytes)
                return stdout.total
            case .stderr:
                stderr.append(bytes)
                return stderr.total
            case .terminal:
                terminal.append(bytes)
                return terminal.total
            }
        }
    }

    /// The command.
    public let command: ShellCommand
    private let state: Mutex<State>
    private let observer: ShellCommand.Observer?
    private let reach: Reach
    private let veils = Mutex<[ShellCommand.Stream: StreamRedactor]>([:])
    private let notices: Mutex<JobNotices?>
    private let outlet: ShellOutlet?

    /// The ways to interact with a running command.
    package struct Reach: Sendable {
        var cancel: @Sendable (ShellEnd.Cause) -> Void
        var type: @Sendable ([UInt8]) async throws(MMError) -> Void
        var signal: @Sendable (Int32) async -> Bool
        var waiting: @Sendable (_ written: Int) async -> ShellPrompt?
        var feed: @Sendable ([UInt8]?) async throws(MMError) -> Void
        var resize: @Sendable (ShellCommand.Size) async -> Void

        /// Creates the ways to interact with a command from these functions.
        /// - Parameters:
        ///   - cancel: asks it to stop.
        ///   - type: types into its terminal.
        ///   - signal: sends a signal; returns `false` if it has ended.
        ///   - waiting: returns what it waits for, given the number of bytes it has written.
        ///   - feed: passes input, or its end with `nil`.
        ///   - resize: changes the size of its terminal.
        package init(
            cancel: @escaping @Sendable (ShellEnd.Cause) -> Void,
            type: @escaping @Sendable ([UInt8]) async throws(MMError) -> Void,
            signal: @escaping @Sendable (Int32) async -> Bool,
            waiting: @escaping @Sendable (_ written: Int) async -> ShellPrompt?,
            feed: @escaping @Sendable ([UInt8]?) async throws(MMError) -> Void = { (_) throws(MMError) in
                throw MMError(.unsupported, "This command does not accept input.")
            },
            resize: @escaping @Sendable (ShellCommand.Size) async -> Void = { _ in }
        ) {
            self.cancel = cancel
            self.type = type
            self.signal = signal
            self.waiting = waiting
            self.feed = feed
            self.resize = resize
        }
    }

    /// Creates the job of a command that a session has accepted.
    /// - Parameter shell: the shell whose notices of jobs are left out.
    package init(command: ShellCommand, shell: ShellKind? = nil, observer: ShellCommand.Observer?, reach: Reach) {
        notices = Mutex(shell.flatMap { JobNotices($0, of: command) })
        self.command = command
        self.observer = observer
        self.reach = reach
        outlet = command.limits.window.map { ShellOutlet(room: $0) }
        let capture = OutputCapture(head: command.limits.head, tail: command.limits.tail)
        state = Mutex(State(captures: Captures(stdout: capture, stderr: capture, terminal: capture)))
    }

    // MARK: The session's side

    /// Stores output of the command, on the thread that read it. Secrets that were typed or passed to it are removed.
    package func append(_ stream: ShellCommand.Stream, _ bytes: UnsafeRawBufferPointer) {
        let told = notices.withLock { $0?.stream == stream ? $0?.filter(bytes) : nil }
        if let told { told.withUnsafeBytes { veil(stream, $0) } } else { veil(stream, bytes) }
    }

    private func veil(_ stream: ShellCommand.Stream, _ bytes: UnsafeRawBufferPointer) {
        let clean = veils.withLock { $0[stream, default: StreamRedactor()].redact(bytes) }
        clean.withUnsafeBytes { keep(stream, $0) }
    }

    private func keep(_ stream: ShellCommand.Stream, _ bytes: UnsafeRawBufferPointer) {
        guard !bytes.isEmpty else { return }
        let (isFlood, kept, waiters) = state.withLock { state -> (Bool, Int, [OneShot<Void>]) in
            guard state.end == nil else { return (false, bytes.count, []) }
            let total = state.captures.append(stream, bytes)
            let kept = min(bytes.count, max(0, command.limits.head - (total - bytes.count)))
            state.changes += 1
            state.lastStream = stream
            let isFlood = !state.isFlooding && command.limits.flood.map { total > $0 } ?? false
            if isFlood { state.isFlooding = true }
            return (isFlood, kept, Array(state.waiters.values))
        }
        outlet?.put(stream, UnsafeRawBufferPointer(rebasing: bytes.dropFirst(kept)))
        observer?(stream, bytes)
        for waiter in waiters { waiter.resolve(()) }
        if isFlood { reach.cancel(.flood) }
    }

    /// Ends the job; only the first end counts.
    package func finish(_ end: ShellEnd) {
        let held = notices.withLock { notices in notices.map { _ in (notices?.stream, notices?.finish() ?? []) } }
        if case (let stream?, let rest)? = held, !rest.isEmpty { rest.withUnsafeBytes { veil(stream, $0) } }
        for stream in ShellCommand.Stream.allCases {
            let rest = veils.withLock { $0[stream]?.finish() ?? [] }
            rest.withUnsafeBytes { keep(stream, $0) }
        }
        let waiters = state.withLock { state -> [OneShot<Void>] in
            guard state.end == nil else { return [] }
            state.end = end
            defer { state.ending = [] }
            return Array(state.waiters.values) + state.ending
        }
        for waiter in waiters { waiter.resolve(()) }
        outlet?.finish()
    }

    /// Returns whether reading the command's output has to pause because too much of it hasn't been taken yet.
    /// - Parameter resume: called once, as soon as there is room; not called if the result is `false`.
    func holds(_ resume: @escaping @Sendable () -> Void) -> Bool { outlet?.holds(resume) ?? false }

    /// Whether reading is paused.
    var isHolding: Bool { outlet?.isHolding ?? false }

    /// Waits for room if too much output hasn't been taken yet.
    func room() async {
        let turn = OneShot<Void>()
        if holds({ turn.resolve(()) }) { await turn.wait() }
    }

    /// Notes that the command has been asked to stop: it no longer waits for its reader.
    func stopping() { outlet?.stop() }

    // MARK: The caller's side

    /// Returns the output beyond the first bytes that are kept (`Limits.head`) since the last call, waiting until there
    /// is some. For a single reader, if the limits have a window.
    /// - Returns: `nil` at the end, and if the waiting task was cancelled.
    package func take() async -> [ShellPiece]? { await outlet?.take() }

    /// Ends reading: the command continues without a reader.
    package func stopReading() { outlet?.forsake() }

    /// The number of bytes that were dropped, unread, after the command had been asked to stop.
    package var dropped: Int { outlet?.dropped ?? 0 }

    /// Passes input to a command that was started with `Input.pipe`, waiting until there is room for it.
    /// - Parameter bytes: the next bytes; `nil` for the end.
    /// - Throws: `.unavailable` when the command takes no more.
    public func feed(_ bytes: [UInt8]?) async throws(MMError) { try await reach.feed(bytes) }

    /// How it ended; `nil` while it is running.
    public var end: ShellEnd? { state.withLock { $0.end } }

    /// Waits until it has ended.
    /// - Returns: `nil` if the deadline passed first or the task was cancelled; the command then keeps running.
    public func wait(until deadline: Deadline = .never) async -> ShellEnd? {
        while !deadline.hasPassed, !Task.isCancelled {
            if let end { return end }
            await change(until: deadline)
        }
        return end
    }

    /// Waits for its end even if the waiting task is cancelled: every command ends by its deadline or its cancellation.
    package func waitForEnd() async -> ShellEnd {
        while true {
            if let end { return end }
            let turn = OneShot<Void>()
            let isOver = state.withLock { state in
                if state.end == nil { state.ending.append(turn) }
                return state.end != nil
            }
            if !isOver { await turn.wait() }
        }
    }

    /// Waits until something was written or the job has ended, at most until the deadline.
    package func change(until deadline: Deadline) async {
        let turn = OneShot<Void>()
        let id: UInt64? = state.withLock { state in
            guard state.end == nil else { return nil }
            state.nextWaiter += 1
            state.waiters[state.nextWaiter] = turn
            return state.nextWaiter
        }
        guard let id else { return }
        await turn.wait(until: deadline, late: (), cancelled: ())
        _ = state.withLock { $0.waiters.removeValue(forKey: id) }
    }

    /// Returns a part of a stream from an offset on, without waiting.
    /// - Parameters:
    ///   - stream: the stream.
    ///   - offset: the offset of the first byte in all that was written.
    ///   - limit: the maximum number of bytes.
    public func page(_ stream: ShellCommand.Stream, from offset: Int, limit: Int = 64 << 10) -> Page {
        state.withLock { state in
            let capture = state.captures[stream]
            let piece = capture.page(from: offset, limit: max(0, limit))
            return Page(start: piece.start, bytes: piece.bytes, total: capture.total)
        }
    }

    /// Returns the stored part of a stream.
    public func output(_ stream: ShellCommand.Stream) -> Output {
        state.withLock { state in
            let capture = state.captures[stream]
            let kept = capture.kept
            return Output(head: kept.head, tail: kept.tail, omitted: capture.omitted, total: capture.total)
        }
    }

    /// Asks the command to stop, with increasing force: it ends within a few seconds, if necessary together with the
    /// shell.
    public func cancel() { reach.cancel(.cancelled) }

    /// Sends a signal to the command's processes, such as `SIGUSR1`.
    /// - Returns: `false` if it has ended.
    @discardableResult
    package func signal(_ number: Int32) async -> Bool {
        end == nil ? await reach.signal(number) : false
    }

    /// Types into the command's terminal.
    /// - Throws: as ``checkTyping()``.
    public func type(_ input: ShellInput) async throws(MMError) {
        try checkTyping()
        try await reach.type(input.bytes)
    }

    /// Makes sure that something can be typed into the command.
    /// - Throws: `.invalidInput` for a command without a terminal, `.conflict` if it has ended.
    package func checkTyping() throws(MMError) {
        guard command.input.usesTerminal else {
            throw MMError(
                .invalidInput, "The command was started without a terminal.",
                hint: "Start it with input “terminal” (output stays exact) or “screen” (full-screen programs).")
        }
        guard end == nil else { throw MMError(.conflict, "The command has ended; nothing was typed.") }
    }

    /// Changes the size of the command's terminal, and tells the programs in it.
    package func resize(_ size: ShellCommand.Size) async {
        if command.input.usesTerminal, end == nil { await reach.resize(size) }
    }

    /// Returns what the command is waiting for, if the system can tell; `nil` while it is working.
    package func waitingFor() async -> ShellPrompt? {
        let written = state.withLock { state in
            ShellCommand.Stream.allCases.reduce(0) { $0 + state.captures[$1].total }
        }
        guard command.input.usesTerminal, end == nil, var prompt = await reach.waiting(written) else { return nil }
        // The question is the most recent output, on whichever stream.
        let last = state.withLock { state in
            let capture = state.captures[state.lastStream]
            return capture.page(from: capture.total - 256, limit: 256).bytes
        }
        let line = last.split(separator: 0x0A, omittingEmptySubsequences: false).last ?? []
        // The prompt's text is the plain question, without the control sequences that format it.
        prompt.text = TerminalParser.text(of: line)
        return prompt
    }

    /// Waits until a text appears in a stream.
    /// - Parameters:
    ///   - text: the text.
    ///   - stream: the stream.
    ///   - offset: where to start searching, in bytes.
    ///   - deadline: when to give up; the command keeps running.
    /// - Returns: the offset after the text; `nil` if the job ended or the deadline passed first.
    public func wait(
        for text: String, in stream: ShellCommand.Stream, from offset: Int = 0, until deadline: Deadline
    ) async -> Int? {
        let wanted = Array(text.utf8)
        var position = offset
        while true {
            let isOver = end != nil || deadline.hasPassed || Task.isCancelled
            while true {
                let piece = page(stream, from: position, limit: 1 << 20)
                if let found = ByteSearch.find(wanted, in: piece.bytes) { return piece.start + found + wanted.count }
                let next = max(piece.start, piece.next - max(0, wanted.count - 1))
                if next <= position { break }
                position = next
            }
            if isOver { return nil }
            await change(until: min(deadline, .after(.milliseconds(250))))
        }
    }

    /// Waits until a line of a stream matches a pattern; the last line counts as far as it has been written.
    /// - Returns: `false` if the job ended or the deadline passed first.
    package func wait(for pattern: RegularExpression, in stream: ShellCommand.Stream, until deadline: Deadline) async
        -> Bool
    {
        var position = 0
        while true {
            let isOver = end != nil || deadline.hasPassed || Task.isCancelled
            while true {
                let piece = page(stream, from: position, limit: 256 << 10)
                let last = piece.bytes.lastIndex(of: 0x0A)
                for line in piece.bytes.split(separator: 0x0A) {
                    let text = String(decoding: line.last == 0x0D ? line.dropLast() : line, as: UTF8.self)
                    if pattern.matches(in: text) == true { return true }
                }
                // An unfinished line is searched again later, unless it is too long to be one.
                let next = last.map { piece.start + $0 + 1 } ?? (piece.bytes.count < 256 << 10 ? position : piece.next)
                if next <= position { break }
                position = next
            }
            if isOver { return false }
            await change(until: min(deadline, .after(.milliseconds(250))))
        }
    }

    /// Waits until nothing has been written for a while.
    /// - Returns: `false` if the job ended or the deadline passed first.
    package func waitForQuiet(_ quiet: Duration, until deadline: Deadline) async -> Bool {
        var seen = state.withLock { $0.changes }
        var still = Deadline.after(quiet)
        while end == nil, !deadline.hasPassed, !Task.isCancelled {
            await change(until: min(still, deadline))
            let now = state.withLock { $0.changes }
            if now != seen {
                seen = now
                still = .after(quiet)
            } else if still.hasPassed {
                return true
            }
        }
        return false
    }
}

/// The captured output of a stream: the beginning, the end, and how much is missing in between.
struct OutputCapture: Sendable {
    private(set) var head: [UInt8] = []
    private var tail: [UInt8] = []
    private(set) var total = 0
    private let headLimit: Int
    private let tailLimit: Int

    init(head: Int, tail: Int) {
        headLimit = head
        tailLimit = tail
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        total += bytes.count
        let first = min(bytes.count, headLimit - head.count)
        if first > 0 { head.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes.prefix(first))) }
        let rest = bytes.dropFirst(max(first, 0))
        guard !rest.isEmpty, tailLimit > 0 else { return }
        tail.append(contentsOf: UnsafeRawBufferPointer(rebasing: rest.suffix(tailLimit)))
        // Cutting at twice the limit makes the cost of a byte constant.
        if tail.count >= 2 * tailLimit { tail.removeFirst(tail.count - tailLimit) }
    }

    private var tailStart: Int { total - min(tail.count, tailLimit) }

    /// The number of bytes missing between beginning and end.
    var omitted: Int { tailStart - head.count }

    /// The stored bytes.
    var kept: (head: [UInt8], tail: [UInt8]) { (head, Array(tail.suffix(tailLimit))) }

    /// Returns a piece from an offset on. An offset in the gap yields what follows the gap.
    func page(from offset: Int, limit: Int) -> (start: Int, bytes: [UInt8]) {
        let offset = max(0, min(offset, total))
        if offset < head.count { return (offset, Array(head[offset...].prefix(limit))) }
        let start = max(offset, tailStart)
        return (start, Array(tail.suffix(total - start).prefix(limit)))
    }
}

/// Removes the notices about jobs that a shell prints for a person: `[1]+  Done   sleep 1`. No person sits at this
/// prompt, and no option of bash or zsh turns the notices off without also turning off the job control that is needed
/// to stop a command.
///
/// Only whole lines count that match the shell's own form exactly, column by column. Notices of programs that were
/// killed or stopped are kept, as in a script.
struct JobNotices: Sendable {
    /// The shell whose notices are removed.
    private let kind: ShellKind
    /// The stream to which that shell writes them.
    let stream: ShellCommand.Stream
    /// The beginning of a line that may or may not turn out to be a notice.
    private var held: [UInt8] = []
    private var place = Place.lineStart
    /// The words that may close the loop, condition or `case` that continues the notice that was just removed.
    private var closers: [[UInt8]] = []

    private enum Place: Sendable {
        /// At the beginning of a line, which `held` may already have begun.
        case lineStart
        /// Within a line that is passed on.
        case kept
        /// Within a notice.
        case dropped
    }

    private enum Judgement { case open, notice, other }

    /// Creates a filter for the notices of a command.
    /// - Returns: `nil` if the shell prints none, a person is at its terminal, or the command asks for them (`jobs`).
    init?(_ kind: ShellKind, of command: ShellCommand) {
        guard kind == .bash || kind == .zsh, !command.input.usesTerminal,
            ByteSearch.find(Array("jobs".utf8), in: Array(command.text.utf8)) == nil
        else { return nil }
        self.kind = kind
        stream = kind == .bash ? .stderr : .terminal
    }

    /// Returns the next bytes of the stream without notices. The beginning of a possible notice is held until the rest
    /// comes.
    mutating func filter(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count + held.count)
        var rest = bytes[...]
        while let byte = rest.popFirst() {
            switch place {
            case .kept:
                out.append(byte)
                guard byte != 0x0A else {
                    place = .lineStart
                    continue
                }
                let end = rest.firstIndex(of: 0x0A) ?? rest.endIndex
                out += rest[..<end]
                rest = rest[end...]
            case .dropped:
                held.append(byte)
                if byte == 0x0A { endNotice() }
            case .lineStart:
                held.append(byte)
                judge(into: &out)
            }
        }
        return out
    }

    /// Returns the bytes that are still held at the end of the stream.
    mutating func finish() -> [UInt8] {
        defer { held = [] }
        return place == .dropped ? [] : held
    }

    private mutating func judge(into out: inout [UInt8]) {
        let isWhole = held.last == 0x0A
        switch closers.isEmpty ? judgement() : continuation() {
        case .open where !isWhole: break
        case .notice:
            if isWhole { endNotice() } else { place = .dropped }
        case .open, .other:
            closers = []
            out += held
            held = []
            place = isWhole ? .lineStart : .kept
        }
    }

    private mutating func endNotice() {
        let line = held
        (held, place) = ([], .lineStart)
        guard kind == .bash else { return }
        if !closers.isEmpty {
            if closers.contains(where: { line.starts(with: $0) }), !Self.goesOn(line) { closers = [] }
            return
        }
        // bash prints a loop as in a script: over several lines, the inner ones indented.
        let text = line.dropFirst(6 + Self.field).drop { $0 == 0x20 }
        for (opener, end) in Self.compounds where text.starts(with: opener) {
            if ByteSearch.find([0x20] + end, in: Array(text)) == nil { closers = [end] }
        }
        if closers.isEmpty, Self.goesOn(line) { closers = Self.compounds.map(\.end) + [[UInt8(ascii: "}")]] }
    }

    /// Returns whether a line ends with a word after which a loop, condition, `case` or function begins, or with the
    /// list of a loop: nothing else that bash prints about a job ends with a semicolon.
    private static func goesOn(_ line: [UInt8]) -> Bool {
        let end = line.reversed().drop { $0 == 0x0A || $0 == 0x20 }.prefix { $0 != 0x20 && $0 != 0x09 }
        let word = String(decoding: end.reversed(), as: UTF8.self)
        return ["do", "then", "else", "in", "()"].contains(word) || word.hasSuffix(";")
            || word.hasSuffix("))") && ByteSearch.find(Array("for ((".utf8), in: line) != nil
    }

    private static let compounds: [(opener: [UInt8], end: [UInt8])] = [
        ("for ", "done"), ("while ", "done"), ("until ", "done"), ("select ", "done"), ("if ", "fi"), ("case ", "esac"),
    ].map { (Array($0.0.utf8), Array($0.1.utf8)) }

    /// Judges whether a line continues a notice: `do`, indented lines, and the word that closes it.
    private func continuation() -> Judgement {
        let words =
            [Array("    ".utf8), Array("do\n".utf8), Array("{ \n".utf8), Array("else\n".utf8), Array("elif ".utf8)]
            + closers
        if words.contains(where: { held.starts(with: $0) }) { return .notice }
        return words.contains(where: { $0.starts(with: held) }) ? .open : .other
    }

    /// The width of the column in which bash writes how a job ended.
    private static let field = 24

    private func judgement() -> Judgement {
        var rest = held[...]
        guard rest.popFirst() == UInt8(ascii: "[") else { return .other }
        let digits = rest.prefix { (0x30...0x39).contains($0) }
        rest = rest.dropFirst(digits.count)
        if rest.isEmpty { return digits.count < 6 ? .open : .other }
        guard !digits.isEmpty, rest.popFirst() == UInt8(ascii: "]") else { return .other }
        return kind == .bash ? bash(rest) : zsh(rest)
    }

    /// Judges a line of the form `+  Done                    sleep 1`.
    private func bash(_ given: ArraySlice<UInt8>) -> Judgement {
        var rest = given
        for allowed in [Array("+- ".utf8), [0x20], [0x20]] {
            guard let byte = rest.popFirst() else { return .open }
            guard allowed.contains(byte) else { return .other }
        }
        guard rest.count >= Self.field else { return .open }
        let words = rest.prefix(Self.field).split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
        return Self.isQuiet(words) ? .notice : .other
    }

    /// Judges a line of the form ` 4711 4712` (a job begins) or `  + done       sleep 1` (a job ends).
    private func zsh(_ given: ArraySlice<UInt8>) -> Judgement {
        var rest = given
        guard let blank = rest.popFirst() else { return .open }
        guard blank == 0x20 else { return .other }
        guard let next = rest.first else { return .open }
        if (0x30...0x39).contains(next) {
            guard let last = rest.last, last == 0x0A else {
                return rest.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x20 || $0 == 0x0D } ? .open : .other
            }
            return rest.dropLast().allSatisfy { (0x30...0x39).contains($0) || $0 == 0x20 || $0 == 0x0D }
                ? .notice : .other
        }
        guard rest.count > 3 else { return .open }
        guard rest.popFirst() == 0x20, let mark = rest.popFirst(), Array("+- ".utf8).contains(mark),
            rest.popFirst() == 0x20
        else { return .other }
        guard rest.last == 0x0A else { return rest.count < 4096 ? .open : .other }
        return Self.isQuiet(rest.split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }) ? .notice : .other
    }

    /// Returns whether a job ended normally or by a signal that was sent to it on purpose, which is no news.
    private static func isQuiet(_ words: [String]) -> Bool {
        guard let first = words.first?.lowercased() else { return false }
        if first == "exit" { return words.count > 1 && Int(words[1]) != nil }
        return ["done", "terminated", "hangup", "interrupt"].contains(first)
    }
}
