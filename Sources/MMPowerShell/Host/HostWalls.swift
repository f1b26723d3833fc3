import Glibc
package import MMCore
import MMSessions
import MMSystem

/// The walls around a PowerShell and everything that it starts: its own folder to write to, the system, PowerShell and its
/// modules to read, one port to send through.
///
/// What a session may see is decided when it starts: no wall can be moved afterwards.
package struct HostWalls: Sendable {
    /// How the names of sessions' own folders begin.
    private static let prefix = "session-"
    /// The folder of all sessions of one connection and module.
    private let base: String
    /// The session's own folder, for it alone and gone with it.
    package let folder: String
    /// The port of the session's way to the network; nil for none.
    package var egressPort: UInt16?
    /// Folders of the owner that scripts may read and write.
    package var shared: [String]
    /// Files and folders of `mm` itself, which stay out of reach wherever they lie.
    package var hidden: [String]

    /// Walls around a session.
    /// - Parameters:
    ///   - base: the folder of all sessions of one connection and module.
    ///   - shared: folders of the owner that scripts may read and write.
    ///   - hidden: files and folders of `mm` itself.
    package init(in base: String, shared: [String] = [], hidden: [String] = []) {
        self.base = base
        folder = base + "/" + OwnedFolder.name(Self.prefix)
        self.shared = shared
        self.hidden = hidden
    }

    /// Why this kernel can't put them up; nil where it can.
    package static func problem() -> MMError? {
        let version = Confinement.kernelVersion
        if version >= 4 { return nil }
        let what = version == 0 ? "has no Landlock" : "has Landlock \(version), which knows no network"
        return MMError(
            .unsupported, "The kernel \(what): PowerShell can't be confined.",
            hint: "Use Linux 6.7 or later with Landlock switched on (the boot parameter lsm=…,landlock).")
    }

    /// Whether the kernel also keeps signals within them.
    package static var holdSignals: Bool { Confinement.kernelVersion >= 6 }

    /// What a program behind these walls found.
    package struct Trial: Sendable, Hashable {
        /// Whether it reached nothing outside.
        package let isConfined: Bool
        /// Whether `/tmp` is its own.
        package let hasOwnTemporaryFolder: Bool
    }

    /// Starts a program behind these walls that tries what it may not.
    /// - Parameter settings: where PowerShell would be started.
    package func trial(of settings: HostSettings) async throws(MMError) -> Trial {
        try await BlockingWork.run { () throws(MMError) in
            try ProtectedFile.makeDirectory(folder)
            try makeFolders()
        }
        let outside = base + "/outside"
        let text =
            "echo x > \(ShellWord.quoted(outside)); : > /tmp/own && echo own; kill -0 $1 && echo killed; echo ran"
        let bare = ChildCommand(
            "/bin/sh", ["-c", text, "sh", String(getpid())], environment: ["PATH": "/usr/bin:/bin"], directory: folder)
        let command = try await BlockingWork.run { () throws(MMError) in
            try confinement(of: settings, wire: 1).confine(bare)
        }
        let ran = try await ChildProcess.run(command, limit: 4096, timeout: .seconds(60))
        let words = String(decoding: ran.output, as: UTF8.self).split(separator: "\n").map(String.init)
        guard words.last == "ran" else {
            throw MMError(
                .unsupported, "Nothing can be started behind walls here.",
                cause: String(decoding: ran.error.prefix(200), as: UTF8.self))
        }
        let wrote = access(outside, F_OK) == 0
        unlink(outside)
        return Trial(
            isConfined: !wrote && (!words.contains("killed") || !Self.holdSignals),
            hasOwnTemporaryFolder: words.contains("own"))
    }

    // MARK: Folders

    /// Where PowerShell keeps what makes its next start quicker: the list of what modules hold, and which of its code was
    /// needed. It outlives the session.
    private var cache: String { base + "/cache" }
    private var temporary: String { folder + "/tmp" }
    private var sharedMemory: String { folder + "/shm" }

    /// What its processes find in their environment besides.
    var environment: [String: String] { ["TMPDIR": temporary, "XDG_CACHE_HOME": cache] }

    /// Makes what it writes to, and takes away what sessions left whose program has gone.
    func makeFolders() throws(MMError) {
        for place in [cache, temporary, sharedMemory] { try ProtectedFile.makeDirectory(place) }
        for left in try OwnedFolder.abandoned(in: base, Self.prefix) { Self.remove(left) }
    }

    /// Takes the session's own folder away.
    package func removeFolder() { Self.remove(folder) }

    /// Takes a folder away with all that lies in it. No link is followed.
    private static func remove(_ path: String) {
        if unlink(path) == 0 || errno == ENOENT { return }
        // A script may have closed its own folder.
        chmod(path, 0o700)
        for name in (try? FolderListing.names(in: path)) ?? [] { remove(path + "/" + name) }
        rmdir(path)
    }

    // MARK: Walls

    /// What PowerShell reads of the kernel to know the machine, and where other ways to install programs put them.
    private static let system = [
        "/sys/devices/system", "/sys/fs/cgroup", "/nix/store", "/gnu/store", "/snap", "/home/linuxbrew/.linuxbrew",
    ]

    /// The walls around a PowerShell.
    /// - Parameters:
    ///   - settings: what is started.
    ///   - wire: the port at which it is waited for.
    /// - Throws: `.invalidInput` for a shared folder that can't be one.
    func confinement(of settings: HostSettings, wire: UInt16) throws(MMError) -> Confinement {
        for place in shared { try check(place) }
        var walls = Confinement()
        walls.readable = Self.system + programs(settings) + settings.modulePaths.filter { !isHome($0, settings) }
        walls.hidden = hidden
        walls.writable = [folder, cache] + shared
        walls.network = .ports([wire] + [egressPort].compactMap(\.self))
        walls.attributes = .byMounts
        walls.isLed = true
        // .NET keeps its named mutexes below /tmp whatever TMPDIR says.
        let places = [folder, cache, settings.location.program] + walls.readable + shared
        func isFree(_ place: String) -> Bool { !places.contains { RealPath.lies(RealPath.of($0) ?? $0, in: place) } }
        if isFree("/tmp") { walls.shown["/tmp"] = temporary }
        if isFree("/dev/shm") { walls.shown["/dev/shm"] = sharedMemory }
        walls.writable += Self.mutexFolders()
        return walls
    }

    /// Where .NET keeps named mutexes, made as .NET makes it, for machines on which the session can't have a `/tmp` of its
    /// own.
    private static func mutexFolders() -> [String] {
        let place = "/tmp/.dotnet"
        if mkdir(place, 0o777) == 0 { chmod(place, 0o777) }
        var info = stat()
        return lstat(place, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR ? [place] : []
    }

    /// The folders of PowerShell, of the runtime that it was installed with, and of the module's own program.
    private func programs(_ settings: HostSettings) -> [String] {
        let program = settings.location.program
        // Of one that lies in the home itself, as a script that starts another may, the file alone is shown.
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

    /// Whether a place holds the user's whole home: nothing is installed there so that all of it had to be shown.
    private func isHome(_ place: String, _ settings: HostSettings) -> Bool {
        guard let home = settings.userHome.map({ RealPath.of($0) ?? $0 }) else { return place == "/" }
        return RealPath.lies(home, in: RealPath.of(place) ?? place)
    }

    private func check(_ place: String) throws(MMError) {
        var info = stat()
        let real = RealPath.of(place) ?? place
        guard place.hasPrefix("/"), real != "/", stat(real, &info) == 0, info.st_mode & S_IFMT == S_IFDIR else {
            throw MMError(
                .invalidInput, "`shared` names \(place), which is no folder.",
                hint: "Give absolute paths of folders that exist, or paths that begin with ~/.")
        }
        guard let own = hidden.first(where: { RealPath.lies(RealPath.of($0) ?? $0, in: real) }) else { return }
        throw MMError(
            .invalidInput, "`shared` names \(place), in which files of mm itself lie (\(own)).",
            hint: "Give a folder of its own for what scripts may read and write.")
    }
}
