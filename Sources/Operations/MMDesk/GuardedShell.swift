package import MMCore
package import MMGuard
package import MMShell

/// A command for a shell, exactly as the shell gets it.
package struct ShellLine: Sendable, Hashable {
    /// The command, of one or more lines.
    package let text: String

    /// Creates a command.
    package init(_ text: String) { self.text = text }
}

/// The shell or SSH host that operations use. It runs only commands that the guard has cleared, and gives access to
/// files only for a cleared command.
package struct GuardedShell: Sendable {
    private let session: any ShellSession
    private let directory: @Sendable () async -> String

    /// Wraps an opened shell.
    /// - Parameters:
    ///   - session: the shell, which must not be used elsewhere.
    ///   - directory: returns the shell's working directory if it is known without asking the shell, otherwise an empty
    ///     string.
    package init(_ session: any ShellSession, directory: @escaping @Sendable () async -> String) {
        self.session = session
        self.directory = directory
    }

    // MARK: State

    /// Whether a command waits until its output is read, and can be given input.
    package var waitsForReader: Bool { session.waitsForReader }

    /// Whether the SSH connection is up, as far as is known; always true for a local shell.
    package var isConnected: Bool {
        get async { await (session as? SSHSession)?.isConnected ?? true }
    }

    /// Whether no command has changed anything in it, so that a new shell would do as well; false for other kinds.
    package var isBlank: Bool {
        get async {
            switch session {
            case let shell as LocalShell: await shell.isBlank
            case let shell as SSHSession: await shell.isBlank
            default: false
            }
        }
    }

    /// The process id of a running local shell.
    package var processID: Int32? {
        get async { await (session as? LocalShell)?.processID }
    }

    /// The working directory after the last command; `nil` if it isn't known.
    package var workingDirectory: String? {
        get async {
            let path = await directory()
            return path.isEmpty ? nil : path
        }
    }

    /// Returns the working directory, and runs `pwd` if it isn't known yet.
    /// - Throws: the errors of running `pwd`.
    package func askedDirectory(deadline: Deadline) async throws(MMError) -> String {
        if let path = await workingDirectory { return path }
        return try await session.run("pwd", deadline: deadline).end.workingDirectory
    }

    /// Returns the output that background jobs wrote while no command was running; each output is returned once.
    package func takeBackgroundOutput() async -> [UInt8] { await session.takeBackgroundOutput() }

    // MARK: Cleared commands

    /// Starts a cleared command: after the earlier commands have ended (`ShellSession.start`), or beside them
    /// (`ShellSession.detach`).
    /// - Parameters:
    ///   - cleared: the command.
    ///   - command: the command with its options; its text must be that of `cleared`.
    ///   - isBeside: whether it runs beside the session's other commands.
    ///   - observer: called with output as it comes.
    package func start(
        _ cleared: Cleared<ShellLine>, as command: ShellCommand, isBeside: Bool = false, deadline: Deadline,
        observer: ShellCommand.Observer? = nil
    ) async throws(MMError) -> ShellJob {
        guard command.text == cleared.act.text else {
            throw MMError(
                .conflict, "The command differs from what the guard judged: it was not run.",
                hint: "Repeat the call, so that the guard judges what is run.")
        }
        return isBeside
            ? try await session.detach(command, deadline: deadline, observer: observer)
            : try await session.start(command, deadline: deadline, observer: observer)
    }

    /// Returns access to the files of a host, for a cleared read or write.
    /// - Parameters:
    ///   - cleared: the command equivalent to the access.
    ///   - limit: the largest file, in bytes.
    ///   - sudo: whether the files are accessed as root, by `sudo`.
    /// - Throws: `unsupported` if the session isn't an SSH host with files.
    package func files(
        by cleared: Cleared<ShellLine>, limit: Int, sudo: RemoteFiles.Sudo
    ) throws(MMError) -> RemoteFiles {
        guard let host = session as? SSHSession else {
            throw MMError(
                .unsupported, "Files can't be copied to or from a network device.",
                hint: "Use the device's own commands.")
        }
        return RemoteFiles(host, limit: limit, sudo: sudo)
    }

    /// Signs in to a host with other secrets from now on (`SSHSession.renew`).
    package func renew(password: Secret?, passphrase: Secret?, oneTimePassword: Secret?) async {
        await (session as? SSHSession)?.renew(
            password: password, passphrase: passphrase, oneTimePassword: oneTimePassword)
    }

    // MARK: Lifetime

    /// Cancels running commands and replaces the shell with a new one in its initial state.
    /// - Throws: `unavailable` if no shell can be started, `deadlineExceeded` if running commands can't be ended.
    package func reset() async throws(MMError) { try await session.reset() }

    /// Ends the shell and everything it started.
    package func close() async { await session.close() }
}
