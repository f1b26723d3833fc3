package import MMCore
package import MMDesk
package import MMGuard
package import MMShell
package import MMSystem

/// A runner that starts a command in a session and waits for it as long as the caller wants.
package struct ShellRunner: Sendable {
    let sessions: ShellSessions
    let member: ShellSessions.Member

    /// How a command's output is kept.
    package enum Keeping: Sendable {
        /// The beginning and the end are kept.
        case ends
        /// The whole output is kept, in the output store if it is too long for memory.
        case all(OutputStore, owner: String)
        /// One reader takes the output as it comes (`ShellJob.take`), and the command waits for the reader.
        case flowing

        fileprivate var spool: CommandSpool? {
            guard case .all(let outputs, let owner) = self else { return nil }
            return CommandSpool(outputs: outputs, owner: owner)
        }

        fileprivate func limits(hasSpool: Bool) -> ShellCommand.Limits {
            var limits = ShellCommand.Limits(head: 512 << 10, tail: 512 << 10)
            if case .flowing = self { limits = ShellCommand.Limits(head: 0, tail: 64 << 10) }
            if case .ends = self { return limits }
            if case .all = self, !hasSpool { return limits }
            limits.window = 256 << 10
            return limits
        }
    }

    /// Creates a runner for a session.
    package init(sessions: ShellSessions, member: ShellSessions.Member) {
        self.sessions = sessions
        self.member = member
    }

    /// Starts a command.
    /// - Parameters:
    ///   - cleared: the command.
    ///   - input: the command's input.
    ///   - size: the size of its terminal; `nil` for the default.
    ///   - timeLimit: the time after its start at which it is cancelled, and the longest wait for its start.
    ///   - isBeside: whether it runs in a shell of its own with the session's directory and exported variables.
    ///   - patience: how long to wait for a command that is already running in the session.
    ///   - keeping: how its output is kept.
    ///   - admission: the session policy's admission of the command, if checked already.
    ///   - call: the audit log name of the call that runs it.
    ///   - turn: the turn that decides which requests it may send, if the session has an identity.
    ///   - terminal: the kept terminal that shows its output to viewers.
    ///   - summary: its name in lists; by default the beginning of its text.
    /// - Throws: `conflict` with the handle of another command that is still running; `denied` by a security file; the
    ///   errors of starting it.
    package func start(
        _ cleared: Cleared<ShellLine>, input: ShellCommand.Input = .none, size: ShellCommand.Size? = nil,
        timeLimit: Duration,
        patience: Duration, isBeside: Bool = false, keeping: Keeping = .ends,
        admission: ShellPolicy.Admission? = nil, call: String? = nil, turn: CallTurn? = nil,
        terminal: KeptTerminal? = nil, summary: String? = nil
    ) async throws(MMError) -> ShellTask {
        guard case .shell(let session) = member.body else {
            throw MMError(.unsupported, "A device runs one command line at a time.")
        }
        if !isBeside, let running = sessions.running(in: member.key) {
            // A terminal lasts until a person ends it, even if they have left it, so there is no point in waiting.
            let isTerminal = running.terminal != nil
            guard !isTerminal, await running.job.wait(until: .after(min(patience, timeLimit))) != nil else {
                throw MMError(
                    .conflict, "The session “\(member.key.name)” is running \(running.handle): \(running.summary)",
                    hint: (isTerminal ? "The person who uses it must end it" : "Wait for it to end")
                        + ", cancel it (jobs with cancel), or run this beside it (`beside`) or in another session.",
                    details: ["job": .string(running.handle)])
            }
        }
        let spool = session.waitsForReader ? keeping.spool : nil
        var command = ShellCommand(
            cleared.act.text, input: input, limits: keeping.limits(hasSpool: spool != nil), size: size)
        command.admission = admission
        let traffic = member.wire?.begin(call, turn)
        let job: ShellJob
        do throws(MMError) {
            job = try await hand(command, by: cleared, to: session, timeLimit, isBeside: isBeside, terminal)
        } catch {
            if let traffic { member.wire?.end(traffic) }
            throw error
        }
        let task = ShellTask(
            session: member.key, summary: summary ?? self.summary(of: cleared.act.text), job: job, timeLimit: timeLimit,
            isBeside: isBeside,
            spool: spool, traffic: traffic, terminal: terminal)
        spool?.follow(job)
        if let traffic {
            Task { [wire = member.wire] in
                _ = await job.waitForEnd()
                wire?.end(traffic)
            }
        }
        await sessions.add(task)
        return task
    }

    private func hand(
        _ command: ShellCommand, by cleared: Cleared<ShellLine>, to session: GuardedShell, _ timeLimit: Duration,
        isBeside: Bool, _ terminal: KeptTerminal?
    ) async throws(MMError) -> ShellJob {
        if let terminal {
            let job = try await session.start(cleared, as: command, deadline: .after(timeLimit)) { (_, bytes) in
                terminal.write(bytes)
            }
            Task {
                _ = await job.waitForEnd()
                terminal.finish()
            }
            return job
        }
        do throws(MMError) {
            return try await session.start(cleared, as: command, isBeside: isBeside, deadline: .after(timeLimit))
        } catch  where error.code == .unsupported && command.input == .terminal {
            // A session without terminals can still run commands that need no input.
            var plain = command
            plain.input = .none
            return try await session.start(cleared, as: plain, deadline: .after(timeLimit))
        }
    }

    /// Returns the beginning of a command, without secrets.
    private func summary(of text: String) -> String {
        let clean = Redactor(known: member.secrets).text(text)
        let line = clean.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
        return line.count > 80 ? line.prefix(80) + "…" : line == clean ? line : line + " …"
    }

    /// Waits for a command.
    /// - Parameters:
    ///   - deadline: when the caller stops waiting; the command goes on.
    ///   - text: ends the wait as soon as it is written.
    ///   - pattern: ends the wait as soon as a line matches it.
    ///   - quiet: ends the wait when nothing has been written for this long.
    /// - Returns: the prompt that the command waits at, if it does.
    package static func wait(
        _ job: ShellJob, until deadline: Deadline, for text: String? = nil, matching pattern: RegularExpression? = nil,
        quiet: Duration? = nil
    ) async -> ShellPrompt? {
        if text != nil || pattern != nil {
            await withTaskGroup(of: Bool.self) { group in
                for stream in ShellCommand.Stream.allCases {
                    if let text { group.addTask { await job.wait(for: text, in: stream, until: deadline) != nil } }
                    if let pattern { group.addTask { await job.wait(for: pattern, in: stream, until: deadline) } }
                }
                // The first stream with a match ends the wait; a stream that ended without one doesn't.
                while let found = await group.next(), !found, job.end == nil {}
                group.cancelAll()
            }
            return await question(job, until: .after(lastQuestion))
        }
        if let quiet {
            _ = await job.waitForQuiet(quiet, until: deadline)
            return await question(job, until: .after(lastQuestion))
        }
        guard job.command.input != .none else {
            _ = await job.wait(until: deadline)
            return nil
        }
        while job.end == nil, !deadline.hasPassed, !Task.isCancelled {
            let step = min(deadline, .after(.milliseconds(250)))
            if await job.wait(until: step) != nil { return nil }
            if let prompt = await question(job, until: deadline) { return prompt }
        }
        return await question(job, until: .after(lastQuestion))
    }

    /// How long the question after a wait may take.
    private static let lastQuestion: Duration = .seconds(2)

    /// Returns the prompt that a command waits at; `nil` if it ends or the deadline passes before that is known: a host
    /// may be slow to tell, or no longer answer.
    private static func question(_ job: ShellJob, until deadline: Deadline) async -> ShellPrompt? {
        await withTaskGroup(of: ShellPrompt?.self) { group in
            group.addTask { await job.waitingFor() }
            group.addTask {
                _ = await job.wait(until: deadline)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }
}

/// The stored part of a command's output beyond what is kept in memory, so that the middle isn't lost. It can be read
/// by the command's handle while it runs, and by a handle of the output store afterwards.
package final class CommandSpool: Sendable {
    private let outputs: OutputStore
    private let owner: String
    private let sheets = Mutex<[ShellCommand.Stream: SpoolSheet]>([:])
    private let work = Mutex<Task<Void, Never>?>(nil)
    /// Whether all output has been written to the sheets.
    private let isComplete = Mutex(false)

    /// Creates a spool for one command.
    /// - Parameters:
    ///   - outputs: the store for long output.
    ///   - owner: the owner of the stored output.
    init(outputs: OutputStore, owner: String) {
        self.outputs = outputs
        self.owner = owner
    }

    /// Stores the command's output until it ends.
    func follow(_ job: ShellJob) {
        let task = Task { [self] in
            do throws(MMError) {
                while let pieces = await job.take() {
                    for piece in pieces { try await sheet(of: piece.stream, job).append(piece.bytes) }
                }
            } catch {
                // A failure to store output must not block the command; the beginning and the end are still kept in
                // memory.
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

    /// Returns a part of an output that is no longer in memory, from the sheet or once it has been written there.
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

    /// Returns the complete stored output, once the command has ended.
    func stored(_ stream: ShellCommand.Stream, of job: ShellJob) async -> StoredOutput? {
        await work.withLock { $0 }?.value
        if let sheet = sheets.withLock({ $0[stream] }) { return try? await sheet.finish() }
        let output = job.strippingExitBanner(stream)
        guard output.omitted == 0 else { return nil }
        return try? outputs.put(output.bytes, connection: owner, asText: true)
    }
}

/// One output stream of a command, while it is written to the output store.
actor SpoolSheet {
    private var writer: OutputWriter?
    private var stored: StoredOutput?

    /// Creates a sheet.
    init(in outputs: OutputStore, for owner: String) throws(MMError) {
        writer = try outputs.begin(connection: owner)
    }

    /// Adds bytes.
    /// - Throws: `limitExceeded` if the store is full; the bytes already written stay.
    func append(_ bytes: [UInt8]) throws(MMError) { try writer?.append(text: bytes) }

    /// Returns a part of the bytes added so far.
    func page(from offset: Int, limit: Int) throws(MMError) -> [UInt8] {
        try writer?.read(from: offset, limit: limit) ?? []
    }

    /// Ends the sheet and returns the stored output with its handle.
    func finish() throws(MMError) -> StoredOutput? {
        if let open = writer.take() { stored = try open.finishText() }
        return stored
    }
}
