import MMCore
import MMPowerShell
import PowerShellSyntax

/// A module as its vendor ships it, as far as its requests were observed or its sources read: the only place that
/// describes a module's peculiarities. `StandInModule+Table.swift` holds the rows.
struct StandInModule: Sendable {
    /// The name of its sessions, such as `exo`.
    let word: String
    /// The name of the PowerShell module or program.
    let name: String
    /// The version whose behaviour this is.
    let version: String
    /// Companion modules, which load with the first of their cmdlets.
    var companions: [String] = []
    /// Its sign-in by a code of its own; `nil` if it has none.
    let code: StandInDeviceCode?
    /// Its connect cmdlet.
    let connect: StandInConnect
    /// The cmdlet that signs out.
    let disconnect: String?
    /// Its telemetry and similar requests, with the variables and settings that disable them.
    var asides: [StandInAside] = []

    /// Returns the module with a session's name.
    static func named(_ word: String) -> StandInModule? { all.first { $0.word == word } }
}

/// A module's sign-in by a code that it requests itself.
struct StandInDeviceCode: Sendable {
    /// The app registration of the vendor; `nil` where the caller must name one.
    let app: String?
    /// The stream on which the code is shown.
    let way: StandInOptions.PromptWay
    /// The tenant of the authority, if it isn't the connection's.
    var authority: String?
    /// The requested scopes, in the module's spelling.
    let scope: String
    /// The audience of the token that it requests from a machine's identity.
    var audience: String {
        scope.hasSuffix("/.default") ? String(scope.dropLast("/.default".count)) : "https://graph.microsoft.com"
    }

    /// The module's steps between the code and the first poll; each may fail in a confined session.
    var beforePolling: [Step] = []

    /// A step between the code and the first poll.
    enum Step: Sendable {
        /// Copies the code to the clipboard, which requires a program.
        case clipboard
        /// Listens on a port of this machine for the returning browser.
        case listen
    }
}

/// A connect cmdlet.
struct StandInConnect: Sendable {
    let cmdlet: String
    /// Its parameter sets; a call must fit one of them.
    let sets: [StandInParameterSet]
    /// Parameters that bind together but that the module refuses in combination, with its message.
    var refusals: [(together: [String], message: String)] = []
    /// Returns the module's objection to the given tokens; `nil` for none.
    var check: @Sendable (StandInCall) -> String? = { _ in nil }
    /// The paths that it reads from its service before it reports success, relative to the tenant's address.
    var firstReads: [String] = []
    /// The function that creates its output.
    var output: @Sendable (TokenClaims, StandInCall) -> [PowerShellRecord] = { _, _ in [] }

    /// Returns how a call signs in.
    /// - Throws: PowerShell's own message for a call that doesn't bind, the module's for one that it refuses.
    func way(of call: StandInCall) throws(StandInRefusal) -> StandInParameterSet.Way {
        let given = Set(call.named.keys).subtracting(StandInParameterSet.common)
        let known = sets.reduce(into: Set<String>()) { $0.formUnion($1.all) }
        if let stranger = given.subtracting(known).min() {
            throw StandInRefusal(
                "A parameter cannot be found that matches parameter name '\(stranger)'.",
                id: "NamedParameterNotFound,\(cmdlet)")
        }
        guard let fitting = sets.first(where: { $0.takes(given) }) else {
            throw StandInRefusal(
                "Parameter set cannot be resolved using the specified named parameters. One or more parameters issued "
                    + "cannot be used together or an insufficient number of parameters were provided.",
                id: "AmbiguousParameterSet,\(cmdlet)")
        }
        for refusal in refusals where given.isSuperset(of: refusal.together) {
            throw StandInRefusal(refusal.message, id: "\(cmdlet)Refused")
        }
        if fitting.way == .tokens, let why = check(call) { throw StandInRefusal(why, id: "\(cmdlet)Refused") }
        return fitting.way
    }
}

/// A parameter set of a connect cmdlet.
struct StandInParameterSet: Sendable {
    /// The way in which a call with it signs in.
    enum Way: Sendable {
        case tokens, device, app
        /// The identity of the machine.
        case identity
    }

    let way: Way
    private let needed: Set<String>
    fileprivate let all: Set<String>

    /// Parameters of every cmdlet.
    static let common: Set<String> = [
        "erroraction", "warningaction", "informationaction", "verbose", "debug", "errorvariable", "warningvariable",
        "whatif", "confirm", "progressaction", "outvariable", "outbuffer", "pipelinevariable",
    ]

