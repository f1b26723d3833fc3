import MMCore
import MMNative
import MMSessions
import MMSystem
import PowerShellSyntax

extension OperationDeclaration {
    /// The declaration of `run`.
    package static let run = OperationDeclaration(
        "run", aliases: ["mm_run"], command: ["run"], title: "Run PowerShell",
        summary: "Run a PowerShell command in a connection's persistent session.",
        description:
            "Runs a PowerShell command in the connection's persistent, signed-in session of a module; it keeps variables. "
            + "Without arguments it lists the connections. Show a sign-in code to the person, then repeat the call. "
            + "Get-Help NAME shows a cmdlet's parameters. A person must approve risky commands. Example: {\"connection\": \"Contoso\", "
            + "\"module\": \"exo\", \"command\": \"Get-Mailbox -ResultSize 5 | Select-Object Name\"}",
        effects: .init(readOnly: false, destructive: true, openWorld: true), home: .pool,
        examples: [
            .init("mm run Contoso exo 'Get-Mailbox -ResultSize 5'", "five mailboxes, as PowerShell shows them"),
            .init(
                "mm run Contoso exo -f report.ps1 --param Days=30 --json", "a script from a file, its objects as JSON"),
        ]
    ).forReaders.withSessionOutput.plannable.taking(.prompts(argument: "command")).answering(withoutPool: .lists)
        .forSeveral(
            .init(isGuarded: true, atOnce: 8, arguments: ["output": "json"]))
}

/// `run`: a PowerShell command in a connection's session.
struct Run: CatalogueOperation {
    typealias Input = RunInput

    let declaration = OperationDeclaration.run

    func run(
        _ input: RunInput, in context: OperationContext, with services: RunServices
    ) async throws(MMError) -> OperationAnswer {
        guard let name = input.connection, let text = input.command else {
            return ConnectionsList.answer(of: try services.requests.guarding.registry.snapshot(), in: context)
        }
        let whole = try await DotSourcing(
            text, input, with: ScriptFiles(context: context, services: services.shells, connection: name))
        var asked = input
        asked.attached = whole.attached
        let guarding = services.requests.guarding
        let signIn = try FormerSignIn(whole.text) { () throws(MMError) in
            let connection = try guarding.registry.connection(named: name, in: context)
            return OwnSignIn(of: connection, in: context, with: guarding).own
        }
        let inserted =
            whole.joined.isEmpty ? [] : ["Inserted where the script runs it: \(whole.joined.joined(separator: ", "))."]
        let script = try await RunScript(
            signIn.text, asked, on: name, altered: inserted + signIn.notes, in: context, with: services
        ).withKeptFunctions()
        if let answer = try await script.answerAtOnce() { return answer }
        let prepared = try await PreparedScript(script)
        if input.explains { return await prepared.explanation() }
        let judged = try await JudgedScript(prepared)
        if let recorded = try await judged.recorded() { return recorded }
        return try await judged.cleared().answer()
    }
}

/// The progress reports to a caller that waits for a session: it is starting, signing in, or working for another call.
struct LeaseProgress: Sendable {
    private let key: SessionKey
    private let sessions: SessionPool<ModuleSessionFactory>
    private static let interval = Duration.milliseconds(250)

    /// Creates the progress of a session's lease.
    init(of key: SessionKey, in sessions: SessionPool<ModuleSessionFactory>) {
        self.key = key
        self.sessions = sessions
    }

    /// Reports each change from now on, until the returned wait is cancelled. Most calls find their session free, end
    /// before there is anything to report, and start no task.
    func begin(_ report: @escaping @Sendable (ProgressReport) -> Void) -> Wait {
        let wait = Wait(for: key)
        wait.start(after: Self.patience) {
            Task {
                var told: String?
                repeat {
                    let state = await sessions.state(of: key)
                    let words = Self.words(for: state, of: key)
                    guard !Task.isCancelled else { return }
                    if case .busy? = state { wait.noteOther() }
                    if words != told { report(ProgressReport(done: 0, message: words)) }
                    told = words
                } while (try? await Task.sleep(for: Self.interval)) != nil
            }
        }
        return wait
    }

    /// How long a call waits before the first report.
    private static let patience = Duration.milliseconds(200)

    /// A wait with reports to the caller.
    final class Wait: Sendable {
        private struct State {
            var token: DeadlineWatch.Token?
            var reports: Task<Void, Never>?
            var isOver = false
            /// When the session was first seen to work for another call, and for how long this one then waited.
            var busySince: ContinuousClock.Instant?
            var waited: Duration?
        }

        private let key: SessionKey
        private let state = Mutex(State())

        fileprivate init(for key: SessionKey) { self.key = key }

