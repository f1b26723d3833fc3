/// A cmdlet by which a script signs in or out, or sees to the modules that it needs, and what its parameters mean.
///
/// The one place that knows these cmdlets: the guard, the native engine and the functions that stand in front of a
/// module's own cmdlets in a session all read calls by it.
package struct SignInCmdlet: Sendable {
    /// What a cmdlet does, for a script that is signed in already.
    package enum Act: String, Sendable {
        /// Signs in.
        case connect
        /// Signs out: the session stays signed in.
        case disconnect
        /// Shows who is signed in to Graph.
        case context
        /// Shows who is signed in to Exchange.
        case information
        /// Loads modules.
        case load
        /// Shows modules.
        case list
        /// Shows modules by the name of the package that they came in.
        case listInstalled
        /// Installs modules or newer versions of them.
        case install
        /// Unloads modules, or removes them from the machine.
        case remove
        /// Looks for modules that could be installed.
        case find
        /// Prepares the source that modules are installed from.
        case prepare
        /// Says which scripts may run.
        case policy
        /// Sets how a module signs in and sends its requests, which a session has settled already.
        case tune
        /// Signs in to a module whose service has ended.
        case retired
    }

    /// What a parameter says.
    package enum Role: Sendable, Hashable {
        case tenant, account, app, site, scopes, prefix, subscription
        /// The name of a module or source.
        case name
        /// Which module is meant, in a way that its name doesn't tell.
        case other
        /// Where something holds.
        case scope
        /// A credential of the script's own, in words: “a certificate”.
        case credential(String)

        /// The word of the role in the table, and in the functions of a session.
        package var word: String {
            switch self {
            case .tenant: "tenant"
            case .account: "account"
            case .app: "app"
            case .site: "site"
            case .scopes: "scopes"
            case .prefix: "prefix"
            case .subscription: "subscription"
            case .name: "name"
            case .other: "other"
            case .scope: "scope"
            case .credential(let words): words
            }
        }

        /// The roles that are no credentials.
        package static let plain: [Role] = [
            .tenant, .account, .app, .site, .scopes, .prefix, .subscription, .name, .other, .scope,
        ]

        fileprivate init(_ word: String) { self = Self.plain.first { $0.word == word } ?? .credential(word) }
    }

    /// The name as its module writes it.
    package let name: String
    /// What it does.
    package let act: Act
    /// The word of the sessions that its module's cmdlets run in; `nil` where there are none.
    package let module: String?
    /// What its parameters say, by their names and aliases in lower case; others say nothing of who signs in.
    package let roles: [String: Role]
    /// What a value without a name says.
    package let positional: Role?
    /// What stands in the place of a module whose service has ended, in a sentence.
    package let successor: String?

    private init(
        _ name: String, _ act: Act, module: String? = nil, _ roles: [(words: String, names: String)] = [],
        positional: Role? = nil, successor: String? = nil
    ) {
        self.name = name
        self.act = act
        self.module = module
        self.positional = positional
        self.successor = successor
        var all: [String: Role] = [:]
        for (words, names) in roles {
            for name in names.split(separator: " ") { all[name.lowercased()] = Role(words) }
        }
        self.roles = all
    }

    /// Returns what a parameter says that is written in full or begun; `nil` where it says nothing of who signs in.
    package func role(of written: String) -> Role? {
        let name = written.lowercased()
        if let exact = roles[name] { return exact }
        guard !name.isEmpty, name != "environment", !Self.switches.contains(name) else { return nil }
        let begun = Set(roles.filter { $0.key.hasPrefix(name) }.values)
        // A beginning of several names that all mean a credential means one.
        return begun.count == 1 || begun.allSatisfy(\.isCredential) ? begun.first : nil
    }

    /// Returns the cmdlet of this name or alias, ignoring case.
    package static func named(_ name: String) -> SignInCmdlet? { byName[name.lowercased()] }

    /// The cmdlets with all their names, in lower case.
    package static let byName: [String: SignInCmdlet] = {
        var all: [String: SignInCmdlet] = [:]
        for (cmdlet, aliases) in rows {
            for name in [cmdlet.name] + aliases { all[name.lowercased()] = cmdlet }
        }
        return all
    }()

    /// Parameters that take no value, in lower case.
    package static let switches: Set<String> = [
        "force", "allowclobber", "passthru", "listavailable", "all", "verbose", "debug", "whatif", "nowelcome",
        "usedevicecode", "usedeviceauthentication", "device", "devicecode", "disablenamechecking", "global",
        "skippublishercheck", "acceptlicense", "allowprerelease", "prerelease", "refresh", "interactive",
        "devicelogin", "useweblogin", "launchbrowser", "oslogin", "returnconnection", "noclobber", "trustrepository",
        "reinstall", "quiet", "serviceprincipal", "skipcontextpopulation", "identity", "managedidentity",
        "managedserviceidentity", "environmentvariable", "azureadworkloadidentity", "skiploadingformatdata",
        "skiploadingcmdlethelp", "loadcmdlethelp", "inlinecredential", "disablewam", "usemultithreading", "allversions",
        "includedependencies", "asascustomobject", "skipeditioncheck", "usewindowspowershell", "forcebootstrap",
        "default", "persistlogin", "trusted", "psgallery", "forceauthentication", "validateconnection",
    ]
}

