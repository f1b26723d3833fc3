package import MMCore
package import MMHTTP
package import MMIdentity

/// Runs cmdlets of Exchange Online or the compliance service for one connection, over the endpoint that Microsoft's own
/// module uses. It lives as long as its session and keeps the regional host, the affinity cookie, and the list of
/// cmdlets that the account may run.
package actor ExchangeClient {
    /// The endpoint that it uses.
    package nonisolated let service: ExchangeService
    /// The name of its connection.
    package nonisolated var connectionName: String { connection.name }
    nonisolated let identity: IdentityService
    nonisolated let connection: Connection
    nonisolated let cloud: Cloud
    nonisolated let transport: any HTTPTransport
    nonisolated let clock: WallClock
    nonisolated let policy: RetryPolicy
    nonisolated let jitter: @Sendable () -> Double
    nonisolated let pause: @Sendable (Duration) async throws -> Void
    nonisolated let log: Log
    nonisolated let connectionID = RandomBytes.uuid()
    /// The host that serves the tenant, once known: `https://…` without a path.
    var regionalOrigin: String?
    /// That host's cookies, as `name=value`.
    var cookies: [String] = []
    var cmdletList: ExchangeCmdletList?

    /// Creates a client; nothing is sent yet.
    /// - Throws: `.invalidInput` for an unknown cloud; `.unsupported` if the cloud has no host for the service.
    package init(
        identity: IdentityService, connection: Connection, service: ExchangeService,
        policy: RetryPolicy = RetryPolicy(), transport: (any HTTPTransport)? = nil, clock: WallClock = .system,
        jitter: @escaping @Sendable () -> Double = { Double.random(in: 0...1) },
        pause: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) throws(MMError) {
        cloud = try identity.cloud(of: connection)
        guard cloud.base(of: service.resource) != nil else {
            throw MMError(
                .unsupported, "The cloud \(cloud.name) of \(connection.name) has no known host for \(service.title).",
                hint: "Check the cloud of the connection.")
        }
        self.identity = identity
        self.connection = connection
        self.service = service
        self.transport = transport ?? identity.httpTransport
        self.clock = clock
        self.policy = policy
        self.jitter = jitter
        self.pause = pause
        log = identity.log.from("exchange").scoped(connection.name, service.rawValue)
    }

    /// Returns the pages of a cmdlet. Nothing is sent until the first is requested.
    /// - Parameters:
    ///   - command: the command to run.
    ///   - deadline: when to give up.
    ///   - report: called with a sentence when the client waits because the service asks to slow down.
    package nonisolated func pages(
        _ command: ExchangeCommand, deadline: Deadline = .after(.seconds(300)),
        report: @escaping @Sendable (String) -> Void = { _ in }
    ) -> ExchangePages {
        ExchangePages(client: self, command: command, deadline: deadline, report: report)
    }

    /// Returns a gate where the requests of one call wait until the service may be asked.
    nonisolated func gate(_ report: @escaping @Sendable (String) -> Void = { _ in }) -> ServiceGate {
        ServiceGate(
            identity.pace(of: connection, service: service.resource.name, clock: clock, log: log),
            service: service.resource.name, connection: connection.name, longestWait: policy.maxWait,
            clock: clock, jitter: jitter, pause: pause, report: report)
    }

    /// Sends a request of the client's own once, as soon as the service allows.
    /// - Parameter what: its purpose, as the start of a sentence.
    func sendOnce(_ request: HTTPRequest, _ what: String, deadline: Deadline) async throws(MMError) -> HTTPResponse {
        var gate = gate()
        let sent = try await gate.pass(until: deadline)
        let response: HTTPResponse
        do { response = try await transport.send(request) } catch { throw error.mmError(for: what) }
        let advice = WaitAdvice(response.headers, now: clock.now)
        let ending = RetryPolicy.Ending(response.status, advice)
        if ending.isThrottling {
            await gate.slowDown(ending, nil, sent: sent)
        } else if response.status < 500 {
            await gate.apply(advice, sent: sent)
        }
        return response
    }

    /// Returns the request for a cmdlet's first page as it would be sent, without a token; for people who want to
    /// inspect it.
    package nonisolated func preview(_ command: ExchangeCommand, by account: SignedInAccount) throws(MMError)
        -> HTTPRequest
    {
        let size = command.limit.map { max(1, min($0, command.pageSize)) } ?? command.pageSize
        return wire(
            command, url: try row() + path(command, account.tenantID), size: size, account: account,
            authorization: "Bearer ‹token›", requestID: "‹a new one for each request›", timeout: command.timeout)
    }

    /// Fetches one page.
    func page(
        of command: ExchangeCommand, at link: String?, size: Int, deadline: Deadline,
        report: @escaping @Sendable (String) -> Void
    ) async throws(ExchangeFault) -> ExchangePage {
        let response: GraphResponse
        do throws(MMError) {
            try await findHome(deadline)
            let address = try link.map { (link) throws(MMError) in try checked(link, of: command) }
            var attempt = ExchangeAttempt(
                client: self, command: command, size: size, deadline: deadline, report: report)
            response = try await attempt.run(at: address)
        } catch {
            throw .failed(error)
        }
        guard (200..<300).contains(response.status) else {
            let advice = WaitAdvice(response.fields, now: clock.now)
            throw .refused(ExchangeError(response, cmdlet: command.cmdlet, retryAfter: advice.asked))
        }
        do throws(MMError) {
            return try ExchangePage(response, cmdlet: command.cmdlet)
        } catch {
            throw .failed(error)
        }
    }
}
