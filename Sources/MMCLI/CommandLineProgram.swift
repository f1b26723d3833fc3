import Glibc
package import MMCore
package import MMOperations
import MMSystem

/// The program behind `mm`: finds the command, asks the service, writes the answer.
package struct CommandLineProgram: Sendable {
    /// The service for the options of a command line.
    package typealias Choice = @Sendable (GlobalOptions) -> Result<any OperationService, MMError>

    private let service: Choice
    private let index: CommandIndex
    private let terminal: CommandStreams
    private let content: ContentSource
    private let isPerson: @Sendable () -> Bool
    private let proof: OwnerProof

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
        catalogue: Catalogue, service: @escaping Choice,
        locals: @Sendable (Catalogue) -> [LocalCommand], terminal: CommandStreams, content: ContentSource,
        isPerson: @escaping @Sendable () -> Bool = { !PersonProof.isInSession(process: getpid()) },
        proof: OwnerProof
    ) {
        self.proof = proof
        self.isPerson = isPerson
        self.service = service
        self.terminal = terminal
        self.content = content
        index = CommandIndex(catalogue: catalogue, locals: locals(catalogue))
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
        case .operation(let operation): return try await perform(operation, entry, rest)
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
        guard let scanned = try scan(entry, command.fields, words) else { return 0 }
        let name = command.words.joined(separator: " ")
        let reader = try InputReader(operation: name, arguments: scanned.arguments, fields: command.fields)
        return try await command.run(reader, scanned.options, terminal)
    }

    private func perform(_ operation: AnyOperation, _ entry: CommandIndex.Entry, _ words: [String])
        async throws(MMError)
        -> Int32
    {
        guard let scanned = try scan(entry, operation.fields, words) else { return 0 }
        let options = scanned.options
        let terminal = terminal
        let showsProgress = terminal.isErrorScreen && !options.quiet
        var context = CallContext(
            caller: Caller(surface: .terminal, name: "mm", server: nil), timeLimit: options.timeLimit,
            waitsForSignIn: terminal.canAsk && !options.detach, patience: options.detach ? .zero : nil,
            person: terminal.canAsk && isPerson() ? TerminalPerson(terminal: terminal, proof: proof) : nil,
            progress: { report in if showsProgress { terminal.progress(report.message) } }
        )
        context.directory = CallContext.ownDirectory
        context.input = terminal.input
        let answer: OperationAnswer
        do throws(MMError) {
            answer = try await call(
                operation, arguments(of: operation, scanned.arguments, options), try service(options).get(), in: context
            )
        } catch {
            terminal.progress(nil)
            if !words.contains("--json") { try await show(before: error, options) }
            throw error
        }
        if options.jq != nil || answer.isLongRunning == false { terminal.progress(nil) }
        if !answer.standardError.isEmpty {
            terminal.progress(nil)
            terminal.writeError(answer.standardError)
        }
        if !options.quiet {
            for note in answer.notes { terminal.note(note) }
        } else if let missing = answer.missing {
            terminal.note(missing)
        }
        if let program = options.jq {
            try await filter(answer, through: program, options)
        } else {
            let renderer = AnswerRenderer(
                format: options.format, note: { if !options.quiet { terminal.note($0) } },
                writeError: { terminal.writeError($0) }
            ) { (bytes) throws(MMError) in try terminal.write(bytes) }
            try await renderer.render(answer)
        }
        let end = answer.body.stream?.end() ?? AnswerEnd()
        if !options.quiet { for note in end.notes { terminal.note(note) } }
        terminal.progress(nil)
        return end.exitStatus ?? answer.exitStatus
    }

    /// Calls an operation, and once more with the passphrase where it turns out that a key needs one and a person can be
    /// asked for it.
    private func call(
        _ operation: AnyOperation, _ arguments: JSONObject, _ service: any OperationService, in context: CallContext
    ) async throws(MMError) -> OperationAnswer {
        do throws(MMError) {
            return try await service.call(operation.declaration.name, arguments, in: context)
        } catch  where error.details["reason"] == "passphrase" && context.person != nil {
            terminal.progress(nil)
            let key = error.details["key"]?.string ?? "the key"
            guard operation.fields.contains(where: { $0.name == "passphrase" }),
                let typed = try await Terminal.controlling.ask("Passphrase of \(key): ", hidden: true), !typed.isEmpty
            else { throw error }
            var whole = arguments
            whole["passphrase"] = .string(typed)
            return try await service.call(operation.declaration.name, whole, in: context)
        }
    }

    /// Shows what came before a failure where it would have been shown without one. With `--json` the error holds it.
    private func show(before error: MMError, _ options: GlobalOptions) async throws(MMError) {
        guard let output = error.output else { return }
        let texts = (output.array ?? [output]).map(\.string)
        let isText = texts.allSatisfy { $0 != nil }
        let answer = OperationAnswer(
            isText ? .text(texts.compactMap(\.self).joined(separator: "\n")) : .value(output))
        try await AnswerRenderer(format: options.format) { (bytes) throws(MMError) in try terminal.write(bytes) }
            .render(answer)
    }

    /// An operation that has forms of its own is told which one is wanted; jq needs JSON.
    private func arguments(of operation: AnyOperation, _ given: JSONObject, _ options: GlobalOptions) -> JSONObject {
        guard let field = operation.fields.first(where: { $0.name == "output" }), case .choice(let words) = field.kind
        else { return given }
        var arguments = given
        let wanted = options.format?.rawValue ?? (options.jq == nil ? nil : "json")
        if let wanted { arguments["output"] = .string(words.contains(wanted) ? wanted : "json") }
        // A call without arguments lists the connections, in whatever form.
        return given.isEmpty ? given : arguments
    }

    private func filter(_ answer: OperationAnswer, through program: String, _ options: GlobalOptions)
        async throws(MMError)
    {
        var text: [UInt8] = []
        let collector = AnswerRenderer(format: .json) { (bytes) throws(MMError) in text += bytes }
        try await collector.render(answer)
        let raw = options.format == .text
        try terminal.write(try await JQProgram(program, rawStrings: raw).run(on: text))
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

extension OperationAnswer {
    /// Whether the body is still being fetched.
    fileprivate var isLongRunning: Bool {
        body.stream != nil
    }
}
