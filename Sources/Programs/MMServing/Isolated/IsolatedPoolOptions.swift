import CConfinement
import Glibc
import MMCore
import MMHTTP
import MMOperations
import MMPool
import MMSystem

/// Where a router's pools run, as its command line says.
enum IsolatedPoolOptions: Sendable {
    /// In processes that it starts.
    case processes
    /// In containers whose sockets lie below this folder.
    case sockets(String)
    /// At addresses of other machines.
    case network(template: String, tokenFile: String?, authorities: String?)

    /// The arguments of the command.
    static let fields: [InputField] = [
        InputField("sockets", .text, "Where isolated pools in containers of their own have their sockets."),
        InputField(
            "pools", .text,
            "Where isolated pools of other machines are, such as https://{connection}.mm-pools.NAMESPACE.svc:5200."),
        InputField("pools-token-file", .text, "A file (0600) with the bearer secret that those pools require."),
        InputField("pools-ca", .text, "The certificates (PEM) that sign those of the pools, in place of the system's."),
    ]

    /// Reads them.
    /// - Throws: `invalidInput` that names the flag that does not go with another.
    static func read(_ reader: InputReader) throws(MMError) -> IsolatedPoolOptions {
        let (sockets, template) = (try reader.text("sockets"), try reader.text("pools"))
        let (tokenFile, authorities) = (try reader.text("pools-token-file"), try reader.text("pools-ca"))
        if let template {
            guard sockets == nil else {
                throw MMError(
                    .invalidInput, "--sockets and --pools exclude each other.",
                    hint: "Pools are in containers of this machine, or at addresses of others.")
            }
            return .network(template: template, tokenFile: tokenFile, authorities: authorities)
        }
        for (flag, value) in [("pools-token-file", tokenFile), ("pools-ca", authorities)] where value != nil {
            throw MMError(
                .invalidInput, "--\(flag) belongs to --pools.",
                hint: "Add --pools 'https://{connection}.HOST:5200', or leave it out.")
        }
        return sockets.map { .sockets($0) } ?? .processes
    }

    /// The sites of the pools.
    /// - Throws: `unsupported` where processes can't be kept apart; what is wrong with a file or a template.
    func sites(_ paths: StatePaths, _ environment: [String: String], _ log: Log) async throws(MMError) -> any PoolSites
    {
        switch self {
        case .processes:
            return ProcessSites(
                place: IsolatedPlace(paths), paths: paths, environment: environment,
                caps: try IsolatedCaps(environment: environment),
                kind: try await IsolatedWall.strongest(environment: environment), log: log,
                transport: HTTPClient(configuration: HTTPClientConfiguration(environment: environment)))
        case .sockets(let folder):
            return ContainerSites(
                folder: folder,
                transport: HTTPClient(configuration: HTTPClientConfiguration(environment: environment)))
        case .network(let template, let tokenFile, let authorities):
            let secret = try tokenFile.map { (file) throws(MMError) in try BearerSecret.read(file) }
            if let authorities, try ProtectedFile.read(authorities) == nil {
                throw MMError(
                    .notFound, "There is no file \(authorities).", hint: "--pools-ca names a PEM file of certificates.")
            }
            return NetworkSites(
                template: try PoolTemplate(
                    template, bearer: secret, trustsNetwork: PoolAddress.trustsNetwork(environment: environment)),
                transport: NetworkSites.transport(authorities: authorities, environment: environment))
        }
    }
}

/// Pools in containers of their own, each with its socket in a folder that it shares with the router.
struct ContainerSites: PoolSites {
    /// The folder with a folder for each connection.
    let folder: String
    /// Asks every pool.
    let transport: HTTPClient

    let wall = "container"

    func site(of connection: String, registry: JSONObject, among names: [String]) -> any PoolSite {
        let socket = "\(folder)/\(StatePaths.safeName(connection).lowercased())/own/pool.sock"
        return ContainerSite(
            connection: connection, socket: socket,
            client: PoolClient(PoolAddress(socket: socket), transport: transport))
    }
}

/// A pool in a container, which is started by whoever started the router.
struct ContainerSite: PoolSite {
    let connection: String
    let socket: String
    let client: PoolClient

    var isRunning: Bool { access(socket, F_OK) == 0 }
    var holds: JSONObject { ["files": "container"] }

    func bringUp() throws(MMError) {
        if isRunning { return }
        throw MMError(
            .unavailable, "The container of \(connection) does not run: there is no socket at \(socket).",
            hint:
                "Start it with docker compose. In docker-compose.isolated.yml each connection needs a service of its own.",
            retry: .after(.seconds(10)))
    }
}

/// Where one connection's pool runs. The router asks every pool in the same way, at an address; its site sees to it that
/// something answers there.
protocol PoolSite: Sendable {
    /// Asks the pool.
    var client: PoolClient { get }
    /// Whether the pool can be asked now, without anything being started.
    var isRunning: Bool { get async }
    /// Starts the pool, or waits for it, until it can be asked.
    /// - Throws: `unavailable` that says what to do when it can't.
    func bringUp() async throws(MMError)
    /// Hears that the pool could not be asked: what was known of it no longer counts.
    func wasMissed() async
    /// Takes a changed registry with this connection alone.
    func take(registry: JSONObject) async
    /// Looks after the pool, every other second.
    func watch() async
    /// What holds the pool, for `/status`.
    var holds: JSONObject { get async }
    /// Ends what the router has started.
    func close() async
}

extension PoolSite {
    func wasMissed() async {}
    func take(registry: JSONObject) async {}
    func watch() async {}
    func close() async {}
}

