import Glibc
package import MMCore
package import MMOperations
import MMSystem

/// The commands that are operations: calls the service and writes its answer.
package struct OperationCommands: Sendable {
    /// Returns the service for the options of a command line.
    package typealias Choice = @Sendable (GlobalOptions) -> Result<any OperationService, MMError>

    /// Returns the service that carries out the operations.
    let service: Choice
    /// The standard streams.
    let terminal: CommandStreams
    /// Whether a person may sit at the terminal.
    let isPerson: @Sendable () -> Bool
    /// Checks what a person has to present besides a `yes`.
    let proof: OwnerProof

    /// Calls the service and writes its answer.
    /// - Parameters:
    ///   - operation: the operation to call.
    ///   - scanned: the parsed command line.
    ///   - asJSON: whether errors are written as JSON, which then includes the output that preceded them.
    ///   - isWanted: whether a note of the answer is shown.
    /// - Returns: the exit code.
    func perform(
        _ operation: AnyOperation, _ scanned: ArgumentScanner.Result, asJSON: Bool,
        noting isWanted: (String) -> Bool = { _ in true }
    ) async throws(MMError) -> Int32 {
        let options = scanned.options
        let terminal = terminal
        // A call that may change something isn't made if its answer can't be filtered.
        if let program = options.jq, !operation.declaration.effects.readOnly {
            try await JQProgram(program).compile()
        }
        let connection = scanned.arguments["connection"]?.string
        var context = context(operation.declaration, options, of: connection)
        if plansProgram(operation, scanned.arguments, try service(options).get()) {
            // The program's output is not part of the call's answer, so it goes to standard error.
            context.seat = ProgramTerminal(isAside: true)
        }
        if operation.declaration.startsProgram {
            context.seat = ProgramTerminal()
            context.input = nil
        }
        // Even an operation that reports no progress may take long.
        if let connection, !options.quiet, !operation.declaration.startsProgram {
            terminal.progress("\(connection): waiting for the answer")
        }
        var answer: OperationAnswer
        do throws(MMError) {
            answer = try await call(
                operation, arguments(of: operation, scanned.arguments, options), try service(options).get(), in: context
            )
        } catch {
            terminal.progress(nil)
            if !asJSON { try await show(before: error, options) }
            throw error
        }
        if options.format == .json || options.jq != nil {
            leaveRows(of: operation.call(scanned.arguments).operation.declaration, in: &answer)
        }
        if options.jq != nil || answer.isLongRunning == false { terminal.progress(nil) }
        if !answer.standardError.isEmpty {
            terminal.progress(nil)
            terminal.writeError(answer.standardError)
        }
        if !options.quiet {
            for note in answer.notes where isWanted(note) { terminal.note(note) }
        } else if let missing = answer.missing {
            terminal.note(missing)
        }
        try await present(answer, of: operation, options)
        try await answer.delivered()
        let end = answer.body.stream?.end() ?? AnswerEnd()
        if !options.quiet { for note in end.notes { terminal.note(note) } }
        show(answer.errors + end.errors, asJSON: asJSON, isQuiet: options.quiet)
        terminal.progress(nil)
        return end.exitStatus ?? answer.exitStatus
    }

    /// Writes an answer as the command line asks for it. If that is impossible after a call that may have changed
    /// something, writes the whole answer, and the error says that the call was carried out: a job that took it for a
    /// refusal would repeat the call.
    private func present(
        _ answer: OperationAnswer, of operation: AnyOperation, _ options: GlobalOptions
    ) async throws(MMError) {
        do throws(MMError) {
            if let program = options.jq { return try await filter(answer, of: operation, through: program, options) }
            try await write(answer, of: operation, options)
        } catch {
            // What is still being fetched fails for reasons of its own.
            guard !operation.declaration.effects.readOnly, !answer.isOfRead, answer.body.stream == nil,
                error.code != .cancelled
            else { throw error }
            var whole = options
            if options.jq != nil { whole.format = .json }
            (whole.jq, whole.columns, whole.order) = (nil, [], nil)
            try await write(answer, of: operation, whole)
            throw error.ofCarriedOutCall
        }
    }

    /// Leaves only the rows of a list, so that programs always get an array, whatever the request was.
    private func leaveRows(of declaration: OperationDeclaration, in answer: inout OperationAnswer) {
        if let rows = answer.rowsOfPage {
            // Shown even with -q, so that nobody takes the first rows for all.
            if rows.isFirst {
                terminal.note("Only the first rows are shown. For all rows add --all, for a number of rows --top N.")
            }
            answer.body = .value(rows.rows)
        }
        guard let member = declaration.listMember, case .value(let value) = answer.body, let rows = value[member],
            rows.array != nil
        else { return }
        answer.body = .value(rows)
    }

    /// Returns whether one of the calls in a call's arguments runs a program on this machine.
    private func plansProgram(
        _ operation: AnyOperation, _ arguments: JSONObject, _ service: any OperationService
    ) -> Bool {
        operation.fields.filter { $0.kind == .calls }.flatMap { arguments[$0.name]?.array ?? [] }.contains { call in
            call["tool"]?.string.flatMap { service.catalogue.operation(named: $0) }?.declaration.startsProgram ?? false
        }
    }

    /// Shows errors that did not end the call: as an object for programs, or as lines with -q, which hides the notes
    /// that otherwise report them.
    private func show(_ errors: [ReportedError], asJSON: Bool, isQuiet: Bool) {
        if asJSON, let error = ReportedError.summary(errors) {
            terminal.note(["error": .object(error.json)])
        } else if isQuiet {
            for line in ReportedError.lines(errors) { terminal.note(line) }
        }
    }

    /// Returns whether a call gets what the person types at this terminal.
    func givesKeys(to operation: AnyOperation, _ scanned: ArgumentScanner.Result) -> Bool {
        let options = scanned.options
        return terminal.isInteractive && !options.detach && options.format == nil && options.jq == nil
            && operation.declaration.takesKeys?(scanned.arguments) == true && isPerson()
    }

    /// Opens a terminal in a session, or the one of a command there, and connects this terminal to it until the person
    /// leaves.
    /// - Returns: the exit code.
    func open(_ operation: AnyOperation, _ scanned: ArgumentScanner.Result) async throws(MMError) -> Int32 {
        let screen = try SessionTerminal(terminal)
        var context = context(operation.declaration, scanned.options, of: nil)
        if scanned.options.timeLimit == nil { context.timeLimit = SessionTerminal.stay }
        let answer: OperationAnswer
        do throws(MMError) {
            answer = try await call(
                operation,
                screen.arguments(scanned.arguments, of: operation, environment: ProcessEnvironment.read()),
                try service(scanned.options).get(),
                in: screen.context(context))
        } catch {
            terminal.progress(nil)
            throw error
        }
        terminal.progress(nil)
        return try await screen.show(answer)
    }

    /// Returns the context of a call.
    /// - Parameter connection: the call's connection, whose name precedes progress reports.
    private func context(
        _ declaration: OperationDeclaration, _ options: GlobalOptions, of connection: String?
    ) -> CallContext {
        let terminal = terminal
        let showsProgress = terminal.isErrorScreen && !options.quiet
        var context = CallContext(
            caller: Caller(surface: .terminal, name: "mm", server: nil),
            timeLimit: options.timeLimit ?? declaration.usualTimeLimit ?? SessionTerminal.stay,
            waitsForSignIn: terminal.canAsk && !options.detach, backgroundAfter: options.detach ? .zero : nil,
            person: terminal.canAsk && isPerson() ? TerminalPerson(terminal: terminal, proof: proof) : nil,
            progress: { report in
                guard showsProgress else { return }
                let name = connection.map { report.message.contains($0) ? "" : "\($0): " } ?? ""
                terminal.progress(name + report.message)
            }
        )
        context.directory = CallContext.ownDirectory
        context.agentSocket = CallContext.ownAgentSocket
        let environment = ProcessEnvironment.read()
        context.trace = TraceContext(parent: environment["TRACEPARENT"], state: environment["TRACESTATE"])
        context.input = terminal.input
        context.screenColumns = terminal.screen?.columns
        return context
    }

    /// Writes an answer, in the person's pager if it is longer than the screen.
    private func write(
        _ answer: OperationAnswer, of operation: AnyOperation, _ options: GlobalOptions
    ) async throws(MMError) {
        let terminal = terminal
        let isPaged = options.pages && answer.canBePaged
        let output = PagedOutput(terminal, pager: isPaged ? terminal.pager : nil)
        let renderer = AnswerRenderer(
            options.form(on: terminal.screen, queryFlag: operation.queryFlag),
            note: { note in if !options.quiet { output.note(note) } },
            writeError: { terminal.writeError($0) }
        ) { (bytes) throws(MMError) in try await output.write(bytes) }
        do throws(MMError) {
            try await renderer.render(answer)
        } catch {
            try await output.end()
            // A person who leaves the pager has seen enough; that is no failure.
            if output.wasLeft { return }
            throw error
        }
        try await output.end()
    }

    /// Calls an operation. If a host turns out to require a passphrase, a password or another answer and a person can
    /// be asked for it, the call is repeated with it: a password is asked for up to three times, as ssh does.
    private func call(
        _ operation: AnyOperation, _ arguments: JSONObject, _ service: any OperationService, in context: CallContext
    ) async throws(MMError) -> OperationAnswer {
        let (called, given) = operation.call(arguments)
        var whole = given
        var refused = 0
        while true {
            do throws(MMError) {
                return try await service.call(called, whole, in: context)
            } catch {
                guard context.person != nil, let question = HostQuestion(error),
                    question.argument != "password" || whole["password_secret"] == nil,
                    operation.fields.contains(where: { $0.name == question.argument })
                else { throw error }
                if whole[question.argument] != nil { refused += 1 }
                guard refused < question.attempts else { throw error }
                terminal.progress(nil)
                if refused > 0 { terminal.note("Not accepted, please try again.") }
                guard let typed = try await Terminal.controlling.ask(question.text, hidden: true), !typed.isEmpty
                else { throw error }
                // An answer to a further question counts once, in the sign-in with the password before it.
                if question.argument == "password" { whole["one_time_password"] = nil }
                whole[question.argument] = .string(typed)
            }
        }
    }

    /// Shows the output that preceded a failure, as it would have been shown without the failure. With `--json` the
    /// error contains it.
    private func show(before error: MMError, _ options: GlobalOptions) async throws(MMError) {
        guard let output = error.output else { return }
        let texts = (output.array ?? [output]).map(\.string)
        let isText = texts.allSatisfy { $0 != nil }
        let answer = OperationAnswer(
            isText ? .text(texts.compactMap(\.self).joined(separator: "\n")) : .value(output))
        try await AnswerRenderer(options.form(on: terminal.screen)) { (bytes) throws(MMError) in
            try terminal.write(bytes)
        }
        .render(answer)
    }

    /// Passes the wanted output form on to an operation that has forms of its own. What selects from objects needs
    /// them.
    private func arguments(of operation: AnyOperation, _ given: JSONObject, _ options: GlobalOptions) -> JSONObject {
        guard let field = operation.fields.first(where: { $0.name == "output" }), case .choice(let words) = field.kind
        else { return given }
        var arguments = given
        let selects = options.jq != nil || words.contains("text") && (!options.columns.isEmpty || options.order != nil)
        let wanted = options.format?.rawValue ?? (selects ? "json" : nil)
        if let wanted { arguments["output"] = .string(words.contains(wanted) ? wanted : "json") }
        // A call without arguments lists the connections, in any form.
        return given.isEmpty ? given : arguments
    }

    private func filter(
        _ answer: OperationAnswer, of operation: AnyOperation, through program: String, _ options: GlobalOptions
    ) async throws(MMError) {
        let terminal = terminal
        let filter = JQProgram(program, rawStrings: options.format == .text)
        if options.columns.isEmpty, options.order == nil, case .items(let stream) = answer.body,
            try await filter.run(onItemsOf: stream, write: { (bytes) throws(MMError) in try terminal.write(bytes) })
        {
            return
        }
        var text: [UInt8] = []
        let form = AnswerForm(
            format: .json, columns: options.columns, order: options.order, queryFlag: operation.queryFlag)
        let collector = AnswerRenderer(form) { (bytes) throws(MMError) in text += bytes }
        try await collector.render(answer)
        try terminal.write(try await filter.run(on: text))
    }
}

