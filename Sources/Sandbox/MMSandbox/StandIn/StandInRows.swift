import MMCore
import MMPowerShell

/// The rows that a reading cmdlet reads from its tenant: a path, and the service's name for each property.
struct StandInRows: Sendable {
    let path: String
    /// The cmdlet's properties, each with the path of its value in the service's answer.
    let properties: [(name: String, member: [String])]
    /// The cmdlet that Exchange runs, instead of a read request.
    var cmdlet: String?

    init(_ path: String, _ properties: String) {
        self.path = path
        self.properties = properties.split(separator: " ").map { word in
            let parts = word.split(separator: "=").map(String.init)
            return (parts[0], (parts.last ?? "").split(separator: ".").map(String.init))
        }
    }

    private init(cmdlet: String) {
        path = "/adminapi/beta/organizations/InvokeCommand"
        properties = []
        self.cmdlet = cmdlet
    }

    static let mailboxes = StandInRows(cmdlet: "Get-Mailbox")
    static let subscriptions = StandInRows(
        "/subscriptions?api-version=2022-12-01", "Name=displayName Id=subscriptionId TenantId=tenantId State=state")
    static let resourceGroups = StandInRows(
        "/subscriptions/{subscription}/resourcegroups?api-version=2021-04-01",
        "ResourceGroupName=name Location=location ResourceId=id")
    static let vaults = StandInRows(
        "/subscriptions/{subscription}/providers/Microsoft.KeyVault/vaults?api-version=2023-07-01",
        "VaultName=name Location=location ResourceId=id VaultUri=properties.vaultUri")
    static let organization = StandInRows("/v1.0/organization", "TenantId=id DisplayName=displayName")
    static let teams = StandInRows(
        "/v1.0/groups?$filter=resourceProvisioningOptions/any(x:x%20eq%20'Team')&$top=999",
        "GroupId=id DisplayName=displayName Visibility=visibility MailNickName=mailNickname Description=description")
    static let web = StandInRows("/_api/web", "Title=Title Url=Url Id=Id")
    static let lists = StandInRows(
        "/_api/web/lists", "Title=Title Id=Id Url=DefaultViewUrl BaseTemplate=BaseTemplate Hidden=Hidden")
    static let users = StandInRows(
        "/v1.0/users?$top=100", "DisplayName=displayName Id=id Mail=mail UserPrincipalName=userPrincipalName")
    static let environments = StandInRows(
        "/providers/Microsoft.BusinessAppPlatform/scopes/admin/environments?api-version=2020-10-01",
        "Name=properties.displayName")

    /// Returns a vault's secrets without their values, or one of them, whose value the module hides in a secure string.
    static func secrets(of vault: String, named name: String?) -> StandInRows {
        StandInRows(
            "https://\(vault).vault.azure.net/secrets\(name.map { "/" + $0 } ?? "")?api-version=7.4",
            "Id=id ContentType=contentType Enabled=attributes.enabled")
    }

    /// Reads the rows.
    /// - Parameter parameters: the parameters for a cmdlet of Exchange.
    func read(
        _ tenant: any StandInTenant, _ token: Secret, _ parameters: JSONObject = [:], subscription: String? = nil
    ) async throws(MMError) -> [JSONValue] {
        var path = path
        if path.contains("{subscription}") {
            // Without a choice, the first subscription of the sign-in is used, as by the module.
            var chosen = subscription
            if chosen == nil { chosen = try await Self.subscriptions.read(tenant, token).first?["Id"]?.string }
            guard let chosen else { throw MMError(.remoteFailed, StandInSubscription.absence) }
            path = path.replacing("{subscription}", with: chosen)
        }
        let body: JSONValue? = cmdlet.map {
            ["CmdletInput": ["CmdletName": .string($0), "Parameters": .object(parameters)]]
        }
        return try await tenant.rows(of: path, body: body, token: token).map(shown)
    }

    /// Returns a row of the service as the cmdlet outputs it.
    func shown(_ row: JSONValue) -> JSONValue {
        guard cmdlet == nil else {
            return .object(JSONObject((row.object ?? [:]).filter { !$0.key.contains("@") }.map { ($0.key, $0.value) }))
        }
        let values = properties.map { property in
            (property.name, property.member.reduce(row) { $0[$1] ?? .null })
        }
        return .object(JSONObject(values))
    }
}
