import MMCore
import MMGuard
import MMSystem

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
