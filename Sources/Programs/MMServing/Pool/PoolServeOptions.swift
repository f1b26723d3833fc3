import Glibc
import MMCLI
import MMCore
import MMLegacy
import MMOperations
import MMPool
import MMSystem

/// The options of `mm pool serve`.
struct PoolServeOptions: Sendable {
    /// A face at a TCP address of its own.
    struct Endpoint: Sendable {
        let face: PoolFace
        let options: HTTPFaceOptions
    }

    /// The socket's path; `nil` for the usual one.
    var socket: String?
    /// Whether a front-end started the pool: it then ends when it isn't needed, and gives way to a later version.
    var isDetached = false
    /// Whether each connection has a pool of its own, with this process as their router.
    var isIsolated = false
    /// Faces at TCP addresses.
    var endpoints: [Endpoint] = []
    /// The options of a cluster; `nil` for a single pool.
    var cluster: ClusterOptions?
    /// How long a detached pool stays without sessions, calls and jobs before it ends.
    var idleLimit: Duration = .seconds(1800)
    /// How long running calls may continue once the pool is to end.
    var drainLimit: Duration
    /// How long running calls may continue when the pool gives way to a later version, which accepts new calls
    /// meanwhile.
    var handOverLimit: Duration = .seconds(360)

    /// The arguments of the command.
    static let fields: [InputField] =
        [
            InputField(
                "socket", .text, "Unix socket (default: in $XDG_RUNTIME_DIR/mm, otherwise in the state folder).",
                .completes(.files)),
            InputField(
                "listen", .textList,
                "Also serve HTTP at this address, such as 127.0.0.1:5200. Repeat the flag "
                    + "for several profiles."
            ),
            InputField(
                "profile", .textList,
                "Profile to serve (default mm). Repeat the flag for several, in the order "
                    + "of --listen or at their default addresses."
            ),
            InputField("detached", .flag, "End when it is no longer used, as when front-ends start it."),
            InputField("isolated", .flag, "Run a separate pool for each connection (default at 127.0.0.1:5200)."),
        ] + IsolatedPoolOptions.fields + ClusterOptions.fields
        + HTTPFaceOptions.fields.filter { $0.name != "http" }

    /// Reads the options from a command line.
    /// - Throws: `invalidInput` that names the flag and the remedy.
    init(_ reader: InputReader, environment: [String: String]) throws(MMError) {
        socket = try reader.text("socket")
        isDetached = try reader.flag("detached")
        isIsolated = try reader.flag("isolated")
        drainLimit = try Self.drainLimit(environment)
        idleLimit = try Self.seconds("MM_POOL_IDLE", environment) ?? idleLimit
        if isIsolated {
            _ = try IsolatedPoolOptions.read(reader)
            try Self.checkIsolated(reader)
            return
        }
        for field in IsolatedPoolOptions.fields where try reader.text(field.name) != nil {
            throw MMError(
                .invalidInput, "--\(field.name) needs --isolated.", hint: "Add --isolated, or leave it out.")
        }
        var faces: [PoolFace] = []
        for name in try reader.textList("profile") ?? [] { faces.append(try PoolFace.named(name)) }
        let addresses = try reader.textList("listen") ?? []
        if faces.isEmpty, !addresses.isEmpty { faces = [.standard] }
        // One profile may be served at several addresses.
        if faces.count == 1, addresses.count > 1 { faces = addresses.map { _ in faces[0] } }
        guard addresses.isEmpty || addresses.count == faces.count else {
            throw MMError(
                .invalidInput,
                "The number of --listen flags (\(addresses.count)) differs from the number of profiles (\(faces.count)).",
                hint:
                    "Give one --listen for each --profile, in the same order; or leave out --listen: each profile has "
                    + "a default address.")
        }
        for (index, face) in faces.enumerated() {
            guard let address = try addresses.isEmpty ? face.address(environment) : addresses[index] else {
                throw MMError(
                    .invalidInput, "The profile `\(face.name)` has no default address.",
                    hint: "Add --listen 127.0.0.1:PORT.")
            }
            endpoints.append(
                Endpoint(face: face, options: try HTTPFaceOptions.listening(at: address, flag: "--listen", reader)))
        }
        cluster = try ClusterOptions.read(reader, environment, endpoints: endpoints)
        if endpoints.isEmpty { try HTTPFaceOptions.refuseAlone(reader, without: "listen") }
    }

