internal import MMCore
internal import MMHTTP

/// An API for which tokens are issued.
enum ServedResource: String, Sendable, CaseIterable {
    case graph, flow, powerApps, powerPlatform, arm, exchange, compliance, teamsAdmin, sharePoint, dataverse
    /// The data of Azure's vaults and storage accounts.
    case keyVault, storage
    /// An API of the tenant's own.
    case ownAPI
    /// The sandbox's own address: every service there accepts its tokens.
    case sandbox

    /// The identifiers by which a token may be requested.
    private var identifiers: [String] {
        switch self {
        case .graph: ["https://graph.microsoft.com", "00000003-0000-0000-c000-000000000000"]
        case .flow: ["https://service.flow.microsoft.com", "7df0a125-d3be-4c96-aa54-591f83ff541c"]
        case .powerApps: ["https://service.powerapps.com", "475226c6-020e-4fb2-8a90-7a972cbfc1d4"]
        case .powerPlatform: ["https://api.powerplatform.com", "8578e004-a5c6-46e7-913e-12f58912df43"]
        case .arm:
            [
                "https://management.azure.com", "https://management.core.windows.net",
                "797f4846-ba00-4fd7-ba43-dac1f8f63013",
            ]
        case .exchange: ["https://outlook.office365.com", "00000002-0000-0ff1-ce00-000000000000"]
        case .compliance: ["https://ps.compliance.protection.outlook.com"]
        case .teamsAdmin: ["48ac35b8-9aa8-4d74-927d-1f4a14a0b239"]
        case .sharePoint:
            [
                "https://contososandbox.sharepoint.com", "https://contososandbox-admin.sharepoint.com",
                // The site name that connections assume if they know the tenant only by its domain.
                "https://contoso-sandbox.sharepoint.com",
                "00000003-0000-0ff1-ce00-000000000000",
            ]
        case .dataverse: ["https://contososandbox.crm.dynamics.com"]
        case .keyVault: ["https://vault.azure.net", "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"]
        case .storage: ["https://storage.azure.com", "e406a681-f3d4-42a8-90b6-c2b029497af1"]
        case .ownAPI:
            [
                "api://contoso-hr", "https://hr.contoso-sandbox.example", TenantIdentity.automationApp,
                "api://\(TenantIdentity.automationApp)",
            ]
        case .sandbox: []
        }
    }

    /// Returns the API with an identifier, with or without a trailing slash; `nil` if there is none.
    static func named(_ identifier: String, base: String) -> ServedResource? {
        var name = identifier.lowercased()
        while name.hasSuffix("/") { name.removeLast() }
        if name == base || name == base.replacingHost { return .sandbox }
        return allCases.first { $0.identifiers.contains(name) }
    }

    /// The id of the app that represents the API.
    var appID: String {
        switch self {
        case .sandbox: Self.graph.appID
        case .compliance: Self.exchange.appID
        default: identifiers.first(where: GUID.isValid) ?? ""
        }
    }

    /// The permissions that `.default` stands for, if they aren't those of Graph.
    var delegatedPermissions: [String] {
        switch self {
        case .graph, .sandbox: []
        case .flow: ["Flows.Manage.All", "Flows.Read.All", "User"]
        case .powerApps: ["User"]
        case .powerPlatform: ["user_impersonation"]
        case .arm, .teamsAdmin, .dataverse, .keyVault, .storage: ["user_impersonation"]
        case .exchange, .compliance: ["Exchange.Manage"]
        case .sharePoint: ["AllSites.FullControl"]
        case .ownAPI: ["Records.Read"]
        }
    }
}

extension String {
    /// The same address with `localhost` instead of 127.0.0.1.
    fileprivate var replacingHost: String {
        hasPrefix("http://127.0.0.1") ? "http://localhost" + dropFirst("http://127.0.0.1".count) : self
    }
}

/// The check of access tokens at the resource endpoints.
struct BearerCheck {
    let context: TenantContext
    let mint: TokenMint
    let issuer: TokenIssuer

    /// Returns the principal of a request's token.
    /// - Throws: `TokenMint.Refusal` when the token is missing, broken, expired, or meant for another service.
    func principal(_ request: HTTPServerRequest, for wanted: ServedResource) throws(TokenMint.Refusal)
        -> SignedInPrincipal
    {
        guard let header = request.headers["authorization"], header.lowercased().hasPrefix("bearer ") else {
            throw .absent
        }
        let token = header.dropFirst(7).drop { $0 == " " }
        guard !token.isEmpty else { throw .absent }
        let claims = try mint.claims(of: String(token))
        guard let expires = claims["exp"]?.int, context.now < Int64(expires) else { throw .expired }
        let audience = claims["aud"]?.string ?? ""
        guard let resource = ServedResource.named(audience, base: context.base), accepts(resource, at: wanted) else {
            throw .wrongAudience
        }
        let isApp = claims["idtyp"]?.string == "app"
        let names =
            isApp
            ? claims["roles"]?.array?.compactMap(\.string) ?? []
            : (claims["scp"]?.string ?? "").split(separator: " ").map(String.init)
        let brought = claims["wids"]?.array?.compactMap { $0.string.flatMap(DirectoryRoleName.init(rawValue:)) } ?? []
        return SignedInPrincipal(
            objectID: claims["oid"]?.string ?? "", appID: claims["appid"]?.string ?? "", isApp: isApp,
            permissions: Set(names), resource: resource,
            serial: Int(claims["uti"]?.string?.dropFirst() ?? "") ?? 0, answersChallenges: claims["xms_cc"] != nil,
            delegatedRoles: claims["idp"] == nil ? nil : brought)
    }

    /// Returns whether the principal's tokens were revoked after this one was issued.
    func isRevoked(_ principal: SignedInPrincipal) -> Bool {
        issuer.isRevoked(serial: principal.serial, of: principal.objectID)
    }

    private func accepts(_ resource: ServedResource, at wanted: ServedResource) -> Bool {
        if resource == wanted || resource == .sandbox { return true }
        // Old clients call Power Automate with a token for the resource manager, and Power Platform with either of its
        // two.
        return switch wanted {
        case .flow: resource == .arm
        case .powerApps: resource == .powerPlatform || resource == .flow
        default: false
        }
    }
}