extension SignInCmdlet.Role {
    /// Whether it is a credential of the script's own.
    package var isCredential: Bool { if case .credential = self { true } else { false } }
}

extension SignInCmdlet {
    private static let certificate = "its own certificate"
    private static let secret = "its own client secret"
    private static let password = "its own password"
    private static let token = "its own access token"
    private static let machine = "the identity of the machine"

    /// What parameters say that sign in with the machine's identity.
    package static let machineRole = Role.credential(machine)

    private static let exchange: [(words: String, names: String)] = [
        ("account", "UserPrincipalName"), ("tenant", "Organization DelegatedOrganization"), ("app", "AppId"),
        (certificate, "Certificate CertificateThumbprint CertificateFilePath"), (password, "Credential"),
        (token, "AccessToken"), (machine, "ManagedIdentity ManagedIdentityAccountId"), ("prefix", "Prefix"),
    ]

    private static let azure: [(words: String, names: String)] = [
        ("tenant", "Tenant TenantId Domain"), ("account", "AccountId"), ("app", "ApplicationId ServicePrincipalId"),
        ("subscription", "Subscription SubscriptionId SubscriptionName"),
        (certificate, "CertificateThumbprint CertificatePath"), (password, "Credential"),
        (token, "AccessToken GraphAccessToken MicrosoftGraphAccessToken KeyVaultAccessToken FederatedToken"),
        (machine, "Identity ManagedServiceIdentity"),
    ]

    private static let names: [(words: String, names: String)] = [
        ("name", "Name"),
        ("other", "InputObject PSSession CimSession Assembly ModuleInfo FullyQualifiedName Prefix RequiredResource"),
    ]

    /// A source is changed by where it is, not by whether it is trusted.
    private static let sources =
        names + [("other", "SourceLocation PublishLocation ScriptSourceLocation ScriptPublishLocation Uri")]

    /// Why remote sessions, by which scripts reached Exchange Online before `Connect-ExchangeOnline`, lead nowhere.
    package static let formerSessions =
        "Exchange Online no longer accepts such sessions: sign in with Connect-ExchangeOnline"

    private static func retired(_ name: String, _ module: String, _ successor: String) -> SignInCmdlet {
        SignInCmdlet(name, .retired, successor: "\(module) is retired and can no longer sign in: \(successor)")
    }

    private static let graphInstead = "use the cmdlets of Microsoft Graph (module graph), such as Get-MgUser."

