package import MMCore
package import MMHTTP
package import MMIdentity

/// Runs cmdlets of Exchange Online or the compliance service for one connection, over the endpoint that Microsoft's own
/// module uses. It lives as long as its session and keeps the regional host, the affinity cookie, and the list of
/// cmdlets that the account may run.
package actor ExchangeClient {
    /// The endpoint that the client uses.
    package nonisolated let service: ExchangeService
    /// The name of its connection.
    package nonisolated var connectionName: String { connection.name }
    nonisolated let identity: IdentityService
    nonisolated let connection: Connection
    nonisolated let cloud: Cloud
    nonisolated var transport: any HTTPTransport { identity.transport }
    nonisolated var clock: WallClock { identity.clock }
    nonisolated var pause: @Sendable (Duration) async throws -> Void { identity.pause }
    nonisolated let jitter: @Sendable () -> Double
    nonisolated let log: Log
    nonisolated let connectionID = RandomBytes.uuid()
    /// The host that serves the tenant, once known: `https://…` without a path.
    var regionalOrigin: String?
    /// That host's cookies, as `name=value`.
    var cookies: [String] = []
    var cmdletList: ExchangeCmdletList?

    /// Creates a client; nothing is sent yet.
    /// - Parameters:
    ///   - identity: the service that provides the tokens; its transport, its clock and its way of waiting are shared.
    ///   - connection: the connection.
    ///   - service: the endpoint that runs the cmdlets.
    ///   - jitter: returns numbers from 0 to 1, which spread out repeated requests; tests replace it.
    /// - Throws: `.invalidInput` for an unknown cloud; `.unsupported` if the cloud has no host for the service.
    package init(
        identity: IdentityService, connection: Connection, service: ExchangeService,
        jitter: @escaping @Sendable () -> Double = { Double.random(in: 0...1) }
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
        self.jitter = jitter
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
    nonisolated func gate(_ report: @escaping @Sendable (String) -> Void) -> ServiceGate {
        ServiceGate(
            identity.pace(of: connection, service: service.resource.name, log: log),
            service: service.resource.name, connection: connection.name, longestWait: RetryPolicy.maxWait,
            clock: clock, jitter: jitter, pause: pause, report: report)
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
                client: self, asked: .page(of: command, size: size), deadline: deadline, report: report)
            response = try await attempt.run(at: address)
        } catch {
            // Further pages are asked for after the cmdlet ran.
            throw .failed(link == nil ? error : error.ofLaterRequest)
        }
        guard (200..<300).contains(response.status) else {
            let advice = WaitAdvice(response.fields, now: clock.now)
            throw .refused(ExchangeError(response, cmdlet: command.cmdlet, retryAfter: advice.asked))
        }
        do throws(MMError) {
            return try ExchangePage(response, of: command)
        } catch {
            throw .failed(error)
        }
    }
}

/// Several cmdlets that read, in one request.
extension ExchangeClient {
    /// The number of cmdlets that the service takes in one request.
    package static let largestBatch = 10

