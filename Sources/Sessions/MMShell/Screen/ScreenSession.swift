import Glibc
package import MMCore
import MMSessions
import MMSystem

/// A program in its own terminal that is read and typed into as a person would: network equipment, full-screen
/// programs, prompts of any kind, locally or on another host.
package actor ScreenSession {
    /// The answer to a command line.
    package struct Answer: Sendable, Hashable {
        /// The text between the command and the next prompt, with pages joined.
        package var text: String
        /// The prompt after it, which shows the mode.
        package var prompt: String
        /// The line that says that the command was rejected, if there is one.
        package var error: String?
        /// A question of the device that waits for an answer; the command hasn't ended then.
        package var question: String?
        /// The number of pages that were turned.
        package var pages: Int
    }

    /// The session's name.
    package nonisolated let name: String
    private let child: ChildProcess
    private let job: ShellJob
    private let screen: Mutex<Screen>
    private let release: @Sendable () async -> Void
    private let turns = TurnQueue()
    private var reading: Task<Void, Never>?
    private var learned: NetworkDevicePrompt?
    /// The last prompt that appeared.
    private var lastPrompt = ""
    /// Where the answer of an unfinished command begins.
    private var open: Int?

    private static let quiet: Duration = .milliseconds(80)

    /// Starts a program on this machine.
    /// - Throws: the errors of starting it.
    package static func start(
        name: String, program: String, arguments: [String], environment: [String: String], rows: Int = 24,
        columns: Int = 80
    ) async throws(MMError) -> ScreenSession {
        var environment = environment
        environment["MM_SESSION"] = name
        environment["TERM"] = environment["TERM"] ?? "xterm"
        let command = ChildCommand(program, arguments, environment: environment)
        return try await begin(name, command, rows, columns, release: {})
    }

    /// Opens a terminal on a host.
    /// - Parameter admission: checks the connection; `nil` admits every host.
    /// - Throws: as connecting a session.
    package static func connect(
        _ target: SSHTarget, masters: SSHMasters, admission: HostAdmission?, deadline: Deadline
    ) async throws(MMError) -> ScreenSession {
        let master = try await masters.acquire(target, deadline: deadline)
        let release: @Sendable () async -> Void = { await masters.release(master) }
        do throws(MMError) {
            _ = try await admission?.check(master)
            var command = master.channel("", arguments: ["-tt"])
            command.environment["TERM"] = "xterm"
            // Large, so that the device breaks few lines and pages.
            return try await begin(master.name, command, 100, 200, release: release)
        } catch {
            await release()
            throw error
        }
    }

    private static func begin(
        _ name: String, _ given: ChildCommand, _ rows: Int, _ columns: Int,
        release: @escaping @Sendable () async -> Void
    ) async throws(MMError) -> ScreenSession {
        var command = given
        command.input = .terminal
        command.output = .terminal
        command.error = .terminal
        let screen = Screen(rows: rows, columns: columns)
        command.terminal = Terminal.Size(rows: screen.rows, columns: screen.columns)
        let session = ScreenSession(name, try await ChildProcess.start(command), screen, release)
        await session.read()
        return session
    }

    private init(
        _ name: String, _ child: ChildProcess, _ screen: Screen, _ release: @escaping @Sendable () async -> Void
    ) {
        self.name = name
        self.child = child
        self.release = release
        self.screen = Mutex(screen)
        job = ShellJob(
            command: ShellCommand(name, input: .screen, limits: ShellCommand.Limits(head: 0, tail: 4 << 20)),
            observer: nil,
            reach: ShellJob.Reach(
                cancel: { _ in child.signalGroup(SIGHUP) },
                type: { bytes throws(MMError) in try await child.terminal?.input.write(bytes) },
                signal: { child.signalGroup($0) }, waiting: { _ in nil }))
    }

    private func read() {
        reading = Task { [weak self, child] in
            while let bytes = try? await child.terminal?.output.read() { self?.take(bytes) }
            let exit = await child.exit()
            self?.finish(exit)
        }
    }

    private nonisolated func take(_ bytes: [UInt8]) {
        screen.withLock { $0.write(bytes) }
        bytes.withUnsafeBytes { job.append(.terminal, $0) }
    }

    private nonisolated func finish(_ exit: ChildProcess.Exit) {
        job.finish(
            ShellEnd(
                cause: .finished, exitCode: exit.code, signal: nil, directoryBytes: [], duration: .zero,
                restartsSession: true))
    }

    // MARK: The screen

    /// The current contents of the screen.
    package nonisolated var view: Screen { screen.withLock { $0 } }

    /// Whether the program has ended or the connection was lost.
    package nonisolated var hasEnded: Bool { job.end != nil }

    /// Types into the terminal.
    /// - Throws: `.conflict` if the program has ended.
    package nonisolated func send(_ input: ShellInput) async throws(MMError) { try await job.type(input) }

    /// Waits until a text is on the screen.
    /// - Returns: `false` if the program ended or the deadline passed first.
    package nonisolated func wait(for text: String, until deadline: Deadline) async -> Bool {
        while true {
            if view.text.contains(text) { return true }
            if hasEnded || deadline.hasPassed || Task.isCancelled { return false }
            await job.change(until: min(deadline, .after(.milliseconds(250))))
        }
    }

    /// Waits until nothing has been written for a while.
    /// - Returns: `false` if the program ended or the deadline passed first.
    package nonisolated func waitForQuiet(_ quiet: Duration, until deadline: Deadline) async -> Bool {
        await job.waitForQuiet(quiet, until: deadline)
    }

    // MARK: Command lines

    /// Learns the prompt.
    /// - Throws: `.deadlineExceeded` if nothing like a prompt appears, `.sessionLost`.
    @discardableResult
    package func learnPrompt(deadline: Deadline) async throws(MMError) -> NetworkDevicePrompt {
        if let learned { return learned }
        var hasAsked = false
        while true {
            try check(deadline, "waiting for a prompt of \(name)")
            let isQuiet = await job.waitForQuiet(.milliseconds(200), until: min(deadline, .after(.seconds(2))))
            if let found = NetworkDevicePrompt(line: lastLine(from: 0)), isQuiet {
                // A second empty line distinguishes a prompt from a banner.
                let before = total
                try await send(.keys(["enter"]))
                if await settles(from: before, until: min(deadline, .after(.seconds(3))), { found.matches($0) }) {
                    learned = found
                    lastPrompt = lastLine(from: 0)
                    break
                }
            } else if !hasAsked, isQuiet {
                hasAsked = true
                try await send(.keys(["enter"]))
            }
        }
        guard let learned else { throw MMError(.internalError, "The prompt is unknown.") }
        return learned
    }

    /// Runs the lines of a text one after the other, as if typed, up to the first one that is rejected or that asks
    /// something.
    /// - Throws: as `run`; the error contains the answers of the earlier lines (`output`).
    package func run(lines text: String, deadline: Deadline) async throws(MMError) -> Answer {
        let lines = text.split(whereSeparator: \.isNewline).map(String.init)
        guard lines.count > 1 else { return try await run(lines.first ?? "", deadline: deadline) }
        var texts: [String] = []
        var whole: Answer?
        for (index, line) in lines.enumerated() {
            let answer: Answer
            do throws(MMError) {
                answer = try await run(line, deadline: deadline)
            } catch {
                var told = error
                told.details["output"] = .string(texts.joined(separator: "\n"))
                throw told
            }
            if !answer.text.isEmpty { texts.append(answer.text) }
            whole = answer
            if let error = answer.error { whole?.error = "line \(index + 1), “\(line)”: \(error)" }
            if answer.error != nil || answer.question != nil { break }
        }
        guard var answer = whole else { return try await run("", deadline: deadline) }
        answer.text = texts.joined(separator: "\n")
        return answer
    }

    /// Runs one command and waits for the next prompt, turning pages.
    /// - Parameters:
    ///   - answers: what to type when the last line contains the text; a secret stays invisible.
    /// - Throws: `.deadlineExceeded` after the command was interrupted with ctrl-c, `.sessionLost`, `.conflict` while a
    ///   question is open.
    package func run(
        _ command: String, answers: [(text: String, input: ShellInput)] = [], deadline: Deadline
    ) async throws(MMError) -> Answer {
        guard !command.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 }) else {
            throw MMError(
                .invalidInput, "The command contains a line end or control character.", hint: "Send one line at a time."
            )
        }
        if learned == nil { _ = try await learnPrompt(deadline: deadline) }
        let turn = try await turns.take(deadline)
        defer { turn.release() }
        guard open == nil else {
            throw MMError(
                .conflict, "\(name) waits for an answer to its last question.", hint: "Answer it, or send ctrl-c.")
        }
        let start = total
        open = start
        try await send(.line(command))
        return try await finishCommand(command, from: start, answers, deadline)
    }

    /// Answers an open question and waits for the prompt.
    /// - Throws: `.conflict` if nothing was asked; otherwise as `run`.
    package func answer(_ input: ShellInput, deadline: Deadline) async throws(MMError) -> Answer {
        let turn = try await turns.take(deadline)
        defer { turn.release() }
        guard open != nil else { throw MMError(.conflict, "\(name) asks no question.") }
        let start = total
        try await send(input)
        return try await finishCommand(nil, from: start, [], deadline)
    }

    /// Requests more rights, as with the enable mode of network equipment.
    /// - Parameters:
    ///   - password: typed if the device asks for one.
    ///   - command: the device's command for it.
    /// - Throws: `.forbidden` if the device refuses; otherwise as `run`.
    package func enable(
        password: Secret, command: String = "enable", deadline: Deadline
    ) async throws(MMError) -> Answer {
        let answer = try await run(command, answers: [("assword", .secret(password))], deadline: deadline)
        if let question = answer.question {
            _ = try? await self.answer(.keys(["ctrl-c"]), deadline: .after(.seconds(5)))
            throw MMError(
                .forbidden, "\(name) asks “\(question)” for higher privileges.", hint: "Check the enable password.")
        }
        if answer.prompt.hasSuffix(">"), answer.text.lowercased().contains("denied") || answer.text.contains("% ") {
            throw MMError(.forbidden, "\(name) refused higher privileges.", hint: "Check the enable password.")
        }
        return answer
    }

    /// The texts that a pager shows while it waits; a space turns the page.
    private static let pagers = [
        "--More--", "-- More --", "---- More ----", "---(more", "--- more ---", "<--- More --->", "-- [Q quit|",
        "Press any key to continue",
    ]
    /// The beginnings of lines that reject a command: on network equipment, and in Windows' own command lines.
    private static let errors = [
        "% Invalid", "% Incomplete", "% Ambiguous", "% Unknown", "%Error", "% Error", "Error:", "ERROR:",
        "syntax error", "unknown command", "Unrecognized command", "bad command name", "expected end of command",
        "Invalid input", "The system cannot find", "Access is denied", "The syntax of the command is incorrect",
        "The filename, directory",
    ]
    private static let questions = [
        "[confirm]", "[y/n]", "(y/n)", "[Y/N]", "(yes/no)", "[yes/no]", "[Y/n]", "[y/N]", "assword:", "sername:", "]?",
    ]
    /// Other endings of a question: a last line counts as one if it ends this way and stays unchanged for a while.
    private static let questionEnds = ["?", ":", "? [no]", "? [yes]"]
    private static let thinking: Duration = .seconds(2)

    private func finishCommand(
        _ command: String?, from start: Int, _ answers: [(text: String, input: ShellInput)], _ deadline: Deadline
    ) async throws(MMError) -> Answer {
        guard let learned else { throw MMError(.internalError, "The prompt is not known.") }
        var pages = 0
        var answered = start
        // After a secret, the prompt may follow the question on the same line, because no line end was echoed.
        var isGlued = false
        while true {
            if deadline.hasPassed || Task.isCancelled {
                try await breakOff(learned)
                throw MMError(
                    Task.isCancelled ? .cancelled : .deadlineExceeded,
                    "“\(command ?? "the answer")” was interrupted on \(name).",
                    hint: "Allow more time.")
            }
            guard !hasEnded else { throw MMError(.sessionLost, "The connection to \(name) has ended.") }
            let line = lastLine(from: answered)
            if let pager = Self.pagers.first(where: { line.contains($0) }),
                await isStill(from: answered, contains: pager)
            {
                pages += 1
                answered = total
                try await send(.text(" "))
                continue
            }
            if let match = answers.first(where: { line.contains($0.text) && !learned.matches(line) }),
                await isStill(from: answered, contains: match.text)
            {
                answered = total
                isGlued = true
                try await send(match.input)
                continue
            }
            let tail = isGlued ? line.firstRange(of: learned.stem).map { String(line[$0.lowerBound...]) } ?? line : line
            if total > start, learned.matches(tail), await isStill(from: answered, contains: tail) {
                open = nil
                lastPrompt = tail
                return shape(command, from: start, prompt: tail, pages)
            }
            // The command may have renamed the device.
            if total > start, let renamed = learned.renamed(line, since: lastPrompt),
                await isStill(from: answered, contains: line)
            {
                self.learned = renamed
                open = nil
                lastPrompt = line
                return shape(command, from: start, prompt: line, pages)
            }
            if await isQuestion(line, to: command, from: start, answered: answered, deadline) {
                var answer = shape(command, from: start, prompt: "", pages)
                answer.question = line
                return answer
            }
            await job.change(until: min(deadline, .after(.milliseconds(250))))
        }
    }

    /// Returns whether the device asks something with its last line, and waits for the answer.
    private func isQuestion(
        _ line: String, to command: String?, from start: Int, answered: Int, _ deadline: Deadline
    ) async -> Bool {
        if let question = Self.questions.first(where: { line.hasTrailing($0) }),
            await isStill(from: answered, contains: question)
        {
            return true
        }
        guard total > start, line != lastSent(command), Self.questionEnds.contains(where: { line.hasTrailing($0) })
        else { return false }
        let isQuiet = await job.waitForQuiet(Self.thinking, until: min(deadline, .after(Self.thinking * 2)))
        return isQuiet && lastLine(from: answered) == line
    }

    /// Returns the line as the device echoes it after its prompt; such a line isn't a question.
    private func lastSent(_ command: String?) -> String? { command.map { lastPrompt + $0 } }

    private func breakOff(_ learned: NetworkDevicePrompt) async throws(MMError) {
        let before = total
        for keys in [["q"], ["ctrl-c"]] {
            // `q` ends a pager; elsewhere it would be typed into a line that Ctrl-C removes.
            if keys == ["q"], !Self.pagers.contains(where: { lastLine(from: 0).contains($0) }) { continue }
            try? await send(.keys(keys))
        }
        _ = await settles(from: before, until: .after(.seconds(3))) { learned.matches($0) }
        open = nil
    }

    private func shape(_ command: String?, from start: Int, prompt: String, _ pages: Int) -> Answer {
        var lines = TerminalTranscript(bytes(from: start)).texts
        // The first line is the echo of the command, and the last line the prompt.
        if let command, let first = lines.first, first.contains(command) || command.hasPrefix(first) {
            lines.removeFirst()
        }
        if !lines.isEmpty { lines.removeLast() }
        lines.removeAll { line in pages > 0 && Self.pagers.contains { line.trimmed.hasPrefix($0) } }
        while lines.last?.isEmpty == true { lines.removeLast() }
        let error = lines.first { line in Self.errors.contains { line.trimmed.hasPrefix($0) } }
        return Answer(
            text: lines.joined(separator: "\n"), prompt: prompt, error: error?.trimmed, question: nil, pages: pages)
    }

    // MARK: Output

    private var total: Int { job.page(.terminal, from: 0, limit: 0).total }

    private func bytes(from offset: Int) -> [UInt8] { job.page(.terminal, from: offset, limit: Int.max).bytes }

    /// Returns the current last line, from the end of the output.
    private func lastLine(from offset: Int) -> String {
        TerminalTranscript(bytes(from: max(offset, total - 1024))).texts.last ?? ""
    }

    /// Waits and returns whether the last line stays unchanged for a while.
    private func isStill(from offset: Int, contains text: String) async -> Bool {
        guard await job.waitForQuiet(Self.quiet, until: .after(.milliseconds(400))) else { return false }
        return lastLine(from: offset).contains(text)
    }

    private func settles(from offset: Int, until deadline: Deadline, _ matches: (String) -> Bool) async -> Bool {
        while !deadline.hasPassed, !hasEnded {
            if total > offset, await job.waitForQuiet(Self.quiet, until: deadline), matches(lastLine(from: offset)) {
                return true
            }
            await job.change(until: min(deadline, .after(.milliseconds(100))))
        }
        return false
    }

    private func check(_ deadline: Deadline, _ work: String) throws(MMError) {
        if hasEnded { throw MMError(.sessionLost, "The connection to \(name) has ended.", cause: view.text) }
        if Task.isCancelled { throw MMError(.cancelled, "The command on \(name) was cancelled.") }
        try deadline.check(work)
    }

    /// Ends the program and its terminal.
    package func close() async {
        turns.close(ShellEnd.closedSession)
        await child.terminate(grace: .milliseconds(300))
        child.terminal?.output.close()
        await reading?.value
        await release()
    }
}

