import MMCore
import MMShell

/// Puts aside what a command writes beyond what is kept in memory, so that nothing in the middle is lost: it can be read by
/// the command's handle while it runs, and by a handle of the output store afterwards.
package final class CommandSpool: Sendable {
    private let outputs: OutputStore
    private let owner: String
    private let sheets = Mutex<[ShellCommand.Stream: SpoolSheet]>([:])
    private let work = Mutex<Task<Void, Never>?>(nil)
    /// Whether nothing is on its way into the sheets any more.
    private let isComplete = Mutex(false)

    /// A spool for one command.
    /// - Parameters:
    ///   - outputs: takes what is too long for memory.
    ///   - owner: whose it is there.
    init(outputs: OutputStore, owner: String) {
        self.outputs = outputs
        self.owner = owner
    }

    /// Takes what the command writes, until it ends.
    func follow(_ job: ShellJob) {
        let task = Task { [self] in
            do throws(MMError) {
                while let pieces = await job.take() {
                    for piece in pieces { try await sheet(of: piece.stream, job).append(piece.bytes) }
                }
            } catch {
                // What can't be put aside must not hold the command up: its beginning and end are kept.
                job.stopReading()
            }
            isComplete.withLock { $0 = true }
        }
        work.withLock { $0 = task }
    }

    private func sheet(of stream: ShellCommand.Stream, _ job: ShellJob) async throws(MMError) -> SpoolSheet {
        if let sheet = sheets.withLock({ $0[stream] }) { return sheet }
        let made = try SpoolSheet(in: outputs, for: owner)
        let head = job.page(stream, from: 0, limit: job.command.limits.head)
        try await made.append(head.bytes)
        sheets.withLock { $0[stream] = made }
        return made
    }

    /// A piece of an output that memory does not hold any more: it is in the sheet, or on its way there.
    func page(_ stream: ShellCommand.Stream, from offset: Int, limit: Int) async -> [UInt8] {
        while true {
            let wasComplete = isComplete.withLock { $0 }
            let sheet = sheets.withLock { $0[stream] }
            if let open = try? await sheet?.page(from: offset, limit: limit), !open.isEmpty { return open }
            if wasComplete {
                guard let stored = try? await sheet?.finish() else { return [] }
                return (try? outputs.bytes(of: stored, from: offset, limit: limit)) ?? []
            }
            guard (try? await Task.sleep(for: .milliseconds(2))) != nil else { return [] }
        }
    }

    /// Where the whole of an output lies, once the command has ended.
    func stored(_ stream: ShellCommand.Stream, of job: ShellJob) async -> StoredOutput? {
        await work.withLock { $0 }?.value
        if let sheet = sheets.withLock({ $0[stream] }) { return try? await sheet.finish() }
        let output = job.strippingExitBanner(stream)
        guard output.omitted == 0 else { return nil }
        return try? outputs.put(output.bytes, connection: owner, asText: true)
    }
}

/// One output of a command in the output store, while it is written.
actor SpoolSheet {
    private var writer: OutputWriter?
    private var stored: StoredOutput?

    /// Begins a sheet.
    init(in outputs: OutputStore, for owner: String) throws(MMError) {
        writer = try outputs.begin(connection: owner)
    }

    /// Adds bytes.
    /// - Throws: `limitExceeded` where the store takes no more; what is there stays.
    func append(_ bytes: [UInt8]) throws(MMError) { try writer?.append(text: bytes) }

    /// A piece of what was added so far.
    func page(from offset: Int, limit: Int) throws(MMError) -> [UInt8] {
        try writer?.read(from: offset, limit: limit) ?? []
    }

    /// Ends it, and gives it its handle.
    func finish() throws(MMError) -> StoredOutput? {
        if let open = writer.take() { stored = try open.finishText() }
        return stored
    }
}
