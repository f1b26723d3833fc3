package import MMCore

extension SignInTarget {
    /// What a connection's sign-in needs.
    /// - Throws: `.unsupported` for ways to sign in that this build lacks, `.invalidInput` for an entry without app id or
    ///   tenant, and what `Cloud.named` throws.
    package init(
        _ connection: Connection, resource: ServiceResource, paths: StatePaths, environment: [String: String]
    ) throws(MMError) {
        guard connection.auth.method == .device else {
            throw MMError(
                .unsupported,
                "The connection \(connection.name) signs in by '\(connection.auth.method.rawValue)', which is not built in yet.",
                hint: "Use a connection with \"auth\": \"device\" (the default).",
                details: ["connection": .string(connection.name)])
        }
        guard let appID = connection.appId, !appID.isEmpty else {
            // The makers' own apps of the PowerShell modules are no way out: Entra ID gives them no tokens for services
            // they weren't authorised for beforehand (AADSTS65002).
            throw MMError(
                .invalidInput,
                "The connection \(connection.name) has no appId, and \(resource.name) requests need an app registration of "
                    + "your own.",
                hint:
                    "Register an app (Docs/AppRegistration.md), then: mm connections edit '\(connection.name)' appId=GUID. "
                    + "PowerShell modules of this connection work without one.",
                details: ["connection": .string(connection.name), "field": "appId"])
        }
        guard let tenant = connection.authorityTenant, !tenant.isEmpty else {
            throw MMError(
                .invalidInput, "The connection \(connection.name) names no tenant.",
                hint: "mm connections edit '\(connection.name)' tenantId=GUID.",
                details: ["connection": .string(connection.name), "field": "tenantId"])
        }
        let cloud = try Cloud.named(connection.cloud, paths: paths, environment: environment)
        guard cloud.audience(of: resource) != nil else {
            throw MMError(
                .unsupported, "The cloud \(cloud.name) of \(connection.name) has no known host for \(resource.name).",
                hint: "Check the cloud of the connection.")
        }
        self.init(
            connection: connection.name, clientID: appID, authority: try Authority(cloud: cloud, tenant: tenant),
            expectedEmail: connection.expectedEmail, registryPin: connection.pin)
    }
}
