package import MMCore
package import MMGuard
import MMSystem

/// The services for judging an action and having it confirmed. It is a class because most services and steps of an
/// operation hold it.
package final class GuardServices: Sendable {
    /// The environment of the process.
    package let environment: [String: String]
    /// The paths of the state files.
    package let paths: StatePaths
    /// The connections, each with its policy.
    package let registry: ConnectionRegistry
    /// The guard, which judges scripts and requests.
    package let guards: CurrentGuard
    /// The ledger of requests that wait for a person's confirmation.
    package let ledger: ConfirmationLedger
    private let notices: ApprovalNotices

    init(
        environment: [String: String], paths: StatePaths, registry: ConnectionRegistry, guards: CurrentGuard,
        ledger: ConfirmationLedger, notices: ApprovalNotices
    ) {
        self.environment = environment
        self.paths = paths
        self.registry = registry
        self.guards = guards
        self.ledger = ledger
        self.notices = notices
    }

    /// Enters a request in the ledger, where a person can confirm it, and runs the owner's notification command if it
    /// is new.
    /// - Throws: the errors of reading and writing the ledger.
    package func hold(_ request: ConfirmationRequest) async throws(MMError) -> PendingConfirmation {
        let (entry, isNew) = try await ledger.enter(request)
        if isNew { notices.send(entry) }
        return entry
    }

    /// Returns the guard's policy for a connection and the caller.
    package func policy(of connection: Connection, in context: OperationContext) -> GuardPolicy {
        if context.call.readsOnly { return GuardPolicy(.readonly) }
        return GuardPolicy(of: connection, environment: environment, allowances: context.call.guardAllowances)
    }
}

/// The notices to the owner's notification command that a request waits for a person. The command is started without a
/// shell and gets a JSON object on its standard input. The object holds neither the text of the request nor the
/// confirmation token, so a message on a phone can't be used to confirm; that needs the page or a terminal.
final class ApprovalNotices: Sendable {
    /// The environment variable with the program's path, or a JSON array of the program and its arguments.
    static let variable = "MM_NOTIFY_COMMAND"
    private let environment: [String: String]
    private let log: Log
    /// The notices under way, by the tokens of their requests.
    private let running = Mutex<[String: Task<Void, Never>]>([:])

    init(environment: [String: String], log: Log) {
        self.environment = environment
        self.log = log
    }

    /// Returns the JSON object that the command reads.
    static func object(of request: PendingConfirmation) -> JSONObject {
        var object: JSONObject = [
            "event": "approval-waits", "connection": .string(request.connection), "module": .string(request.module),
            "title": .string(request.presentation.title), "class": .string(request.guardClass.rawValue),
            "reason": .string(request.presentation.reason), "needed": .int(Int64(request.needed)),
            "until": .string(request.expiresAt.iso8601),
        ]
        if let requester = request.requester { object["requester"] = requester.json }
        return Redactor.standard.object(object)
    }

    /// Starts the command without waiting for it. Its failure is logged and has no effect on the call.
    func send(_ request: PendingConfirmation) {
        running.withLock { running in
            running[request.token] = Task {
                do throws(MMError) { try await run(for: request) } catch {
                    log.warning("nobody was notified that a request waits: \(error.message)")
                }
                self.running.withLock { $0[request.token] = nil }
            }
        }
    }

    /// Waits for the notices under way: a command of the terminal ends as soon as it has answered, and would take its
    /// notice with it.
    func finish() async {
        for task in running.withLock({ Array($0.values) }) { await task.value }
    }

    /// Runs the command that the environment names, for at most ten seconds.
    /// - Throws: `invalidInput` and `notFound` for a command that can't be started, `remoteFailed` for one that fails.
    func run(for request: PendingConfirmation) async throws(MMError) {
        guard let command = try command() else { return }
        guard let program = ExecutableSearch.find(command[0], in: environment) else {
            throw MMError(
                .notFound, "\(Self.variable) names \(command[0]), which isn't an executable program.",
                hint: "Set it to the path of one.")
        }
        let kept = environment.filter { name, _ in
            ["HOME", "PATH", "USER", "LANG", "DBUS_SESSION_BUS_ADDRESS"].contains(name)
        }
        let outcome = try await ChildProcess.run(
            ChildCommand(program, Array(command.dropFirst()), environment: kept),
            input: JSONWriter.bytes(.object(Self.object(of: request))), limit: 4096, timeout: .seconds(10))
        guard outcome.exit.code == 0 else {
            throw MMError(
                .remoteFailed, "\(command[0]), which \(Self.variable) names, ended with \(outcome.exit.code).")
        }
    }

    private func command() throws(MMError) -> [String]? {
        guard let text = environment[Self.variable], !text.isEmpty else { return nil }
        guard text.hasPrefix("[") else { return [text] }
        let words = (try? JSONParser.parse(text))?.array?.map(\.string) ?? []
        let command = words.compactMap(\.self)
        guard !command.isEmpty, command.count == words.count else {
            throw MMError(
                .invalidInput, "\(Self.variable) begins with [ but isn't a JSON array of texts.",
                hint: "For example [\"/usr/bin/notify-send\", \"mm\"].")
        }
        return command
    }
}
