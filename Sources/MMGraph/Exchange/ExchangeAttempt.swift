internal import MMCore
internal import MMHTTP
internal import MMIdentity

/// Requests one page of a cmdlet, as often as the policy allows, until there is a response to return. A cmdlet that may
/// have run isn't sent again unless it only reads.
struct ExchangeAttempt {
    private let client: ExchangeClient
    private let command: ExchangeCommand
    /// The cmdlets whose first pages are asked for together, where they are; all of them only read.
    private let batch: [ExchangeCommand]?
    private let size: Int
    private let deadline: Deadline
    private let requestID = RandomBytes.uuid()
    private var repetitions = 0
    private var redirects = 0
    private var hasRenewed = false
    private var gate: ServiceGate

    private static let mostRedirects = 4

    init(
        client: ExchangeClient, command: ExchangeCommand, batch: [ExchangeCommand]? = nil, size: Int,
        deadline: Deadline, report: @escaping @Sendable (String) -> Void
    ) {
        self.client = client
        self.command = command
        self.batch = batch
        self.size = size
        self.deadline = deadline
        gate = client.gate(report)
    }

    /// Sends until there is a response: a page, or an error to report.
    /// - Parameter address: the URL of the page; `nil` for the first page.
    mutating func run(at address: String?) async throws(MMError) -> GraphResponse {
        var token = try await client.identity.token(
            for: client.connection, resource: client.service.resource, deadline: deadline)
        var place = address
        while true {
            try deadline.check("running \(command.cmdlet)")
            guard !Task.isCancelled else { throw cancelled() }
            let url: String
            if let place { url = place } else { url = try await firstPage(token.account.tenantID) }
            let sent = try await gate.pass(until: deadline)
            let response: HTTPResponse
            do {
                response = try await send(url, token)
            } catch {
                note("no answer (\(error.message))", nil)
                guard error.kind != .cancelled else { throw cancelled() }
                if try await waits(after: .failure(error), nil, sent: sent) { continue }
                throw unanswered(error)
            }
            let answer = GraphResponse(status: response.status, headers: response.headers, body: response.body)
            note("\(answer.status) \(answer.body.count) bytes", answer)
            if (300..<400).contains(answer.status), answer.status != 304 {
                place = try await follow(answer, from: url)
                continue
            }
            if answer.status == 401, !hasRenewed, mayRenew(answer) {
                hasRenewed = true
                let challenge = BearerChallenge(answer.fields.values(for: "WWW-Authenticate"))
                token = try await client.identity.token(
                    insteadOf: token.secret, at: sent, for: client.connection, resource: token.resource,
                    claims: challenge?.claims, deadline: deadline)
                continue
            }
            let advice = WaitAdvice(response.headers, now: client.clock.now)
            let ending = RetryPolicy.Ending(answer.status, advice)
            if answer.status < 500, !ending.isThrottling { await gate.apply(advice, sent: sent) }
            if answer.status >= 400, try await waits(after: ending, answer, sent: sent) { continue }
            return answer
        }
    }

    private func firstPage(_ tenant: String) async throws(MMError) -> String {
        let path = batch == nil ? client.path(command, tenant) : client.batchPath(tenant)
        if let home = await client.regionalOrigin { return home + path }
        return try client.row() + path
    }

    private func send(_ url: String, _ token: AccessToken) async throws(HTTPError) -> HTTPResponse {
        let timeout = min(command.timeout, max(deadline.remaining, .milliseconds(1)))
        var request =
            if let batch {
                client.wire(
                    batch: batch, url: url, account: token.account, authorization: token.authorization,
                    requestID: requestID, timeout: timeout)
            } else {
                client.wire(
                    command, url: url, size: size, account: token.account, authorization: token.authorization,
                    requestID: requestID, timeout: timeout)
            }
        let (home, cookies) = await (client.regionalOrigin, client.cookies)
        if let home, url.hasPrefix(home + "/"), !cookies.isEmpty {
            request.headers.set("Cookie", cookies.joined(separator: "; "))
        }
        return try await client.transport.send(request)
    }

    /// With a bearer challenge the token was refused and nothing ran; a bare 401 may come from a server behind it.
    private func mayRenew(_ answer: GraphResponse) -> Bool {
        command.isReadOnly || BearerChallenge(answer.fields.values(for: "WWW-Authenticate")) != nil
    }

    private mutating func follow(_ answer: GraphResponse, from url: String) async throws(MMError) -> String {
        redirects += 1
        guard redirects <= Self.mostRedirects, let next = try await client.moved(by: answer, from: url) else {
            let place = answer.header("Location").flatMap { WebAddress($0)?.origin } ?? "nowhere that can be read"
            throw MMError(
                .denied,
                redirects > Self.mostRedirects
                    ? "\(client.service.title) redirects \(command.cmdlet) in a loop."
                    : "\(client.service.title) redirects \(command.cmdlet) to \(place), which "
                        + "isn't one of its own hosts.",
                hint: "No token was sent there, and the cmdlet did not run. Try again later.",
                details: ["host": .string(place), "cmdlet": .string(command.cmdlet)])
        }
        return next
    }

    private mutating func waits(
        after ending: RetryPolicy.Ending, _ answer: GraphResponse?, sent: Timestamp
    ) async throws(MMError) -> Bool {
        repetitions += 1
        var wait = client.policy.wait(
            after: ending, method: command.isReadOnly ? "GET" : "POST", repetition: repetitions, isGuarded: false,
            mayRepeat: false, jitter: client.jitter())
        if wait == nil, command.isReadOnly, repetitions <= client.policy.maxRetries, let answer,
            ExchangeError(answer, cmdlet: command.cmdlet).isTransient
        {
            wait = .seconds(Int64(1 << repetitions))
        }
        if ending.isThrottling { await gate.slowDown(ending, wait, sent: sent) }
        guard let wait, wait < deadline.remaining else { return false }
        // The gate does the waiting, for this call and all others.
        if ending.isThrottling { return true }
        do {
            try await client.pause(wait)
        } catch {
            throw cancelled()
        }
        return true
    }

    private func cancelled() -> MMError {
        MMError(.cancelled, "\(command.cmdlet) was cancelled.", details: ["cmdlet": .string(command.cmdlet)])
    }

    private func unanswered(_ fault: HTTPError) -> MMError {
        var error = fault.mmError(for: command.cmdlet)
        if fault.mayHaveBeenSent, !command.isReadOnly {
            error.hint = "It isn't known whether \(command.cmdlet) ran: check before running it again."
            error.retry = .never
        }
        error.details["service"] = .string(client.service.rawValue)
        error.details["cmdlet"] = .string(command.cmdlet)
        error.details["clientRequestId"] = .string(requestID)
        return error
    }

    private func note(_ outcome: String, _ answer: GraphResponse?) {
        client.log.debug(
            "\(command.cmdlet) \(outcome)",
            [
                "service": .string(client.service.rawValue), "clientRequestId": .string(requestID),
                "requestId": .string(answer?.requestID ?? ""), "attempt": .int(Int64(repetitions + 1)),
                "server": .string(answer?.header("X-CalculatedBETarget") ?? ""),
                "remaining": .string(answer?.header("Rate-Limit-Remaining") ?? ""),
            ])
    }
}
