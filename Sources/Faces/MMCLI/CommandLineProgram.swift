import Glibc
package import MMCore
package import MMOperations
import MMSystem

/// The program behind `mm` and `mm-sandbox`: finds the command of a command line and runs it.
package struct CommandLineProgram: Sendable {
    private let index: CommandIndex
    private let outline: HelpOutline?
    private let terminal: CommandStreams
    private let content: ContentSource
    private let operations: OperationCommands?
    private let prompts: Prompts?

    /// What a prompt for the commands of a session needs.
    package struct Prompts: Sendable {
        let guide: @Sendable (_ connection: String, _ module: String) -> Result<any PromptGuide, MMError>
        let history: PromptHistory

        /// - Parameters:
        ///   - history: the history of earlier prompts.
        ///   - guide: returns the guide to the language of a connection's module.
        package init(
            history: PromptHistory,
            guide: @escaping @Sendable (_ connection: String, _ module: String) -> Result<any PromptGuide, MMError>
        ) {
            self.guide = guide
            self.history = history
        }
    }

    /// Creates a program whose global options decide which service carries out the operations.
    /// - Parameters:
    ///   - catalogue: the operations.
    ///   - service: returns the service for the options of a command line.
    ///   - locals: returns the local commands.
    ///   - terminal: the standard streams.
    ///   - content: reads `-` and `@file`.
    ///   - proof: checks what a person has to present besides a `yes`.
    ///   - prompts: what a prompt for the commands of a session needs; `nil` for a program without one.
    ///   - others: returns the command lines that a person may have meant by a line that begins with no command, best
    ///     first.
    package init(
        catalogue: Catalogue, service: @escaping OperationCommands.Choice,
        locals: @Sendable (Catalogue) -> [LocalCommand], terminal: CommandStreams, content: ContentSource,
        proof: OwnerProof, prompts: Prompts?, others: @escaping @Sendable ([String]) -> [String]
    ) {
        self.prompts = prompts
        self.terminal = terminal
        self.content = content
        outline = .mm
        operations = OperationCommands(
            service: service, terminal: terminal,
            isPerson: { (try? PersonProof.isInSession(process: getpid())) == false },
            proof: proof)
        index = CommandIndex(catalogue: catalogue, locals: locals(catalogue), others: others)
    }

    /// Creates a program without operations.
    /// - Parameters:
    ///   - locals: the program's commands.
    ///   - terminal: the standard streams.
    ///   - content: reads `-` and `@file`.
    package init(locals: [LocalCommand], terminal: CommandStreams, content: ContentSource) {
        self.terminal = terminal
        self.content = content
        outline = nil
        operations = nil
        prompts = nil
        index = CommandIndex(catalogue: Catalogue([]), locals: locals)
    }

    /// Runs one command line.
    /// - Parameter words: the words after the program's name.
    /// - Returns: the exit code.
    package func run(_ words: [String]) async -> Int32 {
        do throws(MMError) {
            return try await perform(words)
        } catch {
            terminal.progress(nil)
            // The reader of the pipe has gone (`mm … | head`) and wants no message either.
            if error.code == .cancelled { return error.exitCode }
            report(error, asJSON: GlobalOptions.wantJSON(words))
            return error.code == .invalidInput && answersWithTwo(words) ? 1 : error.exitCode
        }
    }

    /// Returns whether the command uses exit code 2 as an answer.
    private func answersWithTwo(_ words: [String]) -> Bool {
        guard case .operation(let operation)? = index.find(GlobalOptions.commandFirst(words))?.entry else {
            return false
        }
        return operation.declaration.answersWithTwo
    }

    private func perform(_ given: [String]) async throws(MMError) -> Int32 {
        let words = GlobalOptions.commandFirst(given)
        guard let first = words.first, !Self.helpFlags.contains(first) else {
            let text = words.contains("--all") ? HelpText.all(index) : HelpText.overview(index, outline)
            try show(text)
            return 0
        }
        if first == "--version" || first == "-V" { return try await perform(["version"]) }
        if first == "help" {
            let rest = Array(words.dropFirst())
            return try await perform(rest.first == "--all" ? ["--help"] + rest : rest + ["--help"])
        }
        let line = Array(words.prefix { !$0.hasPrefix("-") })
        let verbs = line.isEmpty ? [] : index.group(line)
        let wantsHelp = words.prefix { $0 != "--" }.contains(where: Self.helpFlags.contains)
        if wantsHelp, !verbs.isEmpty {
            let text = index.exactly(line).map { HelpText.command($0, verbs: verbs) } ?? HelpText.group(line, verbs)
            try show(text)
            return 0
        }
        guard let (entry, rest) = index.find(words) else {
            guard verbs.isEmpty else {
                try show(HelpText.group(line, verbs))
                return 2
            }
            throw index.unknown(line.isEmpty ? words : line)
        }
        switch entry {
        case .operation(let operation):
            guard let operations, let scanned = try await scan(entry, rest) else { return 0 }
            if let code = try await interact(operation, scanned, operations) { return code }
            try check(operation, entry, scanned.arguments)
            do throws(MMError) {
                if operations.givesKeys(to: operation, scanned) { return try await operations.open(operation, scanned) }
                return try await operations.perform(
                    operation, scanned, asJSON: scanned.options.format == .json)
            } catch {
                guard error.code == .notFound, let advice = scanned.advice else { throw error }
                var advised = error
                advised.hint = advice + (error.hint ?? "")
                throw advised
            }
        case .local(let command): return try await perform(command, entry, rest)
        }
    }

    /// Gives the terminal to a call that was typed without its command: it opens a terminal in the session, or prompts
    /// for the missing argument.
    /// - Returns: the exit code; `nil` if the call is to be made unchanged.
    private func interact(
        _ operation: AnyOperation, _ scanned: ArgumentScanner.Result, _ operations: OperationCommands
    ) async throws(MMError) -> Int32? {
        guard terminal.isInteractive, !scanned.options.detach else { return nil }
        switch operation.declaration.atTerminal {
        case .opens: return try await operations.open(operation, scanned)
        case .opensWithout(let argument, let name) where scanned.arguments[argument] == nil:
            guard let entry = index.operation(name), case .operation(let opened) = entry,
                opened.fields.allSatisfy({ !$0.isRequired || scanned.arguments[$0.name] != nil })
            else { return nil }
            try check(opened, entry, scanned.arguments)
            return try await operations.open(opened, scanned)
        case .prompts(let argument) where scanned.arguments[argument] == nil:
            return try await prompt(for: argument, operation, scanned, operations)
        case .opensWithout, .prompts, nil: return nil
        }
    }

    /// Prompts for an argument line by line until the person leaves; each line becomes a call.
    private func prompt(
        for argument: String, _ operation: AnyOperation, _ scanned: ArgumentScanner.Result,
        _ operations: OperationCommands
    ) async throws(MMError) -> Int32? {
        guard let connection = scanned.arguments["connection"]?.string,
            let module = scanned.arguments["module"]?.string, let prompts
        else { return nil }
        let guide = try prompts.guide(connection, module).get()
        let prompt = SessionPrompt(
            "\(connection) \(module)", guide: guide, history: prompts.history, streams: terminal)
        let engine = EngineNote()
        let run: SessionPrompt.Run = { (text) async throws(MMError) in
            var line = scanned
            line.arguments[argument] = .string(text)
            _ = try await operations.perform(operation, line, asJSON: false) { engine.isNews($0) }
        }
        try await prompt.run(run) { error in
            terminal.progress(nil)
            report(error, asJSON: false)
        }
        return 0
    }

    private func show(_ help: String) throws(MMError) {
        try terminal.write(Array(FittedLines.help(help, to: terminal.screen?.columns).utf8))
    }

    private static let helpFlags = ["--help", "-h", "-?"]

    /// Parses a command line. If the command takes calls as an argument, the command lines after `--` are parsed into
    /// it.
    private func scan(_ entry: CommandIndex.Entry, _ words: [String]) async throws(MMError) -> ArgumentScanner.Result? {
        guard let field = entry.fields.first(where: { $0.kind == .calls }), let end = words.firstIndex(of: "--") else {
            return try await scan(plain: entry, words)
        }
        guard var scanned = try await scan(plain: entry, Array(words[..<end])) else { return nil }
        var calls: [JSONValue] = []
        for line in index.lines(in: words[(end + 1)...]) {
            guard let (called, rest) = index.find(line), case .operation(let operation) = called else {
                throw MMError(
                    .invalidInput, "`mm \(line.prefix(2).joined(separator: " "))` can't be planned.",
                    hint: "After --, write a command as usual, without mm.")
            }
            guard let inner = try await scan(plain: called, rest) else { return nil }
            let (base, arguments) = operation.call(inner.arguments)
            calls.append(["tool": .string(base.declaration.name), "arguments": .object(arguments)])
        }
        scanned.arguments[field.name] = .array(calls)
        return scanned
    }

    private func scan(plain entry: CommandIndex.Entry, _ words: [String]) async throws(MMError)
        -> ArgumentScanner.Result?
    {
        let command = "mm " + entry.words.joined(separator: " ")
        let scanned: ArgumentScanner.Result
        do throws(MMError) {
            scanned = try await scan(words, entry.fields, command)
        } catch {
            // The flags of a tool are unknown where the tool itself is: what runs tools says why it can't be used.
            if case .operation(let operation) = entry, operation.declaration.runsTools, let name = words.first,
                !name.hasPrefix("-"), words.contains(where: { $0.hasPrefix("--") })
            {
                return try await scan([name], entry.fields, command)
            }
            var error = error
            // The flags of a command whose name is misspelt are unknown to the one above it.
            if let meant = index.meant(by: words, after: entry) {
                error.hint = ["Did you mean `\(meant)`?", error.hint].compactMap(\.self).joined(separator: "\n")
            }
            throw error.showing(HelpText.usage(entry), help: "See `\(command) --help`.")
        }
        guard scanned.options.help else { return scanned }
        try show(HelpText.command(entry))
        return nil
    }

    /// Parses words. Reading standard input or a file that they name may block, so it has a thread of its own, and a
    /// signal ends the waiting.
    private func scan(_ words: [String], _ fields: [InputField], _ command: String) async throws(MMError)
        -> ArgumentScanner.Result
    {
        let content = content
        return try await DedicatedThread.run("mm-arguments") { () throws(MMError) in
            try ArgumentScanner.scan(words, fields: fields, command: command, content: content)
        }
    }

    private func perform(_ command: LocalCommand, _ entry: CommandIndex.Entry, _ words: [String]) async throws(MMError)
        -> Int32
    {
        switch command.work {
        case .words(let run):
            if words.prefix(while: { $0 != "--" }).contains(where: Self.helpFlags.contains) {
                try show(HelpText.command(entry))
                return 0
            }
            return try await run(words)
        case .fields(let run):
            guard let scanned = try await scan(entry, words) else { return 0 }
            let name = command.words.joined(separator: " ")
            guard scanned.options.pool == nil || command.takesPool else {
                throw MMError(
                    .invalidInput, "`mm \(name)` works on this machine alone: --pool has no effect on it.",
                    hint: "Run it without --pool, or on the machine of that pool.")
            }
            let reader: InputReader
            do throws(MMError) {
                reader = try InputReader(operation: name, arguments: scanned.arguments, fields: command.fields)
            } catch {
                throw error.showing(HelpText.usage(entry), help: "See `mm \(name) --help`.")
            }
            return try await run(reader, scanned.options, terminal)
        }
    }

    /// Checks an operation's arguments before anything else happens, so that a wrong one is answered with the usage.
    private func check(_ operation: AnyOperation, _ entry: CommandIndex.Entry, _ arguments: JSONObject) throws(MMError)
    {
        do throws(MMError) {
            _ = try InputReader(
                operation: operation.declaration.commandLine, arguments: arguments, fields: operation.fields)
        } catch {
            throw error.showing(
                HelpText.usage(entry), help: "See `mm \(entry.words.joined(separator: " ")) --help`.")
        }
    }

    private func report(_ error: MMError, asJSON: Bool) {
        if asJSON {
            terminal.note(["error": .object(error.json)])
            return
        }
        if error.code == .signInNeeded, error.details["userCode"] != nil {
            terminal.note(SignInText.waiting(error.details, emphasised: { terminal.styled($0, .emphasis) }))
            terminal.note("Then run the command again.")
            return
        }
        terminal.note(terminal.styled("mm: ", .error) + error.message)
        if let hint = error.hint { terminal.note(hint) }
    }
}

extension MMError {
    /// Returns the error with a hint that shows the correct command line: its own hint, the usage, and where to find
    /// more.
    fileprivate func showing(_ usage: String, help: String) -> MMError {
        guard code == .invalidInput else { return self }
        var error = self
        let own = hint.flatMap { $0 == help ? nil : $0 }
        error.hint = [own, usage, own?.hasSuffix(help) == true ? nil : help].compactMap { $0 }.joined(separator: "\n")
        return error
    }
}

/// The engine notes of a prompt: shown with the first command, and again when another engine takes over.
final class EngineNote: Sendable {
    private let last = Mutex<String?>(nil)

    /// Returns whether a note tells the person anything new.
    func isNews(_ note: String) -> Bool {
        guard EngineRemark.isOne(note) else { return true }
        return last.withLock { last in
            defer { last = note }
            return last != note
        }
    }
}
