import MMCore
import MMEgress
import MMGuard
import MMIdentity

/// The common part of all proxies in front of a connection's sign-in: the allowed hosts, the tokens, the tenants for
/// sign-ins, the rate limits, and the records of requests.
struct ConnectionWire: Sendable {
    let connection: Connection
    /// The module of the session, which its requests are recorded with.
    let module: String
    let bearer: SessionBearer
    let identity: IdentityService
    let requests: GrantedRequests
    let sent: SentRequests
    /// The path of the file with the pinned accounts.
    let pins: String
    let log: Log

    /// Returns the configuration that a proxy is opened with.
    /// - Parameters:
    ///   - name: the session's name.
    ///   - hosts: the hosts that the owner allows besides those of the cloud.
    ///   - folder: the folder for the proxy's files.
    ///   - environment: the environment of the process.
    ///   - events: called with the proxy's events.
    func configuration(
        _ name: String, allowing hosts: [PlainHostName], folder: String, environment: [String: String],
        events: @escaping @Sendable (EgressEvent) -> Void
    ) throws(MMError) -> EgressConfiguration {
        let cloud = try identity.cloud(of: connection)
        var configuration = EgressConfiguration(
            session: name,
            hosts: EgressHosts(
                cloud: cloud, sharePoint: connection.sharepointHost, allow: hosts,
                apis: Array(connection.apis.values), standIn: standIn(cloud)),
            judge: requests, tokens: FreshTokens(bearer: bearer, cloud: cloud), folder: folder,
            environment: environment, events: events)
        configuration.signIns = SignInRules(tenants: tenants(hosts))
        // Reads are allowed without the lease. Web sockets have no class and so don't count as reads.
        configuration.permit = { [name = connection.name] requestClass in
            requestClass == GuardClass.read.rawValue ? nil : ConnectionPermits.shared.permit(of: name)
        }
        let (connection, identity, log) = (connection, identity, log)
        configuration.pace = { service in
            guard case .resource(let resource) = service else { return nil }
            return identity.pace(of: connection, service: resource.name, log: log)
        }
        return configuration
    }

    /// Returns the mapping by which the sandbox answers at the public cloud's addresses, so that programs can use it
    /// without changes.
    private func standIn(_ cloud: Cloud) -> StandIn? {
        guard cloud.name == "sandbox", let known = Cloud.worldwide else { return nil }
        return StandIn(cloud, for: known, sharePoint: connection.sharepointHost)
    }

    /// Returns the tenants at which a session may sign in: the connection's own, by all its names, and those that its
    /// owner lists.
    private func tenants(_ listed: [PlainHostName]) -> Set<String> {
        let pin = bearer.account ?? (try? PinStore(path: pins).pin(of: connection.name))
        let names =
            [connection.tenantId, connection.tenant, connection.authorityTenant, pin?.tenantId]
            + [connection.sharepointHost.map { $0 + ".onmicrosoft.com" }]
            + [connection.expectedEmail?.split(separator: "@").last.map(String.init)] + listed.map(\.host)
        return Set(names.compactMap { $0?.lowercased() })
    }

    // MARK: Events

    /// Records an event.
    /// - Returns: the step of a sign-in, if the event is one, for the component that waits for the sign-in.
    func record(_ event: EgressEvent) -> SignInEvent? {
        switch event {
        case .request(let record): sent.add(record, facts(requests.ended(record)))
        case .refusedConnection(let fault, let host): refused(fault, host)
        case .placeholderElsewhere(let host, let audience):
            let what = audience.map { " of \($0)" } ?? ""
            log.warning("a placeholder token\(what) was used for \(host); nothing was sent")
            sent.add(fault: MMEgress.WireFault.Kind.placeholderElsewhere.rawValue, host: host, facts(requests.call))
        case .foreignCredential(let host):
            log.warning("the session tried to send a credential of its own to \(host); nothing was sent")
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
            log.info("the session is not allowed to reach \(host)")
        } else if fault.kind != .foreignHost {
            log.warning("the session's proxy refused a connection: \(fault.message)")
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

/// The source of the access tokens that a session's placeholders stand for, fresh for each request.
struct FreshTokens: TokenSource {
    /// The source of the tokens.
    let bearer: SessionBearer
    /// The cloud, which maps audiences to resources.
    let cloud: Cloud

    /// Returns a valid token of the account that the placeholder was made for.
    func token(for need: TokenNeed) async throws(MMError) -> Secret {
        try checked(try await bearer.token(for: try resource(need), until: .after(.seconds(60))), need)
    }

    /// Returns a new token in place of one that a service has refused.
    func token(for need: TokenNeed, insteadOf refusal: TokenRefusal) async throws(MMError) -> Secret {
        let token = try await bearer.token(
            for: try resource(need), insteadOf: refusal.token, at: refusal.sent, claims: refusal.claims,
            until: .after(.seconds(60)))
        return try checked(token, need)
    }

    private func resource(_ need: TokenNeed) throws(MMError) -> ServiceResource {
        if let resource = cloud.resource(withAudience: need.audience) { return resource }
        if let api = try? ConnectionAPI(need.audience) { return .api(api) }
        throw MMError(
            .unsupported, "The connection \(bearer.connection.name) has no access tokens for \(need.audience).")
    }

    private func checked(_ token: AccessToken, _ need: TokenNeed) throws(MMError) -> Secret {
        let name = bearer.connection.name
        guard token.account.objectID == need.account else {
            throw MMError(
                .signInNeeded, "Another account has signed in to \(name) since this session started.",
                hint:
                    "End the session, so that the next call starts one for that account: mm reset \(ShellWord.quoted(name))"
            )
        }
        return token.secret
    }
}
