import CLineEditor
import Glibc
package import MMCore
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

/// Has what is typed judged beside the typing: only the last state of a line counts, and no key waits for a verdict.
final class RemarkWatch: Sendable {
    /// What is typed: the whole text, and the part of it before the cursor.
    private struct Typed {
        let text: String
        let beforeCursor: String
    }

    private struct State {
        var before: [String] = []
        var line: (whole: String, beforeCursor: String)?
        /// Counts the changes, so that a verdict is shown of what still stands there and of nothing else.
        var change = 0
        var waiter: OneShot<Void>?
    }

    private let guide: any PromptGuide
    private let state = Mutex(State())

    init(guide: any PromptGuide) { self.guide = guide }

    /// A new line begins; what is being judged is of no interest any more.
    /// - Parameter before: the lines of the same text.
    func begin(_ before: [String]) {
        state.withLock { state in
            state.before = before
            state.line = nil
            state.change += 1
        }
    }

    /// The line has changed.
    func changed(_ line: String, _ beforeCursor: String) {
        let waiter = state.withLock { state in
            state.line = (line, beforeCursor)
            state.change += 1
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resolve(())
    }

    /// Shows what the guard would say, until the task is cancelled.
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
                    // What was typed meanwhile is judged next; this verdict would be of something else.
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

/// Lines that a person edits in the terminal: with the editor of libedit where it is installed, else as the terminal gives
/// them.
final class LineEditor: Sendable {
    /// What a person did.
    enum Outcome: Sendable {
        /// They pressed Enter.
        case line(String)
        /// They gave the line up (Ctrl-C), with what stood in it.
        case cancelled(String)
        /// They left (Ctrl-D).
        case end
    }

    /// What stands around the line.
    struct Surroundings: Sendable, Hashable {
        /// What stands before it.
        var prompt = ""
        /// What is remarked at its right end.
        var remark = ""
        /// The colour of the remark, and of the prompt's end (SGR).
        var color: String?
    }

    private let owner: Owner
    /// The editor; `nil` without the library. Only the thread that reads uses it.
    private let editor: Mutex<UInt?>
    private let wake: (reader: FileDescriptorHolder, writer: FileDescriptorHolder)?

    /// An editor.
    /// - Parameters:
    ///   - changed: called with the line and the part of it before the cursor whenever one has changed, on a thread that
    ///     must not be blocked.
    ///   - complete: what may complete the line up to the cursor.
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

    /// Whether lines can be edited, and remarks be shown.
    var isFull: Bool { editor.withLock { $0 } != nil }

    /// Changes what stands around the line, also while it is being typed.
    func show(_ surroundings: Surroundings) {
        owner.surroundings.withLock { $0 = surroundings }
        var byte: UInt8 = 1
        if let wake { _ = Glibc.write(wake.writer.number, &byte, 1) }
    }

    /// What stands around the line.
    var surroundings: Surroundings { owner.surroundings.withLock { $0 } }

    /// Has the arrow keys recall a text.
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
    /// What the editor's library calls back, on the thread that reads.
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

        /// The calls; this object has to outlive the editor that they are given to.
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
            // A character that has no room is left out as a whole.
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

    /// What a TAB does: the words' common beginning takes the place of what was typed; where that adds nothing, the words
    /// are listed.
    struct CompletionAnswer: Hashable {
        /// How many characters before the cursor it replaces.
        let back: Int
        /// What takes their place.
        let text: String
        /// What is shown.
        let list: String

        /// - Returns: `nil` where nothing completes the line.
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

        /// How many words are listed at most.
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
    /// Without the blanks at its end.
    fileprivate var trimmingBlanks: String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}

/// What a prompt knows of the language that is typed there.
package protocol PromptGuide: Sendable {
    /// Whether a text has begun something that it doesn't end: a block, a string, a pipeline.
    func isUnfinished(_ text: String) -> Bool
    /// Whether a text holds a secret that no history may keep.
    func holdsSecret(_ text: String) -> Bool
    /// What may complete a text: the end of it that they replace, and the words.
    func completions(of text: String) -> (typed: String, words: [String])
    /// What the guard would say of a text; nothing while a word that decides it is still being typed.
    /// - Parameters:
    ///   - text: the text.
    ///   - beforeCursor: the part of it before the cursor.
    func remark(on text: String, beforeCursor: String) -> PromptRemark?
}

/// What the guard would say of what stands in a prompt.
package struct PromptRemark: Sendable, Hashable {
    /// What would become of it.
    package enum Decision: Sendable {
        /// It would run.
        case runs
        /// A person would be asked.
        case asks
        /// It would be refused.
        case refused
    }

    /// What would become of it.
    package var decision: Decision
    /// In a few words.
    package var text: String

    /// A remark.
    package init(_ decision: Decision, _ text: String) {
        self.decision = decision
        self.text = text
    }
}

/// What was typed at prompts before, for the arrow keys: in a file that only its owner can read, the oldest first, one JSON
/// text a line.
package struct PromptHistory: Sendable {
    private static let limit = 2000

    private let path: String

    /// The history in a file.
    package init(path: String) { self.path = path }

    /// What it holds; nothing where it can't be read.
    package var texts: [String] {
        guard let bytes = try? ProtectedFile.read(path, limit: 8 << 20) else { return [] }
        return bytes.split(separator: 0x0A).compactMap { (try? JSONParser.parse($0))?.string }
    }

    /// Adds a text, unless it is the last one already.
    /// - Throws: `MMError` when the file can't be written.
    package func add(_ text: String) throws(MMError) {
        try FileLock.with(path) { () throws(MMError) in
            var texts = texts
            guard texts.last != text else { return }
            texts = (texts + [text]).suffix(Self.limit)
            let lines = texts.map { JSONWriter.string(.string($0)) + "\n" }.joined()
            try ProtectedFile.replace(path, with: Array(lines.utf8), mode: 0o600)
        }
    }
}
