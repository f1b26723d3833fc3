package import MMCore
package import MMShell

/// A command that was handed to a session, by its handle: it can be read, typed into and cancelled while it runs, and read
/// for a while afterwards.
package final class ShellTask: Sendable {
    /// The name to ask for it by: random, so that nobody can guess it.
    package let handle: String
    /// The session it runs in.
    package let session: ShellSessionName
    /// The beginning of the command, without secrets, for lists.
    package let summary: String
    /// The command itself.
    package let job: ShellJob
    /// When it was started.
    package let started: Timestamp
    /// Whether it runs beside the session, which stays free.
    package let isBeside: Bool
    /// When it is cancelled, counted from its start.
    package let timeLimit: Duration
    /// What puts aside what memory does not hold, where something does.
    let spool: CommandSpool?

    /// A command that runs.
    init(
        session: ShellSessionName, summary: String, job: ShellJob, timeLimit: Duration, isBeside: Bool = false,
        spool: CommandSpool? = nil
    ) {
        self.spool = spool
        self.isBeside = isBeside
        handle = "cmd-" + RandomBytes.text(bytes: 12)
        self.session = session
        self.summary = summary
        self.job = job
        self.timeLimit = timeLimit
        started = .now
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

    /// Whether it still runs.
    package var isRunning: Bool { job.end == nil }
}