    /// Creates a set from its parameters; a star follows each mandatory one.
    init(_ way: Way, _ parameters: String) {
        self.way = way
        let words = parameters.lowercased().split(separator: " ")
        needed = Set(words.filter { $0.hasSuffix("*") }.map { String($0.dropLast()) })
        all = Set(words.map { String($0.hasSuffix("*") ? $0.dropLast() : $0) })
    }

    /// Returns whether a call with these parameters binds.
    func takes(_ given: Set<String>) -> Bool { given.isSubset(of: all) && needed.isSubset(of: given) }
}

/// A request that a module sends in addition to its work, when it is loaded or connects.
struct StandInAside: Sendable {
    /// The address, of a host outside the tenant.
    let address: String
    /// An environment variable that disables it, with its value.
    var variable: (name: String, value: String)?
    /// A setting of `Update-AzConfig` that disables it, with its value.
    var setting: (name: String, value: Bool)?
}

extension StandInModule {
    /// The modules, each as observed in the named version.
    static let all = [exchange, azure, teams, pnp, graph, powerPlatform]

    private static let exchange = StandInModule(
        word: "exo", name: "ExchangeOnlineManagement", version: "3.9.0",
        code: StandInDeviceCode(
            app: "fb78d390-0c51-40cd-8e17-fdbfab77341b", way: .console, authority: "organizations",
            scope: "https://outlook.office365.com/.default"),
        connect: StandInConnect(
            cmdlet: "Connect-ExchangeOnline",
            sets: [
                StandInParameterSet(
                    .tokens, "AccessToken* UserPrincipalName Organization DelegatedOrganization \(exchangeOptions)"),
                StandInParameterSet(.device, "Device* UserPrincipalName DelegatedOrganization \(exchangeOptions)"),
                StandInParameterSet(
                    .app,
                    "AppId* Organization* CertificateFilePath CertificatePassword Certificate CertificateThumbprint "
                        + exchangeOptions),
                StandInParameterSet(
                    .identity, "ManagedIdentity* Organization* ManagedIdentityAccountId \(exchangeOptions)"),
            ],
            firstReads: ["/adminapi/v1.0/\(TenantIdentity.id)/EXOModuleFile?Version=3.9.0"]),
        disconnect: "Disconnect-ExchangeOnline")

    private static let exchangeOptions =
        "ExchangeEnvironmentName ConnectionUri AzureADAuthorizationEndpointUri ShowBanner ShowProgress CommandName "
        + "FormatTypeName SkipLoadingFormatData SkipLoadingCmdletHelp LoadCmdletHelp Prefix PageSize UseMultithreading "
        + "DisableWAM TrackPerformance EnableErrorReporting LogDirectoryPath LogLevel EXOModuleBasePath"

    private static let azure = StandInModule(
        word: "azure", name: "Az.Accounts", version: "5.3.0",
        companions: ["Az.Resources", "Az.KeyVault", "Az.Storage"],
        code: StandInDeviceCode(
            app: "1950a258-227b-4e31-a9cf-717495945fc2", way: .information,
            scope: "https://management.core.windows.net//.default"),
        connect: StandInConnect(
            cmdlet: "Connect-AzAccount",
            sets: [
                StandInParameterSet(
                    .tokens,
                    "AccessToken* AccountId* GraphAccessToken MicrosoftGraphAccessToken KeyVaultAccessToken SkipValidation "
                        + azureOptions),
                StandInParameterSet(.device, "UseDeviceAuthentication AccountId ClaimsChallenge \(azureOptions)"),
                StandInParameterSet(
                    .app,
                    "ServicePrincipal ApplicationId* CertificatePath* CertificatePassword SendCertificateChain Tenant* "
                        + azureOptions),
                StandInParameterSet(.app, "ServicePrincipal ApplicationId* FederatedToken* Tenant* \(azureOptions)"),
                StandInParameterSet(.identity, "Identity* AccountId ManagedServicePort \(azureOptions)"),
            ],
            firstReads: ["/subscriptions?api-version=2021-01-01", "/subscriptions?api-version=2021-01-01"]),
        disconnect: "Disconnect-AzAccount",
        asides: [
            StandInAside(
                address: "https://dc.services.visualstudio.com/v2/track",
                setting: ("EnableDataCollection", false)),
            StandInAside(
                address: "https://www.powershellgallery.com/api/v2/FindPackagesById()?id='Az'",
                setting: ("CheckForUpgrade", false)),
        ])

    private static let azureOptions =
        "Environment Tenant Subscription AuthScope ContextName SkipContextPopulation MaxContextPopulation Force Scope "
        + "DefaultProfile"