extension AnyOperation {
    /// The flag that takes the query options of its requests; `nil` for an operation without such requests.
    fileprivate var queryFlag: String? { fields.first(where: \.holdsQueryOptions).map { "--" + $0.flagName } }
}

extension OperationAnswer {
    /// The rows of a page of a service's list, which are an array with `--json`, whatever the request was.
    fileprivate var rowsOfPage: (rows: JSONValue, isFirst: Bool)? {
        guard case .json(let bytes) = body, let page = try? JSONParser.parse(bytes), let rows = page.rowsOfPage else {
            return nil
        }
        return (.array(rows), page.hasNextPage)
    }

    /// Whether the answer may be shown in a pager: not the output of a command that still runs, and not a file.
    fileprivate var canBePaged: Bool {
        switch body {
        case .output, .bytes: false
        case .value, .json, .text, .items: true
        }
    }

    /// Whether the body is still being fetched.
    fileprivate var isLongRunning: Bool {
        body.stream != nil
    }
}

/// A question for a secret that a host requires.
private struct HostQuestion {
    /// The argument that takes the answer.
    let argument: String
    let text: String
    /// How often it is asked.
    let attempts: Int

    /// Reads the question from the error of a refused sign-in; `nil` if no input would help.
    init?(_ error: MMError) {
        switch error.details["reason"]?.string {
        case "passphrase":
            (argument, attempts) = ("passphrase", 1)
            text = "Passphrase of \(error.details["key"]?.string ?? "the key"): "
        case "authentication":
            guard let host = error.details["takesPassword"]?.string else { return nil }
            (argument, attempts) = ("password", 3)
            text = "Password of \(host): "
        case "question":
            guard let asked = error.details["question"]?.string else { return nil }
            (argument, attempts) = ("one_time_password", 3)
            text = VisibleText.readable(asked) + (asked.hasSuffix(" ") ? "" : " ")
        default: return nil
        }
    }
}
