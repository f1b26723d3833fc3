import MMCore

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
    func sessionFields(at position: Int? = nil, creates: Bool = false, offersSession: Bool = true) -> [InputField] {
        guard !isLocal else {
            return [
                InputField(
                    "session", .text, "Session name (default `\(NamedSession.standard)`).",
                    at: position.map { .positional($0) } ?? .option("s"))
            ]
        }
        return [
            InputField(
                "host", .text, "Host, address or ssh_config alias; user@host and host:port work too.",
                isRequired: creates,
                at: position.map { .positional($0) } ?? .option(nil)),
            InputField(
                "user", .text, "User there (default: ssh_config, else yours).", at: .option("l"),
                isOfferedToModels: false),
            InputField(
                "port", .integer(1...65535), "Port (default: ssh_config, else 22).", at: .option("p"),
                isOfferedToModels: false),
            InputField(
                "session", .text, "A further session on the host.", at: .option("s"), isOfferedToModels: offersSession),
        ]
    }

    /// The arguments that name a session beside a handle.
    var sessionFieldsBesideHandle: [InputField] {
        guard !isLocal else { return sessionFields() }
        return sessionFields(offersSession: false).map { field in
            InputField(
                field.name, field.kind, field.summary,
                at: field.placement == .option("s") ? .option("s") : .option(nil),
                isOfferedToModels: field.isOfferedToModels)
        }
    }

    /// The argument that names a command.
    static let handleField = InputField("job", .text, "Handle of the command (cmd-…).", at: .positional(0))
}
