public import MMCore

/// A command that was sent, as the sequence of its output: records, console text and one end.
///
/// It is read once, by one reader. A slow reader slows PowerShell down. A reader that goes away, is cancelled or breaks
/// out of its loop stops the command; the session stays open.
public struct PowerShellRun: AsyncSequence, Sendable {
    /// The output of the command.
    public typealias Element = RunEvent
    /// The errors that reading may throw: `deadlineExceeded`, `cancelled`, `sessionLost`.
    public typealias Failure = MMError

    private let handle: RunHandle

    init(feed: RunFeed, stop: @escaping @Sendable (CommandMachine.StopReason) -> Void) {
        handle = RunHandle(feed: feed, stop: stop)
    }

    /// Asks the command to stop. Its remaining output and its end can still be read.
    package func stop() { handle.stop(.asked) }

    /// Creates the iterator.
    public func makeAsyncIterator() -> Iterator { Iterator(handle: handle) }

    /// Reads events in order.
    public struct Iterator: AsyncIteratorProtocol {
        private let handle: RunHandle
        private var batch: [RunEvent] = []
        private var position = 0

        fileprivate init(handle: RunHandle) { self.handle = handle }

        /// Returns the next event, or `nil` after the end.
        /// - Throws: `.cancelled`, `.deadlineExceeded`, or `.sessionLost` if the process is gone.
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

        /// Returns the next event, or `nil` after the end.
        /// - Throws: `.cancelled`, `.deadlineExceeded`, or `.sessionLost` if the process is gone.
        public mutating func next() async throws(MMError) -> RunEvent? { try await next(isolation: nil) }
    }

    /// Reads all output.
    /// - Parameter limit: the maximum number of records to keep; the rest is only counted.
    /// - Throws: the errors of reading; the details of the error contain the output until then as `output`.
    package func collect(limit: Int = .max) async throws(MMError) -> PowerShellAnswer {
        var answer = PowerShellAnswer()
        var events = makeAsyncIterator()
        do throws(MMError) {
            while let event = try await events.next() { answer.add(event, limit: limit) }
        } catch {
            throw error.withOutput(answer.values)
        }
        return answer
    }
}

/// The reader's side of a run: if it goes away before the command has ended, the command is stopped.
private final class RunHandle: Sendable {
    let feed: RunFeed
    let stop: @Sendable (CommandMachine.StopReason) -> Void

    init(feed: RunFeed, stop: @escaping @Sendable (CommandMachine.StopReason) -> Void) {
        self.feed = feed
        self.stop = stop
    }

    deinit { stop(.cancelled) }
}

/// The collected output of a command.
public struct PowerShellAnswer: Sendable, Hashable {
    /// The records in order, without progress.
    public private(set) var records: [PowerShellRecord] = []
    /// The text that bypassed the streams.
    public private(set) var console: [ConsoleText] = []
    /// The end of the command; `nil` only before it.
    public private(set) var end: CommandEnd?
    /// The number of records beyond the limit, which weren't kept.
    public private(set) var dropped = 0

    /// Creates an empty answer.
    public init() {}

    /// Adds an event.
    mutating func add(_ event: RunEvent, limit: Int) {
        switch event {
        // Progress is over by then, and of a long command there would be more of it than of anything else.
        case .record(let record) where record.stream == .progress: break
        case .record(let record):
            if records.count < limit { records.append(record) } else { dropped += 1 }
        case .console(let piece):
            // Where one piece ends and the next begins depends only on the time at which each was read.
            if console.last?.stream == piece.stream {
                console[console.count - 1].text += piece.text
            } else {
                console.append(piece)
            }
        case .end(let end): self.end = end
        }
    }

    /// The values of output and text records.
    public var values: [JSONValue] {
        // Not a single `compactMap`: there, `nil` would be JSON's null.
        records.filter { $0.stream == .output || $0.stream == .text }.map(\.value)
    }

    /// The error records.
    public var errors: [PowerShellRecord] { records.filter { $0.stream == .error } }

    /// Whether it ran to completion without an error record.
    package var isClean: Bool { end?.state == .completed && errors.isEmpty }

    /// The description of what went wrong: the terminating error, the syntax errors, or the first error record.
    public var problem: String? {
        if let failure = end?.failure {
            return failure.message.isEmpty ? "The command threw an error without a message." : failure.message
        }
        if let problems = end?.problems, !problems.isEmpty {
            return problems.map { "line \($0.line), column \($0.column): \($0.message)" }.joined(separator: "\n")
        }
        return errors.first?.message
    }
}

/// An output event of a running command, in order.
public enum RunEvent: Sendable, Hashable {
    /// A record.
    case record(PowerShellRecord)
    /// Text that the process printed past its streams while the command ran.
    case console(ConsoleText)
    /// The end; no more events follow.
    case end(CommandEnd)
}