        fileprivate func noteOther() {
            state.withLock { if !$0.isOver, $0.busySince == nil { $0.busySince = .now } }
        }

        /// The note for an answer that came late because of another call; none if it didn't.
        var notes: [String] {
            guard let seconds = state.withLock({ $0.waited })?.components.seconds, seconds > 0 else { return [] }
            return ["waited \(seconds) s for another run in \(key), which runs one after the other"]
        }

        fileprivate func start(after pause: Duration, _ begin: @escaping @Sendable () -> Task<Void, Never>) {
            let token = DeadlineWatch.shared.watch(.now + pause) { [weak self] in
                self?.state.withLock { if !$0.isOver { $0.reports = begin() } }
            }
            state.withLock { $0.token = token }
        }

        /// Ends the reports.
        func cancel() {
            let (token, reports) = state.withLock { state in
                if !state.isOver { state.waited = state.busySince.map { .now - $0 } }
                state.isOver = true
                return (state.token, state.reports)
            }
            if let token { DeadlineWatch.shared.cancel(token) }
            reports?.cancel()
        }
    }

    /// Returns the report for a session in a given state.
    static func words(for state: SessionState?, of key: SessionKey) -> String {
        switch state {
        case nil, .starting, .failed, .lost: "starting \(key)"
        case .signingIn: "signing in to \(key)"
        case .ready: "waiting for \(key)"
        case .busy: "waiting for another run in \(key)"
        }
    }
}

/// The end of a session's sign-in during a call, with the errors for the caller.
struct EndedSignIn: Sendable {
    private let end: MMError
    /// Whether the call had already changed something.
    let hasChanged: Bool

    /// Reads the end of a sign-in from an error; `nil` for other errors, and if the error already has the code of the
    /// next sign-in.
    init?(_ error: MMError) {
        guard error.code == .signInNeeded, error.details["ended"] == true, error.details["userCode"] == nil else {
            return nil
        }
        end = error
        hasChanged = error.details["changed"] == true
    }

    private static let changes = "Earlier changes of the command remain: check them before you run it again."

    /// Returns the error of the next sign-in, with the reason why it is needed.
    func addingReason(to next: MMError) -> MMError {
        var told = next
        if told.details["reason"] == nil { told.details["reason"] = .string(end.message) }
        if !next.message.contains(end.message) { told.message = "\(end.message) \(next.message)" }
        if hasChanged {
            told.details["changed"] = true
            told.message += " " + Self.changes
        }
        return told
    }

    /// The error if the session is signed in again but the call must not be repeated automatically.
    var afterChanges: MMError {
        MMError(
            .sessionLost, "\(end.message) The session is signed in again.", hint: Self.changes, details: end.details)
    }
}

/// Commands that people type in every shell: clear the screen, change the folder, get help. An Exchange session has
/// neither screen nor folder, and no PowerShell is started to say so.
struct SessionWord {
    /// The note for the caller; such a command has no output.
    let note: String

    /// Recognizes a script that consists only of such commands; `nil` for any other script.
    init?(_ script: ParsedScript, in module: String) {
        guard ExchangeTable.Service(module: module) != nil, script.errors.isEmpty, script.root?.parameterBlock == nil,
            let statements = script.root?.body?.statements.count, statements > 0
        else { return nil }
        let items = ScriptFacts(of: script).items
        guard items.count == statements else { return nil }
        var notes: [String] = []
        for item in items {
            guard case .command(let command) = item.detail, let note = Self.note(on: command) else { return nil }
            if !notes.contains(note) { notes.append(note) }
        }
        note = notes.joined(separator: " ")
    }

    /// Returns the note on such a command; `nil` for any other command.
    private static func note(on command: CommandFact) -> String? {
        guard command.count == 1, command.redirections.isEmpty, let name = command.name?.lowercased() else {
            return nil
        }
        switch (name, command.arguments.count) {
        case ("cls", 0), ("clear", 0), ("clear-host", 0):
            return "This session has no screen: nothing was cleared."
        case ("cd", 0...1), ("chdir", 0...1), ("sl", 0...1), ("set-location", 0...1):
            if let argument = command.arguments.first, !isText(argument) { return nil }
            return "This session has no current folder, because its cmdlets work on the service, not on files."
        case ("help", 0), ("get-help", 0):
            return "Get-Help NAME shows a cmdlet's parameters, Get-Command PATTERN finds names, mm cmdlets lists them."
        default: return nil
        }
    }

    /// Returns whether an argument is a constant text.
    private static func isText(_ argument: ArgumentFact) -> Bool {
        if case .value(.string) = argument { true } else { false }
    }
}