    private static let teams = StandInModule(
        word: "teams", name: "MicrosoftTeams", version: "7.8.0",
        code: StandInDeviceCode(
            app: "12128f48-ec9e-42f0-b203-ea49fb6af367", way: .console,
            scope: "AppCatalog.ReadWrite.All Group.ReadWrite.All User.Read.All"),
        connect: StandInConnect(
            cmdlet: "Connect-MicrosoftTeams",
            sets: [
                StandInParameterSet(.tokens, "AccessTokens* TenantId"),
                StandInParameterSet(
                    .device, "TenantId Credential AccountId UseDeviceAuthentication TeamsEnvironmentName EndpointUris"),
                StandInParameterSet(
                    .app,
                    "TenantId* ApplicationId* Certificate CertificateThumbprint TeamsEnvironmentName EndpointUris"),
                StandInParameterSet(
                    .identity,
                    "Identity* TenantId AccountId ManagedServicePort ManagedServiceHostName ManagedServiceSecret"),
            ],
            // It reads the tenant from the tokens, and compares a given tenant with a name that no caller passes.
            refusals: [(["accesstokens", "tenantid"], "Not supported tenant type.")],
            check: StandInTeams.check, firstReads: ["/v1.0/organization"], output: StandInTeams.output),
        disconnect: "Disconnect-MicrosoftTeams")

    private static let pnp = StandInModule(
        word: "pnp", name: "PnP.PowerShell", version: "3.1.0",
        code: StandInDeviceCode(
            app: nil, way: .warning, scope: "https://contososandbox.sharepoint.com/.default",
            beforePolling: [.clipboard, .listen]),
        connect: StandInConnect(
            cmdlet: "Connect-PnPOnline",
            sets: [
                StandInParameterSet(
                    .tokens,
                    "Url* AccessToken* AzureEnvironment MicrosoftGraphEndPoint AzureADLoginEndPoint \(pnpOptions)"),
                StandInParameterSet(
                    .device,
                    "Url* DeviceLogin* ClientId Tenant AzureEnvironment PersistLogin MicrosoftGraphEndPoint "
                        + "AzureADLoginEndPoint \(pnpOptions)"),
                StandInParameterSet(
                    .app,
                    "Url* ClientId* Tenant* CertificatePath* CertificatePassword X509KeyStorageFlags AzureEnvironment "
                        + pnpOptions),
                StandInParameterSet(
                    .identity, "Url ManagedIdentity* UserAssignedManagedIdentityClientId \(pnpOptions)"),
                StandInParameterSet(.app, "Url* AzureADWorkloadIdentity* \(pnpOptions)"),
            ]),
        disconnect: "Disconnect-PnPOnline",
        asides: [
            StandInAside(
                address: "https://raw.githubusercontent.com/pnp/powershell/dev/version.txt",
                variable: ("PNPPOWERSHELL_UPDATECHECK", "off")),
            StandInAside(
                address: "https://dc.services.visualstudio.com/v2/track",
                variable: ("PNPPOWERSHELL_DISABLETELEMETRY", "true")),
        ])

    private static let pnpOptions =
        "ReturnConnection ValidateConnection CreateDrive DriveName TenantAdminUrl Connection"

    private static let graph = StandInModule(
        word: "graph", name: "Microsoft.Graph.Authentication", version: "2.28.0",
        code: StandInDeviceCode(
            app: "14d82eec-204b-4c2f-b7e8-296a70dab67e", way: .output, scope: "User.Read"),
        connect: StandInConnect(
            cmdlet: "Connect-MgGraph",
            sets: [
                StandInParameterSet(.tokens, "AccessToken* Environment ClientTimeout NoWelcome"),
                StandInParameterSet(
                    .device,
                    "Scopes ClientId TenantId ContextScope Environment UseDeviceCode ClientTimeout NoWelcome"),
                StandInParameterSet(
                    .app,
                    "ClientId* Certificate CertificateThumbprint CertificateSubjectName SendCertificateChain TenantId "
                        + "ContextScope Environment ClientTimeout NoWelcome"),
                StandInParameterSet(.identity, "Identity* ClientId ContextScope Environment ClientTimeout NoWelcome"),
            ]),
        disconnect: "Disconnect-MgGraph")

    /// The program pac, whose arguments aren't parameters.
    private static let powerPlatform = StandInModule(
        word: "powerplatform", name: "pac", version: "1.43.6",
        code: StandInDeviceCode(
            app: "9cee029c-6210-4654-90bb-17e6e9d36617", way: .native,
            scope: "https://service.powerapps.com//.default"),
        connect: StandInConnect(cmdlet: "pac", sets: []),
        disconnect: nil)
}

