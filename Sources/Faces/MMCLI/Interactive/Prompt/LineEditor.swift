import CLineEditor
import Glibc
import MMCore
import MMSystem

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
