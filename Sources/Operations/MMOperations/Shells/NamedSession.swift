import MMCore
package import MMShell

/// The session that a call names.
package enum NamedSession: Sendable {
    /// A session of this machine.
    case local(String)
    /// A session on a host; with a name of its own (`further`), an additional one beside the usual one.
    case host(SSHTarget, further: String?)

    /// The name of a local session if none is given.
    package static let standard = "default"

    /// Reads the session from a call's arguments; `nil` if no host is named.
    init?(from reader: InputReader, at place: ShellPlace) throws(MMError) {
        let name = try reader.text(place.sessionArgument)
        guard let name = name ?? (place.isLocal ? Self.standard : nil) else { return nil }
        try self.init(name, from: reader, at: place)
    }

    /// Creates the session on the host with a name, or the local session with a name.
    init(_ name: String, from reader: InputReader, at place: ShellPlace) throws(MMError) {
        guard place.isLocal else {
            self = .host(
                try SSHTarget(named: name, user: try reader.text("user"), port: try reader.integer("port")),
                further: try reader.text("session"))
            return
        }
        guard name.count <= 80, !name.unicodeScalars.contains(where: { $0.value < 0x20 }) else {
            throw MMError(.invalidInput, "A session's name can have at most 80 characters.")
        }
        self = .local(name)
    }

    /// Reads the session from the arguments of a call that needs one.
    static func required(from reader: InputReader, at place: ShellPlace) throws(MMError) -> NamedSession {
        try required(try NamedSession(from: reader, at: place))
    }

    /// Returns the session, or throws if there is none.
    static func required(_ session: NamedSession?) throws(MMError) -> NamedSession {
        guard let session else {
            throw MMError(.invalidInput, "Which host?", hint: "Give `host`, as in the call that started the session.")
        }
        return session
    }

    /// The words that name it on a command line.
    var words: [String] {
        switch self {
        case .local(let name): [name]
        case .host(let target, let further): [target.requestedName] + (further.map { ["--session", $0] } ?? [])
        }
    }

    /// Returns the key of the session among those of all callers.
    func key(of owner: String) -> ShellSessionName {
        switch self {
        case .local(let name): ShellSessionName(owner: owner, place: .shell, name: name)
        case .host(let target, let further):
            ShellSessionName(owner: owner, on: target, suffix: further.map { "#" + $0 } ?? "")
        }
    }
}
