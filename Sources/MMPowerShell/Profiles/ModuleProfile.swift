package import MMCore

/// The facts that a session needs to know about one module.
package protocol ModuleProfile: Sendable {
    /// The name that callers use: `exo`, `azure`, `teams`, `pnp`, `powerplatform`, `graph`.
    var name: String { get }
    /// The module's title, for people.
    var title: String { get }
    /// The module or program that must be installed.
    var requirement: ModuleRequirement { get }
    /// The maximum size of the .NET heap, in bytes.
    var memoryCap: Int { get }
    /// The environment variables that configure the module.
    var environment: [String: String] { get }
    /// The script that is run once after the module was loaded, before the sign-in; empty for none.
    var preparation: String { get }
    /// Words, in lower case, of which one occurs near a device code that this module shows.
    var promptWords: [String] { get }
    /// The sign-in methods that it supports, in the order in which they are tried.
    var methods: [SignInMethodKind] { get }
    /// Returns the tokens that a sign-in with tokens needs.
    /// - Parameter target: the account to sign in.
    /// - Throws: `invalidInput` when the connection lacks something.
    func resources(for target: ModuleSignInTarget) throws(MMError) -> [TokenResource]
    /// Returns the command that signs in.
    /// - Parameters:
    ///   - target: the account to sign in.
    ///   - method: the sign-in method.
    /// - Throws: `invalidInput` when the connection lacks something, `unsupported` when the module can't.
    func connect(_ target: ModuleSignInTarget, by method: ModuleSignInMethod) throws(MMError) -> PowerShellCommand
    /// The command that returns the signed-in identity; `nil` when only the connect command's answer or the token tells
    /// it.
    var identity: PowerShellCommand? { get }
    /// Returns the signed-in identity from the records of `identity`, or of the connect command.
    /// - Parameter records: the values of output and text records.
    func readIdentity(_ records: [JSONValue]) -> TokenClaims?
    /// The command that checks whether the sign-in still works. It asks the service, not only the module.
    var health: PowerShellCommand { get }
    /// Returns the health command for an identity, if the permitted requests depend on it.
    /// - Parameter identity: the signed-in identity.
    func health(of identity: TokenClaims) -> PowerShellCommand
    /// Returns whether a successful answer of `health` shows a working sign-in. Failed answers aren't passed to it.
    /// - Parameter records: the values of output and text records.
    func isHealthy(_ records: [JSONValue]) -> Bool
    /// The command that signs out of this session, and of nothing else.
    var disconnect: PowerShellCommand { get }
    /// The errors of this module that need additional advice.
    var traps: [ModuleTrap] { get }
    /// Whether its sign-in depends on the host of the tenant's SharePoint.
    var usesSharePointHost: Bool { get }
}

extension ModuleProfile {
    package var traps: [ModuleTrap] { [] }
    package var usesSharePointHost: Bool { false }
}

/// An error of a module whose message doesn't name the remedy.
package struct ModuleTrap: Sendable {
    /// A part of its message that is the same in every language.
    let sign: String
    /// The remedy.
    package let advice: String

    /// Returns whether a message belongs to this error.
    package func caught(_ message: String) -> Bool { message.contains(sign) }

    /// A question of a script or a cmdlet, in a session of any module.
    package static let prompt = ModuleTrap(
        sign: "PowerShell is in NonInteractive mode",
        advice: "PowerShell in a session can't ask. Give the script the answer, as a value in it or as a parameter; "
            + "a cmdlet that asks for confirmation takes -Confirm:$false or -Force.")
}

/// The kinds of sign-in, without their values.
package enum SignInMethodKind: String, Sendable, Hashable, CaseIterable {
    /// The same as the cases of `ModuleSignInMethod`.
    case tokens, device, certificate, managedIdentity
}

extension ModuleSignInMethod {
    /// The kind of this sign-in.
    package var kind: SignInMethodKind {
        switch self {
        case .tokens: .tokens
        case .device: .device
        case .certificate: .certificate
        case .managedIdentity: .managedIdentity
        }
    }
}

extension ModuleProfile {
    /// An empty script: nothing to prepare.
    package var preparation: String { "" }
    /// The words of the sentence by which Microsoft's sign-in shows a code.
    package var promptWords: [String] { ["to sign in", "devicelogin", "to authenticate"] }
    /// An empty list: no settings of its own.
    package var environment: [String: String] { [:] }
    /// Returns the same command for every identity.
    package func health(of identity: TokenClaims) -> PowerShellCommand { health }
    /// The default limit of 384 MB, enough for most modules. A process that leaks memory ends with an error instead of
    /// exhausting the machine.
    package var memoryCap: Int { 384 << 20 }