    /// The cmdlets, each with its aliases.
    private static let rows: [(cmdlet: SignInCmdlet, aliases: [String])] = [
        (
            SignInCmdlet(
                "Connect-MgGraph", .connect, module: "graph",
                [
                    ("tenant", "TenantId Audience Tenant"), ("app", "ClientId AppId ApplicationId"),
                    ("scopes", "Scopes"), (token, "AccessToken"),
                    (secret, "ClientSecretCredential SecretCredential Credential EnvironmentVariable"),
                    (
                        certificate,
                        "Certificate CertificateThumbprint CertificateSubjectName CertificateSubject CertificateName"
                    ),
                    (machine, "Identity ManagedIdentity ManagedServiceIdentity MSI"),
                ]), ["Connect-Graph", "Connect-Entra"]
        ),
        // The cmdlets are the same after the sign-in of the module of old.
        (SignInCmdlet("Connect-ExchangeOnline", .connect, module: "exo", exchange), ["Connect-EXOPSSession"]),
        (SignInCmdlet("Connect-IPPSSession", .connect, module: "compliance", exchange), []),
        (SignInCmdlet("Connect-AzAccount", .connect, module: "azure", azure), ["Login-AzAccount", "Add-AzAccount"]),
        (
            SignInCmdlet(
                "Connect-MicrosoftTeams", .connect, module: "teams",
                [
                    ("tenant", "TenantId"), ("account", "AccountId"), ("app", "ApplicationId"),
                    (certificate, "Certificate CertificateThumbprint"), (password, "Credential"),
                    (token, "AccessTokens"), (machine, "Identity ManagedServiceIdentity"),
                ]), []
        ),
        (
            SignInCmdlet(
                "Connect-PnPOnline", .connect, module: "pnp",
                [
                    ("site", "Url TenantAdminUrl"), ("tenant", "Tenant"), ("app", "ClientId ApplicationId AppId"),
                    (certificate, "Thumbprint CertificatePath CertificateBase64Encoded"),
                    (secret, "ClientSecret AppSecret"), (password, "Credentials"), (token, "AccessToken"),
                    (
                        machine,
                        "ManagedIdentity UserAssignedManagedIdentityClientId UserAssignedManagedIdentityObjectId "
                            + "AzureADWorkloadIdentity EnvironmentVariable"
                    ),
                ], positional: .site), []
        ),
        (
            SignInCmdlet(
                "Connect-SPOService", .connect, module: "pnp",
                [
                    ("site", "Url"), ("app", "ClientId"), (certificate, "CertificatePath CertificateThumbprint"),
                    (password, "Credential"),
                ], positional: .site), []
        ),
        (SignInCmdlet("Disconnect-MgGraph", .disconnect, module: "graph"), ["Disconnect-Graph", "Disconnect-Entra"]),
        // There is no Disconnect-IPPSSession, but scripts call it, most of them if Get-Command finds it.
        (SignInCmdlet("Disconnect-ExchangeOnline", .disconnect, module: "exo"), ["Disconnect-IPPSSession"]),
        (
            SignInCmdlet("Disconnect-AzAccount", .disconnect, module: "azure"),
            ["Logout-AzAccount", "Remove-AzAccount"]
        ),
        (SignInCmdlet("Disconnect-MicrosoftTeams", .disconnect, module: "teams"), []),
        (SignInCmdlet("Disconnect-PnPOnline", .disconnect, module: "pnp"), []),
        (SignInCmdlet("Disconnect-SPOService", .disconnect, module: "pnp"), []),
        (SignInCmdlet("Get-MgContext", .context, module: "graph"), []),
        (SignInCmdlet("Get-ConnectionInformation", .information, module: "exo"), []),
        (SignInCmdlet("Import-Module", .load, names, positional: .name), ["ipmo"]),
        (SignInCmdlet("Get-Module", .list, names, positional: .name), ["gmo"]),
        (
            SignInCmdlet("Get-InstalledModule", .listInstalled, names, positional: .name),
            ["Get-InstalledPSResource", "Get-PSResource"]
        ),
        (SignInCmdlet("Install-Module", .install, names, positional: .name), ["Install-PSResource"]),
        (SignInCmdlet("Update-Module", .install, names, positional: .name), ["Update-PSResource"]),
        (SignInCmdlet("Find-Module", .find, names, positional: .name), ["Find-PSResource"]),
        (
            SignInCmdlet("Uninstall-Module", .remove, names, positional: .name),
            ["Uninstall-PSResource", "Remove-Module", "rmo"]
        ),
        (
            SignInCmdlet("Set-PSRepository", .prepare, sources, positional: .name),
            [
                "Register-PSRepository", "Get-PSRepository", "Set-PSResourceRepository",
                "Register-PSResourceRepository", "Get-PSResourceRepository", "Install-PackageProvider",
                "Import-PackageProvider", "Get-PackageProvider",
            ]
        ),
        (
            SignInCmdlet("Set-ExecutionPolicy", .policy, [("scope", "Scope"), ("other", "ExecutionPolicy")]), []
        ),
        (SignInCmdlet("Set-MgGraphOption", .tune, module: "graph"), []),
        (SignInCmdlet("Set-MgRequestContext", .tune, module: "graph"), []),
        (SignInCmdlet("Disable-AzContextAutosave", .tune, module: "azure"), []),
        (retired("Connect-MsolService", "MSOnline", graphInstead), []),
        (retired("Connect-AzureAD", "AzureAD", graphInstead), []),
        (
            retired("Connect-AzureRmAccount", "AzureRM", "use the cmdlets of Az (module azure)."),
            ["Login-AzureRmAccount"]
        ),
    ]
}
