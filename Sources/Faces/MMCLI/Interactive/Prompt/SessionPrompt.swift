import Glibc
import MMCore
import MMOperations
import MMSystem

/// A prompt for commands of one session: `mm run CONNECTION MODULE` without a command, at a terminal.
struct SessionPrompt: Sendable {
    /// Runs a command and writes its answer.
    typealias Run = @Sendable (String) async throws(MMError) -> Void

    private let name: String
    private let guide: any PromptGuide
    private let history: PromptHistory
    private let streams: CommandStreams

    /// A prompt.
    /// - Parameters:
    ///   - name: the session's name: `Contoso exo`.
    ///   - guide: knows the language.
    ///   - history: what was typed before.
    ///   - streams: the terminal.
    init(_ name: String, guide: any PromptGuide, history: PromptHistory, streams: CommandStreams) {
        self.name = name
        self.guide = guide
        self.history = history
        self.streams = streams
    }

    /// Reads commands and runs them until the person leaves.
    func run(_ run: @escaping Run, report: @escaping @Sendable (MMError) -> Void) async throws(MMError) {
        let watch = RemarkWatch(guide: guide)
        let editor = LineEditor(
            usesColor: streams.usesColor, changed: { watch.changed($0, $1) }, complete: { guide.completions(of: $0) })
        if !editor.isFull {
            streams.note(streams.styled("Lines can't be edited without libedit (Debian: libedit2).", .quiet))
        }
        streams.note(
            streams.styled("Ctrl-D or exit leaves, TAB completes, Ctrl-C gives a line or a command up.", .quiet))
        for text in history.texts { editor.remember(text) }
        let showing = Task { await watch.follow { show($0, in: editor) } }
        defer { showing.cancel() }
        var lines: [String] = []
        var wasCalledOff = false
        var leaving: SignalTakers.Taking?
        while !Task.isCancelled {
            watch.begin(lines)
            show(nil, in: editor, isFirst: lines.isEmpty)
            let read = try await editor.read()
            leaving?.end()
            leaving = nil
            switch read {
            case .cancelled(let line):
                // Ctrl-C ended the command, and nothing was typed since.
                if wasCalledOff, lines.isEmpty, line.isEmpty { return }
                wasCalledOff = false
                lines = []
            case .end where lines.isEmpty: return
            case .end: lines = []
            case .line(let line):
                wasCalledOff = false
                lines.append(line)
                let text = lines.joined(separator: "\n")
                // An empty line ends what the parser would go on with, as in PowerShell.
                guard line.isEmpty || !guide.isUnfinished(text) else { continue }
                lines = []
                let command = text.drop(while: \.isWhitespace)
                if command.isEmpty { continue }
                if ["exit", "quit"].contains(command.filter { !$0.isWhitespace }.lowercased()) { return }
                keep(text, in: editor)
                watch.begin([])
                wasCalledOff = await perform(text, run, report)
                guard wasCalledOff else { continue }
                // Ctrl-C is a key while a line is edited; until then it is a signal.
                leaving = SignalTakers.shared.take(SIGINT) { exit(0) }
                streams.note(streams.styled("Ctrl-C once more leaves; the session stays.", .quiet))
            }
        }
    }

    /// A line's prompt, by what the guard would say of it.
    private func show(_ remark: PromptRemark?, in editor: LineEditor, isFirst: Bool? = nil) {
        var shown = editor.surroundings
        let isFirst = isFirst ?? !shown.prompt.hasPrefix(Self.continuing)
        let mark: Character
        switch remark?.decision {
        case nil: (mark, shown.color) = (">", nil)
        case .runs?: (mark, shown.color) = (">", "32")
        case .asks?: (mark, shown.color) = ("?", "33")
        case .refused?: (mark, shown.color) = ("!", "31")
        }
        shown.prompt = isFirst ? "\(name)\(mark) " : "\(Self.continuing)\(mark) "
        shown.remark = remark?.text ?? ""
        editor.show(shown)
    }

    private static let continuing = ">"

    private func keep(_ text: String, in editor: LineEditor) {
        guard !guide.holdsSecret(text) else { return }
        editor.remember(text)
        // A history that can't be written is no reason to stop.
        try? history.add(text)
    }

    /// Runs a command. Ctrl-C calls it off and keeps the prompt; a second one, while the command still ends, leaves.
    /// - Returns: whether it was called off.
    private func perform(
        _ text: String, _ run: @escaping Run, _ report: @escaping @Sendable (MMError) -> Void
    ) async -> Bool {
        streams.beginCommand()
        let task = Task {
            do throws(MMError) { try await run(text) } catch { report(error) }
        }
        let interrupt = SignalTakers.shared.take(SIGINT) {
            guard !task.isCancelled else { exit(128 + SIGINT) }
            task.cancel()
        }
        await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
        interrupt.end()
        return task.isCancelled && !Task.isCancelled
    }
}
