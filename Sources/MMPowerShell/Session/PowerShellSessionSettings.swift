package import MMCore
import MMSystem
package import PowerShellSyntax

/// The settings of one session: which PowerShell, which module, and how to sign in.
package struct PowerShellSessionSettings: Sendable {
    /// The PowerShell and its environment.
    package var host: HostSettings
    /// The module; `nil` for a PowerShell without any sign-in.
    package var profile: (any ModuleProfile)?
    /// The account to sign in.
    package var target: ModuleSignInTarget?
    /// The sign-in method; `nil` for tokens if they can be obtained without a person, otherwise the module's own device
    /// code.
    package var method: ModuleSignInMethod?
    /// The source of tokens.
    package var tokens: (any TokenFeeding)?
    /// The proxy to the network; `nil` for a session that reaches it directly.
    package var wire: SessionWire?
    /// Whether a person may be asked for a device code; `false` if an app signs in on its own behalf.
    package var mayAskPerson = true
    /// The rule by which a script's own sign-in is replaced by the session's; `nil` if scripts use the module's connect
    /// cmdlets.
    package var ownSignIn: OwnSignIn?
    /// Whether user scripts run in ConstrainedLanguage.
    package var isConstrained = false
    /// The maximum time until a device code is shown.
    package var promptTimeout: Duration = .seconds(30)
    /// The time that a person has to enter it.
    package var signInTimeout: Duration = .seconds(900)
    /// The maximum time of a sign-in without a person, and of loading the module.
    package var connectTimeout: Duration = .seconds(180)
    /// The time before its expiry at which a supplied token is replaced.
    package var renewBefore: Duration = .seconds(300)
    /// The maximum number of waiting commands.
    package var queueLimit = 256
    /// The clock for the time of day.
    package var clock = WallClock.system

    /// Creates settings.
    /// - Parameters:
    ///   - host: the PowerShell and its environment. The profile's memory limit and variables are added.
    ///   - profile: the module.
    ///   - target: the account to sign in; required with a profile.
    ///   - tokens: the source of tokens.
    package init(
        host: HostSettings, profile: (any ModuleProfile)? = nil, target: ModuleSignInTarget? = nil,
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

    /// Adds the folder of a module's own program to the session's short search path.
    private mutating func addProgram(of profile: any ModuleProfile) {
        guard case .program(let name, _) = profile.requirement else { return }
        let path = host.userProgramPaths.joined(separator: ":")
        guard let program = ExecutableSearch.find(name, path: path), let slash = program.lastIndex(of: "/") else {
            return
        }
        host.programPaths.append(String(program[..<slash]))
    }

    /// Checks whether an identity may be signed in to this session.
    /// - Returns: `nil` if it may; otherwise the error, which names who signed in and who was expected.
    package func refusal(of claims: TokenClaims) -> MMError? {
        guard let target else { return nil }
        do throws(MMError) {
            _ = try SessionIdentity.check(claims, for: target, by: method ?? .device)
            return nil
        } catch {
            return error
        }
    }

    /// Returns the folder of one session below a state folder, separate from that of any other connection and module.
    /// - Parameters:
    ///   - stateDirectory: the state folder.
    ///   - connection: the connection's name, which may be any text.
    ///   - module: the module's name.
    package static func folder(in stateDirectory: String, connection: String, module: String) -> String {
        // Two names that become equal when made safe for the file system must not share a home.
        let digest = Hex.text(SHA256.digest(Array(connection.utf8)).prefix(6))
        return
            "\(stateDirectory)/powershell/\(StatePaths.safeName(connection))-\(digest)/\(StatePaths.safeName(module))"
    }
}

extension PowerShellSessionSettings {
    /// Creates the settings of a connection's session.
    /// - Parameters:
    ///   - connection: the connection.
    ///   - module: the module's name, such as `exo`.
    ///   - knownApps: app ids of modules for all connections.
    ///   - pin: the identity of an earlier sign-in, if the connection doesn't name one.
    ///   - location: the PowerShell to start.
    ///   - paths: the state folders.
    ///   - environment: the environment of this process.
    ///   - sandboxLogin: the URL of the sandbox tenant's sign-in service.
    ///   - tokens: the source of tokens.
    /// - Throws: `invalidInput` for an unknown module or cloud, or a password file that can't be read.
    package init(
        connection: Connection, module: String, knownApps: [String: String], pin: AccountPin? = nil,
        location: PowerShellLocation, paths: StatePaths, environment: [String: String], sandboxLogin: String? = nil,
        tokens: (any TokenFeeding)?
    ) throws(MMError) {
        let profile = try ModuleProfiles.named(module)
        let pin = connection.pin ?? pin
        var target = ModuleSignInTarget(
            connection: connection.name, tenant: connection.tenant, tenantID: pin?.tenantId ?? connection.tenantId,
            appID: connection.appID(for: profile.name, known: knownApps),
            account: connection.expectedEmail ?? (pin?.objectId == nil ? pin?.username : nil),
            objectID: pin?.objectId, sharePointHost: connection.sharepointHost,
            cloud: try ModuleCloud.named(connection.cloud, sandboxLogin: sandboxLogin))
        target.subscription = connection.subscription
        let folder = Self.folder(in: paths.stateDirectory, connection: connection.name, module: profile.name)
        let host = HostSettings(location: location, folder: folder, environment: environment)
        self.init(host: host, profile: profile, target: target, tokens: tokens)
        isConstrained = connection.language == .constrained || connection.isReadOnly
        let auth = connection.auth.inHome(paths.home)
        mayAskPerson = [.device, .browser, .broker].contains(auth.method)
        // An app's credential stays outside of the session: the module gets only the resulting tokens, and needs
        // neither the key nor access to the machine's identity.
        if tokens != nil, profile.methods.contains(.tokens) { return }
        switch auth.method {
        case .device, .browser, .broker, .secret, .token, .federated, .onBehalfOf: break
        case .certificate:
            if profile.methods.contains(.certificate), let path = auth.certificatePath, Self.isStore(path) {
                method = .certificate(path: path, password: try Self.password(auth, environment, connection.name))
            }
        case .managedIdentity:
            if profile.methods.contains(.managedIdentity) { method = .managedIdentity(clientID: auth.clientId) }
        }
    }

    /// Returns whether a file is a PKCS #12 store, which is the form that modules read.
    private static func isStore(_ path: String) -> Bool {
        [".pfx", ".p12"].contains { path.lowercased().hasSuffix($0) }
    }

    private static func password(
        _ auth: ConnectionAuth, _ environment: [String: String], _ connection: String
    ) throws(MMError) -> Secret? {
        guard let file = auth.certificatePasswordFile else {
            return auth.certificatePasswordVariable.flatMap { environment[$0] }.map { Secret($0) }
        }
        guard let password = try SecretFile.read(file) else {
            throw MMError(
                .invalidInput, "The connection \(connection) has a certificatePasswordFile that does not exist: \(file)"
            )
        }
        return password
    }
}
