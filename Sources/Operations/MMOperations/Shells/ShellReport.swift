import MMCore
import MMShell

/// The result of a command so far, as an answer.
struct ShellReport {
    let task: ShellTask
    /// The maximum number of bytes of output in the answer.
    let room: Int
    /// The prompt that the command waits at, if known.
    var prompt: ShellPrompt?
    /// The complete outputs in the store, for those that don't fit into the answer.
    private var stored: [ShellCommand.Stream: StoredOutput] = [:]

    /// Creates a report on a command.
    init(task: ShellTask, room: Int, prompt: ShellPrompt? = nil) {
        self.task = task
        self.room = room
        self.prompt = prompt
    }

    /// Creates a report on a command, and stores the outputs that don't fit into it.
    init(storing task: ShellTask, room: Int, prompt: ShellPrompt?) async {
        self.init(task: task, room: room, prompt: prompt)
        guard task.job.end != nil, let spool = task.spool else { return }
        for (stream, part) in shown where part.omitted > 0 {
            stored[stream] = await spool.stored(stream, of: task.job)
        }
    }

    /// The part of each output that is in the answer.
    private var shown: [(stream: ShellCommand.Stream, part: (bytes: [UInt8], omitted: Int))] {
        var left = room
        return ShellCommand.Stream.allCases.map { stream in
            let output = task.job.strippingExitBanner(stream)
            let shown = Self.fit(output, in: stream == .stdout && room != Int.max ? left * 3 / 4 : left)
            left -= room == Int.max ? 0 : min(left, shown.bytes.count)
            return (stream, shown)
        }
    }

    /// Returns the maximum number of bytes of output: limited for a model, unlimited for other callers.
    static func room(for context: OperationContext) -> Int {
        context.call.caller.surface == .mcp ? 20_000 : Int.max
    }

    /// The word for the command's state.
    var status: String {
        guard let end = task.job.end else { return prompt == nil ? "running" : "awaiting_input" }
        return end.cause == .finished ? "exited" : end.cause.word
    }

    /// The report as JSON.
    var json: JSONObject {
        var object: JSONObject = ["session": .string(task.session.name), "status": .string(status)]
        if let end = task.job.end {
            object["exit_code"] = .int(Int64(end.exitCode))
            if let signal = end.signal { object["signal"] = .int(Int64(signal)) }
        } else {
            object["job"] = .string(task.handle)
        }
        var truncated = JSONObject()
        var encoding = JSONObject()
        for (stream, shown) in shown {
            let output = task.job.strippingExitBanner(stream)
            if stream == .terminal, output.total == 0 { continue }
            let text = ShellText(shown.bytes, isCut: shown.omitted > 0, isRead: room != Int.max)
            object[stream.rawValue] = .string(text.text)
            if let form = text.encoding { encoding[stream.rawValue] = .string(form.rawValue) }
            if shown.omitted > 0 {
                truncated[stream.rawValue] = .object(
                    Self.cut(total: output.total, omitted: shown.omitted, stored: stored[stream]))
            }
        }
        if !encoding.isEmpty { object["encoding"] = .object(encoding) }
        if !truncated.isEmpty {
            object["truncated"] = .object(truncated)
            // The rest can be read by the handle, even after the end.
            object["job"] = .string(task.handle)
        }
        if let note = task.traffic?.note { object["network_note"] = .string(note) }
        if let prompt {
            object["prompt"] = .string(prompt.text)
            object["wants_secret"] = .bool(prompt.isSecret)
        }
        if let end = task.job.end {
            if !end.directoryBytes.isEmpty { object["cwd"] = .string(end.workingDirectory) }
            object["duration_ms"] = .int(end.duration.milliseconds)
            if let restart = end.restart {
                object["session_restarted"] = true
                if restart == .anotherSession { object["session_note"] = .string(Self.note(on: restart)) }
            }
            if end.restartsSession { object["shell_gone"] = true }
            if case .lost(let reason) = end.cause, !reason.isEmpty { object["reason"] = .string(reason) }
            if end.cause == .deadline { object["timeout"] = .int(task.timeLimit.components.seconds) }
        }
        return object
    }

    /// Returns the sentence on a command that ran in a new shell.
    private static func note(on restart: ShellEnd.Restart) -> String {
        switch restart {
        case .ownShell:
            "The shell had ended, so this ran in a new one with the last directory and the exported variables."
        case .anotherSession:
            "The session had ended, with its pool or to make room for another, so this ran in a new shell: in the last "
                + "directory, if it still exists, but without variables and functions that were set before."
        }
    }

    /// Returns the facts about an output that doesn't fit into the answer. The complete output can be read by the
    /// handle with `output`, even after the session has ended. If the store was full, the part beyond it is lost.
    static func cut(total: Int, omitted: Int, stored: StoredOutput?) -> JSONObject {
        var facts: JSONObject = ["total": .int(Int64(total)), "omitted": .int(Int64(omitted))]
        guard let stored else { return facts }
        facts["output"] = .string(stored.handle)
        if stored.bytes < total {
            facts["not_kept"] = .int(Int64(total - stored.bytes))
            facts["note"] = .string("`output` has the first \(stored.bytes) bytes. Redirect longer output to a file.")
        }
        return facts
    }

