import Glibc
import MMCore
package import MMOperations
import MMSystem

/// The program behind `mm` and `mm-sandbox`: finds the command and carries it out.
package struct CommandLineProgram: Sendable {
    private let index: CommandIndex
    private let terminal: CommandStreams
    private let content: ContentSource
    private let operations: OperationCommands?

    /// A program whose options say which service carries the operations out.
    /// - Parameters:
    ///   - catalogue: the operations.
    ///   - service: the service for the options of a command line.
    ///   - locals: this machine's own commands.
    ///   - terminal: the streams.
    ///   - content: reads `-` and `@file`.
    ///   - isPerson: whether a person may sit at the terminal.
    ///   - proof: checks what a person has to show besides saying yes.
    package init(
        catalogue: Catalogue, service: @escaping OperationCommands.Choice,
        locals: @Sendable (Catalogue) -> [LocalCommand], terminal: CommandStreams, content: ContentSource,
        isPerson: @escaping @Sendable () -> Bool = { !PersonProof.isInSession(process: getpid()) },
        proof: OwnerProof
    ) {
        self.terminal = terminal
        self.content = content
        operations = OperationCommands(service: service, terminal: terminal, isPerson: isPerson, proof: proof)
        index = CommandIndex(catalogue: catalogue, locals: locals(catalogue))
    }

    /// A program without operations.
    /// - Parameters:
    ///   - locals: its commands.
    ///   - terminal: the streams.
    ///   - content: reads `-` and `@file`.
    package init(locals: [LocalCommand], terminal: CommandStreams, content: ContentSource) {
        self.terminal = terminal
        self.content = content
        operations = nil
        index = CommandIndex(catalogue: Catalogue([]), locals: locals)
    }

    /// Carries out one command line.
    /// - Parameter words: the words after the program's name.
    /// - Returns: the exit code.
    package func run(_ words: [String]) async -> Int32 {
        do throws(MMError) {
            return try await perform(words)
        } catch {
            terminal.progress(nil)
            // A reader that went away (`mm … | head`) wants no more words.
            if error.code == .cancelled { return error.exitCode }
            report(error, asJSON: words.contains("--json"))
            return error.exitCode
        }
    }

    private func perform(_ words: [String]) async throws(MMError) -> Int32 {
        guard let first = words.first, !["--help", "-h"].contains(first) else {
            try terminal.write(Array(HelpText.overview(index).utf8))
            return 0
        }
        if first == "--version" { return try await perform(["version"]) }
        if first == "help" { return try await perform(Array(words.dropFirst()) + ["--help"]) }
        let line = Array(words.prefix { !$0.hasPrefix("-") })
        guard let (entry, rest) = index.find(words) else {
            let group = index.group(line)
            if !line.isEmpty, !group.isEmpty {
                try terminal.write(Array(HelpText.group(line, group).utf8))
                return words.contains("--help") || words.contains("-h") ? 0 : 2
            }
            throw index.unknown(line.isEmpty ? words : line)
        }
        switch entry {
        case .operation(let operation):
            guard let operations, let scanned = try scan(entry, operation.fields, rest) else { return 0 }
            return try await operations.perform(operation, scanned, asJSON: rest.contains("--json"))
        case .local(let command): return try await perform(command, entry, rest)
        }
    }

    private func scan(_ entry: CommandIndex.Entry, _ fields: [InputField], _ words: [String]) throws(MMError)
        -> ArgumentScanner.Result?
    {
        let command = "mm " + entry.words.joined(separator: " ")
        let scanned = try ArgumentScanner.scan(words, fields: fields, command: command, content: content)
        guard scanned.options.help else { return scanned }
        try terminal.write(Array(HelpText.command(entry).utf8))
        return nil
    }

    private func perform(_ command: LocalCommand, _ entry: CommandIndex.Entry, _ words: [String]) async throws(MMError)
        -> Int32
    {
        switch command.work {
        case .words(let run):
            if words.prefix(while: { $0 != "--" }).contains(where: { ["--help", "-h"].contains($0) }) {
                try terminal.write(Array(HelpText.command(entry).utf8))
                return 0
            }
            return try await run(words)
        case .fields(let run):
            guard let scanned = try scan(entry, command.fields, words) else { return 0 }
            let name = command.words.joined(separator: " ")
            let reader = try InputReader(operation: name, arguments: scanned.arguments, fields: command.fields)
            return try await run(reader, scanned.options, terminal)
        }
    }

    private func report(_ error: MMError, asJSON: Bool) {
        if asJSON {
            terminal.note(JSONWriter.string(["error": .object(error.json)]))
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