    /// Returns the error for a sign-in method that this module doesn't support.
    func cannot(_ method: ModuleSignInMethod, _ why: String) -> MMError {
        MMError(
            .unsupported, "\(title) can't sign in with \(method.word): \(why).",
            hint: "Use one of: \(methods.map(\.rawValue).joined(separator: ", ")).")
    }

    /// Returns the token for a service from the supplied ones.
    func token(_ service: TokenResource.Service, in tokens: [FedToken]) throws(MMError) -> FedToken {
        guard let token = tokens.first(where: { $0.resource.service == service }) else {
            throw MMError(
                .invalidInput, "\(title) needs an access token for \(service.rawValue), and there is none.",
                hint: "Sign in to the connection again.")
        }
        return token
    }

    /// Returns the first text value among some keys of an object, ignoring the case of keys.
    func text(_ value: JSONValue, _ keys: String...) -> String? {
        guard let object = value.object else { return nil }
        for key in keys {
            for member in object where member.key.lowercased() == key.lowercased() {
                if let text = member.value.string, !text.isEmpty { return text }
            }
        }
        return nil
    }
}

/// The module or program that must be installed.
package enum ModuleRequirement: Sendable, Hashable {
    /// A PowerShell module, of at least the given version.
    case module(name: String, least: String?)
    /// A program on the search path, and the command that installs it.
    case program(name: String, install: String)

    /// The command line that installs it. It is shown to people and never run automatically.
    package var installCommand: String {
        switch self {
        case .module(let name, let least):
            "pwsh -NoProfile -Command \"Install-PSResource -Name \(name)\(least.map { " -Version '[\($0),)'" } ?? "")"
                + " -Scope CurrentUser\""
        case .program(_, let install): install
        }
    }

    /// The name of the module or program.
    package var name: String {
        switch self {
        case .module(let name, _), .program(let name, _): name
        }
    }

    /// The command that loads the module, or finds the program.
    var load: PowerShellCommand {
        switch self {
        case .module(let name, let least):
            PowerShellCommand(
                """
                param([string] $Name, [version] $Least)
                Import-Module -Name $Name -MinimumVersion $Least -ErrorAction Stop
                """, parameters: ["Name": .json(.string(name)), "Least": .json(.string(least ?? "0.0"))])
        case .program(let name, _):
            PowerShellCommand(
                """
                param([string] $Name)
                $null = Get-Command -Name $Name -CommandType Application -ErrorAction Stop
                """, parameters: ["Name": .json(.string(name))])
        }
    }

    /// The command that lists the installed versions of the module; `nil` for a program.
    var versions: PowerShellCommand? {
        guard case .module(let name, _) = self else { return nil }
        return PowerShellCommand(
            """
            param([string] $Name)
            Get-Module -Name $Name -ListAvailable -ErrorAction Ignore | ForEach-Object { "$($_.Version)" }
            """, parameters: ["Name": .json(.string(name))], isLocal: true)
    }

    /// Returns the error for a requirement that isn't met.
    /// - Parameters:
    ///   - found: the installed versions of the module, all of them too old.
    ///   - cause: PowerShell's own message.
    func missing(found: [String] = [], cause: String?) -> MMError {
        var details: JSONObject = ["requirement": .string(name), "install": .string(installCommand)]
        let newest = found.max { Self.numbers($0).lexicographicallyPrecedes(Self.numbers($1)) }
        if case .module(let name, let least?) = self, let newest {
            details["found"] = .string(newest)
            return MMError(
                .unavailable,
                "The PowerShell module \(name) is installed in version \(newest), which is too old: version \(least) or later "
                    + "is needed.",
                hint: "Install a newer one beside it, then try again: \(installCommand)", details: details, cause: cause
            )
        }
        let what =
            switch self {
            case .module(let name, let least):
                "The PowerShell module \(name)\(least.map { " (version \($0) or later)" } ?? "")"
            case .program(let name, _): "The program \(name)"
            }
        return MMError(
            .unavailable, "\(what) is not installed for this user.",
            hint: "Install it, then try again: \(installCommand)", details: details, cause: cause)
    }

    /// Returns the numbers of a version, for comparison.
    private static func numbers(_ version: String) -> [Int] { version.split(separator: ".").map { Int($0) ?? 0 } }
}

/// The way in which a session signs in, with its values.
package enum ModuleSignInMethod: Sendable, Hashable {
    /// With tokens that are supplied from outside.
    case tokens([FedToken])
    /// A person enters a code in a browser.
    case device
    /// The app authenticates with a certificate.
    case certificate(path: String, password: Secret?)
    /// The machine's own identity; `clientID` selects one if there are several.
    case managedIdentity(clientID: String?)

    /// The word for it in messages and logs.
    package var word: String {
        switch self {
        case .tokens: "token"
        case .device: "device code"
        case .certificate: "certificate"
        case .managedIdentity: "managed identity"
        }
    }

    /// Whether a person must do something.
    package var needsPerson: Bool { self == .device }

    /// Whether an app signs in, not a person.
    package var isAppOnly: Bool {
        switch self {
        case .certificate, .managedIdentity: true
        case .device: false
        case .tokens(let tokens): tokens.contains { $0.claims.isApp }
        }
    }
}

