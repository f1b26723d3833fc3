import Glibc
import MMCore
import MMSystem

/// A terminal on the host for the commands of a session, on a channel of its own.
///
/// It is opened with the first command that needs one. The process that the host starts in it gives up the terminal,
/// and the session's shell makes it its own: sudo and similar programs, which ask at `/dev/tty`, find it, and keys such
/// as Ctrl-C work as usual. If the process can't give it up, commands can still read the terminal, but have no
/// `/dev/tty`.
final class RemoteTerminal: Sendable {
    private struct State {
        var job: ShellJob?
        var mark: (bytes: [UInt8], held: [UInt8], seen: OneShot<Void>)?
    }

    /// Its path on the host.
    let path: String
    /// Whether the session's shell could make it its own terminal.
    let isFree: Bool
    private let process: ChildProcess
    private let master: SSHMaster
    private let masters: SSHMasters
    private let state = Mutex(State())

    /// Opens a terminal on the machine of a shell.
    /// - Throws: `.unsupported` if the host provides no terminals.
    static func open(_ target: SSHTarget, for shell: RemoteShell, _ masters: SSHMasters, within time: Duration)
        async throws(MMError) -> RemoteTerminal
    {
        try await masters.open(target, deadline: .after(time)) { (master) async throws(MMError) in
            try await open(over: master, for: shell, masters, within: time)
        }
    }

    private static func open(
        over master: SSHMaster, for shell: RemoteShell, _ masters: SSHMasters, within time: Duration
    ) async throws(MMError) -> RemoteTerminal {
        var command = master.channel(
            RemoteDialect.holdingTerminal(shell.condition(over: master)), arguments: ["-tt"])
        command.environment["TERM"] = "xterm"
        let opened = try await master.start(
            command, within: time,
            otherwise: MMError(
                .unsupported, "\(master.name) provides no terminal.",
                hint: "Run the command without input, or allow terminals there (PermitTTY in sshd_config).")
        ) { RemoteDialect.terminal(in: $0) }
        let process = opened.process
        let terminal = RemoteTerminal(opened.sign, process, master, masters)
        Task { [weak terminal] in
            while let bytes = try? await process.output?.read() { await terminal?.took(bytes)?.room() }
        }
        return terminal
    }

    private init(
        _ found: (path: String, isFree: Bool), _ process: ChildProcess, _ master: SSHMaster, _ masters: SSHMasters
    ) {
        path = found.path
        isFree = found.isFree
        self.process = process
        self.master = master
        self.masters = masters
    }

    /// Whether it still exists.
    var isAlive: Bool { process.exited == nil && master.isAlive }

    /// Assigns the terminal's output from now on to this command.
    func begin(_ job: ShellJob) {
        state.withLock { state in
            state.job = job
            state.mark = nil
        }
    }

    /// Types into the terminal.
    func type(_ bytes: [UInt8]) async throws(MMError) { try await process.input?.write(bytes) }

    /// Ends the command's part of the output at these bytes, which are removed from it.
    private func expectEnd(_ mark: [UInt8]) -> OneShot<Void> {
        let seen = OneShot<Void>()
        state.withLock { $0.mark = (mark, [], seen) }
        return seen
    }

    /// Waits until all terminal output of a command has arrived, which is when a mark that the idle shell writes after
    /// it arrives.
    func drain(through shell: RemoteShell) async {
        let word = Hex.text(RandomBytes.make(8))
        let seen = expectEnd(RemoteDialect.mark(word))
        shell.post(RemoteDialect.marking(path, word, isBash: shell.isBash))
        await seen.wait(until: .after(.seconds(5)), late: ())
        end()
    }

    /// Ends the command's part: later output belongs to no command.
    func end() {
        let (job, held) = state.withLock { state -> (ShellJob?, [UInt8]) in
            defer { state = State() }
            return (state.job, state.mark?.held ?? [])
        }
        held.withUnsafeBytes { job?.append(.terminal, $0) }
    }

    /// Passes terminal output to the command that it belongs to, and returns the command.
    private func took(_ bytes: [UInt8]) -> ShellJob? {
        let (job, bytes, seen) = state.withLock { state -> (ShellJob?, [UInt8], OneShot<Void>?) in
            guard var mark = state.mark else { return (state.job, bytes, nil) }
            mark.held += bytes
            guard let place = ByteSearch.find(mark.bytes, in: mark.held) else {
                state.mark = mark
                return (nil, [], nil)
            }
            defer { state = State() }
            return (state.job, Array(mark.held[..<place]), mark.seen)
        }
        bytes.withUnsafeBytes { job?.append(.terminal, $0) }
        seen?.resolve(())
        return job
    }

    /// Closes the terminal.
    func close() async {
        process.signalGroup(SIGKILL)
        _ = await process.exit()
        process.output?.close()
        process.input?.close()
        end()
        await masters.release(master)
    }
}
