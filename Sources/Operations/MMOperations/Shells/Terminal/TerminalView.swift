import MMCore
package import MMShell

/// A person's view of a terminal in a session: its output is streamed to the person, and their input to it. When the
/// person leaves or their own terminal closes, the programs in it go on.
final class TerminalView: Sendable {
    private let task: ShellTask
    private let terminal: KeptTerminal
    private let viewer: KeptTerminal.Viewer
    private let again: String
    private let closing: String?
    private let left: @Sendable () async -> Void
    private let typing: Task<Void, Never>

    /// The time limit of what a person works in.
    static let longest = Duration.seconds(90 * 86_400)

    /// Attaches to the terminal.
    /// - Parameters:
    ///   - task: the command whose terminal it is.
    ///   - terminal: the terminal.
    ///   - first: the viewer that the terminal has had since before its command started, so that it gets all output;
    ///     `nil` for a terminal that runs already.
    ///   - size: the size of the person's terminal.
    ///   - keys: the person's input.
    ///   - again: how a person who left attaches again.
    ///   - closing: what a person is told at the end of its program; `nil` for what a command's end says.
    ///   - left: called when the person has left.
    init(
        of task: ShellTask, _ terminal: KeptTerminal, first: KeptTerminal.Viewer?, at size: ShellCommand.Size,
        keys: any CallInput, again: String, closing: String? = nil, left: @escaping @Sendable () async -> Void
    ) {
        self.task = task
        self.again = again
        self.closing = closing
        self.terminal = terminal
        self.left = left
        if first == nil { terminal.resize(size) }
        let viewer = first ?? terminal.attach(showsScreen: true)
        self.viewer = viewer
        typing = Task {
            if first == nil { await Self.show(task, terminal, at: size) }
            while let piece = try? await keys.next() {
                switch TerminalMessage(piece) {
                case .keys(let bytes): try? await task.job.type(.raw(bytes))
                case .size(let size):
                    terminal.resize(size)
                    await task.job.resize(size)
                case .detach:
                    terminal.detach(viewer)
                    return
                case nil: break
                }
            }
            terminal.detach(viewer)
        }
    }

    deinit {
        typing.cancel()
        terminal.detach(viewer)
    }

    /// Sets the terminal to the size of the person's terminal. A full-screen program first gets a different size, so
    /// that it redraws its screen even if the size is unchanged.
    private static func show(_ task: ShellTask, _ terminal: KeptTerminal, at size: ShellCommand.Size) async {
        if terminal.screen.isAlternate, size.rows > 1 {
            await task.job.resize(ShellCommand.Size(rows: size.rows - 1, columns: size.columns))
        }
        await task.job.resize(size)
    }

    /// The terminal's output, followed by the shell's exit status.
    var stream: ItemStream {
        ItemStream(end: { [self] in end }) { [self] () async throws(MMError) in
            guard let bytes = await terminal.next(viewer) else {
                typing.cancel()
                if Task.isCancelled { throw MMError(.cancelled, "Detached from the terminal.") }
                if task.job.end == nil { await left() }
                return nil
            }
            return [CommandPiece(bytes, isError: false).row]
        }
    }

    private var end: AnswerEnd {
        guard let end = task.job.end else {
            return AnswerEnd(notes: ["The terminal keeps running. \(again)"])
        }
        var answer = AnswerEnd()
        answer.exitStatus = end.exitStatus
        switch end.cause {
        case .finished, .shellEnded: answer.notes = closing.map { [$0] } ?? ShellReport(task: task, room: 0).notes
        default: answer.notes = ShellReport(task: task, room: 0).notes
        }
        return answer
    }
}

/// A message from a person's terminal to a terminal in a session, sent as one piece of a call's input.
package enum TerminalMessage: Sendable, Hashable {
    /// The bytes of pressed keys.
    case keys([UInt8])
    /// The new size of the person's terminal.
    case size(ShellCommand.Size)
    /// The person leaves; the programs go on.
    case detach

    private enum Kind: UInt8 {
        case keys, size, detach
    }

    /// The message as a piece of input.
    package var bytes: [UInt8] {
        switch self {
        case .keys(let bytes): return [Kind.keys.rawValue] + bytes
        case .size(let size):
            let (rows, columns) = (UInt16(size.rows), UInt16(size.columns))
            return [
                Kind.size.rawValue, UInt8(rows >> 8), UInt8(rows & 0xFF), UInt8(columns >> 8), UInt8(columns & 0xFF),
            ]
        case .detach: return [Kind.detach.rawValue]
        }
    }

    /// Reads the message from a piece of input; `nil` for an unknown one.
    fileprivate init?(_ bytes: [UInt8]) {
        switch bytes.first.flatMap(Kind.init) {
        case .keys?: self = .keys(Array(bytes.dropFirst()))
        case .size? where bytes.count == 5:
            let (rows, columns) = (Int(bytes[1]) << 8 | Int(bytes[2]), Int(bytes[3]) << 8 | Int(bytes[4]))
            self = .size(ShellCommand.Size(rows: rows, columns: columns))
        case .detach?: self = .detach
        default: return nil
        }
    }
}
