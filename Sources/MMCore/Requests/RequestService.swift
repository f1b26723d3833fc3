/// The HTTP services that requests go to. Each has its own hosts, paging and guard rules.
public enum RequestService: String, Sendable, Hashable, CaseIterable {
    /// Microsoft Graph.
    case graph
    /// Power Automate (`Microsoft.ProcessSimple`).
    case flow
    /// Azure Resource Manager.
    case arm
    /// The Exchange Online admin API (`InvokeCommand`).
    case exchange
    /// The Power Platform administration service (`Microsoft.BusinessAppPlatform`).
    case bap
    /// Power Apps (`Microsoft.PowerApps`).
    case powerApps
    /// SharePoint's own REST interface (`/_api/…`).
    case sharePoint
    /// The Teams and Skype administration API (`/Skype.Policy/…`, `/Teams.…`).
    case teams
    /// The Power Platform API.
    case powerPlatform
    /// Dataverse, the tables behind Power Apps (`/api/data/…`).
    case dataverse
    /// Azure Key Vault's data plane: the keys, secrets and certificates themselves.
    case keyVault
    /// Azure Storage: blobs, files, queues and tables.
    case storage
    /// The sign-in service.
    case signIn

    /// The service's hosts in all of Microsoft's clouds, for judging a URL when no connection is known.
    package var knownHosts: [String] {
        switch self {
        case .graph:
            [
                "graph.microsoft.com", "graph.microsoft.us", "dod-graph.microsoft.us", "graph.microsoft.de",
                "microsoftgraph.chinacloudapi.cn", "canary.graph.microsoft.com",
            ]
        case .flow:
            [
                "api.flow.microsoft.com", "gov.api.flow.microsoft.us", "high.api.flow.microsoft.us",
                "api.flow.appsplatform.us", "api.powerautomate.cn",
            ]
        case .arm: ["management.azure.com", "management.usgovcloudapi.net", "management.chinacloudapi.cn"]
        case .exchange:
            [
                "outlook.office365.com", "outlook.office365.us", "outlook-dod.office365.us", "partner.outlook.cn",
                "ps.compliance.protection.outlook.com",
            ]
        case .bap:
            [
                "api.bap.microsoft.com", "gov.api.bap.microsoft.us", "high.api.bap.microsoft.us",
                "api.bap.appsplatform.us", "api.bap.partner.microsoftonline.cn",
            ]
        case .powerApps:
            [
                "api.powerapps.com", "gov.api.powerapps.us", "high.api.powerapps.us", "api.apps.appsplatform.us",
                "api.powerapps.cn",
            ]
        case .sharePoint, .teams, .powerPlatform, .dataverse, .keyVault, .storage, .signIn: []
        }
    }
}
