import Glibc
package import MMCore
import MMSessions
package import MMSystem

/// The confinement of a PowerShell and everything it starts: it may write to its own folder, read the system,
/// PowerShell and its modules, and connect to one port.
///
/// The view of a session is determined when it starts and can't be changed afterwards.
package struct HostWalls: Sendable {
    /// The prefix of the names of sessions' own folders.
    private static let prefix = "session-"
    /// The folder of all sessions of one connection and module.
    private let base: String
    /// The session's own folder; it is removed with the session.
    package let folder: String
    /// The port through which the session reaches the network; `nil` for none.
    package var egressPort: UInt16?
    /// The function that takes the listener at that port of the session's own network, once for each PowerShell that is
    /// started.
    package var takesListener: (@Sendable (PolledListener) -> Void)?
    /// Folders of the user that scripts may read and write.
    package var shared: [String]
    /// Files and folders of `mm` itself, which can't be reached wherever they are.
    package var hidden: [String]

    /// Creates the confinement of a session.
    /// - Parameters:
    ///   - base: the folder of all sessions of one connection and module.
    ///   - shared: folders of the user that scripts may read and write.
    ///   - hidden: files and folders of `mm` itself.
    package init(in base: String, shared: [String] = [], hidden: [String] = []) {
        self.base = base
        folder = base + "/" + OwnedFolder.name(Self.prefix)
        self.shared = shared
        self.hidden = hidden
    }

    /// Returns why this kernel can't enforce it; `nil` if it can.
    package static func problem() -> MMError? {
        let version = Confinement.kernelVersion
        if version >= 4 { return nil }
        let what = version == 0 ? "has no Landlock" : "has Landlock \(version), which does not support network rules"
        return MMError(
            .unsupported, "The kernel \(what): PowerShell can't be confined.",
            hint: "Use Linux 6.7 or later with Landlock enabled (boot parameter lsm=…,landlock).")
    }

    /// Returns why a session can't be limited to addresses of this machine; `nil` if it can.
    package static func networkProblem() -> MMError? {
        guard Confinement.road(isSupervised: true) == .portsAlone else { return nil }
        return MMError(
            .unsupported,
            "The kernel allows this user neither a network namespace nor supervised connections: a confined program can also "
                + "reach other machines, at the port of its proxy.",
            hint: "Allow user namespaces (sysctl kernel.apparmor_restrict_unprivileged_userns=0, or "
                + "user.max_user_namespaces), or a container's seccomp profile that lets unshare(2) or pidfd_getfd(2) pass."
        )
    }

    /// Whether the kernel also confines signals.
    package static var holdSignals: Bool { Confinement.kernelVersion >= 6 }

    /// The result of a trial with a confined program.
    package struct Trial: Sendable, Hashable {
        /// Whether it could reach nothing outside.
        package let isConfined: Bool
        /// Whether it has its own `/tmp`.
        package let hasOwnTemporaryFolder: Bool
    }

    /// Starts a confined program that tries what it may not do.
    /// - Parameter settings: the settings with which PowerShell would be started.
    package func trial(of settings: HostSettings) async throws(MMError) -> Trial {
        try await BlockingWork.run { () throws(MMError) in
            try ProtectedFile.makeDirectory(folder)
            try makeFolders()
        }
        let outside = base + "/outside"
        // A redirection that fails ends the whole shell if it belongs to a special command of its own, such as `:`.
        let text =
            "echo x > \(ShellWord.quoted(outside)); echo x > /tmp/own && echo own; kill -0 $1 && echo killed; echo ran"
        let bare = ChildCommand(
            "/bin/sh", ["-c", text, "sh", String(getpid())], environment: ["PATH": "/usr/bin:/bin"], directory: folder)
        let command = try await BlockingWork.run { () throws(MMError) in
            try confinement(of: settings, wire: 1).confine(bare)
        }
        let ran = try await ChildProcess.run(command, limit: 4096, timeout: .seconds(60))
        let words = String(decoding: ran.output, as: UTF8.self).split(separator: "\n").map(String.init)
        guard words.last == "ran" else {
            let reason = String(decoding: ran.error.prefix(200), as: UTF8.self).trimmed
            throw MMError(
                .unsupported,
                "Confined programs can't be started on this machine" + (reason.isEmpty ? "." : ": \(reason)"))
        }
        let wrote = access(outside, F_OK) == 0
        unlink(outside)
        return Trial(
            isConfined: !wrote && (!words.contains("killed") || !Self.holdSignals),
            hasOwnTemporaryFolder: words.contains("own"))
    }

    // MARK: Folders

    /// The folder of PowerShell's caches (module contents and profile data of its code), which make its next start
    /// faster. It outlives the session.
    private var cache: String { base + "/cache" }
    private var temporary: String { folder + "/tmp" }
    private var sharedMemory: String { folder + "/shm" }

    /// Further variables for its processes.
    var environment: [String: String] { ["TMPDIR": temporary, "XDG_CACHE_HOME": cache] }

    /// Creates the folders that it writes to, and removes the folders that ended programs left behind.
    func makeFolders() throws(MMError) {
        for place in [cache, temporary, sharedMemory] { try ProtectedFile.makeDirectory(place) }
        for left in try OwnedFolder.abandoned(in: base, Self.prefix) { FolderTree.remove(left) }
    }

    /// Removes the session's own folder.
    package func removeFolder() { FolderTree.remove(folder) }

    // MARK: Walls

    /// Folders from which PowerShell reads facts about the machine, and folders in which other installation methods put
    /// programs.
    private static let system = [
        "/sys/devices/system", "/sys/fs/cgroup", "/nix/store", "/gnu/store", "/snap", "/home/linuxbrew/.linuxbrew",
    ]

    /// Returns the ports that it connects to: those of its wire and of its proxy.
    func ports(_ wire: UInt16) -> [UInt16] { [wire] + [egressPort].compactMap(\.self) }

    /// Returns the confinement of a PowerShell.
    /// - Parameters:
    ///   - settings: the settings with which it is started.
    ///   - wire: the port on which its connection is expected.
    /// - Throws: `.invalidInput` for a folder that can't be shared.
    func confinement(of settings: HostSettings, wire: UInt16) throws(MMError) -> Confinement {
        for place in shared { try check(place) }
        var walls = Confinement()
        walls.readable = Self.system + programs(settings) + settings.modulePaths.filter { !isHome($0, settings) }
        walls.hidden = hidden
        walls.writable = [folder, cache] + shared
        walls.network = .loopback(ports(wire))
        walls.attributes = .byMounts
        walls.hasSupervisor = true
        // .NET keeps its named mutexes below /tmp, whatever TMPDIR says.
        walls.bind(temporary, at: "/tmp", for: settings.location.program)
        walls.bind(sharedMemory, at: "/dev/shm", for: settings.location.program)
        walls.writable += Self.mutexFolders()
        return walls
    }

    /// Returns the folders in which .NET keeps named mutexes, created as .NET creates them, for machines on which the
    /// session can't have its own `/tmp`.
    private static func mutexFolders() -> [String] {
        let place = "/tmp/.dotnet"
        if mkdir(place, 0o777) == 0 { chmod(place, 0o777) }
        var info = stat()
        return lstat(place, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR ? [place] : []
    }

    /// Returns the folders of PowerShell, of the runtime that it was installed with, and of the module's own program.
    private func programs(_ settings: HostSettings) -> [String] {
        let program = settings.location.program
        // If the program is in the home itself, as a wrapper script may be, only its file is made visible.
        var folders = [program, RealPath.of(program) ?? program].map { file in
            let folder = Self.parent(file)
            return isHome(folder, settings) ? file : folder
        }
        if let root = settings.environment["DOTNET_ROOT"] {
            folders += ["dotnet", "host", "shared"].map { root + "/" + $0 }
        }
        folders += settings.programPaths
        return folders.filter { !isHome($0, settings) }
    }

    private static func parent(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? path
    }

    /// Returns whether a place contains the user's whole home: nothing is installed there in a way that requires all of
    /// it.
    private func isHome(_ place: String, _ settings: HostSettings) -> Bool {
        guard let home = settings.userHome.map({ RealPath.of($0) ?? $0 }) else { return place == "/" }
        return RealPath.lies(home, in: RealPath.of(place) ?? place)
    }

    private func check(_ place: String) throws(MMError) {
        var info = stat()
        let real = RealPath.of(place) ?? place
        guard place.hasPrefix("/"), real != "/", stat(real, &info) == 0, info.st_mode & S_IFMT == S_IFDIR else {
            throw MMError(
                .invalidInput, "`shared` contains \(place), which isn't a folder.",
                hint: "Use absolute paths of existing folders, or paths that start with ~/.")
        }
        guard let own = hidden.first(where: { RealPath.lies(RealPath.of($0) ?? $0, in: real) }) else { return }
        throw MMError(
            .invalidInput, "`shared` contains \(place), which has mm's own files (\(own)).",
            hint: "Use a separate folder for files that scripts may read and write.")
    }
}
