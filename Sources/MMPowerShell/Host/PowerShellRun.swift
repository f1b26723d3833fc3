public import MMCore

/// A command that was sent, as the sequence of what comes from it: records, console text, and one end.
///
/// It is read once, by one reader. A reader that is slow slows PowerShell down; one that goes away, is cancelled or
/// breaks out of its loop stops the command, and the session goes on.
public struct PowerShellRun: AsyncSequence, Sendable {
    /// What comes from the command.
    public typealias Element = RunEvent
    /// What reading may throw: `deadlineExceeded`, `cancelled`, `sessionLost`.
    public typealias Failure = MMError

    private let handle: RunHandle

    init(feed: RunFeed, stop: @escaping @Sendable (CommandMachine.StopReason) -> Void) {
        handle = RunHandle(feed: feed, stop: stop)
    }

    /// Asks the command to stop. What it still prints and its end can be read.
    public func stop() { handle.stop(.asked) }

    /// The iterator.
    public func makeAsyncIterator() -> Iterator { Iterator(handle: handle) }

    /// Reads events in order.
    public struct Iterator: AsyncIteratorProtocol {
        private let handle: RunHandle
        private var batch: [RunEvent] = []
        private var position = 0

        fileprivate init(handle: RunHandle) { self.handle = handle }

        /// The next event, or `nil` after the end.
        /// - Throws: `.cancelled`, `.deadlineExceeded`, and `.sessionLost` where the process is gone.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(MMError) -> RunEvent? {
            while position == batch.count {
                batch = []
                position = 0
                switch await handle.feed.next() {
                case .events(let events): batch = events
                case .over: return nil
                case .failed(let error):
                    if error.code == .cancelled { handle.stop(.cancelled) }
                    throw error
                }
            }
            defer { position += 1 }
            return batch[position]
        }

        /// The next event, or `nil` after the end.
        /// - Throws: `.cancelled`, `.deadlineExceeded`, and `.sessionLost` where the process is gone.
        public mutating func next() async throws(MMError) -> RunEvent? { try await next(isolation: nil) }
    }

    /// Reads everything.
    /// - Parameter limit: most records that are kept; the rest is counted.
    /// - Throws: as reading does; the error's details hold as `output` what was written by then.
    public func collect(limit: Int = .max) async throws(MMError) -> PowerShellAnswer {
        var answer = PowerShellAnswer()
        var events = makeAsyncIterator()
        do throws(MMError) {
            while let event = try await events.next() { answer.add(event, limit: limit) }
        } catch {
            throw error.after(answer.values)
        }
        return answer
    }
}

/// The reader's end of a run: when it goes before the command ended, the command is stopped.
private final class RunHandle: Sendable {
    let feed: RunFeed
    let stop: @Sendable (CommandMachine.StopReason) -> Void

    init(feed: RunFeed, stop: @escaping @Sendable (CommandMachine.StopReason) -> Void) {
        self.feed = feed
        self.stop = stop
    }

    deinit { stop(.cancelled) }
}

/// Everything that came from a command.
public struct PowerShellAnswer: Sendable, Hashable {
    /// The records in order.
    public private(set) var records: [PowerShellRecord] = []
    /// The text that was written past the streams.
    public private(set) var console: [ConsoleText] = []
    /// How it ended; `nil` only before it has.
    public private(set) var end: CommandEnd?
    /// Records that came after the limit.
    public private(set) var dropped = 0

    /// Nothing yet.
    public init() {}

    /// Adds an event.
    mutating func add(_ event: RunEvent, limit: Int) {
        switch event {
        case .record(let record):
            if records.count < limit { records.append(record) } else { dropped += 1 }
        case .console(let text): console.append(text)
        case .end(let end): self.end = end
        }
    }

    /// The values of output and text records.
    public var values: [JSONValue] {
        // Not one compactMap: there, nil would be JSON's null.
        records.filter { $0.stream == .output || $0.stream == .text }.map(\.value)
    }

    /// The error records.
    public var errors: [PowerShellRecord] { records.filter { $0.stream == .error } }

    /// Whether it ran to its end without an error record.
    public var isClean: Bool { end?.state == .completed && errors.isEmpty }

    /// The words of what went wrong: the terminating error, the syntax errors, or the first error record.
    public var problem: String? {
        if let failure = end?.failure { return failure.message }
        if let problems = end?.problems, !problems.isEmpty {
            return problems.map { "line \($0.line), column \($0.column): \($0.message)" }.joined(separator: "\n")
        }
        return errors.first?.message
    }
}
