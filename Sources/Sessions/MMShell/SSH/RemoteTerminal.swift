import Glibc
import MMCore
import MMSystem

/// A terminal over there that commands of a session read and are asked at, on a channel of its own.
///
/// It is opened with the first command that wants one. The process that the host starts in it lets go of it, and the
/// session's shell makes it its own: sudo and its like, which ask at `/dev/tty`, find it, and keys such as ctrl-c mean what
/// they always do. Where the process can't let go, commands read the terminal all the same, but `/dev/tty` is not there.
final class RemoteTerminal: Sendable {
    private struct State {
        var job: ShellJob?
        var mark: (bytes: [UInt8], held: [UInt8], seen: OneShot<Void>)?
    }

    /// Its name over there.
    let path: String
    /// Whether the session's shell could make it its own.
    let isFree: Bool
    private let process: ChildProcess
    private let master: SSHMaster
    private let masters: SSHMasters
    private let state = Mutex(State())

    /// Opens it.
    /// - Throws: `.unsupported` when the host gives no terminals.
    static func open(_ target: SSHTarget, _ masters: SSHMasters, within time: Duration) async throws(MMError)
        -> RemoteTerminal
    {
        try await masters.open(target, deadline: .after(time)) { (master) async throws(MMError) in
            try await open(over: master, masters, within: time)
        }
    }

    private static func open(over master: SSHMaster, _ masters: SSHMasters, within time: Duration)
        async throws(MMError) -> RemoteTerminal
    {
        var command = master.channel(RemoteDialect.holdingTerminal, arguments: ["-tt"])
        command.environment["TERM"] = "xterm"
        let opened = try await master.start(
            command, within: time,
            otherwise: MMError(
                .unsupported, "\(master.name) gives no terminal.",
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

    /// Whether it is still there.
    var isAlive: Bool { process.exited == nil && master.isAlive }

    /// From now on what is written to it belongs to this command.
    func begin(_ job: ShellJob) {
        state.withLock { state in
            state.job = job
            state.mark = nil
        }
    }

    /// Types.
    func type(_ bytes: [UInt8]) async throws(MMError) { try await process.input?.write(bytes) }

    /// The command's part ends with these bytes, which are taken out.
    private func expectEnd(_ mark: [UInt8]) -> OneShot<Void> {
        let seen = OneShot<Void>()
        state.withLock { $0.mark = (mark, [], seen) }
        return seen
    }

    /// Waits until all that a command wrote has come: what the idle shell writes behind it comes last.
    func drain(through shell: RemoteShell) async {
        let word = Hex.text(RandomBytes.make(8))
        let seen = expectEnd(RemoteDialect.mark(word))
        shell.post(RemoteDialect.marking(path, word))
        let alarm = Task {
            try? await Task.sleep(for: .seconds(5))
            seen.resolve(())
        }
        await seen.wait()
        alarm.cancel()
        end()
    }

    /// The command has ended: what comes now is nobody's.
    func end() {
        let (job, held) = state.withLock { state -> (ShellJob?, [UInt8]) in
            defer { state = State() }
            return (state.job, state.mark?.held ?? [])
        }
        held.withUnsafeBytes { job?.append(.terminal, $0) }
    }

    /// Hands what was written to the command it belongs to, which is returned.
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

    /// Gives it up.
    func close() async {
        process.signalGroup(SIGKILL)
        _ = await process.exit()
        process.output?.close()
        process.input?.close()
        end()
        await masters.release(master)
    }
}