    /// Returns the rows of several cmdlets, all pages of each. Up to ten first pages are requested in one batch; those
    /// that fail are requested again one by one.
    /// - Parameters:
    ///   - commands: cmdlets that only read.
    ///   - deadline: when to give up.
    ///   - report: called with a sentence when the client waits because the service asks to slow down.
    /// - Returns: the rows of each cmdlet as JSON texts, or its error, in the order of the cmdlets.
    /// - Throws: errors that stop all of them: sign-in, network.
    package func readings(
        of commands: [ExchangeCommand], deadline: Deadline,
        report: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws(MMError) -> [Result<[ArraySlice<UInt8>], ExchangeFault>] {
        precondition(commands.allSatisfy(\.isReadOnly), "a cmdlet that writes is sent by itself")
        var results: [Result<[ArraySlice<UInt8>], ExchangeFault>] = []
        for start in stride(from: 0, to: commands.count, by: Self.largestBatch) {
            let some = Array(commands[start..<min(start + Self.largestBatch, commands.count)])
            let firsts = try await firstPages(of: some, deadline: deadline, report: report)
            for (command, first) in zip(some, firsts) {
                results.append(await rows(of: command, after: first, deadline, report))
            }
        }
        return results
    }

    private func rows(
        of command: ExchangeCommand, after first: ExchangePage?, _ deadline: Deadline,
        _ report: @escaping @Sendable (String) -> Void
    ) async -> Result<[ArraySlice<UInt8>], ExchangeFault> {
        var pages = ExchangePages(
            client: self, command: command, deadline: deadline, report: report, after: first)
        var rows = first?.rows ?? []
        do throws(ExchangeFault) {
            while let page = try await pages.next() { rows += page.rows }
            return .success(rows)
        } catch {
            return .failure(error)
        }
    }

    /// Returns the first pages; `nil` for a cmdlet that the service didn't answer with a page.
    private func firstPages(
        of commands: [ExchangeCommand], deadline: Deadline, report: @escaping @Sendable (String) -> Void
    ) async throws(MMError) -> [ExchangePage?] {
        guard commands.count > 1 else { return commands.map { _ in nil } }
        try await findHome(deadline)
        var attempt = ExchangeAttempt(
            client: self, asked: .firstPages(of: commands), deadline: deadline, report: report)
        let response = try await attempt.run(at: nil)
        // If the service refuses the batch, the single requests give the same error in more detail.
        guard (200..<300).contains(response.status), let answers = try response.json()["responses"]?.array else {
            return commands.map { _ in nil }
        }
        var pages: [ExchangePage?] = []
        for (index, command) in commands.enumerated() {
            let answer = answers.first { ($0["id"]?.string ?? $0["id"]?.int.map(String.init)) == String(index) }
            guard let answer, let status = answer["status"]?.int, (200..<300).contains(status) else {
                pages.append(nil)
                continue
            }
            let body = answer["body"].flatMap { $0.isNull ? nil : JSONWriter.bytes($0) } ?? []
            pages.append(
                try ExchangePage(GraphResponse(status: status, headers: [:], body: body), of: command))
        }
        return pages
    }

    /// Returns the request for the first pages of several cmdlets.
    nonisolated func wire(
        batch commands: [ExchangeCommand], url: String, account: SignedInAccount, authorization: String,
        requestID: String, timeout: Duration
    ) -> HTTPRequest {
        let origin = WebAddress(url)?.origin ?? ""
        let items = commands.enumerated().map { index, command -> JSONValue in
            let request = wire(
                command, url: origin + path(command, account.tenantID), size: command.pageSize, account: account,
                authorization: "", requestID: RandomBytes.uuid(), timeout: timeout)
            var headers = JSONObject()
            for field in request.headers where field.name != "Authorization" {
                headers[field.name] = .string(field.value)
            }
            return [
                "id": .string(String(index)), "method": "POST", "url": .string(request.url),
                "headers": .object(headers), "body": command.body,
            ]
        }
        var headers = headers(by: account, authorization: authorization)
        headers.set("client-request-id", requestID)
        headers.set("Content-Type", "application/json; charset=utf-8")
        headers.set("Prefer", "odata.continue-on-error")
        return HTTPRequest(
            method: "POST", url: url, headers: headers, body: JSONWriter.bytes(["requests": .array(items)]),
            timeout: timeout, maxResponseBytes: Self.largestPage, allowsPlainHTTP: url.hasPrefix("http:"))
    }
}

/// The addresses that requests are sent to, and the checks of those that they may be sent to.
extension ExchangeClient {
    /// Returns the base URL of the service in this cloud.
    nonisolated func row() throws(MMError) -> String {
        guard let base = cloud.base(of: service.resource) else {
            throw MMError(.unsupported, "The cloud \(cloud.name) has no host for \(service.title).")
        }
        return base
    }

    /// Returns the path of a cmdlet's first page.
    nonisolated func path(_ command: ExchangeCommand, _ tenant: String) -> String {
        let path = "/adminapi/beta/\(tenant)/InvokeCommand"
        let names = command.properties.filter { $0.utf8.allSatisfy { Self.isNameByte($0) } && !$0.isEmpty }
        guard names.count == command.properties.count, !names.isEmpty else { return path }
        return path + "?$select=" + names.joined(separator: ",")
    }