/// `Connect-MicrosoftTeams` of MicrosoftTeams 7.8: two tokens that must agree with each other, and an answer that can't
/// be converted to JSON.
enum StandInTeams {
    private static let graphAudiences: Set<String> = [
        "https://graph.microsoft.com", "https://graph.microsoft.com/", "00000003-0000-0000-c000-000000000000",
    ]

    /// Returns why the module refuses the tokens; `nil` if it accepts them.
    @Sendable static func check(_ call: StandInCall) -> String? {
        let tokens = ["GraphToken", "TeamsToken"].compactMap { call.argument($0).flatMap(payload) }
        guard tokens.count == 2 else { return "Invalid access tokens." }
        let audiences = tokens.map { $0["aud"]?.string ?? "" }
        guard graphAudiences.contains(audiences[0]), audiences[1] == TokenResource.teamsAudience else {
            return "Invalid audiences \(audiences.joined(separator: ", "))."
        }
        for name in ["upn", "tid", "appid", "idtyp"] where tokens[0][name]?.string != tokens[1][name]?.string {
            return "The access tokens are of different \(name)."
        }
        return nil
    }

    /// Returns the output of the pipeline's next command for the module's answer.
    @Sendable static func output(_ claims: TokenClaims, _ call: StandInCall) -> [PowerShellRecord] {
        let texts = ["account": claims.account ?? claims.appID ?? "", "tenantid": claims.tenantID ?? ""]
        return [record(texts, StandInColumn.columns(of: call.next))]
    }

    private static func payload(of token: String) -> JSONValue? {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let bytes = Base64.bytes(String(parts[1]), alphabet: .url) else { return nil }
        return try? JSONParser.parse(bytes)
    }

    /// Returns the answer's record. Its `Account` holds a table whose keys aren't strings, so an object that contains
    /// it can't be converted to JSON, and the session sends the text of a console instead.
    private static func record(_ texts: [String: String], _ columns: [StandInColumn]?) -> PowerShellRecord {
        guard let columns, columns.allSatisfy({ $0.isText || $0.member != "account" }) else {
            let row = "\(texts["account"] ?? "") \(texts["tenantid"] ?? "")"
            return PowerShellRecord(.text, .string("Account TenantId\n------- --------\n\(row)"))
        }
        return PowerShellRecord(
            .output, .object(JSONObject(columns.map { ($0.name, texts[$0.member].map { .string($0) } ?? .null) })))
    }
}

/// A column that `Select-Object` creates: a property, or its conversion by `[string]`.
struct StandInColumn {
    let name: String
    /// The property, in lower case.
    let member: String
    let isText: Bool

    /// Returns the columns of a `Select-Object`; `nil` if there is none, or one in another form.
    static func columns(of command: CommandSyntax?) -> [StandInColumn]? {
        guard let command, command.constantName?.lowercased() == "select-object" else { return nil }
        var written: [ExpressionSyntax] = []
        for case .argument(let argument) in command.elements.dropFirst() {
            if case .arrayLiteral(let list) = argument { written += list.elements } else { written.append(argument) }
        }
        let columns = written.compactMap(Self.init)
        return columns.count == written.count && !columns.isEmpty ? columns : nil
    }

    /// Returns the part of a row that the pipeline's next command selects.
    static func chosen(of row: JSONObject, by next: CommandSyntax?) -> JSONObject {
        guard let columns = columns(of: next) else { return row }
        let values = columns.map { column in
            (column.name, row.first { $0.key.lowercased() == column.member }?.value ?? .null)
        }
        return JSONObject(values)
    }

    private init?(_ expression: ExpressionSyntax) {
        switch expression {
        case .string(let property):
            (name, member, isText) = (property.value, property.value.lowercased(), false)
        case .hashtable(let table):
            var title: String?
            var source: ExpressionSyntax?
            for entry in table.entries {
                guard case .string(let key) = entry.key, let value = Self.only(entry.value) else { return nil }
                switch key.value.lowercased() {
                case "n", "name", "l", "label": if case .string(let text) = value { title = text.value }
                case "e", "expression":
                    if case .scriptBlock(let block) = value, let body = block.scriptBlock.body?.statements.first {
                        source = Self.only(body)
                    }
                default: return nil
                }
            }
            guard let title, case .convert(let cast)? = source, case .member(let property) = cast.operand,
                case .string(let read) = property.member
            else { return nil }
            (name, member, isText) = (title, read.value.lowercased(), true)
        default: return nil
        }
    }

    /// Returns the expression that a statement consists of.
    private static func only(_ statement: StatementSyntax) -> ExpressionSyntax? {
        guard case .pipeline(let pipeline) = statement, pipeline.elements.count == 1,
            case .expression(let element)? = pipeline.elements.first
        else { return nil }
        return element.expression
    }
}
