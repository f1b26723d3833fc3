package import MMCore
package import MMSessions
package import MMShell

/// A command in a session, with a handle by which it can be read, typed into and cancelled while it runs, and read for
/// a while afterwards.
package final class ShellTask: LongWork {
    /// The handle that calls refer to it by.
    package let handle = WorkHandle.command.new()
    /// The session that it runs in.
    package let session: ShellSessionName
    /// The beginning of the command, without secrets, for lists.
    package let summary: String
    /// The command itself.
    package let job: ShellJob
    /// The time at which it was started.
    package let started = Timestamp.now
    private let begun = ContinuousClock.now
    private let wasLetGo = Mutex(false)
    private let typing = Mutex(TypedLine())
    /// Whether it runs beside the session's other commands, so that the session stays free.
    package let isBeside: Bool
    /// The time after its start at which it is cancelled.
    package let timeLimit: Duration
    /// The spool for output that doesn't fit in memory, if the whole output is kept.
    let spool: CommandSpool?
    /// The record of its network requests, if its session has a proxy.
    let traffic: ShellTraffic?
    /// The kept terminal, if a person has opened it.
    let terminal: KeptTerminal?

    /// Creates a running command.
    init(
        session: ShellSessionName, summary: String, job: ShellJob, timeLimit: Duration, isBeside: Bool,
        spool: CommandSpool?, traffic: ShellTraffic?, terminal: KeptTerminal?
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

    /// Returns a part of an output from an offset on, even if it is no longer in memory.
    func page(_ stream: ShellCommand.Stream, from offset: Int, limit: Int) async -> ShellJob.Page {
        var page = job.page(stream, from: offset, limit: limit)
        guard page.start > offset, let bytes = await spool?.page(stream, from: offset, limit: limit), !bytes.isEmpty
        else { return page }
        page.start = offset
        page.bytes = bytes
        return page
    }

    /// The typed text that has not been sent with Enter yet.
    var line: TypedLine {
        get { typing.withLock { $0 } }
        set { typing.withLock { $0 = newValue } }
    }

    /// Whether the command still runs.
    package var isRunning: Bool { job.end == nil }

    // MARK: Long work

    /// The owner of its session.
    package var owner: String { session.owner }

    /// Whether its call was answered while the command ran.
    package var isDetached: Bool { wasLetGo.withLock { $0 } }

    /// The time at which it ended.
    package var ended: ContinuousClock.Instant? { job.end.map { begun + $0.duration } }

    /// Marks that its call is answered while the command goes on.
    func letGo() { wasLetGo.withLock { $0 = true } }

    /// The report on the command as a job.
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

    /// The events of the command: its end.
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

    /// Cancels the command.
    package func cancel() { job.cancel() }

    /// Waits for the command's end.
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
        // A character has at most four bytes, so a part of four bytes always contains one.
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
