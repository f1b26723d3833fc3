import MMCore
import MMGuard
import MMIdentity
import MMNative
import PowerShellSyntax

extension OwnSignIn {
    /// Creates the rule for a script's own sign-in with a connection, among the connections that the caller may use.
    init(of connection: Connection, in context: OperationContext, with services: GuardServices) {
        let snapshot = try? services.registry.snapshot()
        let visible = context.call.caller.server.map { snapshot?.visible(to: $0) ?? [] } ?? snapshot?.connections ?? []
        self.init(of: connection, among: visible, pins: services.paths.pinFile)
    }

    /// Creates the rule for a connection among others, of which only the registry entries are used.
    /// - Parameter pins: the file with the accounts that connections are pinned to.
    init(of connection: Connection, among others: [Connection], pins: String) {
        self.init(
            own: SignInIdentity(of: connection, pin: try? PinStore(path: pins).pin(of: connection.name)),
            others: others.filter { $0.name != connection.name }.map { SignInIdentity(of: $0, pin: nil) })
    }

    /// Returns whether a script signs in or out, or states the modules that it needs.
    static func isMentioned(in script: ParsedScript) -> Bool {
        script.requirements != nil
            || ScriptFacts(of: script).items.contains { item in
                guard case .command(let command) = item.detail, let name = command.name else { return false }
                return SignInCmdlet.named(name) != nil
            }
    }
}

extension SignInIdentity {
    /// The client ids of the module publishers' apps, which sign in for connections without their own app.
    private static let publishers = [
        "14d82eec-204b-4c2f-b7e8-296a70dab67e", "fb78d390-0c51-40cd-8e17-fdbfab77341b",
        "1950a258-227b-4e31-a9cf-717495945fc2", "12128f48-ec9e-42f0-b203-ea49fb6af367",
        "9bc3ab49-b65d-410a-85ad-de819febfddc",
    ]

    /// Describes the account that a connection signs in as.
    /// - Parameter pin: the account that it has been pinned to since the first sign-in.
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
        // A mail domain whose label is also that of the tenant's domain is taken as a name of the tenant.
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
    /// Returns the native source for a script's own sign-in; `nil` if the script has none.
    /// - Parameter granted: the Graph permissions that the sign-in has; `nil` if they are unknown.
    init?(
        of script: ParsedScript, on connection: Connection, module: String, granted: [String]? = nil,
        in context: OperationContext, with services: GuardServices
    ) {
        guard OwnSignIn.isMentioned(in: script) else { return nil }
        self.init(OwnSignIn(of: connection, in: context, with: services), module: module, granted: granted)
    }
}
