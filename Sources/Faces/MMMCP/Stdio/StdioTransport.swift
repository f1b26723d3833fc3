import CMMSystem
import Glibc
public import MMCore
import MMSystem

import struct Synchronization.Atomic

/// Serves one client over pipes: one message per line, requests carried out concurrently, answers in any order.
///
/// One thread reads, parses and dispatches messages, a task carries out each call, and one thread writes. A client that
/// doesn't read its answers is not read from either until it does.
public enum StdioTransport {
    /// Serves the process's standard pipes until they end or the task is cancelled.
    ///
    /// From here on nothing else in the process can write to the wire: standard output goes to standard error, and
    /// standard input is empty. At the end, open calls are cancelled and finished answers are written; this takes less
    /// than a second unless many calls are just ending, or the client reads slowly.
    /// - Parameter server: the server.
    /// - Throws: `MMError` when the pipes can't be used, or the client didn't read its last answers.
    public static func run(_ server: MCPServer) async throws(MMError) {
        let pipes = try StandardPipes.claim()
        try await run(server, input: pipes.input, output: pipes.output, principal: .standardPipes)
    }

    /// Serves two descriptors, which remain the caller's.
    /// - Parameters:
    ///   - server: the server.
    ///   - input: the descriptor that the client's messages are read from.
    ///   - output: the descriptor that messages are written to; nothing else may write there.
    ///   - principal: the client.
    /// - Throws: `MMError` when the system has no descriptor or thread left, or the client didn't read its last
    ///   answers.
    package static func run(
        _ server: MCPServer, input: Int32, output: Int32, principal: Principal
    ) async throws(MMError) {
        let reader = try PipeReader(input)
        let limits = server.options.limits
        let broken = Atomic(false)
        let writer = try SerialWriter.start(
            output, capacity: min(limits.unreadBytes / 2, 256 << 10), name: "mcp-writer"
        ) {
            broken.store(true, ordering: .releasing)
            reader.stop()
        }
        let channel = PipeChannel(writer: writer, limit: limits.unreadBytes)
        let session = Session(server: server, principal: principal, sessionChannel: channel)
        let outcome = await withTaskCancellationHandler {
            await read(reader, into: session, channel, limits)
        } onCancel: {
            reader.stop()
            channel.release()
            session.freeReader()
        }
        // A signal wants the program to end soon.
        let isStopped = Task.isCancelled
        // A separate task, so that its waits don't end early when this one was cancelled.
        let isComplete = await Task { () async -> Bool in
            if broken.load(ordering: .acquiring) {
                session.close()
            } else {
                await session.drain(
                    grace: isStopped ? limits.drainGracePeriod / 4 : limits.drainGracePeriod,
                    answering: isStopped ? .serverEnded : .inputEnded)
            }
            let isWritten = await writer.finish(within: limits.lastWrites)
            // A client that closed its end has lost nothing that it wanted.
            return isWritten ? true : broken.load(ordering: .acquiring)
        }.value
        try outcome.get()
        guard isComplete else {
            throw MMError(
                .unavailable, "The client did not read its last answers: the output was cut off.",
                hint: "Read standard output to its end.")
        }
    }

    private static func read(
        _ reader: PipeReader, into session: Session, _ channel: PipeChannel, _ limits: ServerLimits
    ) async -> Result<Void, MMError> {
        do throws(MMError) {
            let parsing = JSONLimits(bytes: limits.messageBytes, depth: limits.nesting)
            let patience = Int32(min(limits.fullQueueTimeout, .seconds(3600)).milliseconds)
            try await reader.run(
                maxLineBytes: limits.messageBytes, beforeEach: { channel.blockUntilRoom() }
            ) { frame in
                switch frame {
                case .line(let line):
                    let isBlank = line.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
                    guard !isBlank else { return }
                    let message = Message.parse(line, limits: parsing)
                    if message.wantsAnswer { session.holdBackReader(bytes: line.count, patience: patience) }
                    session.receive(message, size: line.count, via: channel)
                case .tooLong:
                    let message = "the message is longer than \(limits.messageBytes) bytes"
                    channel.finish(Envelope.error(nil, .invalidRequest(message)))
                }
            }
            return .success(())
        } catch {
            return .failure(error)
        }
    }
}

