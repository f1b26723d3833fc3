import CConfinement
import Glibc
package import MMCore
package import MMSystem

/// The confinement that the kernel enforces for a program and everything it starts: Landlock for files, TCP and
/// signals, seccomp for system calls that would bypass them. It can't be changed or lifted once the program runs.
package struct Confinement: Sendable, Hashable {
    /// What it reaches of the network.
    package enum Network: Sendable, Hashable {
        /// Nothing.
        case none
        /// TCP connections to these ports; no name resolution by UDP.
        case ports([UInt16])
        /// Everything.
        case all
    }

    /// How changes of permissions, times and attributes of outside files are prevented, for which Landlock has no
    /// rights.
    package enum Attributes: Sendable, Hashable {
        /// Always: where no mounts are possible, no system call may name a file to change them.
        case always
        /// By mounts, where they are possible. .NET needs such calls for its own files.
        case byMounts
    }

    /// What may be read and run in addition to the system.
    package var readable: [String] = []
    /// The session's own folder, which may be read even if a folder above it is hidden.
    package var ownFolder: String?
    /// What may be read and written.
    package var writable: [String] = []
    /// Files and folders that can't be reached wherever they are, except for those that are named themselves.
    package var hidden: [String] = []
    /// Folders that are bound to other places, keyed by place; needs mounts.
    package var boundFolders: [String: String] = [:]
    /// What it reaches of the network.
    package var network = Network.none
    /// Whether the session can open its own terminal by its path.
    package var hasTerminal = false
    /// How changes of attributes are prevented.
    package var attributes = Attributes.always
    /// Whether a supervising process ends everything that was started once the program or this process has ended.
    package var hasSupervisor = false

    /// Creates a confinement in which only the system may be read.
    package init() {}

    /// The Landlock version of the kernel; 0 for none.
    package static var kernelVersion: Int { Int(mm_landlock_version()) }

    /// What every program may read.
    package static let system = [
        "/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32", "/etc", "/opt", "/var/lib/dpkg", "/var/cache/man",
    ]
    /// Environment variables that refer to what can't be reached.
    package static let foreignVariables = [
        "SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "DISPLAY", "WAYLAND_DISPLAY",
    ]
    private static let devices = [
        "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx",
    ]

    /// Returns the command that starts a program inside this confinement.
    /// - Throws: `.unsupported` if this program can't find itself; it is its own launcher.
    package func confine(_ command: ChildCommand) throws(MMError) -> ChildCommand {
        guard let own = ProcFile.linkTarget("/proc/self/exe") else {
            throw MMError(.unsupported, "This program can't find itself in /proc, which confined sessions need.")
        }
        mm_confinement_link()
        var words = hasSupervisor ? ["lead=\(getpid())"] : []
        let read = Self.visible(Self.system + readable, without: hidden) + ["/proc"] + [ownFolder].compactMap(\.self)
        words += read.map { "ro=" + $0 }
        words += (Self.devices + writable).map { "rw=" + $0 }
        words += boundFolders.sorted { $0.key < $1.key }.map { "at=\($0.key)=\($0.value)" }
        if hasTerminal { words.append("terminal=1") }
        words.append(attributes == .always ? "attributes=0" : "attributes=mounts")
        switch network {
        case .none: break
        case .ports(let ports): words += ports.map { "port=\($0)" }
        case .all: words += ["tcp=1", "udp=1"]
        }
        var confined = command
        confined.name = MM_CONFINE_NAME
        confined.executable = own
        confined.arguments = words + ["--", command.executable, command.name ?? command.executable] + command.arguments
        // The supervising process is signalled by a descriptor, so that it has time to end what it started.
        if hasSupervisor { confined.deathSignal = nil }
        for name in Self.foreignVariables { confined.environment[name] = nil }
        return confined
    }
}
