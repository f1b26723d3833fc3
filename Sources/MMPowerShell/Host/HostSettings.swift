package import MMCore

/// The settings for starting and supervising a PowerShell process, independent of any module.
package struct HostSettings: Sendable {
    /// The PowerShell to start.
    package var location: PowerShellLocation
    /// A folder that only this session uses: its home and the module's files are in it. Created with mode 0700 if
    /// missing.
    package var folder: String
    /// Folders in which modules are searched, besides PowerShell's own.
    package var modulePaths: [String]
    /// Folders of programs, searched before the system's.
    package var programPaths: [String] = []
    /// The maximum size of the .NET heap in bytes: the environment's limit (`DOTNET_GCHeapHardLimit`), or else 384 MB.
    package var memoryCap = 384 << 20
    /// Additional variables, for modules and network access.
    package var environment: [String: String] = [:]
    /// The maximum time from the start to the greeting.
    package var startTimeout: Duration = .seconds(60)
    /// The maximum size of a record in bytes; longer ones are skipped and reported.
    package var recordLimit = 64 << 20
    /// The maximum console text that is kept per command, in bytes.
    package var consoleLimit = 1 << 20
    /// The confinement of its processes; `nil` if they have all rights of this user.
    package var walls: HostWalls?
    /// The requests that its processes have open; `nil` if they reach the network by themselves.
    package var requests: OpenRequests?
    /// The registry of the session's processes.
    package var processes: SessionProcesses?
    /// The log of starts, ends and irregularities, without any content.
    package var log: Log?
    /// Folders that may contain a module's own program: those of this process's search path and of the .NET tools.
    let userProgramPaths: [String]
    /// The home of the user who runs this process.
    let userHome: String?
    /// The times between the steps of a stop.
    var times = CommandMachine.Times()

    /// Creates settings.
    /// - Parameters:
    ///   - location: the PowerShell to start.
    ///   - folder: a folder that only this session uses.
    ///   - environment: the environment of this process; it determines where the user's modules and temporary files
    ///     are.
    package init(location: PowerShellLocation, folder: String, environment: [String: String]) {
        self.location = location
        self.folder = folder
        modulePaths = Self.modulePaths(environment)
        var programs = (environment["PATH"] ?? "").split(separator: ":").map(String.init)
        userHome = environment["HOME"]
        if let userHome { programs.append(userHome + "/.dotnet/tools") }
        userProgramPaths = programs
        // Programs installed by a .NET tool need the runtime they were installed with; machines without ICU need it
        // switched off.
        if let root = environment["DOTNET_ROOT"], root.hasPrefix("/") { self.environment["DOTNET_ROOT"] = root }
        let invariant = "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"
        if let off = environment[invariant], ["1", "true"].contains(off) { self.environment[invariant] = "1" }
        // Containers and isolated pools state how much memory there is.
        if let cap = Self.hexadecimal(environment["DOTNET_GCHeapHardLimit"]), cap >= 32 << 20 { memoryCap = cap }
        for name in ["DOTNET_gcServer", "DOTNET_GCConserveMemory"] {
            if let number = Self.hexadecimal(environment[name]) {
                self.environment[name] = String(number, radix: 16)
            }
        }
    }

    /// Reads a number as .NET reads it from a variable; `nil` if it isn't one.
    private static func hexadecimal(_ text: String?) -> Int? {
        guard let text = text?.lowercased() else { return nil }
        let digits = text.hasPrefix("0x") ? text.dropFirst(2) : Substring(text)
        guard digits.first != "+", digits.first != "-" else { return nil }
        return Int(digits, radix: 16)
    }

    /// Returns the folders of the user's modules and of those for all users.
    /// - Parameter environment: the environment of the user's process.
    package static func modulePaths(_ environment: [String: String]) -> [String] {
        var paths = (environment["PSModulePath"] ?? "").split(separator: ":").map(String.init)
        let data = environment["XDG_DATA_HOME"] ?? environment["HOME"].map { $0 + "/.local/share" }
        if let data { paths.append(data + "/powershell/Modules") }
        paths.append("/usr/local/share/powershell/Modules")
        var seen: Set<String> = []
        return paths.filter { $0.hasPrefix("/") && seen.insert($0).inserted }
    }

    /// Passes the proxies and trusted certificates of this process on. Only for sessions that reach the network
    /// directly; other sessions must use only their own proxy.
    package mutating func passNetwork(of process: [String: String]) {
        environment.merge(ProcessEnvironment.network(of: process)) { own, _ in own }
    }

    /// Confines its processes. The session gets its own folder, which is removed with it.
    package mutating func confine(behind walls: HostWalls) {
        self.walls = walls
        folder = walls.folder
    }

    /// The folder that serves as the user's home in the session, in which its scripts start.
    package var home: String { folder + "/" + Self.homeName }
    private static let homeName = "home"

    /// The folders that scripts written for Windows expect on the drive `C` and in a profile, both of which are the
    /// home. Paths tell upper from lower case here, and scripts write both.
    var usualFolders: [String] { ["Temp", "temp", "Desktop", "Documents", "Downloads"].map { home + "/" + $0 } }

    /// The home, as seen from outside the session.
    package var work: ProgramFolder { ProgramFolder(Self.homeName, in: folder) }

    /// Returns the complete environment of the process. Nothing is inherited from this process implicitly.
    /// - Parameters:
    ///   - wire: the port on which its connection is expected.
    ///   - nonce: the nonce that the greeting must repeat.
    ///   - mark: the value of the variable that marks the session's processes.
    func childEnvironment(wire: UInt16, nonce: String, mark: String) -> [String: String] {
        // Without TERM, PowerShell lays out for 120 columns, as the native engine does; with any, for 80.
        var all = [
            "POWERSHELL_TELEMETRY_OPTOUT": "1", "POWERSHELL_UPDATECHECK": "Off", "POWERSHELL_DIAGNOSTICS_OPTOUT": "1",
            "DOTNET_EnableDiagnostics": "0", "DOTNET_TieredPGO": "0", "DOTNET_CLI_TELEMETRY_OPTOUT": "1",
            "DOTNET_GCHeapHardLimit": "0x" + String(memoryCap, radix: 16), "NO_COLOR": "1",
            "LANG": "C.UTF-8", "HOME": home, "XDG_CONFIG_HOME": home + "/.config",
            "XDG_DATA_HOME": home + "/.local/share", "XDG_STATE_HOME": home + "/.local/state",
            "XDG_CACHE_HOME": home + "/.cache",
            // Scripts written for Windows name their files with these.
            "USERPROFILE": home, "HOMEDRIVE": "C:", "HOMEPATH": "\\", "SystemDrive": "C:", "TEMP": home + "/Temp",
            "TMP": home + "/Temp",
            "PATH": (programPaths + ["/usr/local/bin", "/usr/bin", "/bin"]).joined(separator: ":"),
        ]
        all.merge(environment) { _, own in own }
        if let walls { all.merge(walls.environment) { _, own in own } }
        all["MM_WIRE"] = String(wire)
        all["MM_NONCE"] = nonce
        all["MM_MODULES"] = modulePaths.joined(separator: ":")
        all[SessionProcessTree.markVariable] = mark
        return all
    }

    /// Returns the arguments that follow the program's name.
    func arguments(script: String) -> [String] {
        location.arguments + ["-NoLogo", "-NoProfile", "-NonInteractive", "-File", script]
    }
}
