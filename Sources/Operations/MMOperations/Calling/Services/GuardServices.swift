package import MMCore
package import MMGuard
import MMSystem

/// What it takes to judge an action and to have it confirmed. Most services and steps of an operation hold it, so that it is one
/// object for all.
package final class GuardServices: Sendable {
    /// The environment of the process.
    package let environment: [String: String]
    /// Where files lie.
    package let paths: StatePaths
    /// The connections, which have a policy each.
    package let registry: ConnectionRegistry
    /// Judges scripts and requests.
    package let guards: CurrentGuard
    /// Requests that wait for a person.
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

    /// Puts a request where a person finds it, and tells the owner's own command of a new one.
    /// - Throws: the errors of reading and writing the ledger.
    package func hold(_ request: ConfirmationRequest) async throws(MMError) -> PendingConfirmation {
        let (entry, isNew) = try await ledger.enter(request)
        if isNew { ApprovalNotice(environment: environment)?.send(entry, environment: environment) }
        return entry
    }

    /// How strictly the guard judges for a connection and the caller.
    package func policy(of connection: Connection, in context: OperationContext) -> GuardPolicy {
        if context.call.readsOnly { return GuardPolicy(.readonly) }
        return GuardPolicy(of: connection, environment: environment, allowances: context.call.guardAllowances)
    }
}

/// Tells the owner's own command that something waits for a person: a program of theirs, started without a shell, gets a
/// JSON object on its standard input. What is held back itself is not in it, and no token: who reads a message on a phone
/// opens the page or a terminal to decide.
struct ApprovalNotice: Sendable {
    /// Names the program, or holds a JSON array of the program and its arguments.
    static let variable = "MM_NOTIFY_COMMAND"

    private let command: [String]

    /// The notice that an environment asks for; `nil` for none.
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

    /// What the command reads.
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

    /// Starts the command, for at most ten seconds; nobody waits for it. One that fails changes nothing for the call.
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
