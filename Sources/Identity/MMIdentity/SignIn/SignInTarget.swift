package import MMCore

/// A connection with everything that its sign-in needs, validated.
package struct SignInTarget: Sendable {
    /// The connection's name.
    package let connection: String
    /// The id of the app registration; empty if the token of a machine's identity or an external token is accepted for
    /// any app.
    package let clientID: String
    /// The authority to sign in at.
    package let authority: Authority
    /// The account that must have signed in.
    package let expectedEmail: String?
    /// The account that must have signed in, by its id in its home tenant.
    package var homeAccountID: String? = nil
    /// The account that the registry pins.
    package let registryPin: AccountPin?
    /// The name that its tokens are stored under, if it isn't the app's.
    package var cacheClient: String? = nil
    /// The file in which another program keeps tokens that this connection shares.
    var sharedCache: String? = nil
    /// The tenant's id where the authority names the tenant by its domain, as far as the sign-in service was asked.
    var foundTenantID: String? = nil

    /// The values that must agree for two sign-ins to be the same.
    var identity: [String] {
        [connection, clientID.lowercased(), authority.cloud.login, authority.tenant] + [cacheClient].compactMap(\.self)
    }
}

extension SignInTarget {
    /// Derives the sign-in target of a connection.
    /// - Parameter method: the sign-in method.
    /// - Throws: `.invalidInput` for an entry without app id or tenant, or one that expects a person where an app signs
    ///   in; `.unsupported` for services that the cloud lacks; and what `Cloud.named` throws.
    init(
        _ connection: Connection, by method: SignInMethod, resource: ServiceResource, paths: StatePaths,
        environment: [String: String]
    ) throws(MMError) {
        if method.isAppOnly, let expected = connection.expectedEmail {
            throw MMError(
                .invalidInput,
                "The connection \(connection.name) expects the account \(expected), but it signs in as an app, "
                    + "not as a person.",
                hint: "Remove one of the two: mm connections edit \(ShellWord.quoted(connection.name)) "
                    + "expectedEmail=null, or auth=browser.",
                details: ["connection": .string(connection.name), "field": "expectedEmail"])
        }
        var appID = connection.appId ?? ""
        var cacheClient: String?
        switch method {
        case .managedIdentity(let identity):
            if case .clientID(let id) = identity { appID = id }
            cacheClient = identity.cacheName
        case .token: break
        case .deviceCode, .browser, .broker, .app, .onBehalfOf:
            guard !appID.isEmpty else { throw Self.lacksApp(connection, resource) }
        }
        guard let tenant = connection.authorityTenant, !tenant.isEmpty else {
            throw MMError(
                .invalidInput, "The connection \(connection.name) has no tenant.",
                hint: "mm connections edit \(ShellWord.quoted(connection.name)) tenantId=GUID.",
                details: ["connection": .string(connection.name), "field": "tenantId"])
        }
        let cloud = try Cloud.named(connection.cloud, paths: paths, environment: environment)
        guard cloud.audience(of: resource) != nil else {
            throw MMError(
                .unsupported, "The cloud \(cloud.name) of \(connection.name) has no known host for \(resource.name).",
                hint: "Check the cloud of the connection.")
        }
        if case .api(let api) = resource, let other = cloud.otherCloud(of: api) {
            throw MMError(
                .invalidInput,
                "\(api.audience) belongs to the cloud \(other), but \(connection.name) signs in to \(cloud.name).",
                hint:
                    "Tokens never leave the connection's own cloud. Check the audience, or `cloud` of the connection.",
                details: ["connection": .string(connection.name), "field": "resource"])
        }
        self.init(
            connection: connection.name, clientID: appID, authority: try Authority(cloud: cloud, tenant: tenant),
            expectedEmail: connection.expectedEmail, homeAccountID: connection.homeAccountId,
            registryPin: connection.pin, cacheClient: cacheClient,
            sharedCache: paths.sharedTokenCache(of: connection, environment: environment))
    }

    private static func lacksApp(_ connection: Connection, _ resource: ServiceResource) -> MMError {
        // The PowerShell modules' own apps can't be used instead: Entra ID issues them tokens only for services that
        // they are preauthorised for (AADSTS65002).
        MMError(
            .invalidInput,
            "The connection \(connection.name) has no appId, and \(resource.name) requests need an app registration of "
                + "your own.",
            hint:
                "Register an app (Docs/Permissions.md), then: mm connections edit \(ShellWord.quoted(connection.name)) appId=GUID. "
                + "PowerShell modules of this connection work without one.",
            details: ["connection": .string(connection.name), "field": "appId"])
    }
}

extension ManagedIdentity {
    /// The name that its tokens are stored under: MSAL's for the system-assigned identity, otherwise the id that
    /// selects it.
    var cacheName: String {
        switch self {
        case .system: "SYSTEM_ASSIGNED_MANAGED_IDENTITY"
        case .clientID(let id), .objectID(let id), .resourceID(let id): id
        }
    }
}