/// The process's standard pipes, reserved for the protocol.
struct StandardPipes {
    let input: Int32
    let output: Int32

    /// Takes both pipes over: from here on, whatever libraries and child processes print goes to standard error, and
    /// their standard input is empty.
    /// - Throws: `MMError` when a descriptor is closed or can't be copied.
    static func claim() throws(MMError) -> StandardPipes {
        let input = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
        guard input >= 0 else { throw failure("standard input") }
        let output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
        guard output >= 0 else { throw failure("standard output") }
        let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
        guard nothing >= 0, dup2(nothing, STDIN_FILENO) >= 0 else { throw failure("/dev/null") }
        if nothing != STDIN_FILENO { close(nothing) }
        // Even with standard error closed, nobody else may write to the wire.
        if dup2(STDERR_FILENO, STDOUT_FILENO) < 0 {
            let sink = open("/dev/null", O_WRONLY | O_CLOEXEC)
            guard sink >= 0, dup2(sink, STDOUT_FILENO) >= 0 else { throw failure("/dev/null") }
            if sink != STDOUT_FILENO { close(sink) }
        }
        return StandardPipes(input: input, output: output)
    }

    private static func failure(_ what: String) -> MMError {
        MMError(
            .unavailable, "\(what) can't be used: \(String(cString: strerror(errno))).",
            hint: "Start the server from an MCP client, with pipes on standard input and output."
        )
    }
}

/// Reads a pipe to its end, or until it is stopped.
///
/// Messages are parsed on the thread that reads them, which needs a larger stack than other threads have: 256 levels of
/// nesting must fit.
final class PipeReader: Sendable {
    private static let stackSize = 4 << 20
    private let descriptor: Int32
    private let stopper: FileDescriptor

    /// Creates a reader.
    /// - Parameter descriptor: the read end; remains the caller's and must stay open until `run` returns.
    /// - Throws: `.unavailable` when no descriptor is left.
    init(_ descriptor: Int32) throws(MMError) {
        let event = mm_eventfd()
        guard event >= 0 else { throw SystemError.error("Creating an event descriptor") }
        self.descriptor = descriptor
        stopper = FileDescriptor(owning: event)
    }

    /// Ends reading soon; may be called from anywhere, any number of times.
    func stop() {
        var one: UInt64 = 1
        _ = Glibc.write(stopper.raw, &one, MemoryLayout<UInt64>.size)
    }

    /// Reads on a thread of its own and waits for the end.
    /// - Parameters:
    ///   - maxLineBytes: the maximum length of a line, in bytes.
    ///   - beforeEach: called before every read; may block to slow the client down.
    ///   - deliver: receives the lines, on the reader thread.
    /// - Throws: `.unavailable` when no thread can be created.
    func run(
        maxLineBytes: Int, beforeEach: @escaping @Sendable () -> Void,
        deliver: @escaping @Sendable (LineSplitter.Frame) -> Void
    ) async throws(MMError) {
        let thread = try DedicatedThread.start("mcp-reader", stackSize: Self.stackSize) {
            var splitter = LineSplitter(maxLineBytes: maxLineBytes)
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
            defer { buffer.deallocate() }
            while true {
                beforeEach()
                guard mm_wait_readable(self.descriptor, self.stopper.raw) == 1 else { break }
                let count = read(self.descriptor, buffer.baseAddress, buffer.count)
                if count > 0 {
                    splitter.consume(UnsafeRawBufferPointer(rebasing: buffer[..<count]), deliver)
                } else if count == 0 || (errno != EINTR && errno != EAGAIN) {
                    break
                }
            }
            splitter.finish(deliver)
        }
        await thread.ended()
    }
}