    private nonisolated static func isNameByte(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F
    }

    /// Returns whether a URL is one of the service's own; unlike with links, a foreign one is no fault.
    package nonisolated func serves(_ address: WebAddress) -> Bool { (try? admits(address)) ?? false }

    /// Returns whether a URL belongs to the service: its host or a subdomain over `https`; in the sandbox, only its own
    /// address.
    nonisolated func admits(_ address: WebAddress) throws(MMError) -> Bool {
        guard let row = WebAddress(try row()), !address.hasUserInfo, address.scheme == row.scheme else { return false }
        if address.host == row.host, address.port == row.port { return true }
        return row.scheme == "https" && address.port == 443 && address.host.hasSuffix("." + row.host)
    }

    /// Returns the URL of a next page, after checking that the token may be sent there.
    /// - Throws: `.denied` for a host that isn't the service's.
    func checked(_ link: String, of command: ExchangeCommand) throws(MMError) -> String {
        if let address = Self.address(link), address.pathAndQuery.lowercased().hasPrefix("/adminapi/"),
            try admits(address)
        {
            return address.origin + address.pathAndQuery
        }
        let place = WebAddress(link)?.origin ?? "an address that can't be read"
        throw MMError(
            .denied,
            "The next page of \(command.cmdlet) has the address \(place), which isn't a host of "
                + "\(service.title): it was "
                + "not requested.",
            hint: "The rows so far are complete pages. No token was sent there.",
            details: ["host": .string(place), "cmdlet": .string(command.cmdlet)])
    }

    /// Parses a URL from the service, which sometimes contains the port of its internal side (446).
    nonisolated static func address(_ text: String) -> WebAddress? {
        guard let address = WebAddress(text) else { return nil }
        guard address.scheme == "https", address.port == 446 else { return address }
        return WebAddress("https://\(address.host)\(address.pathAndQuery)")
    }

    /// Handles a redirect to the regional host, which serves the tenant from now on.
    /// - Returns: the URL to send the request to; `nil` when the host isn't the service's.
    func moved(by response: GraphResponse, from url: String) throws(MMError) -> String? {
        guard let location = response.header("Location"), let old = WebAddress(url) else { return nil }
        let text = location.hasPrefix("/") && !location.hasPrefix("//") ? old.origin + location : location
        guard let address = Self.address(text), try admits(address) else { return nil }
        regionalOrigin = address.origin
        cookies = response.fields.values(for: "Set-Cookie").compactMap(Self.cookie).suffix(8)
        return address.pathAndQuery.lowercased().hasPrefix("/adminapi/")
            ? address.origin + address.pathAndQuery : address.origin + old.pathAndQuery
    }

    private static func cookie(_ text: String) -> String? {
        let pair = text.prefix { $0 != ";" }
        guard pair.contains("="), pair.utf8.count <= 2048,
            pair.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x2C })
        else { return nil }
        return String(pair)
    }

    /// Finds the host that serves a tenant's compliance cmdlets, once; the public host names it in a redirect.
    func findHome(_ deadline: Deadline) async throws(MMError) {
        guard regionalOrigin == nil, service == .compliance else { return }
        let base = try row()
        var attempt = ExchangeAttempt(client: self, asked: .home, deadline: deadline)
        let answer = try await attempt.run(at: nil)
        guard (300..<400).contains(answer.status), let location = answer.header("Location") else {
            // Without a redirect, the tenant is served by the public host. A failure says nothing about it: the cmdlet
            // is then sent there too, and its answer tells where it belongs, or what is wrong.
            if answer.status < 500, answer.status != 401, answer.status != 429 { regionalOrigin = base }
            return
        }
        // Only the first label counts: the rest of the name isn't that of the host that runs cmdlets.
        guard let place = WebAddress(location), let row = WebAddress(base), row.scheme == "https",
            let label = place.host.split(separator: ".").first, place.host.split(separator: ".").count > 2,
            label.utf8.allSatisfy({ Self.isNameByte($0) || $0 == 0x2D })
        else {
            guard let place = Self.address(location), try admits(place) else {
                throw MMError(
                    .remoteFailed, "\(service.title) sends \(connection.name) to a host that isn't one of its own.",
                    hint: "Nothing was sent there. Check the cloud of the connection.",
                    details: ["host": .string(WebAddress(location)?.origin ?? "unreadable")])
            }
            regionalOrigin = place.origin
            return
        }
        // In one cloud the service's own host already has a label in front.
        let bare = row.host.hasPrefix("ps.") ? row.host : row.host.drop { $0 != "." }.dropFirst().description
        regionalOrigin = "https://\(label).\(bare)"
    }
}

