import CConfinement
import Glibc
import MMCore
import MMOperations
import MMSystem

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
