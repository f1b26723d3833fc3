public import MMCore

extension PowerShellSessionSettings {
    /// Creates the settings of a connection's session.
    /// - Parameters:
    ///   - connection: the connection.
    ///   - module: the module's name, such as `exo`.
    ///   - knownApps: app ids of modules for all connections.
    ///   - pin: the identity of an earlier sign-in, if the connection doesn't name one.
    ///   - location: the PowerShell to start.
    ///   - paths: the state folders.
    ///   - environment: of this process.
    ///   - sandboxLogin: the URL of the sandbox tenant's sign-in service.
    ///   - tokens: the source of tokens.
    /// - Throws: `invalidInput` for an unknown module or cloud, or a password file that can't be read.
    public init(
        connection: Connection, module: String, knownApps: [String: String] = [:], pin: AccountPin? = nil,
        location: PowerShellLocation, paths: StatePaths, environment: [String: String], sandboxLogin: String? = nil,
        tokens: (any TokenFeeding)? = nil
    ) throws(MMError) {
        let profile = try ModuleProfiles.named(module)
        let pin = connection.pin ?? pin
        var target = SignInTarget(
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
        let auth = connection.auth
        switch auth.method {
        case .device, .browser, .broker: break
        // Modules don't support these methods themselves, but they accept the resulting tokens.
        case .secret, .token, .federated, .onBehalfOf: mayAskPerson = false
        case .certificate:
            mayAskPerson = false
            if profile.methods.contains(.certificate), let path = auth.certificatePath, Self.isStore(path) {
                method = .certificate(path: path, password: try Self.password(auth, connection.name))
            }
        case .managedIdentity:
            mayAskPerson = false
            if profile.methods.contains(.managedIdentity) { method = .managedIdentity(clientID: auth.clientId) }
        }
    }

    /// Returns whether a file is a PKCS #12 store, which is the form that modules read.
    private static func isStore(_ path: String) -> Bool {
        [".pfx", ".p12"].contains { path.lowercased().hasSuffix($0) }
    }

    private static func password(_ auth: ConnectionAuth, _ connection: String) throws(MMError) -> Secret? {
        guard let file = auth.certificatePasswordFile else { return nil }
        guard let bytes = try ProtectedFile.read(file, limit: 4096) else {
            throw MMError(
                .invalidInput, "The connection \(connection) names a certificatePasswordFile that isn't there: \(file)")
        }
        let text = String(decoding: bytes, as: UTF8.self)
        return Secret(String(text.reversed().drop { $0.isNewline }.reversed()))
    }
}
