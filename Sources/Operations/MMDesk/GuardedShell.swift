package import MMCore
package import MMGuard
package import MMShell

/// A command for a shell, word for word as it is handed over.
package struct ShellLine: Sendable, Hashable {
    /// The command, of one or more lines.
    package let text: String

    /// A command.
    package init(_ text: String) { self.text = text }
}

/// A shell or a host of operations: it runs no command that the guard has not cleared, and hands out no files without one.
package struct GuardedShell: Sendable {
    private let session: any ShellSession
    private let directory: @Sendable () async -> String

    /// A shell that was opened.
    /// - Parameters:
    ///   - session: the shell; nobody else keeps it.
    ///   - directory: its working directory, as far as is known without asking it; empty where it isn't.
    package init(_ session: any ShellSession, directory: @escaping @Sendable () async -> String) {
        self.session = session
        self.directory = directory
    }

    // MARK: Looking

    /// Whether a command waits for whoever takes its output, and can be handed input.
    package var waitsForReader: Bool { session.waitsForReader }

    /// Whether its connection is up, as far as is known; always for what runs here.
    package var isConnected: Bool {
        get async { await (session as? SSHSession)?.isConnected ?? true }
    }

    /// The process of a local shell that runs.
    package var processID: Int32? {
        get async { await (session as? LocalShell)?.processID }
    }

    /// The working directory after the last command; `nil` where it isn't known.
    package var workingDirectory: String? {
        get async {
            let path = await directory()
            return path.isEmpty ? nil : path
        }
    }

    /// The working directory, for which a host is asked where nothing has run yet.
    /// - Throws: what asking throws.
    package func askedDirectory(deadline: Deadline) async throws(MMError) -> String {
        if let path = await workingDirectory { return path }
        return try await session.run("pwd", deadline: deadline).end.workingDirectory
    }

    /// What background jobs wrote while no command was running; each output is returned once.
    package func takeBackgroundOutput() async -> [UInt8] { await session.takeBackgroundOutput() }

    // MARK: What was cleared

    /// Sends a command that was cleared, as soon as the earlier ones have ended: `ShellSession.start`, or `detach` beside them.
    /// - Parameters:
    ///   - cleared: the command.
    ///   - command: how it is run; its text is replaced by what was cleared.
    ///   - isBeside: whether it runs beside the session.
    ///   - observer: sees what is written as it comes.
    package func start(
        _ cleared: Cleared<ShellLine>, as command: ShellCommand, isBeside: Bool = false, deadline: Deadline,
        observer: (@Sendable (ShellCommand.Stream, UnsafeRawBufferPointer) -> Void)? = nil
    ) async throws(MMError) -> ShellJob {
        guard command.text == cleared.act.text else {
            throw MMError(
                .conflict, "The command is not what was judged: it was not run.",
                hint: "Make the call again, so that the guard sees what is run.")
        }
        return isBeside
            ? try await session.detach(command, deadline: deadline, observer: observer)
            : try await session.start(command, deadline: deadline, observer: observer)
    }

    /// The files of a host, for the reading or writing that was cleared.
    /// - Parameters:
    ///   - cleared: the command that would do the same.
    ///   - limit: the largest file, in bytes.
    ///   - sudo: whose rights are used.
    /// - Throws: `unsupported` for what isn't a host.
    package func files(
        by cleared: Cleared<ShellLine>, limit: Int, sudo: RemoteFiles.Sudo
    ) throws(MMError) -> RemoteFiles {
        guard let host = session as? SSHSession else {
            throw MMError(.unsupported, "Files of a device can't be reached this way.", hint: "Use its own commands.")
        }
        return RemoteFiles(host, limit: limit, sudo: sudo)
    }

    // MARK: Its life

    /// Replaces the shell by a new one in its first state. What runs is cancelled first.
    /// - Throws: `unavailable` when no shell can be had, `deadlineExceeded` when what runs can't be ended.
    package func reset() async throws(MMError) { try await session.reset() }

    /// Ends the shell and all that it started.
    package func close() async { await session.close() }
}
