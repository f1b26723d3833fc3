import MMCore
import MMSessions
package import MMShell

/// The place where the commands of a shell session run.
package enum ShellPlace: String, Sendable, Hashable {
    /// On this machine.
    case shell
    /// On a host, by SSH.
    case ssh
}

/// The key of a session: its owner, its place and its name. A session can't be reached with another owner's key.
package struct ShellSessionName: PoolKey {
    /// The owner.
    package var owner: String
    /// The place where it runs.
    package var place: ShellPlace
    /// The name, unique for the owner and the place.
    package var name: String
    /// The host as the target names it, by which the uses of secrets are listed.
    package private(set) var host: String?

    /// Creates a key.
    package init(owner: String, place: ShellPlace, name: String) {
        self.owner = owner
        self.place = place
        self.name = name
    }

    /// Creates the key of a session on a host.
    /// - Parameter suffix: distinguishes additional sessions on the same host.
    package init(owner: String, on target: SSHTarget, suffix: String) {
        self.init(owner: owner, place: .ssh, name: target.requestedName + suffix)
        host = target.host
    }

    /// The name that people and models use.
    package var description: String { name }

    /// Compares by owner, place and name.
    package static func < (left: ShellSessionName, right: ShellSessionName) -> Bool {
        (left.owner, left.place.rawValue, left.name) < (right.owner, right.place.rawValue, right.name)
    }
}

extension CallContext {
    /// The owner of the shell sessions that a call reaches: its client's session, otherwise the front-end it came
    /// through.
    package var shellOwner: String {
        if let session = terms.sessionID { return "session:" + session }
        let caller = terms.caller
        return caller.surface == .terminal ? "terminal" : "\(caller.surface.rawValue):\(caller.server ?? caller.name)"
    }
}

extension OperationDeclaration {
    /// The declaration of `shell_run`.
    package static let shellRun = ShellRun(place: .shell).declaration
    /// The declaration of `shell_terminal`.
    package static let shellTerminal = ShellTerminal(place: .shell).declaration
}

extension ShellPlace {
    /// Whether commands run on this machine.
    var isLocal: Bool { self == .shell }

    /// The operations on shells of this place, in the order in which help texts list them. The first command starts a
    /// session, which persists; long commands go on under a handle.
    var operations: [AnyOperation] {
        [
            AnyOperation(ShellRun(place: self)) { $0.shellServices },
            AnyOperation(ShellTerminal(place: self)) { $0.shellServices },
            AnyOperation(ShellRead(place: self)) { $0.shellServices },
            AnyOperation(ShellWrite(place: self)) { $0.shellServices },
            AnyOperation(ShellKeys(place: self)) { $0.shellServices },
            AnyOperation(ShellWait(place: self)) { $0.workServices },
            AnyOperation(ShellJobs(place: self)) { $0.workServices },
            AnyOperation(ShellSessionList(place: self)) { $0.shells },
            AnyOperation(ShellClose(place: self)) { $0.shells },
            AnyOperation(ShellUpload(place: self)) { $0.shellServices },
            AnyOperation(ShellDownload(place: self)) { $0.shellServices },
            AnyOperation(ShellReset(place: self)) { $0.shells },
            AnyOperation(ShellWorkingDirectory(place: self)) { $0.shells },
        ]
    }

    /// Returns the declaration of one of the operations.
    func declaration(
        _ verb: String, _ title: String, _ summary: String, _ description: String? = nil,
        effects: OperationDeclaration.Effects, home: OperationDeclaration.Home = .besideSessions,
        examples: [(String, String)]
    ) -> OperationDeclaration {
        OperationDeclaration(
            "\(rawValue)_\(verb)", command: isLocal || verb != "run" ? [rawValue, verb] : ["ssh"],
            title: title, summary: summary, description: description, effects: effects,
            toolset: isLocal ? .shell : .ssh, home: home,
            examples: examples.map { OperationDeclaration.Example($0.0, $0.1) }
        ).withSessionOutput
    }

    /// Returns the arguments that name a session.
    /// - Parameters:
    ///   - position: the position of the session or host on a command line.
    ///   - creates: whether the host is required, because the session may have to be started.
    func sessionFields(at position: Int? = nil, creates: Bool = false) -> [InputField] {
        guard !isLocal else {
            return [
                InputField(
                    "session", .text, "Session name (default `\(NamedSession.standard)`).",
                    position.map { .at($0) } ?? .short("s"), .completes(.shells))
            ]
        }
        var host = Self.host
        if creates { host = host.with(.required) }
        if let position { host = host.with(.at(position)) }
        return [host, Self.user.with(.short("l")), Self.port.with(.short("p")), Self.further]
    }

    /// The name of the argument that names the session or its host.
    var sessionArgument: String { isLocal ? "session" : "host" }

    /// The arguments that name a session in operations that also take a handle.
    var sessionFieldsBesideHandle: [InputField] {
        isLocal ? sessionFields() : [Self.host, Self.user, Self.port, Self.further.with(.notForModels)]
    }

    private static let host = InputField(
        "host", .text, "Host, address or ssh_config alias; user@host and host:port work too.", .completes(.hosts))
    private static let user = InputField(
        "user", .text, "User on the host (default: from ssh_config, else your user name).", .notForModels)
    private static let port = InputField(
        "port", .integer(1...65535), "Port (default: from ssh_config, else 22).", .notForModels)
    private static let further = InputField(
        "session", .text, "Name of an additional session on the host.", .short("s"), .completes(.hostSessions))

    /// The argument that names a command.
    static let handleField = InputField("job", .text, "Handle of the command (cmd-…).", .at(0), .completes(.jobs))
}
