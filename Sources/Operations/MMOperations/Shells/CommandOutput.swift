import MMCore
import MMShell

/// What a command writes, as it flows to a terminal while the command runs. When its reader goes away, the command is ended.
final class CommandOutput: Sendable {
    private struct State {
        /// The end of standard error that may be the word with which an interactive shell takes its leave.
        var banner: [UInt8] = []
        var isOver = false
        var end = AnswerEnd()
    }

    private let task: ShellTask
    private let concluded: @Sendable (ShellEnd) async -> Void
    private let state = Mutex(State())

    /// The output of a command whose limits have a window.
    /// - Parameter concluded: called when it has ended, before its reader hears of it.
    init(of task: ShellTask, concluded: @escaping @Sendable (ShellEnd) async -> Void) {
        self.task = task
        self.concluded = concluded
    }

    deinit { task.job.cancel() }

    /// The rows, with the exit status and what a person should know behind them.
    var stream: ItemStream {
        ItemStream(end: { [self] in state.withLock { $0.end } }) { [self] () async throws(MMError) in
            try await next()
        }
    }

    private func next() async throws(MMError) -> [ArraySlice<UInt8>]? {
        while !state.withLock({ $0.isOver }) {
            let pieces = await task.job.take()
            if Task.isCancelled {
                task.job.cancel()
                throw MMError(.cancelled, "The command was cancelled.")
            }
            let rows = (pieces ?? []).compactMap { row(of: $0) }
            if pieces != nil {
                if rows.isEmpty { continue }
                return rows
            }
            let rest = await conclude()
            if !rest.isEmpty { return [CommandPiece(rest, isError: true).row] }
        }
        return nil
    }

    private func row(of piece: ShellPiece) -> ArraySlice<UInt8>? {
        guard piece.stream == .stderr else {
            return CommandPiece(piece.bytes, isError: piece.stream == .terminal).row
        }
        let bytes = state.withLock { state -> [UInt8] in
            let (said, banner) = ShellExitBanner.split(state.banner + piece.bytes)
            state.banner = banner
            return said
        }
        return bytes.isEmpty ? nil : CommandPiece(bytes, isError: true).row
    }

    /// The command has ended.
    /// - Returns: what is still to be shown of its errors.
    private func conclude() async -> [UInt8] {
        let end = await task.job.waitForEnd()
        await concluded(end)
        var notes = ShellReport(task: task, room: 0).notes
        if task.job.dropped > 0 {
            notes.append("\(task.job.dropped) bytes were left out: the command was stopped before they were read.")
        }
        return state.withLock { [notes] state in
            state.isOver = true
            state.end = AnswerEnd(notes: notes)
            state.end.exitStatus = end.exitStatus
            return end.cause == .shellEnded ? [] : state.banner
        }
    }
}