extension String {
    fileprivate func hasTrailing(_ text: String) -> Bool { trimmed.hasSuffix(text) }
}

/// The learned prompt of a command line: of network equipment, and of other programs that have no POSIX shell.
///
/// The name in it stays the same, but the text around the name changes with the mode: `sw1>`, `sw1#`,
/// `sw1(config-if)#`; `admin@r1>`, `admin@r1#`; `<core>`, `[core-GigabitEthernet0/0/1]`; `[admin@gw] /interface>`.
package struct NetworkDevicePrompt: Sendable, Hashable {
    /// The name that every prompt contains.
    package let stem: String
    /// Whether it shows a folder, as Windows' shells do.
    private let isFolder: Bool

    /// Learns the prompt from the last line that a device shows when it waits for a command.
    /// - Returns: `nil` if the line isn't a prompt.
    package init?(line: String) {
        isFolder = Self.isWindowsFolder(line)
        if isFolder {
            stem = line.hasPrefix("PS ") ? "PS" : String(line.prefix(2))
            return
        }
        var rest = Substring(line)
        while rest.last == " " { rest.removeLast() }
        guard let end = rest.last, Self.ends.contains(end), rest.count <= 100 else { return nil }
        while let last = rest.last, Self.ends.contains(last) || last == " " || last == "~" { rest.removeLast() }
        while let first = rest.first, "<[*+".contains(first) { rest.removeFirst() }
        let stem = rest.prefix { $0.isLetter || $0.isNumber || "@._-:/".contains($0) }
        // A word alone could be anywhere, and a device's name isn't empty.
        guard !stem.isEmpty, stem.contains(where: { $0.isLetter || $0.isNumber }) else { return nil }
        self.stem = String(stem)
    }

    private static let ends: Set<Character> = [">", "#", "$", "%", "]"]

    /// Returns whether a line is a prompt of Windows' shells, which shows a folder and no name: `C:\Users\me>`, `PS
    /// C:\>`.
    private static func isWindowsFolder(_ line: String) -> Bool {
        var rest = Substring(line)
        while rest.last == " " { rest.removeLast() }
        if rest.hasPrefix("PS ") { rest.removeFirst(3) }
        guard rest.popLast() == ">", let drive = rest.popFirst(), drive.isASCII, drive.isLetter, rest.hasPrefix(":\\")
        else {
            return false
        }
        // Characters that a folder's name can't contain can't be in a prompt.
        return rest.count <= 260 && !rest.dropFirst().contains { "<>:\"|?*".contains($0) }
    }

    /// Returns the prompt of the same device under another name, if a last line differs from its last prompt only in
    /// the name.
    /// - Parameter last: the prompt that was seen last, which shows the mode.
    func renamed(_ line: String, since last: String) -> NetworkDevicePrompt? {
        func trimmed(_ text: String) -> Substring {
            var rest = Substring(text)
            while rest.last == " " { rest.removeLast() }
            return rest
        }
        let (line, last) = (trimmed(line), trimmed(last))
        guard !isFolder, let place = String(last).firstRange(of: stem) else { return nil }
        let (front, back) = (String(last)[..<place.lowerBound], String(last)[place.upperBound...])
        guard !back.isEmpty, line.hasPrefix(front), line.hasSuffix(back), line.count > front.count + back.count else {
            return nil
        }
        let name = line.dropFirst(front.count).dropLast(back.count)
        guard name.allSatisfy({ $0.isLetter || $0.isNumber || "@._-".contains($0) }) else { return nil }
        return NetworkDevicePrompt(line: String(line))
    }

    /// Returns whether a last line is a prompt of this device.
    package func matches(_ line: String) -> Bool {
        if isFolder { return Self.isWindowsFolder(line) && line.hasPrefix("PS ") == (stem == "PS") }
        var line = Substring(line)
        while line.last == " " { line.removeLast() }
        guard let end = line.last, Self.ends.contains(end) else { return false }
        while let first = line.first, "<[*+".contains(first) { line.removeFirst() }
        guard line.hasPrefix(stem) else { return false }
        let rest = line.dropFirst(stem.count)
        // The text after the name shows the mode; a sentence would contain other characters.
        return rest.count <= 80 && rest.allSatisfy { $0.isLetter || $0.isNumber || "()-_/.:,@~]*+>#$% ".contains($0) }
            && rest.first.map { "(-]/>#$%: ~".contains($0) } ?? false
    }
}

