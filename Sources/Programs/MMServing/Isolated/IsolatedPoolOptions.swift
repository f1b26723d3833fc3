import CConfinement
import Glibc
import MMCore
import MMHTTP
import MMOperations
import MMPool
import MMSystem

/// The place where a router's pools run, as its command line says.
enum IsolatedPoolOptions: Sendable {
    /// Processes that the router starts.
    case processes
    /// Containers whose sockets lie below this folder.
    case sockets(String)
    /// Other machines, reached by URL.
    case network(template: String, tokenFile: String?, authorities: String?)

    /// The arguments of the command.
    static let fields: [InputField] = [
        InputField("sockets", .text, "Folder with the sockets of isolated pools in containers.", .completes(.files)),
        InputField(
            "pools", .text,
            "URL of isolated pools on other machines, such as https://{connection}.mm-pools.NAMESPACE.svc:5200."),
        InputField(
            "pools-token-file", .text, "File (0600) with the bearer secret of those pools.", .completes(.files)),
        InputField(
            "pools-ca", .text, "CA certificates (PEM) for the pools, instead of the system's.", .completes(.files)),
    ]

    /// Reads the options.
    /// - Throws: `invalidInput` that names flags that exclude each other.
    static func read(_ reader: InputReader) throws(MMError) -> IsolatedPoolOptions {
        let (sockets, template) = (try reader.text("sockets"), try reader.text("pools"))
        let (tokenFile, authorities) = (try reader.text("pools-token-file"), try reader.text("pools-ca"))
        if let template {
            guard sockets == nil else {
                throw MMError(
                    .invalidInput, "--sockets and --pools can't be combined.",
                    hint: "Use --sockets for containers on this machine, --pools for other machines.")
            }
            return .network(template: template, tokenFile: tokenFile, authorities: authorities)
        }
        for (flag, value) in [("pools-token-file", tokenFile), ("pools-ca", authorities)] where value != nil {
            throw MMError(
                .invalidInput, "--\(flag) needs --pools.",
                hint: "Add --pools 'https://{connection}.HOST:5200', or leave it out.")
        }
        return sockets.map { .sockets($0) } ?? .processes
    }

    /// Returns the sites of the pools.
    /// - Throws: `unsupported` if processes can't be isolated; the error of an invalid file, template or variable.
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
                    .notFound, "The file \(authorities) does not exist.",
                    hint: "--pools-ca must be a PEM file with certificates.")
            }
            return NetworkSites(
                template: try PoolTemplate(
                    template, bearer: secret, trustsNetwork: try PoolAddress.trustsNetwork(environment: environment)),
                transport: NetworkSites.transport(authorities: authorities, environment: environment))
        }
    }
}

/// Pools in containers of their own, each with its socket in a folder that it shares with the router.
struct ContainerSites: PoolSites {
    /// The folder that contains a folder for each connection.
    let folder: String
    /// The HTTP client for all pools.
    let transport: HTTPClient

    let wall = "container"

    func site(of connection: String, registry: JSONObject, among names: [String]) -> any PoolSite {
        let socket = "\(folder)/\(StatePaths.safeName(connection).lowercased())/own/pool.sock"
        return ContainerSite(
            connection: connection, socket: socket,
            client: PoolClient(PoolAddress(socket: socket), transport: transport))
    }
}

/// A pool in a container, which is started by whatever starts the router, such as a compose file.
struct ContainerSite: PoolSite {
    let connection: String
    let socket: String
    let client: PoolClient

    var isRunning: Bool { access(socket, F_OK) == 0 }
    var holds: JSONObject { ["files": "container"] }

    func bringUp(until deadline: Deadline) throws(MMError) {
        if !isRunning { throw isMissing }
    }

    /// A container that was killed leaves its socket. One that is being stopped still answers there, and says so.
    func wasMissed() async throws(MMError) {
        do throws(MMError) { _ = try await UnixSocket.connected(to: socket, until: .after(.seconds(1))) } catch {
            if error.code == .unavailable { throw isMissing }
        }
    }

    private var isMissing: MMError {
        MMError(
            .unavailable, "The container of \(connection) is not running: nothing listens at \(socket).",
            hint:
                "Start it with docker compose. In docker-compose.isolated.yml each connection needs its own service.",
            retry: .after(.seconds(10)))
    }
}

