import CLineEditor
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

    /// Creates a prompt.
    /// - Parameters:
    ///   - name: the session's name: `Contoso exo`.
    ///   - guide: the guide to the language.
    ///   - history: the history of earlier prompts.
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
            streams.note("Line editing needs libedit (Debian: libedit2).", .quiet)
        }
        streams.note("Ctrl-D or exit quits, TAB completes, Ctrl-C cancels a line or a command.", .quiet)
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
                // The second Ctrl-C in a row, the first of which cancelled a command: the person wants to leave.
                if wasCalledOff, lines.isEmpty, line.isEmpty { return }
                wasCalledOff = false
                lines = []
            case .end where lines.isEmpty: return
            case .end: lines = []
            case .line(let line):
                wasCalledOff = false
                lines.append(line)
                let text = lines.joined(separator: "\n")
                // An empty line ends an unfinished text, as in PowerShell.
                guard line.isEmpty || !guide.isUnfinished(text) else { continue }
                lines = []
                let command = text.drop(while: \.isWhitespace)
                if command.isEmpty { continue }
                if ["exit", "quit"].contains(command.filter { !$0.isWhitespace }.lowercased()) { return }
                keep(text, in: editor)
                watch.begin([])
                wasCalledOff = await perform(text, run, report)
                guard wasCalledOff else { continue }
                // Ctrl-C is only a key while a line is edited; until then it is a signal.
                leaving = SignalTakers.shared.take(SIGINT) { ProcessEnd.now(0) }
                streams.note("Press Ctrl-C again to quit; the session is kept.", .quiet)
            }
        }
    }

    /// Shows the prompt of a line, with the guard's verdict on it.
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
        // Failing to write the history must not stop the prompt.
        try? history.add(text)
    }

    /// Runs a command. Ctrl-C cancels it and keeps the prompt; a second one, while the command is still ending, leaves.
    /// - Returns: whether the command was cancelled.
    private func perform(
        _ text: String, _ run: @escaping Run, _ report: @escaping @Sendable (MMError) -> Void
    ) async -> Bool {
        streams.beginCommand()
        let task = Task {
            do throws(MMError) { try await run(text) } catch { report(error) }
        }
        let interrupt = SignalTakers.shared.take(SIGINT) {
            guard !task.isCancelled else { ProcessEnd.now(128 + SIGINT) }
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

/// Has the guard judge a line while it is being typed. Only the latest state of the line is judged, and no key waits
/// for a verdict.
final class RemarkWatch: Sendable {
    /// The typed text, and the part of it before the cursor.
    private struct Typed {
        let text: String
        let beforeCursor: String
    }

    private struct State {
        var before: [String] = []
        var line: (whole: String, beforeCursor: String)?
        /// Counts the changes, so that a verdict on an earlier state of the line is not shown.
        var change = 0
        var waiter: OneShot<Void>?
    }

    private let guide: any PromptGuide
    private let state = Mutex(State())

    init(guide: any PromptGuide) { self.guide = guide }

    /// Begins a new line and drops the verdict on the previous one.
    /// - Parameter before: the earlier lines of the same text.
    func begin(_ before: [String]) {
        state.withLock { state in
            state.before = before
            state.line = nil
            state.change += 1
        }
    }

    /// Notes a change of the line.
    func changed(_ line: String, _ beforeCursor: String) {
        let waiter = state.withLock { state in
            state.line = (line, beforeCursor)
            state.change += 1
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resolve(())
    }

    /// Shows the guard's verdicts until the task is cancelled.
    func follow(_ show: @Sendable (PromptRemark?) -> Void) async {
        while !Task.isCancelled {
            let turn = OneShot<Void>()
            let next = state.withLock { state -> (typed: Typed, change: Int)? in
                defer { state.line = nil }
                guard let line = state.line else {
                    state.waiter = turn
                    return nil
                }
                let typed = Typed(
                    text: (state.before + [line.whole]).joined(separator: "\n"),
                    beforeCursor: (state.before + [line.beforeCursor]).joined(separator: "\n"))
                return (typed, state.change)
            }
            if let next {
                let remark = await remark(on: next.typed)
                state.withLock { state in
                    // If the line has changed meanwhile, this verdict is outdated and the new state is judged next.
                    if state.change == next.change { show(remark) }
                }
                continue
            }
            await withTaskCancellationHandler {
                await turn.wait()
            } onCancel: {
                turn.resolve(())
            }
        }
    }

    private func remark(on typed: Typed) async -> PromptRemark? {
        guard !typed.text.allSatisfy(\.isWhitespace) else { return nil }
        return try? await BlockingWork.run { [guide] in
            guide.remark(on: typed.text, beforeCursor: typed.beforeCursor)
        }
    }
}

/// Reads lines that a person edits in the terminal: with libedit if it is installed, otherwise with the terminal's own
/// line editing.
final class LineEditor: Sendable {
    /// How a person ended a line.
    enum Outcome: Sendable {
        /// They pressed Enter.
        case line(String)
        /// They cancelled the line (Ctrl-C); this is what it contained.
        case cancelled(String)
        /// They left (Ctrl-D).
        case end
    }

    /// The texts around the line.
    struct Surroundings: Sendable, Hashable {
        /// The text before the line.
        var prompt = ""
        /// The remark at the right end of the line.
        var remark = ""
        /// The colour of the remark, and of the prompt's end (SGR).
        var color: String?
    }

    private let owner: Owner
    /// The editor; `nil` without the library. Only the thread that reads uses it.
    private let editor: Mutex<UInt?>
    private let wake: (reader: FileDescriptorHolder, writer: FileDescriptorHolder)?

    /// Creates an editor.
    /// - Parameters:
    ///   - changed: called on each change of the line or the cursor, with the line and its part before the cursor, on a
    ///     thread that must not be blocked.
    ///   - complete: returns the completions for the line up to the cursor.
    init(
        usesColor: Bool, changed: @escaping @Sendable (_ line: String, _ beforeCursor: String) -> Void,
        complete: @escaping @Sendable (String) -> (typed: String, words: [String])
    ) {
        owner = Owner(usesColor: usesColor, changed: changed, complete: complete)
        let ends = mm_edit_is_there() == 1 ? try? FileDescriptor.pipe().ends() : nil
        wake = ends.map { (FileDescriptorHolder($0.readEnd), FileDescriptorHolder($0.writeEnd)) }
        var made: UInt?
        if let wake {
            var calls = owner.calls
            made = mm_edit_open(&calls, wake.reader.number).map { UInt(bitPattern: $0) }
        }
        editor = Mutex(made)
    }

    deinit { mm_edit_close(editor.withLock { $0 }.flatMap { UnsafeMutableRawPointer(bitPattern: $0) }) }

    /// Whether lines can be edited and remarks shown.
    var isFull: Bool { editor.withLock { $0 } != nil }

    /// Changes the texts around the line, even while it is being typed.
    func show(_ surroundings: Surroundings) {
        owner.surroundings.withLock { $0 = surroundings }
        var byte: UInt8 = 1
        if let wake { _ = Glibc.write(wake.writer.number, &byte, 1) }
    }

    /// The texts around the line.
    var surroundings: Surroundings { owner.surroundings.withLock { $0 } }

    /// Adds a text to those that the arrow keys recall.
    func remember(_ text: String) {
        guard let editor = editor.withLock({ $0 }) else { return }
        mm_edit_remember(UnsafeMutableRawPointer(bitPattern: editor), text)
    }

    /// Reads a line.
    /// - Throws: `.unavailable` without a terminal.
    func read() async throws(MMError) -> Outcome {
        guard let editor = editor.withLock({ $0 }) else {
            let line = try await Terminal.controlling.ask(surroundings.prompt)
            return line.map { .line($0) } ?? .end
        }
        let outcome = OneShot<Outcome>()
        try DedicatedThread.start("mm-prompt") {
            var line: UnsafeMutablePointer<CChar>?
            let ending = Int(mm_edit_read(UnsafeMutableRawPointer(bitPattern: editor), &line))
            var text = line.map { String(cString: $0) } ?? ""
            free(line)
            switch ending {
            case mm_edit_line:
                if text.hasSuffix("\n") { text.removeLast() }
                outcome.resolve(.line(text))
            case mm_edit_cancelled: outcome.resolve(.cancelled(text))
            default: outcome.resolve(.end)
            }
        }
        return await outcome.wait()
    }
}

/// A descriptor that is closed with its holder.
private final class FileDescriptorHolder: Sendable {
    let number: Int32
    init(_ number: Int32) { self.number = number }
    deinit { close(number) }
}

extension LineEditor {
    /// The target of the library's callbacks, which come on the thread that reads.
    fileprivate final class Owner: Sendable {
        let surroundings = Mutex(Surroundings())
        private let usesColor: Bool
        private let changed: @Sendable (_ line: String, _ beforeCursor: String) -> Void
        private let complete: @Sendable (String) -> (typed: String, words: [String])

        init(
            usesColor: Bool, changed: @escaping @Sendable (_ line: String, _ beforeCursor: String) -> Void,
            complete: @escaping @Sendable (String) -> (typed: String, words: [String])
        ) {
            self.usesColor = usesColor
            self.changed = changed
            self.complete = complete
        }

        /// The callbacks; this object has to outlive the editor that they are passed to.
        var calls: mm_edit_owner {
            mm_edit_owner(
                context: Unmanaged.passUnretained(self).toOpaque(),
                shown: { context, prompt, promptRoom, remark, remarkRoom in
                    guard let owner = Owner.of(context) else { return }
                    let (before, behind) = owner.shown
                    Owner.copy(before, to: prompt, promptRoom)
                    Owner.copy(behind, to: remark, remarkRoom)
                },
                changed: { context, line, cursor in
                    guard let owner = Owner.of(context), let line else { return }
                    let text = String(cString: line)
                    owner.changed(text, String(decoding: text.utf8.prefix(cursor), as: UTF8.self))
                },
                complete: { context, line, text, textRoom, list, listRoom in
                    guard let owner = Owner.of(context), let line,
                        let completion = CompletionAnswer(of: owner.complete(String(cString: line)))
                    else { return -1 }
                    Owner.copy(completion.text, to: text, textRoom)
                    Owner.copy(completion.list, to: list, listRoom)
                    return Int32(completion.back)
                })
        }

        private static func of(_ context: UnsafeMutableRawPointer?) -> Owner? {
            context.map { Unmanaged<Owner>.fromOpaque($0).takeUnretainedValue() }
        }

        private static func copy(_ text: String, to room: UnsafeMutablePointer<CChar>?, _ size: Int) {
            guard let room, size > 0 else { return }
            var bytes = Array(text.utf8.prefix(size - 1))
            // A character that doesn't fit is left out as a whole.
            while !bytes.isEmpty, String(validating: bytes, as: UTF8.self) == nil { bytes.removeLast() }
            for (index, byte) in bytes.enumerated() { room[index] = CChar(bitPattern: byte) }
            room[bytes.count] = 0
        }

        private var shown: (String, String) {
            let now = surroundings.withLock { $0 }
            guard usesColor, let color = now.color, let mark = now.prompt.lastIndex(where: { $0 != " " }) else {
                return (now.prompt, now.remark)
            }
            let painted = { (text: String) in "\u{1}\u{1B}[\(color)m\u{1}\(text)\u{1}\u{1B}[0m\u{1}" }
            return (
                now.prompt[..<mark] + painted(String(now.prompt[mark])) + now.prompt[now.prompt.index(after: mark)...],
                now.remark.isEmpty ? "" : painted(now.remark)
            )
        }
    }

    /// The effect of TAB: the common beginning of the words replaces what was typed; if that adds nothing, the words
    /// are listed.
    struct CompletionAnswer: Hashable {
        /// The number of characters before the cursor that are replaced.
        let back: Int
        /// The text that replaces them.
        let text: String
        /// The list to show.
        let list: String

        /// - Returns: `nil` if nothing completes the line.
        init?(of found: (typed: String, words: [String])) {
            guard let first = found.words.first else { return nil }
            back = found.typed.unicodeScalars.count
            guard found.words.count > 1 else {
                text = first + " "
                list = ""
                return
            }
            var common = first[...]
            for word in found.words {
                while !word.lowercased().hasPrefix(common.lowercased()) { common = common.dropLast() }
            }
            text = common.count >= found.typed.count ? String(common) : found.typed
            list = text.lowercased() == found.typed.lowercased() ? Self.columns(found.words) : ""
        }

        /// The maximum number of words that are listed.
        private static let most = 120

        private static func columns(_ words: [String]) -> String {
            let shown = words.prefix(most)
            let width = (shown.map(\.count).max() ?? 0) + 2
            let perLine = max(1, (Terminal.size(of: STDOUT_FILENO)?.columns ?? 80) / width)
            var lines: [String] = []
            for start in stride(from: 0, to: shown.count, by: perLine) {
                let line = shown[start..<min(start + perLine, shown.count)]
                lines.append(
                    line.map { $0 + String(repeating: " ", count: width - $0.count) }.joined().trimmingBlanks)
            }
            if words.count > most { lines.append("… and \(words.count - most) more") }
            return lines.joined(separator: "\n")
        }
    }
}

extension String {
    /// The text without trailing blanks.
    fileprivate var trimmingBlanks: String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}

/// Knowledge of the language that is typed at a prompt.
package protocol PromptGuide: Sendable {
    /// Returns whether a text leaves a block, a string or a pipeline unfinished.
    func isUnfinished(_ text: String) -> Bool
    /// Returns whether a text contains a secret, which must not be put into a history.
    func holdsSecret(_ text: String) -> Bool
    /// Returns the completions of a text: the end of it that they replace, and the words.
    func completions(of text: String) -> (typed: String, words: [String])
    /// Returns the guard's verdict on a text; `nil` while a word that decides it is still being typed.
    /// - Parameters:
    ///   - text: the text.
    ///   - beforeCursor: the part of it before the cursor.
    func remark(on text: String, beforeCursor: String) -> PromptRemark?
}

/// The guard's verdict on a text in a prompt.
package struct PromptRemark: Sendable, Hashable {
    /// What the guard would do with the text.
    package enum Decision: Sendable {
        /// It would run.
        case runs
        /// A person would be asked.
        case asks
        /// It would be refused.
        case refused
    }

    package var decision: Decision
    /// The verdict in a few words.
    package var text: String

    package init(_ decision: Decision, _ text: String) {
        self.decision = decision
        self.text = text
    }
}

/// The history of prompts, for the arrow keys: a file that only its owner can read, oldest first, one JSON string per
/// line.
package struct PromptHistory: Sendable {
    private static let limit = 2000

    private let path: String

    /// Creates a history that is kept in a file.
    package init(path: String) { self.path = path }

    /// The texts of the history; empty if the file can't be read.
    fileprivate var texts: [String] {
        guard let bytes = try? ProtectedFile.read(path, limit: 8 << 20) else { return [] }
        return bytes.split(separator: 0x0A).compactMap { (try? JSONParser.parse($0))?.string }
    }

    /// Adds a text, unless it equals the last one.
    /// - Throws: `MMError` if the file can't be written.
    fileprivate func add(_ text: String) throws(MMError) {
        try FileLock.with(path) { () throws(MMError) in
            var texts = texts
            guard texts.last != text else { return }
            texts = (texts + [text]).suffix(Self.limit)
            let lines = texts.map { JSONWriter.string(.string($0)) + "\n" }.joined()
            try ProtectedFile.replace(path, with: Array(lines.utf8), mode: 0o600)
        }
    }
}