/// Terminal output as lines of any length and number; overwritten text is removed, such as a pager's prompt.
struct TerminalTranscript: Sendable {
    private var parser = TerminalParser()
    private(set) var lines: [String.UnicodeScalarView] = [String.UnicodeScalarView()]
    private var current: [Unicode.Scalar] = []
    private var column = 0

    init(_ bytes: [UInt8]) {
        var items: [TerminalParser.Item] = []
        for byte in bytes { parser.take(byte) { items.append($0) } }
        for item in items { apply(item) }
        finishLine()
        lines.removeFirst()
    }

    /// The lines as texts, without blanks at their ends.
    var texts: [String] {
        lines.map { line in
            var line = line
            while line.last == " " { line.removeLast() }
            return String(line)
        }
    }

    private mutating func finishLine() {
        var line = String.UnicodeScalarView()
        line.append(contentsOf: current)
        lines.append(line)
        current = []
        column = 0
    }

    private mutating func apply(_ item: TerminalParser.Item) {
        switch item {
        case .character(let scalar):
            while current.count < column { current.append(" ") }
            if column < current.count { current[column] = scalar } else { current.append(scalar) }
            column += 1
        case .control(0x08): column = max(0, column - 1)
        case .control(0x09): column = (column / 8 + 1) * 8
        case .control(0x0A): finishLine()
        case .control(0x0D): column = 0
        case .sequence(0, let numbers, UInt8(ascii: "K")):
            switch numbers.first ?? 0 {
            case 1: for place in 0..<min(column, current.count) { current[place] = " " }
            case 2: current = []
            default: current = Array(current.prefix(column))
            }
        case .sequence(0, let numbers, UInt8(ascii: "D")): column = max(0, column - max(1, numbers.first ?? 1))
        case .sequence(0, let numbers, UInt8(ascii: "C")): column = min(column + max(1, numbers.first ?? 1), 10_000)
        case .sequence(0, let numbers, UInt8(ascii: "G")): column = max(0, (numbers.first ?? 1) - 1)
        default: break
        }
    }
}
