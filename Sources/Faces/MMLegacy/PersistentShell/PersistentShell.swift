import Glibc
package import MMCore
package import MMOperations
import MMSessions
package import MMShell

/// The persistent shell: one shell per client, across all its sessions, in one permanent workspace.
package actor PersistentShell {
    /// The settings.
    package nonisolated let settings: PersistentShellSettings
    private var workspace: String?
    /// A shell that belongs to no client and proves that shells can be started.
    private var standby: LocalShell?
    /// Where sessions live, when several servers share their clients.
    private let directory: any SessionDirectory
    /// The name by which other servers know this one.
    private let holder: String
    /// The sessions that this server has claimed, by owner.
    private var claims: [String: Set<String>] = [:]

    /// Creates a persistent shell.
    /// - Parameters:
    ///   - directory: where sessions live; a single server needs only its own.
    ///   - holder: the name by which other servers know this one.
    package init(
        settings: PersistentShellSettings, directory: any SessionDirectory = LocalSessionDirectory(),
        holder: String = RandomBytes.text(bytes: 12)
    ) {
        self.settings = settings
        self.directory = directory
        self.holder = holder
    }

    /// Claims a session, or renews the claim, which lasts as long as the session may be idle.
    /// - Throws: `conflict` when the session lives on another server; `unavailable` when that can't be determined.
    private func claim(_ key: ShellSessionName) async throws(MMError) {
        let name = "\(key.owner)/\(key.name)"
        let lease = Duration.seconds(settings.timeout + settings.cleanupInterval)
        let placement = try await directory.claim(name, for: holder, lease: lease)
        guard placement.holder == holder else {
            throw MMError(
                .conflict, "This session lives at another server.",
                hint: "Send its requests there, or begin a new one.",
                details: ["holder": .string(placement.holder)])
        }
        claims[key.owner, default: []].insert(name)
    }

    /// Releases everything claimed for a client.
    package func release(_ owner: String) async {
        for name in claims.removeValue(forKey: owner) ?? [] { try? await directory.release(name, from: holder) }
    }

    /// Returns the folder in which shells start and files are kept; creates it if missing.
    /// - Throws: an error when it can't be created and was configured explicitly.
    package func folder(_ services: OperationServices) throws(MMError) -> String {
        if let workspace { return workspace }
        var made = settings.workspace
        if !Self.isFolder(made), mkdir(made, 0o755) != 0 || !Self.isFolder(made) {
            guard !settings.namesWorkspace, let here = getcwd(nil, 0) else {
                throw MMError(
                    .notFound, "The working directory \(made) is not there and can't be made.",
                    hint: "Make it, or set MCP_SHELL_SECURITY__WORKING_DIRECTORY.")
            }
            defer { free(here) }
            // Outside a container, use the folder next to where the server was started, as the compose file mounts it.
            made = String(cString: here) + "/workspace"
            guard Self.isFolder(made) || mkdir(made, 0o755) == 0 else {
                throw MMError(
                    .notFound, "There is no workspace, and \(made) can't be made.",
                    hint: "Set MCP_SHELL_SECURITY__WORKING_DIRECTORY to a folder of yours.")
            }
            services.log.warning("\(settings.workspace) is not there: the workspace is \(made)")
        }
        workspace = made
        return made
    }

    private static func isFolder(_ path: String) -> Bool {
        var info = stat()
        return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
    }

    /// Returns how to open shells according to the settings.
    func opening(_ services: OperationServices) throws(MMError) -> ShellOpening {
        ShellOpening(
            services: services.shellServices, configuration: settings.configuration(workspace: try folder(services)),
            confinement: settings.confinement)
    }

    /// Returns the client's shell with this name, starting it if necessary.
    package func member(_ call: CallContext, id: String?, _ services: OperationServices) async throws(MMError)
        -> ShellSessions.Member
    {
        let opening = try opening(services)
        let key = ShellSessionName(owner: call.shellOwner, place: .shell, name: id ?? NamedSession.standard)
        try await claim(key)
        return try await services.shells.session(key, limits: SessionLimits(opening.configuration)) {
            () async throws(MMError) in
            try await opening.local(key, kind: nil)
        }.member
    }

    /// Returns the content of `/health`.
    package func health(_ services: OperationServices) async -> JSONObject {
        [
            "status": "healthy", "version": .string(settings.version), "shell_alive": .bool(await isAlive(services)),
            "security_enabled": .bool(settings.policy.isEnabled),
        ]
    }

    private func isAlive(_ services: OperationServices) async -> Bool {
        if let standby, await standby.processID != nil { return true }
        await standby?.close()
        standby = nil
        guard let opening = try? opening(services) else { return false }
        let key = ShellSessionName(owner: "health", place: .shell, name: "standby")
        guard let member = try? await opening.local(key, kind: settings.kind == "python" ? "bash" : nil),
            case .shell(let session) = member.body, let shell = session as? LocalShell
        else { return false }
        standby = shell
        return true
    }

    /// Ends the standby shell and releases all claims.
    package func close() async {
        for owner in claims.keys { await release(owner) }
        await standby?.close()
        standby = nil
    }
}
