import CConfinement
import Glibc
package import MMCore
package import MMSystem

/// The confinement that the kernel enforces for a program and everything it starts: Landlock for files, TCP and
/// signals, seccomp for system calls that would bypass them. It can't be changed or lifted once the program runs.
package struct Confinement: Sendable, Hashable {
    /// The part of the network that a confined program can reach.
    package enum Network: Sendable, Hashable {
        /// No network.
        case none
        /// TCP connections to these ports, of any machine; no name resolution by UDP.
        case ports([UInt16])
        /// TCP connections to these ports of this program, at 127.0.0.1 and nowhere else (`road`).
        case loopback([UInt16])
        /// The whole network.
        case all
    }

    /// The mechanism that restricts a program to `.loopback`.
    package enum Road: Sendable, Hashable {
        /// A network namespace of its own; this process holds the listeners in it.
        case ownNetwork
        /// A supervising process that makes the program's connections.
        case watched
        /// None: Landlock rules name ports but no addresses, so servers elsewhere can be reached at the same ports.
        case portsAlone
    }

    /// How the program is prevented from changing permissions, times and attributes of files outside; Landlock has no
    /// rights for that.
    package enum Attributes: Sendable, Hashable {
        /// By refusing every system call that names a file to change them; needs no mounts.
        case always
        /// By mounts, where they are possible. .NET needs such system calls for its own files.
        case byMounts
    }

    /// Paths that may be read and run in addition to the system's.
    package var readable: [String] = []
    /// The session's own folder, which may be read even if a folder above it is hidden.
    package var ownFolder: String?
    /// Paths that may be read and written.
    package var writable: [String] = []
    /// Files and folders that can't be reached even inside a readable folder; `ownFolder` and `writable` are exempt.
    package var hidden: [String] = []
    /// Folders that are bound to other places, keyed by place; needs mounts.
    package private(set) var boundFolders: [String: String] = [:]
    /// The part of the network that the program can reach.
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
    package static let kernelVersion = Int(mm_landlock_version())

    /// The kernel features that this user may use in addition to Landlock.
    package struct Means: OptionSet, Sendable, Hashable {
        /// The means as bits.
        package let rawValue: Int32

        /// Creates means from their bits.
        package init(rawValue: Int32) { self.rawValue = rawValue }

        /// A network namespace and an IPC namespace of the program's own.
        package static let ownNetwork = Means(rawValue: Int32(MM_OWN_NETWORK))
        /// A process tree of its own, with its own `/proc`.
        package static let ownProcesses = Means(rawValue: Int32(MM_OWN_PROCESSES))
        /// A supervising process that makes its connections.
        package static let watchedConnections = Means(rawValue: Int32(MM_WATCHED_CONNECTIONS))

        /// The means available on this machine, probed once.
        package static let ofThisMachine = Means(rawValue: mm_confinement_means())
    }

    /// The means that this confinement uses.
    package var means = Means.ofThisMachine

    /// Returns the mechanism that restricts a program to `.loopback`.
    /// - Parameter isSupervised: whether the program has a supervising process.
    package static func road(isSupervised: Bool, _ means: Means = .ofThisMachine) -> Road {
        if means.contains(.ownNetwork) { return .ownNetwork }
        return isSupervised && means.contains(.watchedConnections) ? .watched : .portsAlone
    }

    /// The paths that every program may read.
    package static let system = [
        "/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32", "/etc", "/opt", "/var/lib/dpkg", "/var/cache/man",
    ]
    /// Environment variables that refer to sockets and displays outside the confinement.
    package static let foreignVariables = [
        "SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "DISPLAY", "WAYLAND_DISPLAY",
    ]
    private static let devices = [
        "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx",
    ]

    /// Shows a folder of the session in another place, unless the program uses something there, which it would hide.
    /// What lies in the session's own folder stays where it is, even below that place.
    /// Call it after the readable and writable paths are set; it needs mounts.
    /// - Parameters:
    ///   - folder: the folder to show; if it belongs to the session's own folder, it is directly in it.
    ///   - place: where the program finds it, such as `/tmp`.
    ///   - program: the program to be started.
    package mutating func bind(_ folder: String, at place: String, for program: String) {
        let own = ownFolder.flatMap { folder.hasPrefix($0 + "/") && RealPath.of($0) == $0 ? $0 : nil }
        let used = (readable + writable + [program] + [ownFolder].compactMap(\.self)).map { RealPath.of($0) ?? $0 }
        let isHidden = used.contains { path in
            RealPath.lies(path, in: place) && own.map { RealPath.lies(path, in: $0) } != true
        }
        if !isHidden { boundFolders[place] = folder }
    }

    /// Returns the command that starts a program inside this confinement.
    /// - Parameter door: receives the listeners of the program's own network, if it has one.
    /// - Throws: `.unsupported` if this program can't find itself; it is its own launcher.
    package func confine(
        _ command: ChildCommand, door: NetworkDoor? = nil
    ) throws(MMError) -> ChildCommand {
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
        var confined = command
        switch network {
        case .none: break
        case .ports(let ports): words += ports.map { "port=\($0)" }
        case .loopback(let ports):
            words += ports.map { "port=\($0)" } + self.words(keepingTo: door, &confined)
        case .all: words += ["tcp=1", "udp=1"]
        }
        words.append(means.contains(.ownNetwork) ? "own=memory" : "memory=0")
        if hasSupervisor, means.contains(.ownProcesses) { words.append("own=processes") }
        confined.name = MM_CONFINE_NAME
        confined.executable = own
        confined.arguments = words + ["--", command.executable, command.name ?? command.executable] + command.arguments
        // No death signal: the supervising process learns of this process's end by a descriptor, so that it has time to
        // end what it started.
        if hasSupervisor { confined.deathSignal = nil }
        for name in Self.foreignVariables { confined.environment[name] = nil }
        if let path = confined.environment["PATH"] {
            confined.environment["PATH"] = Self.searchPath(path, within: read + writable)
        }
        return confined
    }

    /// Returns the launcher's words that restrict a program to its ports at 127.0.0.1, and adds the door's descriptor
    /// to the command.
    private func words(keepingTo door: NetworkDoor?, _ command: inout ChildCommand) -> [String] {
        switch Self.road(isSupervised: hasSupervisor, means) {
        case .portsAlone: return []
        case .watched: return ["watch=1"]
        case .ownNetwork:
            guard let door, let end = door.launcherEnd else { return ["own=network"] }
            // The descriptor numbers after standard input, output and error.
            let number = 3 + command.extraDescriptors.count
            command.extraDescriptors.append(end)
            return ["own=network", "hand=\(number):" + door.ports.map(String.init).joined(separator: ",")]
        }
    }
}