/// Builds the requests.
extension ExchangeClient {
    /// The version of Microsoft's module whose requests are reproduced here.
    static let version = "3.9.2"
    /// The maximum size of one page in bytes.
    static let largestPage = 128 << 20

    /// Returns the headers of every request.
    nonisolated func headers(by account: SignedInAccount, authorization: String) -> HTTPHeaders {
        [
            "Authorization": authorization, "Accept": "application/json", "connection-id": connectionID,
            "client-request-id": RandomBytes.uuid(), "X-ClientApplication": "ExoManagementModule",
            "X-ClientModuleVersion": Self.version, "Accept-Language": "en-US",
            "X-AnchorMailbox": ExchangeAnchor(ExchangeCommand(""), by: account, at: service).value,
        ]
    }

    /// Returns the request for a page of a cmdlet.
    nonisolated func wire(
        _ command: ExchangeCommand, url: String, size: Int, account: SignedInAccount, authorization: String,
        requestID: String, timeout: Duration
    ) -> HTTPRequest {
        var headers = headers(by: account, authorization: authorization)
        headers.set("client-request-id", requestID)
        headers.set("Content-Type", "application/json; charset=utf-8")
        headers.set("Prefer", "odata.maxpagesize=\(size)")
        headers.set("X-CmdletName", command.cmdlet)
        headers.set("X-ResponseFormat", "json")
        headers.set("X-SerializationLevel", "Partial")
        headers.set("WarningAction", command.headers["WarningAction"] ?? "")
        let anchor = ExchangeAnchor(command, by: account, at: service)
        headers.set("X-AnchorMailbox", anchor.value)
        if anchor.isFromParameter { headers.set("parameter-based-routing", "true") }
        return HTTPRequest(
            method: "POST", url: url, headers: headers, body: JSONWriter.bytes(command.body), timeout: timeout,
            maxResponseBytes: Self.largestPage, allowsPlainHTTP: url.hasPrefix("http:"))
    }

    /// Returns the path to which a request is sent first.
    nonisolated func path(_ asked: ExchangeRequest, _ tenant: String) -> String {
        switch asked {
        case .page(let command, _): path(command, tenant)
        case .firstPages: "/adminapi/beta/\(tenant)/$batch"
        case .cmdlets: "/adminapi/v1.0/\(tenant)/EXOModuleFile?Version=\(Self.version)"
        case .home: "/adminapi/beta/\(tenant)/EXOBanner('AutogenSession')?Version=\(Self.version)"
        }
    }

    /// Returns a request as it is sent.
    nonisolated func wire(
        _ asked: ExchangeRequest, url: String, token: AccessToken, requestID: String, timeout: Duration
    ) -> HTTPRequest {
        let (account, authorization) = (token.account, token.authorization)
        switch asked {
        case .page(let command, let size):
            return wire(
                command, url: url, size: size, account: account, authorization: authorization, requestID: requestID,
                timeout: timeout)
        case .firstPages(let commands):
            return wire(
                batch: commands, url: url, account: account, authorization: authorization, requestID: requestID,
                timeout: timeout)
        case .cmdlets, .home:
            var headers = headers(by: account, authorization: authorization)
            headers.set("client-request-id", requestID)
            if case .cmdlets = asked { headers.set("CommandName", "*") }
            return HTTPRequest(
                method: "GET", url: url, headers: headers, timeout: timeout, maxResponseBytes: 64 << 20,
                allowsPlainHTTP: url.hasPrefix("http:"))
        }
    }
}

