import Glibc
package import MMCore
import MMSessions
import MMSystem

/// How far a local shell is separated from the rest of the machine, and what each profile guarantees.
public enum SandboxProfile: Sendable, Hashable {
    /// No separation: a session of its own that is cleaned up at its end, a reduced environment, no core files.
    case guarded
    /// Landlock and seccomp: writes only below the workspace.
    case workspace(WorkspaceRules)
    /// Bubblewrap: its own processes, network and file system.
    case isolated(WorkspaceRules)

    /// The name used in options and answers.
    package var word: String {
        switch self {
        case .guarded: "guard"
        case .workspace: "workspace"
        case .isolated: "isolated"
        }
    }

    /// What it lets a session reach; `nil` if it separates nothing.
    package var rules: WorkspaceRules? {
        switch self {
        case .guarded: nil
        case .workspace(let rules), .isolated(let rules): rules
        }
    }

    /// What it protects and what it doesn't, for help texts and answers.
    package var label: String {
        switch self {
        case .guarded:
            "guard: no security boundary. Commands have all permissions of the user and can use every file, including mm's own "
                + "files. Only the session is protected: it is cleaned up, gets no secrets in its environment and "
                + "writes no core files."
        case .workspace(let rules):
            "workspace: a boundary of the kernel (Landlock, seccomp) against ordinary programs. Commands write only below "
                + "\(rules.workspace) and a private temporary folder, read the system but not the home folder, and can't "
                + "reach mm's files and sockets. "
                + rules.networkLabel
                + "Not limited: processor, memory, names and sizes of files elsewhere."
        case .isolated(let rules):
            "isolated: a boundary of the kernel (namespaces by bubblewrap) against ordinary programs. Commands see only the "
                + "system, \(rules.workspace) and their own processes. "
                + (rules.network == .none ? "No network. " : "The machine's network. ")
                + "Not limited: processor, memory."
        }
    }
}

/// What a confined shell may reach.
public struct WorkspaceRules: Sendable, Hashable {
    /// The part of the network that can be reached.
    public enum Network: Sendable, Hashable {
        /// No network.
        case none
        /// TCP connections to these ports; no name resolution by UDP.
        case ports([UInt16])
        /// The whole network.
        case all
    }

    /// The folder in which writing is permitted.
    public var workspace: String
    /// The part of the network that can be reached.
    public var network: Network
    /// Further folders that may be read.
    public var readable: [String]
    /// Files and folders that can't be reached even inside a permitted folder: the program's own.
    public var hidden: [String]
    /// Further folders that may be written to.
    package var writable: [String] = []
    /// The hosts that can be reached through a proxy at the only permitted port, if there is a proxy.
    package var proxiedHosts: [String]?

    /// Creates rules.
    /// - Parameters:
    ///   - workspace: the folder in which writing is permitted.
    ///   - network: the part of the network that can be reached.
    ///   - readable: further folders that may be read.
    ///   - hidden: files and folders that can't be reached even inside a permitted folder.
    public init(workspace: String, network: Network = .none, readable: [String] = [], hidden: [String] = []) {
        self.workspace = workspace
        self.network = network
        self.readable = readable
        self.hidden = hidden
    }
}

extension SandboxProfile {
    /// Returns why this kernel can't enforce the profile workspace; `nil` if it can.
    package static func workspaceProblem(
        _ network: WorkspaceRules.Network = .none, landlock version: Int = Confinement.kernelVersion
    ) -> MMError? {
        if version >= 6 || version >= 4 && network == .all { return nil }
        return MMError(
            .unsupported, "The kernel's Landlock (version \(version)) does not support the profile workspace.",
            hint: "Use Linux 6.12 or later, or the profile isolated.")
    }

    /// The program that the profile isolated requires.
    package static var bubblewrap: String? { ExecutableSearch.find("bwrap", path: "/usr/bin:/bin:/usr/local/bin") }

    /// Returns why this machine has no means to restrict a shell to its proxy; `nil` if it has.
    package static func proxyProblem(landlock version: Int = Confinement.kernelVersion) -> MMError? {
        if let problem = workspaceProblem(.ports([]), landlock: version) { return problem }
        guard Confinement.road(isSupervised: true) == .portsAlone else { return nil }
        return MMError(
            .unsupported,
            "This user can create neither a network namespace nor supervised connections, and Landlock supports only ports, not addresses.",
            hint: "Allow user namespaces (sysctl kernel.apparmor_restrict_unprivileged_userns=0, or "
                + "user.max_user_namespaces).")
    }

    /// The ports of a shell's proxy; `nil` for a shell without one.
    var proxyPorts: [UInt16]? {
        guard case .workspace(let rules) = self, rules.proxiedHosts != nil, case .ports(let ports) = rules.network
        else {
            return nil
        }
        return ports
    }