extension Confinement {
    /// Returns the parts of these folders that may be visible: a folder as a whole if nothing in it is hidden,
    /// otherwise its entries that aren't hidden.
    package static func visible(_ places: [String], without hidden: [String]) -> [String] {
        let secret = hidden.map { RealPath.of($0) ?? $0 }
        return places.flatMap { visible(RealPath.of($0) ?? $0, as: $0, secret) }
    }

    /// Returns a search path without the folders that contain none of these places and lie in none. What is found
    /// where nothing can be read doesn't start, and hides the program of the same name in a later folder.
    static func searchPath(_ path: String, within places: [String]) -> String {
        let places = places.map { RealPath.of($0) ?? $0 }
        return path.split(separator: ":", omittingEmptySubsequences: false).filter { folder in
            let folder = String(folder)
            guard folder.hasPrefix("/") else { return true }
            let real = RealPath.of(folder) ?? folder
            return places.contains { RealPath.lies(real, in: $0) || RealPath.lies($0, in: real) }
        }.joined(separator: ":")
    }

    private static func visible(_ real: String, as place: String, _ secret: [String]) -> [String] {
        if secret.contains(where: { RealPath.lies(real, in: $0) }) { return [] }
        guard secret.contains(where: { RealPath.lies($0, in: real) }) else { return [place] }
        let folder = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return [place] }
        defer { close(folder) }
        let names = (FolderListing.names(in: folder) ?? []).map { String(decoding: $0, as: UTF8.self) }
        return names.sorted().flatMap { name in
            visible(RealPath.of("\(real)/\(name)") ?? "\(real)/\(name)", as: "\(real)/\(name)", secret)
        }
    }
}

/// The only way out of a confined program's own network: the launcher listens there at ports known to the program, and
/// passes the listeners to this process.
package final class NetworkDoor: Sendable {
    /// The ports of 127.0.0.1 at which the program reaches this process.
    let ports: [UInt16]
    private let near: Int32
    private let far: Mutex<Int32?>

    /// Creates a door for one program that is about to be started.
    /// - Throws: `.unavailable` when there are no descriptors left.
    package init(at ports: [UInt16]) throws(MMError) {
        self.ports = ports
        let pair = try PassedDescriptors.pair()
        near = pair.own
        far = Mutex(pair.child)
    }

    deinit {
        close(near)
        closeFar()
    }

    /// The end that the launcher is given.
    var launcherEnd: Int32? { far.withLock { $0 } }

    /// Waits for the listeners. Call it once the program was started.
    /// - Returns: the listeners in the order of their ports; none if the program has no network of its own or ended
    ///   before passing them.
    package func listeners() async throws(MMError) -> [PolledListener] {
        closeFar()
        let (near, most) = (near, ports.count)
        let raw = try await BlockingWork.run { () throws(MMError) -> [Int32] in
            PassedDescriptors.receive(from: near, most: most)
        }
        // Whatever isn't handed out is closed, also when a listener can't be made.
        var rest = raw[...]
        defer { for one in rest { close(one) } }
        guard raw.count == ports.count else { return [] }
        var made: [PolledListener] = []
        while let one = rest.popFirst() { made.append(try PolledListener(owning: one, port: ports[made.count])) }
        return made
    }

    private func closeFar() {
        far.withLock { far in
            if let raw = far { close(raw) }
            far = nil
        }
    }
}