/// The `X-AnchorMailbox` header, which names the mailbox close to which the service runs a request.
package struct ExchangeAnchor: Sendable, Hashable {
    /// The value of the header.
    package let value: String
    /// Whether the value comes from a parameter of the cmdlet, which a second header declares.
    package let isFromParameter: Bool

    private static let arbitrationMailbox = "SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}"
    private static let auditMailbox = "SystemMailbox{8cc370d3-822a-4ab8-a926-bb94bd0641a9}"

    /// Determines the anchor of a command: its identity if custom routing is requested, otherwise the caller, otherwise
    /// a mailbox that every tenant has.
    /// - Parameters:
    ///   - command: the command to run.
    ///   - account: the caller; an app has no sign-in name.
    ///   - service: the service that runs it.
    package init(_ command: ExchangeCommand, by account: SignedInAccount, at service: ExchangeService) {
        if command.usesCustomRouting, let hint = Self.hint(command, account.tenantID) {
            value = hint
            isFromParameter = true
            return
        }
        isFromParameter = false
        let domain = account.username.split(separator: "@", maxSplits: 1).dropFirst().first.map(String.init)
        // A person at a partner has no mailbox in the customer's tenant.
        let hasMailbox = !account.isAway || service == .compliance
        if command.cmdlet.lowercased() == "set-adminauditlogconfig" {
            value = "UPN:\(Self.auditMailbox)@\(domain.flatMap(Self.plain) ?? account.tenantID)"
        } else if hasMailbox, domain.flatMap(Self.plain) != nil, let name = Self.plain(account.username) {
            value = "UPN:\(name)"
        } else if service == .compliance {
            value = "UPN:OAuthUser@\(account.tenantID)"
        } else {
            value = "APP:\(Self.arbitrationMailbox)@\(account.tenantID)"
        }
    }

    /// Returns the anchor for a mailbox or folder identity that is an address or a GUID; `nil` for other forms.
    private static func hint(_ command: ExchangeCommand, _ tenant: String) -> String? {
        for name in ["Identity", "Mailbox"] {
            guard let text = command.parameters[name]?.string else { continue }
            let identity = String(text.prefix { $0 != ":" })
            guard let identity = plain(identity) else { continue }
            if GUID.isValid(identity) { return "MBX:\(identity)@\(tenant)" }
            let parts = identity.split(separator: "@", omittingEmptySubsequences: false)
            if parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty { return "SMTP:\(identity)" }
        }
        return nil
    }

    /// Returns a text if a header can carry it.
    private static func plain(_ text: String) -> String? {
        !text.isEmpty && text.utf8.count <= 320 && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } ? text : nil
    }
}

/// What the client asks the service for.
enum ExchangeRequest: Sendable {
    /// A page of a cmdlet with at most `size` rows.
    case page(of: ExchangeCommand, size: Int)
    /// The first pages of several cmdlets that only read, in one request.
    case firstPages(of: [ExchangeCommand])
    /// The list of the cmdlets that the account may run.
    case cmdlets
    /// The host that serves the tenant's compliance cmdlets; the answer is a redirect to it.
    case home

    /// The cmdlet, or what else is asked for.
    var name: String {
        switch self {
        case .page(let command, _): command.cmdlet
        case .firstPages(let commands): commands.first?.cmdlet ?? ""
        case .cmdlets: "the list of cmdlets"
        case .home: "the compliance host"
        }
    }

    /// The same at the start of a sentence.
    var title: String { name.prefix(1).uppercased() + name.dropFirst() }

    /// The cmdlet, if it may change something.
    var writing: ExchangeCommand? {
        if case .page(let command, _) = self, !command.isReadOnly { command } else { nil }
    }

    /// The time that Microsoft's module waits for the answer.
    var timeout: Duration {
        switch self {
        case .page(let command, _): command.timeout
        case .firstPages(let commands): commands.first?.timeout ?? .zero
        case .cmdlets: .seconds(100)
        case .home: .seconds(60)
        }
    }
}

