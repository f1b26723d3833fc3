import MMCore
import MMPowerShell

/// A reading cmdlet of a module, for the session's own account or for rows of a service.
struct StandInReading: Sendable {
    /// The source of its objects.
    enum Source: Sendable {
        /// The claims of the signed-in account.
        case account(@Sendable (TokenClaims) -> [JSONObject])
        /// Azure's context: the account and the chosen subscription.
        case context
        /// A service of the tenant; without a tenant, this many objects are generated, each from its number.
        case service(StandInRows, count: Int, make: @Sendable (Int) -> JSONObject)
        /// Constant output.
        case made([JSONValue])
        /// An error with this message for every call.
        case fails(String)
        /// The secrets of a vault, which needs a token of its own.
        case vault
        /// The configuration store of Teams, which needs the module's second token.
        case teams(TeamsConfiguration.Kind)
    }

    /// The cmdlet's name in its module's spelling.
    let name: String
    /// The module whose account it uses.
    let module: String
    /// The companion module that contains it, which loads with it.
    var companion: String?
    /// Whether objects may be piped into it.
    var takesInput = false
    /// Whether it fails without a sign-in; otherwise it then has no output.
    var needsSignIn = true
    let source: Source
    /// The path that the module reads before it considers the connection good; the answer must be `Running`.
    var asks: String?
    /// The parameters without an effect here, in lower case, besides the common ones.
    var ignored: Set<String> = []
    /// The supported parameters, in the order of its positions.
    var takes: [String] = []

    /// Whether it can be stopped while it waits for an answer; otherwise it ends when the answer arrives. Of the real
    /// modules, the cmdlets of Exchange and Graph can be stopped, those of Az and Teams can't.
    var heedsStops: Bool { module != "azure" && module != "teams" }

    /// The cmdlet that Exchange runs, for a cmdlet of Exchange.
    var exchangeCmdlet: String? {
        guard case .service(let rows, _, _) = source else { return nil }
        return rows.cmdlet
    }

    /// Returns the cmdlet with this name, ignoring case.
    static func named(_ name: String) -> StandInReading? { byName[name.lowercased()] }

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name.lowercased(), $0) })

    private static let all: [StandInReading] =
        [
            StandInReading(
                name: "Get-ConnectionInformation", module: "exo", needsSignIn: false,
                source: .account { claims in
                    [
                        [
                            "State": "Connected", "TokenStatus": "Active", "UserPrincipalName": text(claims.account),
                            "TenantID": text(claims.tenantID), "AppId": text(claims.appID),
                        ]
                    ]
                }, asks: "/adminapi/beta/\(TenantIdentity.id)/basicinfo('AdminApiState')"),
            StandInReading(
                name: "Get-Mailbox", module: "exo",
                source: .service(.mailboxes, count: 5) { number in
                    [
                        "DisplayName": .string("Person \(number)"),
                        "PrimarySmtpAddress": .string("person\(number)@contoso.example"),
                        "RecipientTypeDetails": "UserMailbox",
                    ]
                }),
            StandInReading(
                name: "Get-AzContext", module: "azure", needsSignIn: false, source: .context),
            StandInReading(
                name: "Get-AzResourceGroup", module: "azure", companion: "Az.Resources",
                source: .service(.resourceGroups, count: 3) { ["ResourceGroupName": .string("rg-\($0)")] }),
            StandInReading(
                name: "Get-AzKeyVault", module: "azure", companion: "Az.KeyVault",
                source: .service(.vaults, count: 2) { ["VaultName": .string("kv-\($0)")] }),
            StandInReading(
                name: "Get-AzKeyVaultSecret", module: "azure", companion: "Az.KeyVault", source: .vault,
                takes: ["VaultName", "Name"]),
            StandInReading(
                name: "New-AzStorageContext", module: "azure", companion: "Az.Storage",
                source: .made([["StorageAccountName": "[Anonymous]"]]),
                takes: ["StorageAccountName", "UseConnectedAccount"]),
            StandInReading(
                name: "Get-AzStorageContainer", module: "azure", companion: "Az.Storage", takesInput: true,
                source: .fails(
                    "[AccessTokenAuthenticator] failed to retrieve access token for resource 'StorageOAuthEndpointResourceId'."
                ),
                takes: ["Name", "Context"]),
            StandInReading(
                name: "Get-AzSubscription", module: "azure",
                source: .service(.subscriptions, count: 5) { number in
                    [
                        "Name": .string("Subscription \(number)"),
                        "Id": .string("00000000-0000-4000-8000-00000000000\(number % 10)"),
                    ]
                }),
            StandInReading(
                name: "Get-CsTenant", module: "teams",
                source: .service(.organization, count: 1) { _ in ["TenantId": "tenant"] }),
            StandInReading(
                name: "Get-Team", module: "teams",
                source: .service(.teams, count: 5) { ["DisplayName": .string("Team \($0)")] }, ignored: ["user"]),
            StandInReading(
                name: "Get-PnPAccessToken", module: "pnp",
                source: .account { claims in
                    let known = [("upn", claims.account), ("oid", claims.objectID), ("tid", claims.tenantID)]
                    let shown = known.compactMap { type, value in
                        value.map { ["Type": .string(type), "Value": .string($0)] as JSONValue }
                    }
                    return [["Claims": .array(shown)]]
                }, ignored: ["decoded"]),
            StandInReading(
                name: "Get-PnPWeb", module: "pnp",
                source: .service(.web, count: 1) { _ in
                    ["Title": "Contoso", "Url": "https://contoso.sharepoint.com"]
                }),
            StandInReading(
                name: "Get-PnPList", module: "pnp",
                source: .service(.lists, count: 5) { ["Title": .string("List \($0)")] }),
            StandInReading(
                name: "Get-MgContext", module: "graph", needsSignIn: false,
                source: .account { claims in
                    [
                        [
                            "Account": text(claims.account), "TenantId": text(claims.tenantID),
                            "ClientId": text(claims.appID),
                        ]
                    ]
                }),
            StandInReading(
                name: "Get-MgUser", module: "graph",
                source: .service(.users, count: 5) { ["DisplayName": .string("User \($0)")] }),
        ]
        + TeamsConfiguration.Kind.all.map { kind in
            StandInReading(name: "Get-Cs\(kind.noun)", module: "teams", source: .teams(kind))
        }

    /// Returns the row of a context.
    static func context(_ claims: TokenClaims, _ subscription: JSONValue?) -> JSONObject {
        [
            "Name": text(claims.account), "Account": ["Id": text(claims.account)],
            "Tenant": ["Id": text(claims.tenantID)],
            "Subscription": ["Id": subscription?["Id"] ?? .null, "Name": subscription?["Name"] ?? .null],
        ]
    }

    private static func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
}
