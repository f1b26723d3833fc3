public import MMCore

/// How a PowerShell is started and watched, without regard to any module.
public struct HostSettings: Sendable {
    /// The PowerShell.
    public var location: PowerShellLocation
    /// A folder of this session alone: its home and the module's files lie in it. Made 0700 when missing.
    public var folder: String
    /// Folders in which modules are looked for, besides PowerShell's own.
    public var modulePaths: [String]
    /// Folders of programs, in front of the system's.
    public var programPaths: [String] = []
    /// Most memory of the .NET heap in bytes: what the environment caps it at (`DOTNET_GCHeapHardLimit`), else 384 MB.
    public var memoryCap = 384 << 20
    /// More variables, for modules and for the way to the network.
    public var environment: [String: String] = [:]
    /// The time from start to greeting.
    public var startWithin: Duration = .seconds(60)
    /// Longest record in bytes; longer ones are passed over and reported.
    public var recordLimit = 64 << 20
    /// Most console text that is kept of one command, in bytes.
    public var consoleLimit = 1 << 20
    /// The walls around its processes; nil where they have all rights of this user.
    package var walls: HostWalls?
    /// Is told which processes belong to the session.
    package var processes: SessionProcesses?
    /// Where starts, ends and oddities are told, without any content.
    public var log: Log?
    /// Folders in which a module's own program may lie: those of this process's search path and the .NET tools.
    let userProgramPaths: [String]
    /// The home of the user whose process this is.
    let userHome: String?
    /// Times between the rungs of a stop.
    var times = CommandMachine.Times()

    /// Settings.
    /// - Parameters:
    ///   - location: the PowerShell.
    ///   - folder: a folder of this session alone.
    ///   - environment: of this process: where the user's modules and temporary files are is read from it.
    public init(location: PowerShellLocation, folder: String, environment: [String: String]) {
        self.location = location
        self.folder = folder
        modulePaths = Self.modulePaths(environment)
        var programs = (environment["PATH"] ?? "").split(separator: ":").map(String.init)
        userHome = environment["HOME"]
        if let userHome { programs.append(userHome + "/.dotnet/tools") }
        userProgramPaths = programs
        // Programs that a .NET tool installed need the runtime they were installed with; machines without ICU need it off.
        if let root = environment["DOTNET_ROOT"], root.hasPrefix("/") { self.environment["DOTNET_ROOT"] = root }
        let invariant = "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"
        if let off = environment[invariant], ["1", "true"].contains(off) { self.environment[invariant] = "1" }
        // Containers and isolated pools say how much memory there is.
        if let cap = Self.hexadecimal(environment["DOTNET_GCHeapHardLimit"]), cap >= 32 << 20 { memoryCap = cap }
        for name in ["DOTNET_gcServer", "DOTNET_GCConserveMemory"] {
            if let number = Self.hexadecimal(environment[name]) {
                self.environment[name] = String(number, radix: 16)
            }
        }
    }

    /// A number as .NET reads it from a variable; `nil` for what is none.
    private static func hexadecimal(_ text: String?) -> Int? {
        guard let text = text?.lowercased() else { return nil }
        let digits = text.hasPrefix("0x") ? text.dropFirst(2) : Substring(text)
        guard digits.first != "+", digits.first != "-" else { return nil }
        return Int(digits, radix: 16)
    }

    /// The folders of a user's modules and of everybody's.
    /// - Parameter environment: of the user's process.
    package static func modulePaths(_ environment: [String: String]) -> [String] {
        var paths = (environment["PSModulePath"] ?? "").split(separator: ":").map(String.init)
        let data = environment["XDG_DATA_HOME"] ?? environment["HOME"].map { $0 + "/.local/share" }
        if let data { paths.append(data + "/powershell/Modules") }
        paths.append("/usr/local/share/powershell/Modules")
        var seen: Set<String> = []
        return paths.filter { $0.hasPrefix("/") && seen.insert($0).inserted }
    }

    /// Puts up walls around its processes. The session gets a folder of its own, which goes with it.
    package mutating func confine(behind walls: HostWalls) {
        self.walls = walls
        folder = walls.folder
    }

    /// The folder that stands for the user's home in the session.
    package var home: String { folder + "/home" }

    /// Everything that the process finds in its environment. Nothing is taken over from ours by itself.
    /// - Parameters:
    ///   - wire: the port at which it is waited for.
    ///   - nonce: what the greeting must repeat.
    ///   - mark: value of the variable that marks what the session started.
    func childEnvironment(wire: UInt16, nonce: String, mark: String) -> [String: String] {
        var all = [
            "POWERSHELL_TELEMETRY_OPTOUT": "1", "POWERSHELL_UPDATECHECK": "Off", "POWERSHELL_DIAGNOSTICS_OPTOUT": "1",
            "DOTNET_EnableDiagnostics": "0", "DOTNET_TieredPGO": "0", "DOTNET_CLI_TELEMETRY_OPTOUT": "1",
            "DOTNET_GCHeapHardLimit": "0x" + String(memoryCap, radix: 16), "NO_COLOR": "1", "TERM": "dumb",
            "LANG": "C.UTF-8", "HOME": home, "XDG_CONFIG_HOME": home + "/.config",
            "XDG_DATA_HOME": home + "/.local/share", "XDG_STATE_HOME": home + "/.local/state",
            "XDG_CACHE_HOME": home + "/.cache",
            "PATH": (programPaths + ["/usr/local/bin", "/usr/bin", "/bin"]).joined(separator: ":"),
        ]
        all.merge(environment) { _, own in own }
        if let walls { all.merge(walls.environment) { _, own in own } }
        all["MM_WIRE"] = String(wire)
        all["MM_NONCE"] = nonce
        all["MM_MODULES"] = modulePaths.joined(separator: ":")
        all[ProcessTree.markVariable] = mark
        return all
    }

    /// The command line after the program's name.
    func arguments(script: String) -> [String] {
        location.arguments + ["-NoLogo", "-NoProfile", "-NonInteractive", "-File", script]
    }
}
