import Glibc
package import MMCore
import MMShell

/// The persistent shell: one shell for each session of a client, over one permanent workspace.
package actor PersistentShell {
    /// Its settings.
    package nonisolated let settings: PersistentShellSettings
    private var workspace: String?
    /// A shell of nobody's, which shows that shells can be started.
    private var standby: LocalShell?

    /// A persistent shell.
    package init(settings: PersistentShellSettings) {
        self.settings = settings
    }

    /// The folder in which shells start and files stay; made where it is missing.
    /// - Throws: when it can't be made and somebody chose it.
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
            // Outside of a container: beside where the server was started, as the compose file mounts it.
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

    /// Opens shells as the settings say.
    func opening(_ services: OperationServices) throws(MMError) -> ShellOpening {
        ShellOpening(services: services, configuration: settings.configuration(workspace: try folder(services)))
    }

    /// The shell of a client's session, started where there is none.
    func member(_ call: CallContext, id: String?, _ services: OperationServices) async throws(MMError)
        -> ShellSessions.Member
    {
        let opening = try opening(services)
        let key = ShellSessionName(owner: call.shellOwner, place: .shell, name: id ?? ShellOperations.standardSession)
        return try await services.shells.session(key, limits: ShellSessions.Limits(opening.configuration)) {
            () async throws(MMError) in
            try await opening.local(key, kind: nil)
        }.member
    }

    /// What `/health` says.
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

    /// Ends the standby shell.
    package func close() async {
        await standby?.close()
        standby = nil
    }
}