    /// Returns the head and tail of an output, limited to a number of bytes.
    static func fit(_ output: ShellJob.Output, in room: Int) -> (bytes: [UInt8], omitted: Int) {
        let kept = output.head.count + output.tail.count
        if kept <= room { return (output.bytes, output.omitted) }
        let all = output.omitted == 0 ? output.head + output.tail : []
        // Characters that the cut has split are left out.
        let head = ShellText.whole((all.isEmpty ? output.head : all).prefix(room * 2 / 3))
        let tail = ShellText.whole((all.isEmpty ? output.tail : all).suffix(room / 3))
        let omitted = output.total - head.count - tail.count
        return (Array(head) + Array("\n[… \(omitted) bytes left out …]\n".utf8) + Array(tail), omitted)
    }

    /// The notes for a person.
    var notes: [String] {
        guard let end = task.job.end else {
            return [
                "The command is still running as \(task.handle)."
                    + (prompt.map { " It waits for input: \($0.text)" } ?? "")
            ]
        }
        var notes = [task.traffic?.note].compactMap(\.self)
        if let restart = end.restart { notes.append(Self.note(on: restart)) }
        switch end.cause {
        case .finished: break
        case .shellEnded: notes.append("This command ended the shell; the next one starts a new shell.")
        case .deadline:
            notes.append("The command was cancelled after \(task.timeLimit.components.seconds) s, its time limit.")
        case .cancelled: notes.append("The command was cancelled.")
        case .flood: notes.append("The command wrote too much and was cancelled.")
        case .closed: notes.append("The session was closed.")
        case .lost(let reason): notes.append("The connection or shell was lost\(reason.isEmpty ? "." : ": " + reason)")
        }
        return notes
    }
}

/// A command's bytes as text for an answer: unchanged if they are UTF-8. Otherwise they are escaped for models, and
/// encoded as base64 for other callers.
struct ShellText {
    /// The text.
    let text: String
    /// The encoding of the bytes; `nil` if they are UTF-8.
    let encoding: Encoding?
    /// The number of bytes at the end that are left out because their character is incomplete. The next page begins
    /// there.
    let left: Int

    /// An encoding for bytes that aren't UTF-8.
    enum Encoding: String {
        /// All bytes in base64.
        case base64
        /// Text in which each byte that belongs to no character is written like `\xFF`.
        case escaped
    }

    /// Creates the text of bytes.
    /// - Parameters:
    ///   - bytes: the bytes that were written.
    ///   - isCut: whether characters at the ends may be incomplete.
    ///   - isRead: whether a model reads the text, so that a single invalid byte must not make all of it unreadable.
    init(_ bytes: [UInt8], isCut: Bool = false, isRead: Bool = false) {
        let whole = isCut ? Self.whole(bytes[...]) : bytes[...]
        if let text = String(validating: whole, as: UTF8.self) {
            self.text = text
            encoding = nil
            left = bytes.endIndex - whole.endIndex
        } else if isRead, let text = Self.escaped(whole) {
            self.text = text
            encoding = .escaped
            left = bytes.endIndex - whole.endIndex
        } else {
            text = Base64.text(bytes)
            encoding = .base64
            left = 0
        }
    }

    /// Returns a text with an escape for each byte that belongs to no character; `nil` if there are too many such
    /// bytes.
    private static func escaped(_ bytes: ArraySlice<UInt8>) -> String? {
        guard !bytes.contains(0) else { return nil }
        var text = ""
        var odd = 0
        var rest = bytes
        while !rest.isEmpty {
            // A character has four bytes at most.
            if let length = (1...min(4, rest.count)).first(where: {
                String(validating: rest.prefix($0), as: UTF8.self) != nil
            }) {
                text += String(decoding: rest.prefix(length), as: UTF8.self)
                rest = rest.dropFirst(length)
            } else {
                let byte = rest.removeFirst()
                text += "\\x" + (byte < 0x10 ? "0" : "") + String(byte, radix: 16)
                odd += 1
            }
        }
        // Latin-1 text has a few such bytes in a line; data with more of them isn't text.
        return odd * 4 <= bytes.count ? text : nil
    }

    /// Returns the bytes without incomplete characters at the beginning and the end.
    static func whole(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let start = bytes.prefix(4).firstIndex { $0 & 0xC0 != 0x80 } ?? bytes.startIndex
        var end = bytes.endIndex
        // The last character begins at most four bytes before the end.
        if let lead = bytes[start...].suffix(4).lastIndex(where: { $0 & 0xC0 != 0x80 }) {
            let length = bytes[lead] < 0x80 ? 1 : bytes[lead] < 0xE0 ? 2 : bytes[lead] < 0xF0 ? 3 : 4
            if lead + length > end { end = lead }
        }
        return bytes[start..<end]
    }
}
