public import MMCore

/// The target of an access token: one service whose audience Entra ID knows.
///
/// An access token serves one resource; a refresh token serves them all.
public enum ServiceResource: Sendable, Hashable {
    /// Microsoft Graph.
    case graph
    /// Power Automate.
    case flow
    /// Azure Resource Manager.
    case arm
    /// The Exchange Online admin API.
    case exchange
    /// Security and compliance PowerShell.
    case compliance
    /// Power Apps.
    case powerApps
    /// The Power Platform administration service; its tokens carry the audience of Power Apps.
    case bap
    /// The Power Platform API.
    case powerPlatform
    /// The Skype and Teams tenant admin API.
    case teams
    /// Azure Key Vault.
    case keyVault
    /// A SharePoint host, identified by its first label: `contoso` or `contoso-admin`.
    case sharePoint(String)
    /// An API that is in no cloud's table: an organisation of Dataverse, or an API of the tenant's own.
    case api(ConnectionAPI)

    /// Returns the resource whose token a request to this service carries.
    /// - Parameters:
    ///   - service: the service that the request is for.
    ///   - sharePointLabel: the first label of the SharePoint host; only for `.sharePoint`.
    /// - Returns: `nil` for SharePoint without a label, and for services whose tokens can't be requested by name alone.
    public init?(_ service: RequestService, sharePointLabel: String? = nil) {
        switch service {
        case .graph: self = .graph
        case .flow: self = .flow
        case .arm: self = .arm
        case .exchange: self = .exchange
        case .bap: self = .bap
        case .powerApps: self = .powerApps
        case .sharePoint:
            guard let sharePointLabel, !sharePointLabel.isEmpty else { return nil }
            self = .sharePoint(sharePointLabel)
        case .teams: self = .teams
        case .powerPlatform: self = .powerPlatform
        case .keyVault: self = .keyVault
        case .dataverse, .storage, .signIn: return nil
        }
    }

    /// The name used in details and messages: `graph`, `flow`, `sharepoint-contoso`, an API's audience.
    public var name: String {
        switch self {
        case .graph: "graph"
        case .flow: "flow"
        case .arm: "arm"
        case .exchange: "exchange"
        case .compliance: "compliance"
        case .powerApps: "powerapps"
        case .bap: "bap"
        case .powerPlatform: "powerplatform"
        case .teams: "teams"
        case .keyVault: "keyvault"
        case .sharePoint(let label): "sharepoint-\(label.lowercased())"
        case .api(let api): api.audience
        }
    }

    /// The name used in files, which tells every resource from every other.
    var fileName: String {
        guard case .api(let api) = self else { return StatePaths.safeName(name) }
        let digest = SHA256.digest(Array(CloudHost.audience(api.audience).utf8)).prefix(Self.digestBytes)
        return Self.apiFilePrefix + Hex.text(digest)
    }

    /// Returns whether a text has the form of an API's `fileName`.
    static func isFileNameOfAPI(_ text: some StringProtocol) -> Bool {
        let digest = text.dropFirst(apiFilePrefix.count)
        return text.hasPrefix(apiFilePrefix) && digest.utf8.count == 2 * digestBytes
            && digest.utf8.allSatisfy { (0x30...0x39) ~= $0 || (0x61...0x66) ~= $0 }
    }

    private static let apiFilePrefix = "api-"
    private static let digestBytes = 10

    /// Finds a resource by name, such as `graph` or `flow`, or by an API's audience; `nil` for an unknown name.
    public init?(name: String) {
        let word = name.lowercased()
        if let found = Self.plain.first(where: { $0.name == word }) {
            self = found
        } else if word.hasPrefix("sharepoint-"), word.count > "sharepoint-".count {
            self = .sharePoint(String(word.dropFirst("sharepoint-".count)))
        } else if let api = try? ConnectionAPI(name) {
            self = .api(api)
        } else {
            return nil
        }
    }

    /// All resources except SharePoint hosts and APIs of the tenant's own, which differ for each tenant.
    static let plain: [ServiceResource] = [
        .graph, .flow, .arm, .exchange, .compliance, .powerApps, .bap, .powerPlatform, .teams, .keyVault,
    ]
}