    /// Refuses options that don't apply to a router, which serves the pool's routes at one address and nothing else.
    /// - Throws: `invalidInput` that names the flag.
    private static func checkIsolated(_ reader: InputReader) throws(MMError) {
        var wrong = try (reader.textList("profile") ?? []).first { $0 != PoolFace.pool.name }.map { "--profile \($0)" }
        if try reader.text("socket") != nil { wrong = "--socket" }
        if try reader.flag("detached") { wrong = "--detached" }
        if try reader.text("cluster") != nil { wrong = "--cluster" }
        guard let wrong else { return }
        throw MMError(
            .invalidInput, "\(wrong.prefix(60)) can't be combined with --isolated.",
            hint: "Leave it out: the router serves the routes of the profile pool at --listen.")
    }

    /// Returns how long running calls may continue once a server is to end: 20 seconds, or what `MM_POOL_DRAIN` says.
    /// - Throws: `invalidInput` that names the variable.
    static func drainLimit(_ environment: [String: String]) throws(MMError) -> Duration {
        try seconds("MM_POOL_DRAIN", environment) ?? .seconds(20)
    }

    /// Reads a variable with a number of seconds, which may have a fraction.
    private static func seconds(_ name: String, _ environment: [String: String]) throws(MMError) -> Duration? {
        try EnvironmentNumber.read(name, of: environment, in: 0.0...31_536_000, "seconds").map { .seconds($0) }
    }
}

/// Runs the pool in this process.
enum PoolServing {
    /// Serves until the pool is to end.
    /// - Throws: `MMError` if it can't start.
    static func serve(
        _ options: PoolServeOptions, _ signals: PoolSignals, _ environment: [String: String], quiet: Bool,
        _ streams: CommandStreams
    ) async throws(MMError) {
        umask(0o077)
        // With the signal ignored, reaching the file size limit only fails the write instead of ending the process and
        // all sessions.
        signal(SIGXFSZ, SIG_IGN)
        var own = Self.environment(environment, of: options)
        if !options.isDetached, !quiet { own = logging(own) }
        let handed = HandedSocket(own)
        let finder = PoolFinder(environment: own, ownSocket: handed?.path)
        // A pool that a front-end has started gives way to one that a person or a supervisor starts.
        if !options.isDetached, let other = try await finder.running() { await finder.handOver(other) }
        let daemon = try await PoolDaemon(options, handed, finder, environment: own)
        try await daemon.serve(signals) { (socket, urls) throws(MMError) in
            if options.isDetached {
                // The front-end that started this process reads one line and then closes its end.
                try? streams.writeLine("ready")
                leaveStreams()
            } else {
                for url in urls { try? streams.writeLine(url) }
                if !quiet { streams.note("The pool listens at \(socket). Ctrl-C ends it.") }
            }
        }
    }

    /// Returns the environment of the process. A profile's own variables apply to the whole process, since logs and
    /// tokens belong to the process.
    static func environment(_ environment: [String: String], of options: PoolServeOptions) -> [String: String] {
        options.endpoints.reduce(environment.filter { name, _ in name != "MM_SESSION" }) { environment, endpoint in
            ToolProfiles.environment(environment, for: endpoint.face.name)
        }
    }

    /// Returns the environment of a pool in the foreground, which logs to standard error in addition to its file,
    /// because supervisors such as container engines read that. Where systemd's journal reads it, the file suffices.
    /// - Parameter standardError: the descriptor of standard error.
    static func logging(
        _ environment: [String: String], standardError: Int32 = STDERR_FILENO
    ) -> [String: String] {
        let form = OperationServices.standardErrorForm
        guard environment[form] == nil, !isJournal(environment["JOURNAL_STREAM"], standardError) else {
            return environment
        }
        return environment.merging([form: "console"]) { own, _ in own }
    }

    /// Returns whether a descriptor leads to the journal, whose stream the variable names by device and inode
    /// (systemd.exec(5)). Programs that a service starts inherit the variable, such as those in a desktop's terminal.
    private static func isJournal(_ stream: String?, _ descriptor: Int32) -> Bool {
        var status = stat()
        return fstat(descriptor, &status) == 0 && stream == "\(status.st_dev):\(status.st_ino)"
    }

    /// Replaces the standard streams, so that nothing of the process that started this one stays open.
    private static func leaveStreams() {
        let null = open("/dev/null", O_RDWR)
        guard null >= 0 else { return }
        dup2(null, STDIN_FILENO)
        dup2(null, STDOUT_FILENO)
        if null > STDERR_FILENO { close(null) }
    }
}