/// The modules' names for a Microsoft cloud, and the addresses of its pages.
///
/// Source of the names: the modules' own parameter documentation (`-ExchangeEnvironmentName`, `-TeamsEnvironmentName`,
/// `-Environment`, `-AzureEnvironment`, `pac --cloud`).
package struct ModuleCloud: Sendable, Hashable {
    /// The name in `mm`: `public`, `gcc`, `gcchigh`, `dod`, `china` or `sandbox`.
    package let name: String
    /// The value of Connect-ExchangeOnline's `-ExchangeEnvironmentName`.
    package let exchange: String
    /// The value of Connect-MicrosoftTeams' `-TeamsEnvironmentName`; `nil` to leave the parameter out.
    package let teams: String?
    /// The value of Connect-AzAccount's `-Environment`.
    package let azure: String
    /// The value of Connect-PnPOnline's `-AzureEnvironment`.
    package let pnp: String
    /// The value of Connect-MgGraph's `-Environment`.
    package let graph: String
    /// The value of pac's `--cloud`.
    package let pac: String
    /// The part of SharePoint host names after the tenant's label.
    package let sharePointSuffix: String
    /// The page where a person enters a device code.
    package let devicePage: String
    /// Hosts whose pages are shown to people unchanged; a page elsewhere is replaced by `devicePage`.
    package let pageHosts: [String]

    /// Returns the cloud with this name.
    /// - Parameters:
    ///   - name: as in a connection's `cloud`.
    ///   - sandboxLogin: the address of the sandbox tenant's sign-in service, for the cloud `sandbox`.
    /// - Throws: `unsupported` for a cloud that modules have no name for.
    package static func named(_ name: String, sandboxLogin: String? = nil) throws(MMError) -> ModuleCloud {
        switch name {
        case "public", "gcc": return worldwide(name, pnp: name == "gcc" ? "USGovernment" : "Production")
        case "gcchigh":
            return government(
                name, exchange: "O365USGovGCCHigh", teams: "TeamsGCCH", pnp: "USGovernmentHigh", graph: "USGov",
                pac: "UsGovHigh", sharePoint: ".sharepoint.us")
        case "dod":
            return government(
                name, exchange: "O365USGovDoD", teams: "TeamsDOD", pnp: "USGovernmentDoD", graph: "USGovDoD",
                pac: "UsGovDod", sharePoint: ".sharepoint-mil.us")
        case "china":
            return ModuleCloud(
                name: name, exchange: "O365China", teams: "TeamsChina", azure: "AzureChinaCloud", pnp: "China",
                graph: "China", pac: "China", sharePointSuffix: ".sharepoint.cn",
                devicePage: "https://login.partner.microsoftonline.cn/common/oauth2/deviceauth",
                pageHosts: [
                    "login.partner.microsoftonline.cn", "login.chinacloudapi.cn", "microsoft.com", "aka.ms",
                ])
        case "sandbox":
            let login = sandboxLogin ?? "http://127.0.0.1"
            return ModuleCloud(
                name: name, exchange: "O365Default", teams: nil, azure: "AzureCloud", pnp: "Production",
                graph: "Global", pac: "Public", sharePointSuffix: ".sharepoint.com", devicePage: login + "/devicelogin",
                pageHosts: ["127.0.0.1", "localhost", "::1"])
        default:
            throw MMError(
                .unsupported, "PowerShell modules don't support the cloud “\(name)”.",
                hint:
                    "They support public, gcc, gcchigh, dod and china. Requests and `--engine native` support every cloud."
            )
        }
    }

    private static func worldwide(_ name: String, pnp: String) -> ModuleCloud {
        ModuleCloud(
            name: name, exchange: "O365Default", teams: nil, azure: "AzureCloud", pnp: pnp, graph: "Global",
            pac: name == "gcc" ? "UsGov" : "Public", sharePointSuffix: ".sharepoint.com",
            devicePage: "https://microsoft.com/devicelogin",
            pageHosts: ["microsoft.com", "login.microsoftonline.com", "login.microsoft.com", "aka.ms"])
    }

    private static func government(
        _ name: String, exchange: String, teams: String, pnp: String, graph: String, pac: String, sharePoint: String
    ) -> ModuleCloud {
        ModuleCloud(
            name: name, exchange: exchange, teams: teams, azure: "AzureUSGovernment", pnp: pnp, graph: graph, pac: pac,
            sharePointSuffix: sharePoint, devicePage: "https://login.microsoftonline.us/common/oauth2/deviceauth",
            pageHosts: ["login.microsoftonline.us", "microsoft.com", "aka.ms"])
    }

    /// Returns whether a page may be shown to a person as a place to enter a code.
    package func shows(page: String) -> Bool {
        guard let scheme = page.firstRange(of: "://") else { return false }
        let isPlain = page[..<scheme.lowerBound].lowercased() == "http"
        guard !isPlain || name == "sandbox" else { return false }
        let authority = page[scheme.upperBound...].prefix { !"/?#".contains($0) }
        // A user name in front of the host can make one page look like another.
        guard !authority.contains("@") else { return false }
        var host = authority.lowercased()
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
            host = String(host[host.index(after: host.startIndex)..<end])
        } else if let colon = host.firstIndex(of: ":") {
            host = String(host[..<colon])
        }
        return pageHosts.contains { host == $0 || host == "www." + $0 }
    }
}

