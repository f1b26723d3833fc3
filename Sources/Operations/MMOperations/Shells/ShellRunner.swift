package import MMCore
package import MMDesk
package import MMGuard
package import MMShell
package import MMSystem

/// Hands a command to a session and waits as long as the caller does.
package struct ShellRunner: Sendable {
    let sessions: ShellSessions
    let member: ShellSessions.Member

    /// What becomes of what a command writes.
    package enum Keeping: Sendable {
        /// Its beginning and its end are kept.
        case ends
        /// All of it is kept; what is too long for memory lies in the store.
        case all(OutputStore, owner: String)
        /// One reader takes it as it comes (`ShellJob.take`); the command waits for it.
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

    /// Runs commands in a session.
    package init(sessions: ShellSessions, member: ShellSessions.Member) {
        self.sessions = sessions
        self.member = member
    }

    /// Starts a command.
    /// - Parameters:
    ///   - cleared: the command.
    ///   - input: what it reads.
    ///   - size: the size of its terminal; nil for the usual one.
    ///   - timeLimit: when it is cancelled, from its start.
    ///   - isBeside: whether it runs in a shell of its own with the session's directory and exported variables.
    ///   - patience: how long a command that is running there may hold this one up.
    ///   - keeping: what becomes of its output.
    ///   - admission: what the session's policy said of it already.
    ///   - call: the call that runs it, as its audit line names it.
    ///   - turn: what it may send where the session has an identity.
    ///   - terminal: shows what it writes to whoever looks.
    ///   - summary: what lists call it; the beginning of its text if not given.
    /// - Throws: `conflict` when another command is still running then, with its handle; `denied` by a security file; what
    ///   starting throws.
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
            // A terminal lasts until its person ends it, also where they have left it: nobody waits for that.
            let isTerminal = running.terminal != nil
            guard !isTerminal, await running.job.wait(until: .after(patience)) != nil else {
                throw MMError(
                    .conflict, "The session “\(member.key.name)” is running \(running.handle): \(running.summary)",
                    hint: (isTerminal ? "Its person ends it" : "Wait for it")
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
            // A place without terminals still runs what asks for nothing.
            var plain = command
            plain.input = .none
            return try await session.start(cleared, as: plain, deadline: .after(timeLimit))
        }
    }

    /// The beginning of a command, without secrets.
    private func summary(of text: String) -> String {
        let clean = Redactor(known: member.secrets).text(text)
        let line = clean.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
        return line.count > 80 ? line.prefix(80) + "…" : line == clean ? line : line + " …"
    }

    /// Waits for a command.
    /// - Parameters:
    ///   - deadline: how long the caller waits; the command goes on then.
    ///   - text: ends the wait as soon as it was written.
    ///   - pattern: ends the wait as soon as a line matches it.
    ///   - quiet: ends the wait when nothing was written for so long.
    /// - Returns: what the command waits for, if it does.
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
                // The first stream that has it ends the wait; one that ended without says nothing.
                while let found = await group.next(), !found, job.end == nil {}
                group.cancelAll()
            }
            return await job.waitingFor()
        }
        if let quiet {
            _ = await job.waitForQuiet(quiet, until: deadline)
            return await job.waitingFor()
        }
        guard job.command.input != .none else {
            _ = await job.wait(until: deadline)
            return nil
        }
        while job.end == nil, !deadline.hasPassed, !Task.isCancelled {
            let step = min(deadline, .after(.milliseconds(250)))
            if await job.wait(until: step) != nil { return nil }
            if let prompt = await job.waitingFor() { return prompt }
        }
        return await job.waitingFor()
    }
}

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
