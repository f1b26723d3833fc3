package import MMCore
import MMDesk
import MMIdentity

/// Asks Graph to which of some groups an account belongs whose access token leaves its groups out ("groups overage
/// claim").
package struct CallerGroups: Sendable {
    /// The account whose memberships are asked for.
    package struct Account: Sendable {
        /// The issuer of its token, which vouches for the ids.
        package let issuer: String
        package let tenantID: String
        package let objectID: String
        /// The token itself, for a connection that uses the on-behalf-of flow.
        package let token: Secret

        /// Creates an account.
        package init(issuer: String, tenantID: String, objectID: String, token: Secret) {
            self.issuer = issuer
            self.tenantID = tenantID
            self.objectID = objectID
            self.token = token
        }
    }

    /// The maximum number of groups in one request (Graph, `checkMemberGroups`).
    private static let most = 20
    /// The maximum time, since the client waits for its answer meanwhile.
    private static let patience = Duration.seconds(20)

    private let connection: String
    private let registry: ConnectionRegistry
    private let identity: IdentityService
    private let log: Log

    /// Creates a lookup that uses a connection.
    /// - Parameter connection: its name. A connection with the on-behalf-of flow asks as the account itself, any other
    ///   one with its own account.
    /// - Throws: `.notFound` when there is no connection of that name.
    package init(through connection: String, _ services: OperationServices) throws(MMError) {
        self.connection = try services.registry.snapshot().connection(named: connection).name
        registry = services.registry
        identity = services.identity
        log = services.log.from("oauth")
    }

    /// Returns those of some groups to which the account belongs, directly or through another group.
    /// - Throws: the reason why the memberships can't be read, in words for the account's owner.
    package func memberships(of account: Account, among groups: Set<String>) async throws(MMError) -> Set<String> {
        let ids = groups.filter(GUID.isValid).sorted()
        guard !ids.isEmpty else {
            throw MMError(
                .invalidInput, "Graph identifies groups by id, and this server's settings contain no group id.")
        }
        do throws(MMError) {
            return try await ask(account, ids)
        } catch {
            log.warning("the groups of \(account.objectID) can't be read through \(connection): \(error.message)")
            throw Self.forAccountOwner(error)
        }
    }

    private func ask(_ account: Account, _ ids: [String]) async throws(MMError) -> Set<String> {
        let connection = try registry.snapshot().connection(named: connection)
        // Ids in another provider's tokens mean nothing in this directory, and anyone could have chosen them.
        guard account.issuer.hasPrefix(try identity.cloud(of: connection).login + "/"),
            GUID.isValid(account.tenantID), GUID.isValid(account.objectID)
        else {
            throw MMError(
                .forbidden, "The account's sign-in service differs from that of the connection \(connection.name).")
        }
        let isCaller = connection.auth.method == .onBehalfOf
        let deadline = Deadline.after(Self.patience)
        return try await CallerAssertion.with(isCaller ? account.token : nil) {
            () async throws(MMError) -> Set<String> in
            let own = try await identity.token(
                for: connection, resource: .graph, options: TokenOptions(interaction: .never), deadline: deadline)
            guard own.account.tenantID.lowercased() == account.tenantID.lowercased() else {
                throw MMError(.forbidden, "The connection \(connection.name) belongs to another tenant.")
            }
            let client = try GuardedClient(identity: identity, connection: connection)
            let path = isCaller ? "/me/checkMemberGroups" : "/users/\(account.objectID)/checkMemberGroups"
            var found: Set<String> = []
            for start in stride(from: 0, to: ids.count, by: Self.most) {
                let some = ids[start..<min(start + Self.most, ids.count)]
                let request = try GraphRequest(
                    method: "POST", target: try client.target(path),
                    json: ["groupIds": .array(some.map { .string($0) })])
                let answer = try await client.read(request, deadline: deadline).json()
                found.formUnion(answer["value"]?.array?.compactMap { $0.string?.lowercased() } ?? [])
            }
            return Set(ids.filter { found.contains($0.lowercased()) })
        }
    }

    /// Returns the error for the account's owner: without details of the server's setup, but with what the server's
    /// owner has to correct.
    private static func forAccountOwner(_ error: MMError) -> MMError {
        var told = error
        switch error.code {
        case .forbidden, .invalidInput, .notFound, .unsupported, .signInNeeded:
            told = MMError(
                .forbidden,
                "The groups can't be read from Microsoft Graph (\(error.code.word)). The server's app needs the permissions "
                    + "GroupMember.Read.All and User.ReadBasic.All (for app-only access: User.Read.All) with "
                    + "admin consent.")
            if let challenge = error.details["challenge"] {
                told = MMError(
                    .signInNeeded, "Microsoft Graph requires another sign-in to read the groups.",
                    details: ["challenge": challenge])
                told.details["claims"] = error.details["claims"]
            }
        default: told = MMError(.unavailable, "The groups can't be read from Microsoft Graph now (\(error.code.word)).")
        }
        return told
    }
}
