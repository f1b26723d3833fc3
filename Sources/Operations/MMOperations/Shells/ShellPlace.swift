import MMCore
import MMSessions
package import MMShell

/// Where commands of a shell session run.
package enum ShellPlace: String, Sendable, Hashable {
    /// On this machine.
    case shell
    /// On a host, by SSH.
    case ssh
}

/// What names a session: whose it is, where it runs, and its own name. Nobody reaches a session under another owner's key.
package struct ShellSessionName: PoolKey {
    /// Whose it is.
    package var owner: String
    /// Where it runs.
    package var place: ShellPlace
    /// Its name among its owner's.
    package var name: String
    /// The host as its target names it, for which secrets are named.
    package private(set) var host: String?

    /// A name.
    package init(owner: String, place: ShellPlace, name: String) {
        self.owner = owner
        self.place = place
        self.name = name
    }

    /// The name of a session on a host.
    /// - Parameter suffix: tells further sessions on it apart.
    package init(owner: String, on target: SSHTarget, suffix: String = "") {
        self.init(owner: owner, place: .ssh, name: target.requestedName + suffix)
        host = target.host
    }

    /// As people and models name it.
    package var description: String { name }

    /// By owner, place and name.
    package static func < (left: ShellSessionName, right: ShellSessionName) -> Bool {
        (left.owner, left.place.rawValue, left.name) < (right.owner, right.place.rawValue, right.name)
    }
}

extension CallContext {
    /// Whose shell sessions a call reaches: those of its client's own session, else those of the face it came through.
    package var shellOwner: String {
        if let session = terms.sessionID { return "session:" + session }
        let caller = terms.caller
        return caller.surface == .terminal ? "terminal" : "\(caller.surface.rawValue):\(caller.server ?? caller.name)"
    }
}

extension ShellPlace {
    /// Whether commands run on this machine.
    var isLocal: Bool { self == .shell }

    /// The operations on shells of this place, in the order help texts list them: a session is made by its first command and
    /// lasts; commands that take long go on under a handle.
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

    /// The declaration of one of them.
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

    /// The arguments that name a session.
    /// - Parameters:
    ///   - position: where what names it stands on a command line.
    ///   - creates: whether a host has to be named, since the session may have to be made.
    func sessionFields(at position: Int? = nil, creates: Bool = false) -> [InputField] {
        guard !isLocal else {
            return [
                InputField(
                    "session", .text, "Session name (default `\(NamedSession.standard)`).",
                    position.map { .at($0) } ?? .short("s"))
            ]
        }
        var host = Self.host
        if creates { host = host.with(.required) }
        if let position { host = host.with(.at(position)) }
        return [host, Self.user.with(.short("l")), Self.port.with(.short("p")), Self.further]
    }

    /// The arguments that name a session beside a handle.
    var sessionFieldsBesideHandle: [InputField] {
        isLocal ? sessionFields() : [Self.host, Self.user, Self.port, Self.further.with(.notForModels)]
    }

    private static let host = InputField(
        "host", .text, "Host, address or ssh_config alias; user@host and host:port work too.")
    private static let user = InputField(
        "user", .text, "User there (default: ssh_config, else yours).", .notForModels)
    private static let port = InputField(
        "port", .integer(1...65535), "Port (default: ssh_config, else 22).", .notForModels)
    private static let further = InputField("session", .text, "A further session on the host.", .short("s"))

    /// The argument that names a command.
    static let handleField = InputField("job", .text, "Handle of the command (cmd-…).", .at(0))
}
