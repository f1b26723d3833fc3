import MMCore
import MMEgress
import MMIdentity
import MMPowerShell

/// The tokens for a session's module, from the sign-in of its connection. They are got without asking a person: one
/// sign-in serves all modules.
struct ConnectionTokens: TokenFeeding {
    private let bearer: SessionBearer
    private let cloud: Cloud
    private let vault: PlaceholderVault?

    /// Creates the tokens of a session.
    /// - Parameters:
    ///   - bearer: the account whose tokens they are.
    ///   - cloud: the connection's cloud.
    ///   - vault: the store of placeholders that are given instead of tokens; `nil` to give the tokens themselves.
    init(of bearer: SessionBearer, cloud: Cloud, vault: PlaceholderVault? = nil) {
        self.bearer = bearer
        self.cloud = cloud
        self.vault = vault
    }

    /// Returns the token for a resource; `nil` if only a person could get it.
    func token(for resource: TokenResource) async throws(MMError) -> FedToken? {
        guard let wanted = Self.service(of: resource) else { return nil }
        do throws(MMError) {
            let token = try await lasting(try await bearer.token(for: wanted, until: .after(.seconds(60))))
            let (text, end) = try fed(token)
            return FedToken(
                resource, token: text, expiresAt: end,
                claims: TokenClaims(
                    account: token.account.isApp ? nil : token.account.username, objectID: token.account.objectID,
                    tenantID: token.account.tenantID, appID: token.account.appID ?? bearer.connection.appId,
                    isApp: token.account.isApp))
        } catch {
            // If no person has signed in yet, or the connection has no app, the module shows its own device code. A
            // server's caller has signed in already, and gets the error, as does an app whose credential isn't
            // accepted.
            let isPersons = [.device, .browser, .broker].contains(bearer.connection.auth.method)
            if isPersons, !bearer.isCaller, error.isMendedByModule { return nil }
            throw error
        }
    }

    /// Signs the person in with a device code of the connection's own app.
    func signIn(
        for resource: TokenResource, show: @escaping @Sendable (DevicePrompt) async -> Void
    ) async throws(MMError) {
        guard let wanted = Self.service(of: resource) else {
            throw MMError(.unsupported, "No person is here to sign in to \(resource).")
        }
        try await bearer.signIn(for: wanted) { prompt in
            var device = DevicePrompt(
                userCode: prompt.userCode, verificationURI: prompt.verificationURI,
                message: (prompt.note.map { $0 + " " } ?? "")
                    + "To sign in, open the page \(prompt.verificationURI) and enter the code \(prompt.userCode).",
                expiresAt: prompt.expiresAt)
            device.trouble = prompt.trouble
            await show(device)
        }
    }

    /// Returns a token that is valid for long enough: a module keeps it until it expires, so it shouldn't expire soon.
    /// Placeholders stand for a fresh token each time.
    private func lasting(_ token: AccessToken) async throws(MMError) -> AccessToken {
        guard vault == nil, token.expiresAt - .now < .seconds(300) else { return token }
        do throws(MMError) {
            return try await bearer.token(longerThan: token, until: .after(.seconds(60)))
        } catch {
            return token
        }
    }

    /// Returns the module's token and its expiry. A placeholder's expiry is so late that no module reconnects because
    /// of it.
    private func fed(_ token: AccessToken) throws(MMError) -> (Secret, Timestamp) {
        guard let vault else { return (token.secret, token.expiresAt) }
        let text = try vault.placeholder(
            for: token.secret, account: token.account.objectID, audience: cloud.audience(of: token.resource))
        return (Secret(text), Timestamp.now + PlaceholderVault.life)
    }

    static func service(of resource: TokenResource) -> ServiceResource? {
        switch resource.service {
        case .exchange: .exchange
        case .azure: .arm
        case .graph: .graph
        case .teams: .teams
        case .keyVault: .keyVault
        case .sharePoint:
            resource.address.flatMap { WebAddress($0)?.host.split(separator: ".").first }.map {
                .sharePoint(String($0))
            }
        }
    }
}
