package import MMCore
package import MMSessions
package import MMShell

/// A command that was handed to a session, by its handle: it can be read, typed into and cancelled while it runs, and read
/// for a while afterwards.
package final class ShellTask: LongWork {
    /// The name to ask for it by.
    package let handle = WorkHandle.command.new()
    /// The session it runs in.
    package let session: ShellSessionName
    /// The beginning of the command, without secrets, for lists.
    package let summary: String
    /// The command itself.
    package let job: ShellJob
    /// When it was started.
    package let started = Timestamp.now
    private let begun = ContinuousClock.now
    private let wasLetGo = Mutex(false)
    private let typing = Mutex(TypedLine())
    /// Whether it runs beside the session, which stays free.
    package let isBeside: Bool
    /// When it is cancelled, counted from its start.
    package let timeLimit: Duration
    /// What puts aside what memory does not hold, where something does.
    let spool: CommandSpool?
    /// What it asked of the network, where its session has a way of its own there.
    let traffic: ShellTraffic?
    /// What shows its terminal to a person, where one has opened it.
    let terminal: KeptTerminal?

    /// A command that runs.
    init(
        session: ShellSessionName, summary: String, job: ShellJob, timeLimit: Duration, isBeside: Bool = false,
        spool: CommandSpool? = nil, traffic: ShellTraffic? = nil, terminal: KeptTerminal? = nil
    ) {
        self.terminal = terminal
        self.traffic = traffic
        self.spool = spool
        self.isBeside = isBeside
        self.session = session
        self.summary = summary
        self.job = job
        self.timeLimit = timeLimit
    }

    /// A piece of an output from an offset on, also of what memory does not hold any more.
    func page(_ stream: ShellCommand.Stream, from offset: Int, limit: Int) async -> ShellJob.Page {
        var page = job.page(stream, from: offset, limit: limit)
        guard page.start > offset, let bytes = await spool?.page(stream, from: offset, limit: limit), !bytes.isEmpty
        else { return page }
        page.start = offset
        page.bytes = bytes
        return page
    }

    /// What was typed into it and not sent off yet.
    var line: TypedLine {
        get { typing.withLock { $0 } }
        set { typing.withLock { $0 = newValue } }
    }

    /// Whether it still runs.
    package var isRunning: Bool { job.end == nil }

    // MARK: Long work

    /// Whose session it runs in.
    package var owner: String { session.owner }

    /// Whether its call was answered while it ran.
    package var isDetached: Bool { wasLetGo.withLock { $0 } }

    /// When it ended.
    package var ended: ContinuousClock.Instant? { job.end.map { begun + $0.duration } }

    /// Its call is answered while it goes on.
    func letGo() { wasLetGo.withLock { $0 = true } }

    /// What is told of it.
    package var report: JobReport {
        let end = job.end
        return JobReport(
            handle: handle, label: "\(session.place.rawValue)_run", owner: owner, state: Self.state(end),
            started: started, elapsed: end?.duration ?? ContinuousClock.now - begun,
            progress: JobProgress(done: 0, total: nil, message: summary), error: nil)
    }

    private static func state(_ end: ShellEnd?) -> JobReport.State {
        guard let end else { return .running }
        switch end.cause {
        case .finished, .shellEnded: return end.exitCode == 0 ? .done : .failed
        case .cancelled, .closed: return .cancelled
        case .deadline, .flood, .lost: return .failed
        }
    }

    /// Its end, when it comes.
    package var events: AsyncStream<JobEvent> {
        AsyncStream { continuation in
            let waiting = Task { [self] in
                continuation.yield(.ended(await settledReport()))
                continuation.finish()
            }
            continuation.onTermination = { _ in waiting.cancel() }
        }
    }

    private func settledReport() async -> JobReport {
        _ = await job.waitForEnd()
        return report
    }

    /// Calls it off.
    package func cancel() { job.cancel() }

    /// Waits for its end.
    package func finished(within limit: Duration) async { _ = await job.wait(until: .after(limit)) }
}

extension ShellTask: OperationWork {
    func answer(
        to context: OperationContext, prompt: ShellPrompt?, from services: WorkServices
    ) async -> OperationAnswer {
        await .report(self, context, prompt: prompt)
    }

    func page(
        _ stream: ShellCommand.Stream?, from offset: Int, limit: Int?, to context: OperationContext,
        from services: WorkServices
    ) async -> OperationAnswer {
        guard let stream else { return .display(self) }
        // No character is longer than four bytes: with so many there is always one to show.
        let page = await page(stream, from: offset, limit: max(limit ?? 20_000, 4))
        let text = ShellText(
            page.bytes, isCut: page.start > 0 || page.next < page.total || isRunning,
            isRead: context.call.caller.surface == .mcp)
        var object: JSONObject = [
            "job": .string(handle), "status": .string(ShellReport(task: self, room: 0).status),
            "stream": .string(stream.rawValue), "offset": .int(Int64(page.start)),
            "next": .int(Int64(page.next - text.left)), "total": .int(Int64(page.total)), "text": .string(text.text),
        ]
        if let form = text.encoding { object["encoding"] = .string(form.rawValue) }
        if let end = job.end { object["exit_code"] = .int(Int64(end.exitCode)) }
        return OperationAnswer(.value(.object(object)), verbatim: context.isTerminal ? text.text : nil)
    }

    func wait(for wish: WaitingWish, until deadline: Deadline) async -> ShellPrompt? {
        await ShellRunner.wait(job, until: deadline, for: wish.text, matching: wish.pattern, quiet: wish.quiet)
    }

    func end(for context: OperationContext, from services: WorkServices) async -> OperationAnswer {
        cancel()
        await finished(within: .seconds(10))
        return await answer(to: context, prompt: nil, from: services)
    }
}
