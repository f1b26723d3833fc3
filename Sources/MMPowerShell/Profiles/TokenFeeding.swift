package import MMCore

/// The resource that a token is for.
package struct TokenResource: Sendable, Hashable, CustomStringConvertible {
    /// The services for which modules accept tokens.
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
    /// The host, for services with one per tenant: `https://contoso.sharepoint.com`.
    package let address: String?
    /// Whether the module can sign in without this token, because only some of its cmdlets need it.
    package let isOptional: Bool

    /// Creates a resource.
    /// - Parameters:
    ///   - service: the service.
    ///   - address: the host, for services with one per tenant.
    ///   - isOptional: whether the module can sign in without this token.
    package init(_ service: Service, address: String? = nil, isOptional: Bool = false) {
        self.service = service
        self.address = address
        self.isOptional = isOptional
    }

    /// The app id of the Teams administration service, which is the audience of its tokens.
    package static let teamsAudience = "48ac35b8-9aa8-4d74-927d-1f4a14a0b239"

    /// The short name of the resource, for messages.
    package var description: String { address ?? service.rawValue }
}

/// A token for one resource, and its expiry.
package struct FedToken: Sendable, Hashable {
    /// The resource that the token is for.
    package let resource: TokenResource
    /// The access token.
    package let token: Secret
    /// The time at which the token expires.
    package let expiresAt: Timestamp
    /// The identity that the token names.
    package let claims: TokenClaims

    /// Creates a token.
    /// - Parameters:
    ///   - resource: the resource that the token is for.
    ///   - token: the access token.
    ///   - expiresAt: the time at which it expires.
    ///   - claims: the identity; read from the token if left out.
    package init(_ resource: TokenResource, token: Secret, expiresAt: Timestamp, claims: TokenClaims? = nil) {
        self.resource = resource
        self.token = token
        self.expiresAt = expiresAt
        self.claims = claims ?? TokenClaims(reading: token)
    }
}

/// A source of tokens for sessions. Getting a token never involves a person.
package protocol TokenFeeding: Sendable {
    /// Returns the token for a resource, from a cache or by a silent renewal.
    /// - Parameter resource: the resource that the token is for.
    /// - Returns: `nil` when only a person could get it; the session then shows the module's own device code.
    /// - Throws: when the sign-in service refuses or can't be reached.
    func token(for resource: TokenResource) async throws(MMError) -> FedToken?
    /// Signs a person in for a resource and waits for them, for a module that has no usable device code of its own.
    /// - Parameters:
    ///   - resource: the resource of the first token.
    ///   - show: receives the code and the page where it is entered.
    /// - Throws: the reason why no one signed in.
    func signIn(
        for resource: TokenResource, show: @escaping @Sendable (DevicePrompt) async -> Void
    ) async throws(MMError)
}

extension TokenFeeding {
    /// Throws, because this source can't sign in a person.
    package func signIn(
        for resource: TokenResource, show: @escaping @Sendable (DevicePrompt) async -> Void
    ) async throws(MMError) {
        throw MMError(
            .signInNeeded, "There is no access token for \(resource), and no person can sign in here.",
            hint: "Sign in first with the program that provides the tokens.")
    }
}

/// The identity that a token names.
package struct TokenClaims: Sendable, Hashable {
    /// The person's sign-in name.
    package var account: String?
    /// The object id of the person or service principal.
    package var objectID: String?
    /// The id of the tenant.
    package var tenantID: String?
    /// The id of the app that the token was issued to.
    package var appID: String?
    /// Whether an app acts on its own, without a person.
    package var isApp: Bool

    /// Creates claims.
    /// - Parameters:
    ///   - account: the person's sign-in name.
    ///   - objectID: object id.
    ///   - tenantID: id of the tenant.
    ///   - appID: id of the app.
    ///   - isApp: whether an app acts on its own.
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

    /// Reads the claims of a JSON web token (RFC 7519). The signature isn't checked: the token comes from the sign-in
    /// service over this program's own connection, and the service it is for checks it anyway. A token in another
    /// format has no claims.
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