/// A kind of place for pools: processes of this machine, containers by their sockets, or machines by their names.
protocol PoolSites: Sendable {
    /// What keeps the pools apart, in a word or two.
    var wall: String { get }
    /// Whether the router starts the pools; others run without its doing.
    var areStarted: Bool { get }
    /// The site of a connection's pool.
    /// - Parameters:
    ///   - connection: the connection's name.
    ///   - registry: the registry with this connection alone.
    ///   - names: every name in the owner's registry.
    /// - Throws: `invalidInput` when the connection can have no pool here.
    func site(of connection: String, registry: JSONObject, among names: [String]) throws(MMError) -> any PoolSite
    /// Whether a pool had signed in sessions when it ended, which the router is to bring back.
    func hasSessions(_ connection: String) -> Bool
    /// Whether a pool has files of its own, because it has run before.
    func hasRecords(_ connection: String) -> Bool
}

extension PoolSites {
    var areStarted: Bool { false }
    func hasSessions(_ connection: String) -> Bool { false }
    func hasRecords(_ connection: String) -> Bool { true }
}

/// What keeps one connection's pool from the files of the others: namespaces of its own where the kernel lets this user
/// make them, else Landlock.
enum IsolatedWall: String, Sendable {
    /// A user and a mount namespace of its own: other pools' folders, the owner's tokens and registry are not there.
    case namespaces = "user and mount namespace"
    /// Landlock: only its own folder and the system's can be opened.
    case landlock = "landlock"

    private static let unshare = "/usr/bin/unshare"
    private static let setpriv = "/usr/bin/setpriv"

    /// The strongest wall there is.
    /// - Throws: `unsupported` where there is none: pools that could read each other are no isolation.
    static func strongest(environment: [String: String]) async throws(MMError) -> IsolatedWall {
        let wish = environment["MM_ISOLATED_WALL"].flatMap { $0.isEmpty ? nil : $0 }
        if wish != "landlock", await namespacesWork() { return .namespaces }
        if wish != "namespaces", mm_landlock_version() > 0 { return .landlock }
        throw MMError(
            .unsupported, "This kernel lets this user neither make namespaces nor use Landlock.",
            hint:
                "Allow user namespaces (sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns), "
                + "or use the compose file Deploy/session-pool/docker-compose.isolated.yml.")
    }

    private static func namespacesWork() async -> Bool {
        guard access(unshare, X_OK) == 0, access(setpriv, X_OK) == 0 else { return false }
        let trial = ChildCommand(
            unshare, ["--user", "--map-root-user", "--mount", "/bin/sh", "-c", "mount -t tmpfs none /tmp"],
            environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"])
        let outcome = try? await ChildProcess.run(trial, input: [], limit: 4096, timeout: .seconds(10))
        return outcome?.exit.code == 0
    }

    /// The command that starts a program behind the wall.
    /// - Parameters:
    ///   - words: the program's arguments.
    ///   - folder: what is its own.
    ///   - hidden: folders that must not be there for it.
    ///   - masked: files that must not be there for it.
    ///   - extra: folders beside the system's that it reads.
    ///   - socketFolder: where its socket lies, when that is not in its folder.
    func command(
        _ program: String, _ words: [String], environment: [String: String], folder: String, hidden: [String],
        masked: [String], readable extra: [String], socketFolder: String
    ) -> ChildCommand {
        var command: ChildCommand
        switch self {
        case .namespaces:
            command = ChildCommand(
                Self.unshare,
                ["--user", "--map-root-user", "--mount", "/bin/sh", "-c", Self.script, "sh", folder, socketFolder]
                    + [String(hidden.count)] + hidden + [String(masked.count)] + masked + [program] + words,
                environment: environment, directory: "/")
        case .landlock:
            let system: [String] = [
                "/usr", "/bin", "/sbin", "/lib", "/lib64", "/opt", "/etc", "/proc", "/sys", "/run",
            ]
            let readable = system.filter { (path: String) in access(path, F_OK) == 0 }
            let own = ["/" + program.split(separator: "/").dropLast().joined(separator: "/")]
            let writable = Set([folder, socketFolder, "/dev"])
            command = ChildCommand(
                program,
                (readable + own + extra).map { "ro=" + $0 } + writable.sorted().map { "rw=" + $0 }
                    + ["unix=1", "udp=1", "tcp=1", "--", program, "mm"] + words,
                environment: environment, directory: "/")
            command.name = MM_CONFINE_NAME
        }
        return command
    }

    /// Puts an empty folder over each hidden one, the pool's own folders back into their place, nothing over each masked file,
    /// and gives up every privilege that would undo it.
    private static let script = """
        set -eu
        own=$1; sockets=$2; shift 2
        exec 3<"$own" 4<"$sockets"
        count=$1; shift
        while [ "$count" -gt 0 ]; do
            if [ -d "$1" ]; then /bin/mount -t tmpfs -o size=1m,mode=0700 none "$1"; fi
            shift; count=$((count - 1))
        done
        /bin/mkdir -p "$own" "$sockets"
        /bin/mount -c --bind /proc/self/fd/3 "$own"
        if [ "$sockets" != "$own" ]; then /bin/mount -c --bind /proc/self/fd/4 "$sockets"; fi
        exec 3<&- 4<&-
        count=$1; shift
        while [ "$count" -gt 0 ]; do
            if [ -e "$1" ]; then /bin/mount --bind /dev/null "$1"; fi
            shift; count=$((count - 1))
        done
        cd "$own"
        exec /usr/bin/setpriv --bounding-set=-all --inh-caps=-all --ambient-caps=-all --no-new-privs -- "$@"
        """
}