/// Sends a request, as often as the policy allows, until there is a response to return. A cmdlet that may have run
/// isn't sent again unless it only reads.
struct ExchangeAttempt {
    private let client: ExchangeClient
    private let asked: ExchangeRequest
    private let deadline: Deadline
    private let requestID = RandomBytes.uuid()
    private var repetitions = 0
    private var redirects = 0
    private var hasRenewed = false
    /// Whether the service may have got the cmdlet, in this or an earlier repetition.
    private var mayHaveArrived = false
    private var gate: ServiceGate

    private static let mostRedirects = 4

    init(
        client: ExchangeClient, asked: ExchangeRequest, deadline: Deadline,
        report: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.client = client
        self.asked = asked
        self.deadline = deadline
        gate = client.gate(report)
    }

    /// Sends until there is a response: what was asked for, or an error to report.
    /// - Parameter address: the URL of the page; `nil` for the first page.
    mutating func run(at address: String?) async throws(MMError) -> GraphResponse {
        do throws(MMError) { return try await answer(at: address) } catch {
            var error = error
            // While the host is looked for, no cmdlet is sent.
            let isSought = if case .home = asked { true } else { false }
            error.isUnsent = isSought || !mayHaveArrived
            throw error
        }
    }

    private mutating func answer(at address: String?) async throws(MMError) -> GraphResponse {
        var token = try await client.identity.token(
            for: client.connection, resource: client.service.resource, deadline: deadline)
        var place = address
        while true {
            try deadline.check("waiting for \(asked.name)")
            guard !Task.isCancelled else { throw cancelled() }
            let url: String
            if let place { url = place } else { url = try await firstPage(token.account.tenantID) }
            let sent = try await gate.pass(until: deadline)
            let response: HTTPResponse
            do {
                response = try await send(url, token)
                mayHaveArrived = true
            } catch {
                mayHaveArrived = mayHaveArrived || error.mayHaveBeenSent
                note("no answer (\(error.message))", nil)
                guard error.kind != .cancelled else { throw cancelled() }
                if try await waits(after: .failure(error), nil, sent: sent) { continue }
                throw unanswered(error)
            }
            let answer = GraphResponse(status: response.status, headers: response.headers, body: response.body)
            note("\(answer.status) \(answer.body.count) bytes", answer)
            if (300..<400).contains(answer.status), answer.status != 304 {
                if case .home = asked { return answer }
                place = try await follow(answer, from: url)
                continue
            }
            if answer.status == 401, !hasRenewed, mayRenew(answer) {
                hasRenewed = true
                token = try await client.identity.token(
                    insteadOf: token, at: sent, answer: answer.fields, for: client.connection, deadline: deadline)
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
        let path = client.path(asked, tenant)
        if let home = await client.regionalOrigin { return home + path }
        return try client.row() + path
    }

    private func send(_ url: String, _ token: AccessToken) async throws(HTTPError) -> HTTPResponse {
        let timeout = min(asked.timeout, max(deadline.remaining, .milliseconds(1)))
        var request = client.wire(asked, url: url, token: token, requestID: requestID, timeout: timeout)
        let (home, cookies) = await (client.regionalOrigin, client.cookies)
        if let home, url.hasPrefix(home + "/"), !cookies.isEmpty {
            request.headers.set("Cookie", cookies.joined(separator: "; "))
        }
        return try await client.transport.send(request)
    }

    /// Returns whether a request may be sent again with a new token. With a bearer challenge the token was refused and
    /// nothing ran; a bare 401 may come from a server behind it.
    private func mayRenew(_ answer: GraphResponse) -> Bool {
        asked.writing == nil || BearerChallenge(answer.fields.values(for: "WWW-Authenticate")) != nil
    }

    private mutating func follow(_ answer: GraphResponse, from url: String) async throws(MMError) -> String {
        redirects += 1
        guard redirects <= Self.mostRedirects, let next = try await client.moved(by: answer, from: url) else {
            let place = answer.header("Location").flatMap { WebAddress($0)?.origin } ?? "an unreadable address"
            throw MMError(
                .denied,
                redirects > Self.mostRedirects
                    ? "\(client.service.title) redirects \(asked.name) in a loop."
                    : "\(client.service.title) redirects \(asked.name) to \(place), which "
                        + "isn't one of its own hosts.",
                hint: "No token was sent there, and nothing ran. Try again later.",
                details: ["host": .string(place), "cmdlet": .string(asked.name)])
        }
        return next
    }

    private mutating func waits(
        after ending: RetryPolicy.Ending, _ answer: GraphResponse?, sent: Timestamp
    ) async throws(MMError) -> Bool {
        repetitions += 1
        var wait = RetryPolicy.wait(
            after: ending, method: asked.writing == nil ? "GET" : "POST", repetition: repetitions, isGuarded: false,
            mayRepeat: false, jitter: client.jitter())
        if wait == nil, asked.writing == nil, repetitions <= RetryPolicy.maxRetries, let answer,
            ExchangeError(answer, cmdlet: asked.name).isTransient
        {
            wait = .seconds(Int64(1 << repetitions))
        }
        do {
            return try await gate.waits(after: ending, wait, sent: sent, until: deadline, client.pause)
        } catch {
            throw cancelled()
        }
    }

    private func cancelled() -> MMError {
        MMError(.cancelled, "\(asked.title) was cancelled.", details: ["cmdlet": .string(asked.name)])
    }

    private func unanswered(_ fault: HTTPError) -> MMError {
        var error = fault.mmError(for: asked.title)
        if fault.mayHaveBeenSent, let command = asked.writing {
            error.hint = command.checkFirst
            error.retry = .never
        }
        error.details["service"] = .string(client.service.rawValue)
        error.details["cmdlet"] = .string(asked.name)
        error.details["clientRequestId"] = .string(requestID)
        return error
    }

    private func note(_ outcome: String, _ answer: GraphResponse?) {
        client.log.debug(
            "\(asked.name) \(outcome)",
            [
                "service": .string(client.service.rawValue), "clientRequestId": .string(requestID),
                "requestId": .string(answer?.requestID ?? ""), "attempt": .int(Int64(repetitions + 1)),
                "server": .string(answer?.header("X-CalculatedBETarget") ?? ""),
                "remaining": .string(answer?.header("Rate-Limit-Remaining") ?? ""),
            ])
    }
}

/// The cmdlets that an account may run, as listed by the service; they depend on its roles.
package struct ExchangeCmdletList: Sendable, Hashable {
    /// The names as the service spells them, by name in lower case.
    private let names: [String: String]

    init(_ names: some Sequence<String>) {
        var known: [String: String] = [:]
        for name in names { known[name.lowercased()] = name }
        self.names = known
    }

    /// Returns whether the account may run a cmdlet; the name is case-insensitive.
    package func contains(_ name: String) -> Bool { names[name.lowercased()] != nil }

    /// Returns the service's spelling of a cmdlet's name.
    package func spelling(of name: String) -> String? { names[name.lowercased()] }

    /// All names, sorted.
    package var all: [String] { names.values.sorted() }
}

extension ExchangeClient {
    /// Returns the cmdlets that the account may run; the service is asked only once.
    /// - Throws: the service's error, such as `.forbidden` when the account may run none; what sending throws.
    package func cmdlets(deadline: Deadline) async throws(MMError) -> ExchangeCmdletList {
        if let cmdletList { return cmdletList }
        try await findHome(deadline)
        var attempt = ExchangeAttempt(client: self, asked: .cmdlets, deadline: deadline)
        let response = try await attempt.run(at: nil)
        guard (200..<300).contains(response.status) else {
            throw ExchangeError(response, cmdlet: ExchangeRequest.cmdlets.name).mmError(of: connection.name, service)
        }
        let list = try Self.list(response)
        cmdletList = list
        return list
    }

    private static func list(_ response: GraphResponse) throws(MMError) -> ExchangeCmdletList {
        let json = try response.json()
        var names: [String] = []
        for entry in json["value"]?.array ?? [json] {
            let exported = entry["exportedCmdlets"] ?? entry["ExportedCmdlets"]
            if let text = exported?.string {
                names += text.split(separator: ",").map { String($0).trimmed }
            } else {
                names += (exported?.array ?? []).compactMap(\.string)
            }
        }
        return ExchangeCmdletList(names.filter { $0.contains("-") })
    }
}
