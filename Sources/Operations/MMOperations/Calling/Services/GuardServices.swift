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

    init(
        environment: [String: String], paths: StatePaths, registry: ConnectionRegistry, guards: CurrentGuard,
        ledger: ConfirmationLedger
    ) {
        self.environment = environment
        self.paths = paths
        self.registry = registry
        self.guards = guards
        self.ledger = ledger
    }

    /// Enters a request in the ledger, where a person can confirm it, and runs the owner's notification command if it
    /// is new.
    /// - Throws: the errors of reading and writing the ledger.
    package func hold(_ request: ConfirmationRequest) async throws(MMError) -> PendingConfirmation {
        let (entry, isNew) = try await ledger.enter(request)
        if isNew { ApprovalNotice(environment: environment)?.send(entry, environment: environment) }
        return entry
    }

    /// Returns the guard's policy for a connection and the caller.
    package func policy(of connection: Connection, in context: OperationContext) -> GuardPolicy {
        if context.call.readsOnly { return GuardPolicy(.readonly) }
        return GuardPolicy(of: connection, environment: environment, allowances: context.call.guardAllowances)
    }
}

/// The notice to the owner's notification command that a request waits for a person. The command is started without a
/// shell and gets a JSON object on its standard input. The object holds neither the text of the request nor the
/// confirmation token, so a message on a phone can't be used to confirm; that needs the page or a terminal.
struct ApprovalNotice: Sendable {
    /// The environment variable with the program's path, or a JSON array of the program and its arguments.
    static let variable = "MM_NOTIFY_COMMAND"

    private let command: [String]

    /// Creates the notice that the environment asks for; `nil` if it names no command.
    init?(environment: [String: String]) {
        guard let text = environment[Self.variable], !text.isEmpty else { return nil }
        if text.hasPrefix("[") {
            let words = (try? JSONParser.parse(Array(text.utf8)))?.array?.map(\.string) ?? []
            command = words.compactMap(\.self)
            guard !command.isEmpty, command.count == words.count else { return nil }
        } else {
            command = [text]
        }
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

    /// Starts the command without waiting for it, for at most ten seconds. Its failure has no effect on the call.
    func send(_ request: PendingConfirmation, environment: [String: String]) {
        let input = JSONWriter.bytes(.object(Self.object(of: request)))
        let command = command
        let kept = environment.filter { name, _ in
            ["HOME", "PATH", "USER", "LANG", "DBUS_SESSION_BUS_ADDRESS"].contains(name)
        }
        Task {
            guard let program = ExecutableSearch.find(command[0], path: environment["PATH"] ?? "/usr/bin:/bin") else {
                return
            }
            _ = try? await ChildProcess.run(
                ChildCommand(program, Array(command.dropFirst()), environment: kept), input: input, limit: 4096,
                timeout: .seconds(10))
        }
    }
}