/// The place where one connection's pool runs. The router sends requests to every pool in the same way, at an address;
/// the site makes sure that a pool answers there.
protocol PoolSite: Sendable {
    /// The client of the pool.
    var client: PoolClient { get }
    /// Whether the pool can be used now, without being started.
    var isRunning: Bool { get async }
    /// Starts the pool if necessary, and waits until it can be used.
    /// - Parameter deadline: when to stop waiting; a start that has begun continues.
    /// - Throws: `unavailable` that says what to do; `deadlineExceeded`.
    func bringUp(until deadline: Deadline) async throws(MMError)
    /// Notes that the pool could not be reached, so that its last known state no longer counts.
    /// - Throws: `unavailable` that says what to do, if the pool has to be started elsewhere.
    func wasMissed() async throws(MMError)
    /// Passes on a changed registry, which contains this connection only.
    func take(registry: JSONObject) async
    /// Checks the pool; called every other second.
    func watch() async
    /// The isolation and limits of the pool, for `/status`.
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

/// A kind of place for pools: processes of this machine, containers with sockets, or other machines.
protocol PoolSites: Sendable {
    /// The kind of isolation between the pools, in a word or two.
    var wall: String { get }
    /// Whether the router starts the pools, or they are started elsewhere.
    var areStarted: Bool { get }
    /// Returns the site of a connection's pool.
    /// - Parameters:
    ///   - connection: the connection's name.
    ///   - registry: the registry with this connection only.
    ///   - names: all names in the owner's registry.
    /// - Throws: `invalidInput` if the connection can't have a pool here.
    func site(of connection: String, registry: JSONObject, among names: [String]) throws(MMError) -> any PoolSite
    /// Returns whether a pool had signed-in sessions when it ended, so that the router should bring them back.
    func hasSessions(_ connection: String) -> Bool
    /// Returns whether a pool has files, because it has run before.
    func hasRecords(_ connection: String) -> Bool
}

extension PoolSites {
    var areStarted: Bool { false }
    func hasSessions(_ connection: String) -> Bool { false }
    func hasRecords(_ connection: String) -> Bool { true }
}

/// The isolation of one connection's pool from the files of the others: namespaces if the kernel lets this user create
/// them, otherwise Landlock.
enum IsolatedWall: String, Sendable {
    /// A user and a mount namespace of its own, in which other pools' folders, the owner's tokens and the registry
    /// don't exist, and the rest of the owner's home can only be read.
    case namespaces = "user and mount namespace"
    /// Landlock: only the pool's own folder and the system's can be opened.
    case landlock = "landlock"

    private static let unshare = "/usr/bin/unshare"
    private static let setpriv = "/usr/bin/setpriv"

    /// Returns the strongest isolation that is available, or the one that `MM_ISOLATED_WALL` demands.
    /// - Throws: `invalidInput` for that variable; `unsupported` if there is none, since pools that could read each
    ///   other's files would not be isolated.
    static func strongest(environment: [String: String]) async throws(MMError) -> IsolatedWall {
        let demanded = environment["MM_ISOLATED_WALL"] ?? ""
        guard ["", "namespaces", "landlock"].contains(demanded) else {
            throw MMError(
                .invalidInput, "MM_ISOLATED_WALL can't be `\(demanded.prefix(40))`.",
                hint: "Use namespaces or landlock, or leave it out for the stronger one that is available.")
        }
        if demanded != "landlock", await namespacesWork(in: StatePaths(environment: environment).home) {
            return .namespaces
        }
        if demanded != "namespaces", mm_landlock_version() > 0 { return .landlock }
        throw MMError(
            .unsupported,
            demanded.isEmpty
                ? "On this machine this user can neither create namespaces nor use Landlock."
                : "On this machine this user can't have the isolation that MM_ISOLATED_WALL demands: \(demanded).",
            hint:
                "Allow user namespaces (sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns), "
                + "or use the compose file Deploy/session-pool/docker-compose.isolated.yml.")
    }

    private static func namespacesWork(in home: String) async -> Bool {
        guard access(unshare, X_OK) == 0, access(setpriv, X_OK) == 0 else { return false }
        let script = keeping + "set -eu; keep \"$1\"; mount -t tmpfs none /tmp"
        let trial = ChildCommand(
            unshare, ["--user", "--map-root-user", "--mount", "/bin/sh", "-c", script, "sh", home],
            environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"])
        let outcome = try? await ChildProcess.run(trial, input: [], limit: 4096, timeout: .seconds(10))
        return outcome?.exit.code == 0
    }

    /// Returns the command that starts a program in isolation.
    /// - Parameters:
    ///   - words: the program's arguments.
    ///   - folder: the program's own folder.
    ///   - hidden: folders that must not exist for it.
    ///   - masked: files that must not exist for it.
    ///   - kept: folders in which it must not change anything; Landlock lets it write in its own folders alone.
    ///   - extra: folders that it may read besides the system's.
    ///   - socketFolder: the folder of its socket, if that is not in its own folder.
    func command(
        _ program: String, _ words: [String], environment: [String: String], folder: String, hidden: [String],
        masked: [String], kept: [String], readable extra: [String], socketFolder: String
    ) -> ChildCommand {
        var command: ChildCommand
        switch self {
        case .namespaces:
            var arguments = ["--user", "--map-root-user", "--mount", "/bin/sh", "-c", Self.script, "sh"]
            arguments += [folder, socketFolder]
            for places in [kept.filter { $0 != "/" }, hidden, masked] { arguments += [String(places.count)] + places }
            command = ChildCommand(
                Self.unshare, arguments + [program] + words, environment: environment, directory: "/")
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

    /// A function of the shell that mounts a folder as read-only, with all file systems that are mounted in it.
    private static let keeping = """
        keep() {
            set -- "$(cd -P "$1" && pwd)"
            /bin/mount --rbind "$1" "$1"
            while read -r _ _ _ _ place _; do
                # Blanks and backslashes are octal numbers in this list.
                place=$(printf '%b.' "$place"); place=${place%.}
                case $place in "$1" | "$1"/*) /bin/mount -o remount,bind,ro "$place" ;; esac
            done </proc/self/mountinfo
        }

        """

    /// Mounts the kept folders as read-only and an empty folder over each hidden one, restores the pool's own folders,
    /// mounts `/dev/null` over each masked file, and drops all privileges that could undo this.
    private static let script = """
        \(keeping)
        set -eu
        own=$1; sockets=$2; shift 2
        exec 3<"$own" 4<"$sockets"
        count=$1; shift
        while [ "$count" -gt 0 ]; do
            if [ -d "$1" ]; then keep "$1"; fi
            shift; count=$((count - 1))
        done
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
