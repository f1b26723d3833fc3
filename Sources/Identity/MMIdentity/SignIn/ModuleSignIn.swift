package import MMCore

/// The sign-in that a module made by itself, with its own app. It is stored in the token cache of its connection under
/// that app, and is renewed, ended and signed out of like any other.
///
/// So a session can be restored after a restart or the loss of its process without asking the person again.
extension IdentityService {
    /// The account of the sign-in, as named by the sign-in service.
    package struct ModuleAccount: Sendable {
        let tenantID: String
        let objectID: String
        let username: String

        package init(tenantID: String, objectID: String, username: String) {
            self.tenantID = tenantID
            self.objectID = objectID
            self.username = username
        }
    }

    /// The member of a cache's entry that names the module.
    private static let mark = "mm_module"

    /// Stores the refresh token that restores a module's sign-in.
    /// - Parameters:
    ///   - module: the module, such as `azure`.
    ///   - app: the app that signed in.
    ///   - refreshToken: the newest refresh token.
    ///   - scope: the scope with which the token was requested.
    ///   - account: the account of the token; `nil` where the token replaces one that is already stored.
    package func keep(
        signInOf module: String, _ connection: Connection, app: String, refreshToken: Secret, scope: String?,
        account: ModuleAccount?
    ) async throws(MMError) {
        let target = try moduleTarget(connection, app)
        let files = files(target)
        let lock = try await files.locked(until: .after(.seconds(15)))
        let view = try await files.snapshot(target).view
        let known = view.document.entries(.refreshToken).first {
            view.belongsToApp($0.fields) && $0.fields[Self.mark]?.string == module
        }
        let now = JSONValue.string(String(clock.now.seconds))
        if account == nil, known == nil { return }
        try await files.cache.change(until: .after(.seconds(15))) { document in
            if let known, account == nil {
                document.put(
                    .refreshToken, key: known.key,
                    ["secret": .string(refreshToken.reveal()), "last_modification_time": now])
                return
            }
            guard let account else { return }
            let home = "\(account.objectID).\(account.tenantID)"
            let environment = view.usualEnvironment
            document.remove(.refreshToken) { view.belongsToApp($0) }
            document.remove(.accessToken) { view.belongsToApp($0) }
            document.put(
                .refreshToken, key: "\(home)-\(environment)-refreshtoken-\(view.clientID)--".lowercased(),
                [
                    "home_account_id": .string(home), "environment": .string(environment),
                    "client_id": .string(view.clientID), "credential_type": "RefreshToken",
                    "secret": .string(refreshToken.reveal()), "target": .string(scope ?? ""),
                    "last_modification_time": now, Self.mark: .string(module),
                ])
            document.put(
                .account, key: "\(home)-\(environment)-\(target.authority.tenant)".lowercased(),
                [
                    "home_account_id": .string(home), "environment": .string(environment),
                    "realm": .string(target.authority.tenant), "local_account_id": .string(account.objectID),
                    "username": .string(account.username), "authority_type": "MSSTS",
                ])
        }
        _ = consume lock
    }

    /// Removes the stored sign-in of a module.
    package func forget(signInOf module: String, _ connection: Connection) async throws(MMError) {
        guard let own = await self.connection(connection, as: module), let app = own.appId else { return }
        let target = try moduleTarget(connection, app)
        let view = try await files(target).snapshot(target).view
        try await files(target).cache.change(until: .after(.seconds(15))) { document in
            for kind in [TokenCacheDocument.Kind.refreshToken, .accessToken] {
                document.remove(kind) { view.belongsToApp($0) }
            }
        }
    }

    /// Returns the connection as its module's own app signs in to it; `nil` where no such sign-in is stored.
    package func connection(_ connection: Connection, as module: String) async -> Connection? {
        guard let cache = try? moduleTarget(connection, connection.appId ?? Self.anyApp),
            let document = try? await memory.document(files(cache).cache)
        else { return nil }
        let apps = document.entries(.refreshToken).filter { $0.fields[Self.mark]?.string == module }
            .sorted {
                ($0.fields["last_modification_time"]?.string ?? "")
                    < ($1.fields["last_modification_time"]?.string ?? "")
            }
        return apps.last?.fields["client_id"]?.string.flatMap { try? connection.signingIn(with: $0) }
    }

    /// A placeholder for the app, which isn't needed to find a connection's files.
    private static let anyApp = "00000000-0000-0000-0000-000000000000"

    private func moduleTarget(_ connection: Connection, _ app: String) throws(MMError) -> SignInTarget {
        try target(try connection.signingIn(with: app), .graph, .deviceCode)
    }
}

extension Connection {
    /// Returns the same entry for a person who signs in to another app.
    fileprivate func signingIn(with app: String) throws(MMError) -> Connection {
        var entry = raw
        entry["appId"] = .string(app)
        entry["auth"] = nil
        return try Connection(name: name, entry: entry)
    }
}
