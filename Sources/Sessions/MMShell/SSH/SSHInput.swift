import Glibc
import MMCore
import MMSystem

/// What a command over there reads, where its caller hands it over: a pipe with a name in the shell's folder, which is filled
/// over a channel of its own.
final class SSHInput: Sendable {
    /// The pipe as a word of the shell.
    let word: String
    private let process: ChildProcess
    private let master: SSHMaster
    private let masters: SSHMasters

    private static let ready = "mm-ready\n"

    /// Makes the pipe.
    /// - Throws: `.unsupported` when the host can make none, and what reaching it throws.
    static func open(_ target: SSHTarget, mark: String, _ masters: SSHMasters, within time: Duration)
        async throws(MMError) -> SSHInput
    {
        let name = "in-" + Hex.text(RandomBytes.make(6))
        return try await masters.open(target, deadline: .after(time)) { (master) async throws(MMError) in
            try await open(name, mark, over: master, masters, within: time)
        }
    }

    private static func open(
        _ name: String, _ mark: String, over master: SSHMaster, _ masters: SSHMasters, within time: Duration
    ) async throws(MMError) -> SSHInput {
        let command = master.channel("exec /bin/sh -c " + RemoteDialect.quoted(RemoteDialect.filling(name, mark: mark)))
        let ready = Self.ready
        let opened = try await master.start(
            command, within: time,
            otherwise: MMError(
                .unsupported, "\(master.name) can't hand standard input to a command.",
                hint: "Upload the input as a file, and let the command read that; or run it with </dev/null here.")
        ) { said in said.suffix(ready.utf8.count).elementsEqual(ready.utf8) ? true : nil }
        return SSHInput(name, opened.process, master, masters)
    }

    private init(_ name: String, _ process: ChildProcess, _ master: SSHMaster, _ masters: SSHMasters) {
        word = "\"$__mm_d/\(name)\""
        self.process = process
        self.master = master
        self.masters = masters
    }

    /// Hands over bytes; with nil the end.
    /// - Throws: `.unavailable` when the command takes no more.
    func write(_ bytes: [UInt8]?) async throws(MMError) {
        guard let bytes else {
            process.input?.close()
            return
        }
        try await process.input?.write(bytes)
    }

    /// Gives it up.
    func close() async {
        process.signalGroup(SIGKILL)
        _ = await process.exit()
        process.input?.close()
        process.output?.close()
        await masters.release(master)
    }
}

extension RemoteDialect {
    /// A script that makes a pipe with a name in a shell's folder and fills it from its own input. It bears the shell's mark,
    /// so that it is found when nobody has ever read the pipe.
    static func filling(_ name: String, mark: String) -> String {
        """
        export MM_SHELL_ID=\(mark); f=${TMPDIR:-/tmp}/mm-sh-\(mark)/\(name); mkfifo -m 600 "$f" || exit 93
        trap 'rm -f "$f"' EXIT; echo mm-ready; exec 2>/dev/null; cat >"$f"
        """
    }
}
