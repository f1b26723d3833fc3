import CConfinement
import Glibc
package import MMCore
package import MMSystem

/// The walls that the kernel puts around a program and everything that it starts: Landlock for files, TCP and signals,
/// seccomp for system calls that reach around them. They can't be moved or taken down once the program runs.
package struct Confinement: Sendable, Hashable {
    /// What it reaches of the network.
    package enum Network: Sendable, Hashable {
        /// Nothing.
        case none
        /// TCP connections to these ports, without looking up names by UDP.
        case ports([UInt16])
        /// Everything.
        case all
    }

    /// How far permissions, times and attributes of files elsewhere are kept, which Landlock has no rights for.
    package enum Attributes: Sendable, Hashable {
        /// Always: where no mounts can be made, no call may name a file to change them.
        case always
        /// Where mounts can be made. .NET needs such calls for its own files.
        case byMounts
    }

    /// What may be read and run in addition to the system.
    package var readable: [String] = []
    /// The session's own folder, to be read also where what it lies in is hidden.
    package var ownFolder: String?
    /// What may be read and written.
    package var writable: [String] = []
    /// Files and folders that stay out of reach wherever they lie, but for those that are named themselves.
    package var hidden: [String] = []
    /// Folders that are shown at other places, by place, where mounts can be made.
    package var shown: [String: String] = [:]
    /// What it reaches of the network.
    package var network = Network.none
    /// Whether the session's own terminal can be opened by its path.
    package var hasTerminal = false
    /// How far attributes are kept.
    package var attributes = Attributes.always
    /// Whether a process stands in front that ends everything that was started, when the program or this process has ended.
    package var isLed = false

    /// Nothing but the system, to be read.
    package init() {}

    /// The version of Landlock that the kernel offers; 0 for none.
    package static var kernelVersion: Int { Int(mm_landlock_version()) }

    /// What everybody may read.
    package static let system = [
        "/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32", "/etc", "/opt", "/var/lib/dpkg", "/var/cache/man",
    ]
    /// Variables that lead to what is out of reach.
    package static let foreignVariables = [
        "SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "DISPLAY", "WAYLAND_DISPLAY",
    ]
    private static let devices = [
        "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx",
    ]

    /// The command that starts a program behind these walls.
    /// - Throws: `.unsupported` where this program can't find itself: it is its own launcher.
    package func confine(_ command: ChildCommand) throws(MMError) -> ChildCommand {
        guard let own = ProcFile.link("/proc/self/exe") else {
            throw MMError(.unsupported, "This program can't find itself in /proc, which confined sessions need.")
        }
        mm_confinement_link()
        var words = isLed ? ["lead=\(getpid())"] : []
        let read = Self.visible(Self.system + readable, without: hidden) + ["/proc"] + [ownFolder].compactMap(\.self)
        words += read.map { "ro=" + $0 }
        words += (Self.devices + writable).map { "rw=" + $0 }
        words += shown.sorted { $0.key < $1.key }.map { "at=\($0.key)=\($0.value)" }
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
        // The process in front is told by a descriptor, so that there is time to end what is below it.
        if isLed { confined.deathSignal = nil }
        for name in Self.foreignVariables { confined.environment[name] = nil }
        return confined
    }
}
