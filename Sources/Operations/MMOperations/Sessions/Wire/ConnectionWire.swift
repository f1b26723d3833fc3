import MMCore
import MMEgress
import MMGuard
import MMIdentity

/// What every wire has that stands before a connection's sign-in, whoever is behind it: where it leads, whose tokens it sends,
/// which tenants it signs in at, at what pace, and what is written down of it.
struct ConnectionWire: Sendable {
    let connection: Connection
    /// What its requests are called by: the session's module.
    let module: String
    let bearer: SessionBearer
    let identity: IdentityService
    let requests: GrantedRequests
    let sent: SentRequests
    /// Where the accounts that signed in first are written down.
    let pins: String
    let log: Log

    /// What a wire is opened with.
    /// - Parameters:
    ///   - name: the session's name.
    ///   - hosts: what its owner lists besides the hosts of its cloud.
    ///   - folder: where its files are put.
    ///   - environment: the variables of the process.
    ///   - events: is told what happens.
    func configuration(
        _ name: String, allowing hosts: [PlainHostName], folder: String, environment: [String: String],
        events: @escaping @Sendable (EgressEvent) -> Void
    ) throws(MMError) -> EgressConfiguration {
        let cloud = try identity.cloud(of: connection)
        var configuration = EgressConfiguration(
            session: name,
            hosts: EgressHosts(
                cloud: cloud, sharePoint: connection.sharepointHost, allow: hosts, standIn: standIn(cloud)),
            judge: requests, tokens: FreshTokens(bearer: bearer, cloud: cloud), folder: folder,
            environment: environment, events: events)
        configuration.signIns = SignInRules(tenants: tenants(hosts))
        // Reads do no harm, whoever holds the lease. What a web socket is for no table says: it is no read.
        configuration.permit = { [name = connection.name] requestClass in
            requestClass == GuardClass.read.rawValue ? nil : ConnectionPermits.shared.permit(of: name)
        }
        let (connection, identity, log) = (connection, identity, log)
        configuration.pace = { service in
            guard case .resource(let resource) = service else { return nil }
            return identity.pace(of: connection, service: resource.name, clock: .system, log: log)
        }
        return configuration
    }

    /// A sandbox answers at the addresses that programs know, so that any of them can practise there.
    private func standIn(_ cloud: Cloud) -> StandIn? {
        guard cloud.name == "sandbox", let known = Cloud.worldwide else { return nil }
        return StandIn(cloud, for: known, sharePoint: connection.sharepointHost)
    }

    /// The tenants at which a session may sign in: the connection's own, by all its names, and those that its owner lists.
    private func tenants(_ listed: [PlainHostName]) -> Set<String> {
        let pin = bearer.account ?? (try? PinStore(path: pins).pin(of: connection.name))
        let names =
            [connection.tenantId, connection.tenant, connection.authorityTenant, pin?.tenantId]
            + [connection.sharepointHost.map { $0 + ".onmicrosoft.com" }]
            + [connection.expectedEmail?.split(separator: "@").last.map(String.init)] + listed.map(\.host)
        return Set(names.compactMap { $0?.lowercased() })
    }

    // MARK: What happens

    /// Writes down what happens.
    /// - Returns: the step of a sign-in, where it is one: what that means is for whoever waits for it.
    func record(_ event: EgressEvent) -> SignInEvent? {
        switch event {
        case .request(let record): sent.add(record, facts(requests.ended(record)))
        case .refusedConnection(let fault, let host): refused(fault, host)
        case .placeholderElsewhere(let host, let audience):
            let what = audience.map { " of \($0)" } ?? ""
            log.warning("a placeholder\(what) was carried to \(host); nothing was sent")
            sent.add(fault: MMEgress.WireFault.Kind.placeholderElsewhere.rawValue, host: host, facts(requests.call))
        case .foreignCredential(let host):
            log.warning("a credential that the session was not given was on its way to \(host); nothing was sent")
            sent.add(fault: MMEgress.WireFault.Kind.foreignCredential.rawValue, host: host, facts(requests.call))
        case .held: break
        case .signIn(let step): return step
        }
        return nil
    }

    private func refused(_ fault: MMEgress.WireFault, _ host: String?) {
        if fault.kind == .foreignHost, let host, !TelemetryHosts.contains(host) {
            let name = host.hasSuffix(":443") ? String(host.dropLast(4)) : host
            requests.refused(host: name)
            log.info("the session may not reach \(host)")
        } else if fault.kind != .foreignHost {
            log.warning("a connection to the session's wire was refused: \(fault.message)")
        }
        sent.add(fault: fault.kind.rawValue, host: host, facts(requests.call))
    }

    private func facts(_ call: String?) -> JSONObject {
        var facts: JSONObject = [
            "operation": .string(SentRequests.operation), "surface": "session", "connection": .string(connection.name),
            "module": .string(module),
        ]
        facts["call"] = call.map { .string($0) }
        return facts
    }
}

/// The tokens that a session's placeholders stand for: those of whom it is for, fresh each time.
struct FreshTokens: TokenSource {
    /// For whom.
    let bearer: SessionBearer
    /// The cloud, which knows what an audience belongs to.
    let cloud: Cloud

    /// A token that is good now, of the account that the placeholder was made for.
    func token(for need: TokenNeed) async throws(MMError) -> Secret {
        try checked(try await bearer.token(for: try resource(need), until: .after(.seconds(60))), need)
    }

    /// Another one in the place of one that a service has refused.
    func token(for need: TokenNeed, insteadOf refusal: TokenRefusal) async throws(MMError) -> Secret {
        let token = try await bearer.token(
            for: try resource(need), insteadOf: refusal.token, at: refusal.sent, claims: refusal.claims,
            until: .after(.seconds(60)))
        return try checked(token, need)
    }

    private func resource(_ need: TokenNeed) throws(MMError) -> ServiceResource {
        if let resource = cloud.resource(withAudience: need.audience) { return resource }
        if let api = try? ConnectionAPI(need.audience) { return .api(api) }
        throw MMError(.unsupported, "The connection \(bearer.connection.name) has no tokens for \(need.audience).")
    }

    private func checked(_ token: AccessToken, _ need: TokenNeed) throws(MMError) -> Secret {
        let name = bearer.connection.name
        guard token.account.objectID == need.account else {
            throw MMError(
                .signInNeeded, "Another account has signed in for \(name) since this session began.",
                hint: "End the session; the next call starts one for that account: mm reset \(ShellWord.quoted(name))")
        }
        return token.secret
    }
}