/// The account to sign in and its tenant, as described by a connection.
package struct ModuleSignInTarget: Sendable, Hashable {
    /// The name of the connection.
    package var connection: String
    /// The tenant's domain name.
    package var tenant: String?
    /// The tenant's id.
    package var tenantID: String?
    /// The id of the app that signs in; `nil` for the module's own.
    package var appID: String?
    /// The account that must have signed in.
    package var account: String?
    /// The account's object id, once it is pinned.
    package var objectID: String?
    /// The first label of the tenant's SharePoint host.
    package var sharePointHost: String?
    /// The subscription that Azure's cmdlets use, by name or id; `nil` for the first one of the sign-in.
    package var subscription: String?
    /// The cloud.
    package var cloud: ModuleCloud
    /// The Graph permissions to request when a person signs in with the module publisher's app.
    package var scopes: [String] = []

    /// Creates a target.
    /// - Parameters:
    ///   - connection: name of the connection.
    ///   - tenant: the tenant's domain name.
    ///   - tenantID: the tenant's id.
    ///   - appID: id of the app that signs in.
    ///   - account: the account that must have signed in.
    ///   - objectID: the account's object id.
    ///   - sharePointHost: first label of the SharePoint host.
    ///   - cloud: the cloud.
    package init(
        connection: String, tenant: String?, tenantID: String?, appID: String?, account: String?,
        objectID: String? = nil, sharePointHost: String?, cloud: ModuleCloud
    ) {
        func filled(_ text: String?) -> String? { text.flatMap { $0.isEmpty ? nil : $0 } }
        self.connection = connection
        self.tenant = filled(tenant)
        self.tenantID = filled(tenantID)
        self.appID = filled(appID)
        self.account = filled(account)
        self.objectID = filled(objectID)
        self.sharePointHost = filled(sharePointHost)
        self.cloud = cloud
    }

    /// Returns the tenant's id, or else its name.
    /// - Throws: `invalidInput` when the connection names neither.
    func anyTenant() throws(MMError) -> String {
        if let name = tenantID ?? tenant { return name }
        throw missing("tenantId", why: "the sign-in needs a tenant")
    }

    /// Returns the tenant's domain name, which app-only sign-ins to Exchange require.
    func organization() throws(MMError) -> String {
        if let tenant, tenant.contains(".") { return tenant }
        throw missing("tenant", why: "this sign-in needs the tenant's domain name, such as contoso.onmicrosoft.com")
    }

    /// Returns the app's id.
    func app() throws(MMError) -> String {
        if let appID { return appID }
        throw missing("appId", why: "this sign-in needs your own app registration")
    }

    /// Returns the address of the tenant's root site.
    func sharePointAddress() throws(MMError) -> String {
        let label: String
        if let sharePointHost {
            label = sharePointHost
        } else if let tenant, let first = tenant.split(separator: ".").first, tenant.contains(".") {
            label = String(first)
        } else {
            throw missing("sharepoint_host", why: "the address of the SharePoint site is built from it")
        }
        guard label.utf8.allSatisfy({ Self.isHostByte($0) }), !label.isEmpty else {
            throw MMError(
                .invalidInput,
                "sharepoint_host of the connection \(connection) is “\(label)”, which isn't a host label.",
                hint: "Use only the first part of the host, such as contoso.")
        }
        return "https://\(label)\(cloud.sharePointSuffix)"
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || byte == 0x2D
    }

    func missing(_ field: String, why: String) -> MMError {
        MMError(
            .invalidInput, "The connection \(connection) has no \(field): \(why).",
            hint: "To add it: mm connections edit \(ShellWord.quoted(connection)) \(field)=VALUE")
    }
}
