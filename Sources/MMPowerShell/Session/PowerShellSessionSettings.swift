public import MMCore
import MMSystem

/// Everything about one session: which PowerShell, which module, who signs in and how.
public struct PowerShellSessionSettings: Sendable {
    /// The PowerShell and its surroundings.
    public var host: HostSettings
    /// The module; `nil` for a plain PowerShell without any sign-in.
    public var profile: (any ModuleProfile)?
    /// Who is to be signed in.
    public var target: SignInTarget?
    /// How; `nil` for tokens where they can be had without a person, else the module's own device code.
    public var method: SignInMethod?
    /// Where tokens come from.
    public var tokens: (any TokenFeeding)?
    /// The way to the network; `nil` for a session that reaches it by itself.
    package var wire: SessionWire?
    /// Whether a person may be asked for a device code; not where an app signs in for itself.
    public var asksPerson = true
    /// Whether user scripts run in ConstrainedLanguage.
    public var isConstrained = false
    /// More modules that are loaded before the switch to ConstrainedLanguage; later ones would not work fully.
    public var modules: [String] = []
    /// The time in which a device code must show.
    public var promptWithin: Duration = .seconds(30)
    /// The time a person has to enter it.
    public var signInWithin: Duration = .seconds(900)
    /// The time for a sign-in without a person, and for loading the module.
    public var connectWithin: Duration = .seconds(180)
    /// How long before its end a fed token is replaced.
    public var renewBefore: Duration = .seconds(300)
    /// Most commands that may wait.
    public var queueLimit = 256
    /// The time of day.
    public var clock = WallClock.system

    /// Settings.
    /// - Parameters:
    ///   - host: the PowerShell and its surroundings. The profile's memory cap and variables are added.
    ///   - profile: the module.
    ///   - target: who is to be signed in; needed with a profile.
    ///   - tokens: where tokens come from.
    public init(
        host: HostSettings, profile: (any ModuleProfile)? = nil, target: SignInTarget? = nil,
        tokens: (any TokenFeeding)? = nil
    ) {
        self.host = host
        self.profile = profile
        self.target = target
        self.tokens = tokens
        if let profile {
            self.host.memoryCap = profile.memoryCap
            self.host.environment.merge(profile.environment) { given, _ in given }
            addProgram(of: profile)
        }
    }

    /// Puts the folder of a module's own program on the session's short search path.
    private mutating func addProgram(of profile: any ModuleProfile) {
        guard case .program(let name, _) = profile.requirement else { return }
        let path = host.userProgramPaths.joined(separator: ":")
        guard let program = ExecutableSearch.find(name, path: path), let slash = program.lastIndex(of: "/") else {
            return
        }
        host.programPaths.append(String(program[..<slash]))
    }

    /// Whether somebody may be signed in to this session.
    /// - Returns: why not: the error that names who signed in and who should have.
    package func refusal(of claims: TokenClaims) -> MMError? {
        guard let target else { return nil }
        do throws(MMError) {
            _ = try SessionIdentity.check(claims, for: target, by: method ?? .device)
            return nil
        } catch {
            return error
        }
    }

    /// The folder of one session below a state folder: apart from every other connection's and module's.
    /// - Parameters:
    ///   - stateDirectory: the state folder.
    ///   - connection: the connection's name, any text.
    ///   - module: the module's word.
    public static func folder(in stateDirectory: String, connection: String, module: String) -> String {
        // Two names that are one when made safe must not share a home.
        let digest = Hex.text(SHA256.digest(Array(connection.utf8)).prefix(6))
        return
            "\(stateDirectory)/powershell/\(StatePaths.safeName(connection))-\(digest)/\(StatePaths.safeName(module))"
    }
}