/// The pipe as a message channel, shared by all of its calls.
///
/// Writing never waits, so output accumulates when a client doesn't read. The channel counts the bytes that may be
/// unread and blocks the reader until there is room again: a client that reads nothing is not read from either.
final class PipeChannel: MessageChannel {
    private struct State: Sendable {
        /// The number of bytes handed over since the pipe was last known to have room.
        var unconfirmed = 0
        var isAsking = false
        var isReleased = false
        var isReaderWaiting = false
        /// Whether a message is being sent in pieces; the others wait until it is complete.
        var isStreaming = false
        var held: [[UInt8]] = []
        var turns: [OneShot<Void>] = []
    }

    private let writer: SerialWriter
    private let limit: Int
    private let state = Mutex(State())
    private let room = ThreadSemaphore()

    /// Creates a channel.
    /// - Parameters:
    ///   - writer: writes to the pipe; its capacity is at most half of `limit`.
    ///   - limit: the number of unread bytes at which the client is no longer read from.
    init(writer: SerialWriter, limit: Int) {
        self.writer = writer
        self.limit = limit
    }

    var isCongested: Bool { state.withLock { $0.unconfirmed >= limit } }

    func send(_ message: [UInt8]) { put(message) }

    func finish(_ answer: Reply?) {
        if let answer { put(answer.bytes) }
    }

    private func put(_ message: [UInt8]) {
        var line = message
        line.append(0x0A)
        let asks = state.withLock { state in
            if state.isStreaming { state.held.append(line) } else { writer.writeNow(line) }
            state.unconfirmed += line.count
            guard state.unconfirmed >= limit / 4, !state.isAsking else { return false }
            state.isAsking = true
            return true
        }
        guard asks else { return }
        Task {
            // An empty frame queues like every other. When writing it fails, nobody reads, and nobody needs to wait.
            try? await writer.write([])
            self.confirmRoom()
        }
    }

    func finish(streaming reply: StreamedReply) async {
        let turn: OneShot<Void>? = state.withLock { state in
            guard state.isStreaming else {
                state.isStreaming = true
                return nil
            }
            let turn = OneShot<Void>()
            state.turns.append(turn)
            return turn
        }
        await turn?.wait()
        try? await reply.send { (piece) async throws(MMError) in
            do throws(MMError) {
                try await writer.write(piece)
            } catch {
                // A truncated message would corrupt all that follow, so only the end of the pipe cuts it short.
                guard writer.writeNow(piece) else { throw error }
            }
        }
        writer.writeNow([0x0A])
        let next: OneShot<Void>? = state.withLock { state in
            for line in state.held { writer.writeNow(line) }
            state.held = []
            state.isStreaming = !state.turns.isEmpty
            return state.turns.isEmpty ? nil : state.turns.removeFirst()
        }
        next?.resolve(())
    }

    private func confirmRoom() {
        let wakes = state.withLock { state in
            state.unconfirmed = 0
            state.isAsking = false
            defer { state.isReaderWaiting = false }
            return state.isReaderWaiting
        }
        if wakes { room.post() }
    }

    func waitForRoom() async {
        // Fails when nobody reads any more or the call is cancelled; then nobody needs to wait.
        while isCongested {
            guard (try? await writer.write([])) != nil else { return }
            confirmRoom()
        }
    }

    /// Blocks the reader thread while too many bytes are unread.
    func blockUntilRoom() {
        while true {
            let waits = state.withLock { state in
                guard state.unconfirmed >= limit, !state.isReleased else { return false }
                state.isReaderWaiting = true
                return true
            }
            guard waits else { return }
            room.wait()
        }
    }

    /// Stops blocking the reader thread, because reading is about to end.
    func release() {
        let wakes = state.withLock { state in
            state.isReleased = true
            defer { state.isReaderWaiting = false }
            return state.isReaderWaiting
        }
        if wakes { room.post() }
    }
}
