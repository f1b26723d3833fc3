package import MMCore

/// What a token is for.
package struct TokenResource: Sendable, Hashable, CustomStringConvertible {
    /// The services that modules take tokens for.
    package enum Service: String, Sendable, Hashable {
        /// Exchange Online.
        case exchange
        /// Azure Resource Manager.
        case azure
        /// Microsoft Graph.
        case graph
        /// The Teams administration service.
        case teams
        /// A SharePoint site's host.
        case sharePoint
        /// The content of Azure's key vaults.
        case keyVault
    }

    /// The service.
    package let service: Service
    /// The host, for services that have one a tenant: `https://contoso.sharepoint.com`.
    package let address: String?
    /// Whether the module signs in without it, too, and only some of its cmdlets need it.
    package let isOptional: Bool

    /// A resource.
    /// - Parameters:
    ///   - service: the service.
    ///   - address: the host, for services that have one a tenant.
    ///   - isOptional: whether the module signs in without it, too.
    package init(_ service: Service, address: String? = nil, isOptional: Bool = false) {
        self.service = service
        self.address = address
        self.isOptional = isOptional
    }

    /// App id of the Teams administration service, which is the audience of its tokens.
    package static let teamsAudience = "48ac35b8-9aa8-4d74-927d-1f4a14a0b239"

    /// The resource in a word, for messages.
    package var description: String { address ?? service.rawValue }
}

/// A token for one resource, and how long it lasts.
package struct FedToken: Sendable, Hashable {
    /// What it is for.
    package let resource: TokenResource
    /// The access token.
    package let token: Secret
    /// When it ends.
    package let expiresAt: Timestamp
    /// Who it speaks for, as far as it says.
    package let claims: TokenClaims

    /// A token.
    /// - Parameters:
    ///   - resource: what it is for.
    ///   - token: the access token.
    ///   - expiresAt: when it ends.
    ///   - claims: who it speaks for; read from the token when left out.
    package init(_ resource: TokenResource, token: Secret, expiresAt: Timestamp, claims: TokenClaims? = nil) {
        self.resource = resource
        self.token = token
        self.expiresAt = expiresAt
        self.claims = claims ?? TokenClaims(reading: token)
    }
}

/// Where sessions get tokens from, without ever asking a person.
package protocol TokenFeeding: Sendable {
    /// The token for a resource, from a cache or by a silent renewal.
    /// - Parameter resource: what it is for.
    /// - Returns: `nil` when only a person could get it; the session then shows the module's own device code.
    /// - Throws: when the sign-in service refuses or can't be reached.
    func token(for resource: TokenResource) async throws(MMError) -> FedToken?
    /// Signs a person in for a resource, for a module whose own sign-in asks for no code that works, and waits for them.
    /// - Parameters:
    ///   - resource: what the first token is for.
    ///   - show: receives the code and the page where it is entered.
    /// - Throws: why nobody signed in.
    func signIn(
        for resource: TokenResource, show: @escaping @Sendable (DevicePrompt) async -> Void
    ) async throws(MMError)
}

extension TokenFeeding {
    /// Nobody can be signed in here.
    package func signIn(
        for resource: TokenResource, show: @escaping @Sendable (DevicePrompt) async -> Void
    ) async throws(MMError) {
        throw MMError(
            .signInNeeded, "There is no token for \(resource), and nobody can be signed in for one here.",
            hint: "Sign in first where the tokens come from.")
    }
}

/// Who a token speaks for.
package struct TokenClaims: Sendable, Hashable {
    /// The person's sign-in name.
    package var account: String?
    /// Object id of the person or service principal.
    package var objectID: String?
    /// Id of the tenant.
    package var tenantID: String?
    /// Id of the app that got the token.
    package var appID: String?
    /// Whether an app speaks for itself.
    package var isApp: Bool

    /// Claims.
    /// - Parameters:
    ///   - account: the person's sign-in name.
    ///   - objectID: object id.
    ///   - tenantID: id of the tenant.
    ///   - appID: id of the app.
    ///   - isApp: whether an app speaks for itself.
    package init(
        account: String? = nil, objectID: String? = nil, tenantID: String? = nil, appID: String? = nil,
        isApp: Bool = false
    ) {
        self.account = account
        self.objectID = objectID
        self.tenantID = tenantID
        self.appID = appID
        self.isApp = isApp
    }

    /// Reads the claims of a JSON web token (RFC 7519) as they stand. The signature is not checked: the token came
    /// from the sign-in service over a connection of ours, and the service it is for checks it anyway. A token of
    /// another form has no claims.
    package init(reading token: Secret) {
        self.init()
        let parts = token.reveal().split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let bytes = Base64.bytes(String(parts[1]), alphabet: .url),
            let claims = (try? JSONParser.parse(bytes))?.object
        else { return }
        func text(_ key: String) -> String? { claims[key]?.string.flatMap { $0.isEmpty ? nil : $0 } }
        account = text("upn") ?? text("preferred_username") ?? text("unique_name")
        objectID = text("oid")
        tenantID = text("tid")
        appID = text("appid") ?? text("azp")
        isApp = text("idtyp") == "app"
    }
}