    /// Returns the command that starts a shell in its confinement.
    /// - Parameters:
    ///   - door: receives the listener of the shell's own network, if it has one.
    ///   - folder: the session's own folder, which contains the texts of commands.
    /// - Throws: `.unsupported` if the kernel or a program lacks something: a session is never less confined than it
    ///   claims.
    func confine(
        _ command: ChildCommand, folder: String, door: NetworkDoor?
    ) throws(MMError) -> ChildCommand {
        var confined = command
        switch self {
        case .guarded: return command
        case .workspace(let rules):
            try rules.check()
            if let problem = Self.workspaceProblem(rules.network) { throw problem }
            var walls = Confinement()
            walls.readable = rules.readable
            walls.hidden = rules.hidden
            walls.ownFolder = folder
            walls.writable = [rules.workspace, temporary(in: folder)] + rules.writable
            // Programs and scripts name this folder, whatever TMPDIR says.
            walls.bind(temporary(in: folder), at: "/tmp", for: command.executable)
            walls.bind(Self.sharedMemory(in: folder), at: "/dev/shm", for: command.executable)
            walls.hasTerminal = true
            walls.network =
                switch rules.network {
                case .none: .none
                case .ports(let ports): rules.proxiedHosts == nil ? .ports(ports) : .loopback(ports)
                case .all: .all
                }
            // A PID namespace needs a supervisor, and so does watching the connections of a shell without a network of
            // its own.
            walls.hasSupervisor =
                walls.means.contains(.ownProcesses) || rules.proxiedHosts != nil && !walls.means.contains(.ownNetwork)
            confined = try walls.confine(command, door: door)
        case .isolated(let rules):
            try rules.check()
            guard let program = Self.bubblewrap else {
                throw MMError(
                    .unsupported, "Bubblewrap is not installed, which the profile isolated needs.",
                    hint: "Install the Debian package bubblewrap.")
            }
            var words = [
                "--die-with-parent", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
                "--cap-drop", "ALL",
            ]
            if rules.network == .none { words.append("--unshare-net") }
            if case .ports = rules.network {
                throw MMError(
                    .unsupported, "The profile isolated can't limit ports.",
                    hint: "Use the profile workspace, or no network.")
            }
            for place in Confinement.visible(Confinement.system + rules.readable, without: rules.hidden) {
                words += ["--ro-bind-try", place, place]
            }
            words += [
                "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--ro-bind", folder, folder, "--bind",
                rules.workspace, rules.workspace,
            ]
            words += ["--chdir", rules.workspace, "--", command.executable]
            confined.executable = program
            confined.name = nil
            confined.arguments = words + command.arguments
        }
        confined.environment["HOME"] = command.directory
        confined.environment["TMPDIR"] = self.temporary(in: folder)
        for name in Confinement.foreignVariables { confined.environment[name] = nil }
        return confined
    }

    /// Whether programs can open their terminal by its path; in a separate file system it is only available as
    /// `/dev/tty`.
    var reachesTerminalByPath: Bool {
        if case .isolated = self { return false }
        return true
    }

    /// Returns the folder of a confined shell's temporary files.
    func temporary(in folder: String) -> String {
        if case .workspace = self { folder + "/tmp" } else { "/tmp" }
    }

    /// Returns the folder that a confined shell finds at `/dev/shm`, where the C library keeps shared memory and named
    /// semaphores; Python's `multiprocessing` needs them.
    private static func sharedMemory(in folder: String) -> String { folder + "/shm" }

    /// Creates, in a session's own folder, the folders that its confined programs write to.
    /// - Throws: the system's error, such as that of a full disk.
    func makeFolders(in folder: String) throws(MMError) {
        guard case .workspace = self else { return }
        for place in [temporary(in: folder), Self.sharedMemory(in: folder)] where mkdir(place, 0o700) != 0 {
            throw SystemError.error("Making \(place)")
        }
    }

    /// The directory in which the shell starts.
    var directory: String? { rules?.workspace }
}

extension WorkspaceRules {
    /// The reachable part of the network, in a sentence.
    fileprivate var networkLabel: String {
        switch network {
        case .none: return "No network. "
        case .all: return "The whole network. "
        case .ports:
            guard let hosts = proxiedHosts else { return "TCP only to the listed ports. " }
            // Without a list of hosts, the hosts of the connection are meant; they are named elsewhere.
            guard !hosts.isEmpty else { return "Network: only the connection's services, through mm's proxy. " }
            let more = hosts.count > 10 ? " and \(hosts.count - 10) more" : ""
            return
                "Network: only HTTP and HTTPS to \(hosts.prefix(10).joined(separator: ", "))\(more), through mm's proxy. "
        }
    }

    fileprivate func check() throws(MMError) {
        for path in [workspace] + readable {
            var info = stat()
            guard path.hasPrefix("/"), path != "/", stat(path, &info) == 0, info.st_mode & S_IFMT == S_IFDIR else {
                throw MMError(
                    .invalidInput, "“\(path)” can't be a workspace.",
                    hint: "Use the absolute path of an existing folder.")
            }
        }
    }
}
