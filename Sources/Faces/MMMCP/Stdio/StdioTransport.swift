public import MMCore
import MMSystem
import Synchronization

/// Serves one client over pipes: one message per line, requests carried out concurrently, answers in any order.
///
/// One thread reads, parses and dispatches messages, a task carries out each call, and one thread writes. A client that
/// doesn't read its answers is not read from either until it does.
public enum StdioTransport {
    /// Serves the process's standard pipes until they end or the task is cancelled.
    ///
    /// From here on nothing else in the process can write to the wire: standard output goes to standard error, and
    /// standard input is empty. At the end, open calls are cancelled and finished answers are written; this takes less
    /// than a second unless many calls are just ending.
    /// - Parameter server: the server.
    /// - Throws: `MMError` when the pipes can't be used.
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
    /// - Throws: `MMError` when the system has no descriptor or thread left.
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
        // A separate task, so that its waits don't end early when this one was cancelled.
        await Task {
            if broken.load(ordering: .acquiring) {
                session.close()
            } else {
                await session.drain(grace: limits.drainGracePeriod)
            }
            _ = await writer.finish(within: limits.drainGracePeriod / 2)
        }.value
        try outcome.get()
    }

    private static func read(
        _ reader: PipeReader, into session: Session, _ channel: PipeChannel, _ limits: ServerLimits
    ) async -> Result<Void, MMError> {
        do throws(MMError) {
            let parsing = JSONLimits(bytes: limits.messageBytes, depth: limits.nesting)
            let patience = Int32(min(limits.fullQueueTimeout, .seconds(3600)) / .milliseconds(1))
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
