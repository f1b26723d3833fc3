import Glibc
package import MMCore
import MMSessions
package import MMSystem

/// A program in the sandbox of a local shell, with streams that its caller chooses. When it exits, all processes that
/// it started are ended.
package final class WalledProgram: Sendable {
    /// The settings for starting a program.
    package struct Settings: Sendable {
        /// The program's absolute path.
        package var program: String
        /// The arguments after its name.
        package var arguments: [String]
        /// The complete environment; `HOME` and `TMPDIR` are added.
        package var environment: [String: String]
        /// The rules for what it may access.
        package var rules: WorkspaceRules
        /// The parent of its private folder.
        package var temporaryDirectory: String
        /// Its standard input, output and error.
        package var streams: (input: ChildCommand.Stream, output: ChildCommand.Stream, error: ChildCommand.Stream)
        /// The size of its own terminal; `nil` for none.
        package var terminal: Terminal.Size?
        /// The registry that is told of its processes.
        package var processes: ShellProcesses
        /// Receives the listener of its proxy in its own network.
        package var takesListener: @Sendable (PolledListener) -> Void

        package init(
            _ program: String, _ arguments: [String], environment: [String: String], rules: WorkspaceRules,
            temporaryDirectory: String, terminal: Terminal.Size?,
            streams: (input: ChildCommand.Stream, output: ChildCommand.Stream, error: ChildCommand.Stream),
            processes: ShellProcesses, takesListener: @escaping @Sendable (PolledListener) -> Void
        ) {
            self.program = program
            self.arguments = arguments
            self.environment = environment
            self.rules = rules
            self.temporaryDirectory = temporaryDirectory
            self.terminal = terminal
            self.streams = streams
            self.processes = processes
            self.takesListener = takesListener
        }
    }

    private let child: ChildProcess
    private let folder: SessionFolder
    private let processes: ShellSessionProcesses
    private let known: ShellProcesses

    /// Starts a program.
    /// - Throws: `.unsupported` if the sandbox isn't available; the program isn't started without it.
    package static func start(_ settings: Settings) async throws(MMError) -> WalledProgram {
        let profile = SandboxProfile.workspace(settings.rules)
        let folder = try SessionFolder(in: settings.temporaryDirectory)
        let mark = LineageMark()
        let home = profile.temporary(in: folder.path) + "/home"
        try profile.makeFolders(in: folder.path)
        guard mkdir(home, 0o700) == 0 else { throw SystemError.error("Making \(home)") }
        var command = ChildCommand(
            settings.program, settings.arguments, environment: settings.environment,
            directory: settings.rules.workspace)
        (command.input, command.output, command.error) = settings.streams
        command.terminal = settings.terminal
        command.limits = [ChildCommand.Limit(resource: Int32(RLIMIT_CORE.rawValue), value: 0), mark.limit]
        let door = try profile.proxyPorts.map { (ports) throws(MMError) in try NetworkDoor(at: ports) }
        command = try profile.confine(command, folder: folder.path, door: door)
        command.environment["HOME"] = home
        let child = try await ChildProcess.start(command)
        let program = WalledProgram(
            child: child, folder: folder, processes: ShellSessionProcesses(shell: child.pid, mark: mark),
            known: settings.processes)
        for listener in try await door?.listeners() ?? [] { settings.takesListener(listener) }
        return program
    }

    private init(child: ChildProcess, folder: SessionFolder, processes: ShellSessionProcesses, known: ShellProcesses) {
        self.child = child
        self.folder = folder
        self.processes = processes
        self.known = known
        known.add(processes)
    }

    /// The program's own terminal, if it has one.
    package var terminal: PseudoTerminal? { child.terminal }

    /// Waits until the program exits.
    /// - Returns: how it exited.
    package func exit() async -> ChildProcess.Exit { await child.exit() }

    /// Sends a signal to the program and to the processes that it started, but not to the launcher.
    package func signal(_ number: Int32) {
        let (processes, child) = (processes, child)
        let below = processes.others().filter { !$0.isDead && $0.id != child.pid }
        if below.isEmpty { child.signalGroup(number) }
        for entry in below { kill(entry.id, number) }
    }

    /// Ends the program and all processes that it started, and removes its files outside the workspace.
    package func end() async {
        child.signalGroup(SIGKILL)
        _ = await child.exit()
        _ = try? await BlockingWork.run { [processes] in processes.killOthers() }
        known.remove(processes)
        child.terminal?.output.close()
        child.terminal?.input.close()
    }
}
