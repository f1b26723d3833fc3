import MMCore

/// Who is to be signed in, where: what a connection says about it.
package struct ModuleSignInTarget: Sendable, Hashable {
    /// Name of the connection.
    package var connection: String
    /// The tenant's domain name.
    package var tenant: String?
    /// The tenant's id.
    package var tenantID: String?
    /// Id of the app that signs in; `nil` for the module's own.
    package var appID: String?
    /// The account that must have signed in.
    package var account: String?
    /// The account's object id, once it is pinned.
    package var objectID: String?
    /// First label of the tenant's SharePoint host.
    package var sharePointHost: String?
    /// The subscription that Azure's cmdlets use, by name or id; the sign-in's first when `nil`.
    package var subscription: String?
    /// The cloud.
    package var cloud: ModuleCloud
    /// Cmdlets that Exchange loads; all when empty. Fewer save memory.
    package var commands: [String] = []
    /// Permissions of Graph that a person is asked for whom the module signs in with its publisher's app.
    package var scopes: [String] = []

    /// A target.
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
        connection: String, tenant: String? = nil, tenantID: String? = nil, appID: String? = nil,
        account: String? = nil, objectID: String? = nil, sharePointHost: String? = nil, cloud: ModuleCloud
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

    /// The tenant by id, else by name.
    /// - Throws: `invalidInput` when the connection names neither.
    func anyTenant() throws(MMError) -> String {
        if let name = tenantID ?? tenant { return name }
        throw missing("tenantId", why: "the sign-in must name its tenant")
    }

    /// The tenant by name, as app-only sign-ins to Exchange want it.
    func organization() throws(MMError) -> String {
        if let tenant, tenant.contains(".") { return tenant }
        throw missing("tenant", why: "this sign-in needs the tenant's domain name, such as contoso.onmicrosoft.com")
    }

    /// The app's id.
    func app() throws(MMError) -> String {
        if let appID { return appID }
        throw missing("appId", why: "this sign-in needs an app registration of your own")
    }

    /// Address of the tenant's root site.
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
                hint: "Write the first part of the host alone, such as contoso.")
        }
        return "https://\(label)\(cloud.sharePointSuffix)"
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || byte == 0x2D
    }

    func missing(_ field: String, why: String) -> MMError {
        MMError(
            .invalidInput, "The connection \(connection) has no \(field): \(why).",
            hint: "Add it with: mm connections edit \(ShellWord.quoted(connection)) \(field)=VALUE")
    }
}
