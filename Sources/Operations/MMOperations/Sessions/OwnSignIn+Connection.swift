import MMCore
import MMGuard
import MMIdentity
import MMNative
import PowerShellSyntax

extension OwnSignIn {
    /// The rule on a script's own sign-in for a connection, among those that the caller may use.
    init(of connection: Connection, in context: OperationContext, with services: GuardServices) {
        let snapshot = try? services.registry.snapshot()
        let visible = context.call.caller.server.map { snapshot?.visible(to: $0) ?? [] } ?? snapshot?.connections ?? []
        self.init(of: connection, among: visible, pins: services.paths.pinFile)
    }

    /// The rule for a connection among others, of which only their entries are looked at.
    /// - Parameter pins: the file with the accounts that connections are held to.
    init(of connection: Connection, among others: [Connection], pins: String) {
        self.init(
            own: SignInIdentity(of: connection, pin: try? PinStore(path: pins).pin(of: connection.name)),
            others: others.filter { $0.name != connection.name }.map { SignInIdentity(of: $0, pin: nil) })
    }

    /// Whether a script signs in or out, or says which modules it needs.
    static func isMentioned(in script: ParsedScript) -> Bool {
        script.requirements != nil
            || ScriptFacts(of: script).items.contains { item in
                guard case .command(let command) = item.detail, let name = command.name else { return false }
                return SignInCmdlet.named(name) != nil
            }
    }
}

extension SignInIdentity {
    /// The apps of the modules' publishers, which sign in where a connection has none of its own.
    private static let publishers = [
        "14d82eec-204b-4c2f-b7e8-296a70dab67e", "fb78d390-0c51-40cd-8e17-fdbfab77341b",
        "1950a258-227b-4e31-a9cf-717495945fc2", "12128f48-ec9e-42f0-b203-ea49fb6af367",
        "9bc3ab49-b65d-410a-85ad-de819febfddc",
    ]

    /// Whom a connection signs in as.
    /// - Parameter pin: whom it is held to since the first sign-in.
    init(of connection: Connection, pin: AccountPin?) {
        self.init(connection: connection.name)
        let pin = connection.pin ?? pin
        tenants = [connection.tenantId, connection.tenant, pin?.tenantId].compactMap(\.self).filter { !$0.isEmpty }
        accounts = [
            connection.expectedEmail, pin?.username, pin?.objectId,
            connection.homeAccountId?.split(separator: ".").first.map(String.init),
        ].compactMap(\.self).filter { !$0.isEmpty }
        let label = domain.flatMap { $0.split(separator: ".").first.map(String.init) }
        site = connection.sharepointHost ?? label
        // The name of a company is often that of its first domain and of its tenant.
        if let mail = connection.expectedEmail?.split(separator: "@").last.map(String.init), let label,
            mail.lowercased().hasPrefix(label.lowercased() + ".")
        {
            tenants.append(mail)
        }
        let own = [connection.appId, connection.auth.clientId].compactMap(\.self)
        apps = (own + connection.moduleApps.values).filter { !$0.isEmpty }
        switch connection.auth.method {
        case .secret, .certificate, .federated, .managedIdentity: isApp = true
        case .device, .browser, .broker, .token, .onBehalfOf: isApp = false
        }
        if apps.isEmpty, !isApp { apps = Self.publishers }
    }
}

extension SignInSource {
    /// What answers natively for a script's own sign-in; `nil` for a script that does nothing of the kind.
    /// - Parameter granted: the permissions of Graph that the sign-in has; `nil` where nobody knows.
    init?(
        of script: ParsedScript, on connection: Connection, module: String, granted: [String]? = nil,
        in context: OperationContext, with services: GuardServices
    ) {
        guard OwnSignIn.isMentioned(in: script) else { return nil }
        self.init(OwnSignIn(of: connection, in: context, with: services), module: module, granted: granted)
    }
}
