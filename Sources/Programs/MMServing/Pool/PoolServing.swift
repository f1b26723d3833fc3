import Glibc
import MMCLI
import MMCore
import MMLegacy
import MMOperations
import MMPool
import MMSystem

/// A process that becomes the pool.
enum PoolServing {
    /// Serves until it is to end.
    /// - Throws: `MMError` when it can't begin.
    static func serve(
        _ options: PoolServeOptions, _ signals: PoolSignals, _ environment: [String: String], quiet: Bool,
        _ streams: CommandStreams
    ) async throws(MMError) {
        umask(0o077)
        // A file at its limit is a write that fails, not the end of every session.
        signal(SIGXFSZ, SIG_IGN)
        var own = Self.environment(environment, of: options)
        if !options.isDetached, !quiet { own = logging(own) }
        if !options.isDetached, let other = try await PoolFinder(environment: own).running() {
            // A pool that a front-end has started makes room for one that a person or a supervisor starts.
            _ = try? await other.client.ask("POST", "/v1/pool/drain", [:])
        }
        let daemon = try await PoolDaemon(options, environment: own)
        try await daemon.serve(signals) { (socket, urls) throws(MMError) in
            if options.isDetached {
                // Whoever started it reads one line, and then lets go.
                try? streams.writeLine("ready")
                leaveStreams()
            } else {
                for url in urls { try? streams.writeLine(url) }
                if !quiet { streams.note("The pool listens at \(socket). Ctrl-C ends it.") }
            }
        }
    }

    /// The environment that the process lives by. A profile's own variables decide for all of it: logs and tokens are the
    /// process's.
    static func environment(_ environment: [String: String], of options: PoolServeOptions) -> [String: String] {
        options.endpoints.reduce(environment.filter { name, _ in name != "MM_SESSION" }) { environment, endpoint in
            ToolProfiles.environment(environment, for: endpoint.face.name)
        }
    }

    /// The environment of a pool in the foreground, which logs to standard error besides its file: that is where whoever
    /// supervises it looks, such as a container's engine. Under systemd its file is enough: the journal has logs of its own.
    static func logging(_ environment: [String: String]) -> [String: String] {
        let (form, journal) = (OperationServices.standardErrorForm, "JOURNAL_STREAM")
        guard environment[form] == nil, environment[journal] == nil else { return environment }
        return environment.merging([form: "console"]) { own, _ in own }
    }

    /// Nothing of whoever started us stays open.
    private static func leaveStreams() {
        let null = open("/dev/null", O_RDWR)
        guard null >= 0 else { return }
        dup2(null, STDIN_FILENO)
        dup2(null, STDOUT_FILENO)
        if null > STDERR_FILENO { close(null) }
    }
}
