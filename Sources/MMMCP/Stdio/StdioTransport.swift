public import MMCore
import MMSystem
import Synchronization

/// Serves one client over pipes: one message a line, requests side by side, answers in any order.
///
/// Messages are read, taken apart and decided on one thread; a call's own work runs in a task, and one thread writes.
/// A client that doesn't read what it asked for is not read from either, until it does.
public enum StdioTransport {
    /// Serves the process's standard pipes until their end, or until the task is cancelled.
    ///
    /// From here on nothing else of the process can write to the wire: standard output goes where standard error goes,
    /// and standard input is empty. At the end, open calls are called off and what is finished is written; that takes
    /// less than a second unless many calls are just ending.
    /// - Parameter server: what is served.
    /// - Throws: `MMError` when the pipes can't be used.
    public static func run(_ server: MCPServer) async throws(MMError) {
        let pipes = try StandardPipes.claim()
        try await run(server, input: pipes.input, output: pipes.output, principal: .standardPipes)
    }

    /// Serves any two descriptors, which stay the caller's.
    /// - Parameters:
    ///   - server: what is served.
    ///   - input: where the client's messages come from.
    ///   - output: where ours go; nobody else may write there.
    ///   - principal: who the client is.
    /// - Throws: `MMError` when the system gives us no pipe.
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
        let session = Session(server: server, principal: principal, home: channel)
        let outcome = await withTaskCancellationHandler {
            await read(reader, into: session, channel, limits)
        } onCancel: {
            reader.stop()
            channel.release()
            session.freeReader()
        }
        // A task of its own: its waits must not end early where ours was cancelled.
        await Task {
            if broken.load(ordering: .acquiring) { session.close() } else { await session.drain(grace: limits.drain) }
            _ = await writer.finish(within: limits.drain / 2)
        }.value
        try outcome.get()
    }

    private static func read(
        _ reader: PipeReader, into session: Session, _ channel: PipeChannel, _ limits: ServerLimits
    ) async -> Result<Void, MMError> {
        do throws(MMError) {
            let parsing = JSONLimits(bytes: limits.messageBytes, depth: limits.nesting)
            let patience = Int32(min(limits.patience, .seconds(3600)) / .milliseconds(1))
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
                case .end: break
                }
            }
            return .success(())
        } catch {
            return .failure(error)
        }
    }
}
