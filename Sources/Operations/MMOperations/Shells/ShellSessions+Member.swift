package import MMCore
import MMSessions
package import MMShell

extension ShellSessions {
    /// What a session is.
    package enum Body: Sendable {
        /// A shell, local or remote.
        case shell(any ShellSession)
        /// A terminal that is read and typed into: network equipment.
        case screen(ScreenSession)
    }

    /// A session that was made.
    package struct Member: Sendable {
        /// What names it.
        package let key: ShellSessionName
        /// What it is.
        package let body: Body
        /// `bash`, `python`, `posix`, `device`, …
        package let kind: String
        /// What its confinement protects and what not, for the answer to its first command.
        package let label: String?
        /// The word for the confinement.
        package let sandbox: String?
        /// `user@host:port` of a session on a host.
        package let host: String?
        /// When it was made.
        package let created: Timestamp
        /// Texts that must stand in no record.
        package let secrets: [Secret]
        /// Whether it is on a host that is this very machine, or reaches its files.
        package let isHere: Bool
        /// Its way to the network, where that is one of its own.
        let wire: ShellWire?

        /// Whether its commands wait for whoever takes their output, and can be handed input.
        var holdsBack: Bool {
            guard case .shell(let session) = body else { return false }
            return session.waitsForReader
        }

        /// A session.
        package init(
            key: ShellSessionName, body: Body, kind: String, label: String? = nil, sandbox: String? = nil,
            host: String? = nil, secrets: [Secret] = [], isHere: Bool = false, wire: ShellWire? = nil
        ) {
            self.key = key
            self.body = body
            self.kind = kind
            self.label = label
            self.sandbox = sandbox
            self.host = host
            self.secrets = secrets
            self.isHere = isHere
            self.wire = wire
            created = .now
        }
    }
}

extension ShellSessions.Member: PooledSession {
    /// It was connected when it was made.
    /// - Returns: the user and host it is on; nothing for one on this machine.
    package func connect(prompt: @escaping @Sendable (JSONObject) -> Void) async throws(MMError) -> String {
        host ?? ""
    }

    /// A shell that has ended is replaced when its next command comes, with what it knew: nothing is to be asked before.
    package func checkHealth() async throws(MMError) {}

    /// A device's terminal that is over can't be used any more; a shell is made anew by itself.
    package var isUsable: Bool {
        guard case .screen(let session) = body else { return true }
        return !session.hasEnded
    }

    /// Not known: a shell's programs come and go.
    package var memory: Int? { nil }

    /// Bash, Python, the language of a device.
    package var engine: String? { kind }

    /// Ends it and all that it started.
    package func close() async {
        switch body {
        case .shell(let session): await session.close()
        case .screen(let session): await session.close()
        }
        await wire?.close()
    }
}
