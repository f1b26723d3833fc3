internal import Glibc
public import MMCore
import MMHTTP
public import MMIdentity
internal import MMSystem

/// Sends a connection's requests to one service, with the token, hosts and retry rules that it requires.
///
/// ```swift
/// let graph = try GraphClient(connection: "Contoso")
/// let me = try await graph.get("/me", as: User.self)
/// for try await user in graph.pages("/users", select: ["displayName"], as: User.self) { … }
/// ```
public struct GraphClient: Sendable {
    /// The properties that all copies share; each transfer, list and attempt holds a copy.
    private final class Parts: Sendable {
        let identity: IdentityService
        let connection: Connection
        let service: RequestService
        let resource: ServiceResource
        let cloud: Cloud
        let jitter: @Sendable () -> Double
        let log: Log

        init(
            _ identity: IdentityService, _ connection: Connection, _ service: RequestService,
            _ resource: ServiceResource, _ cloud: Cloud, jitter: @escaping @Sendable () -> Double
        ) {
            self.identity = identity
            self.connection = connection
            self.service = service
            self.resource = resource
            self.cloud = cloud
            self.jitter = jitter
            log = identity.log.from("graph").scoped(connection.name, service.rawValue)
        }
    }

    private let parts: Parts
    private var report: @Sendable (String) -> Void = { _ in }
    var signIn = GraphSignIn.none
    /// The size of the pieces in which a file is sent: a multiple of 320 KiB, as drives require, and less than their
    /// limit of 60 MiB.
    var uploadPiece = 32 * 327_680

    /// The maximum size in bytes of a response that is held in memory.
    package static let maxResponseBytes = 64 << 20

    /// Creates a client for a connection's requests to a service.
    /// - Parameters:
    ///   - identity: the service that provides the tokens; its network connections are shared.
    ///   - connection: the connection.
    ///   - service: the service to send requests to.
    /// - Throws: `.invalidInput` for an unknown cloud; `.unsupported` if the cloud has no host for the service.
    public init(
        identity: IdentityService, connection: Connection, service: RequestService = .graph
    ) throws(MMError) {
        try self.init(identity: identity, connection: connection, service: service, sharePointLabel: nil)
    }

    /// Creates a client for a connection's requests to a service.
    /// - Parameters:
    ///   - identity: the service that provides the tokens; its transport, its clock and its way of waiting are shared.
    ///   - connection: the connection.
    ///   - service: the service to send requests to.
    ///   - sharePointLabel: the label of the SharePoint host, if it isn't the connection's own.
    ///   - jitter: returns numbers from 0 to 1, which spread out repeated requests; tests replace it.
    package init(
        identity: IdentityService, connection: Connection, service: RequestService, sharePointLabel: String?,
        jitter: @escaping @Sendable () -> Double = { Double.random(in: 0...1) }
    ) throws(MMError) {
        let cloud = try identity.cloud(of: connection)
        guard let resource = ServiceResource(service, sharePointLabel: sharePointLabel ?? connection.sharepointHost),
            cloud.base(of: resource) != nil
        else {
            throw MMError(
                .unsupported,
                "The cloud \(cloud.name) of \(connection.name) has no known host for \(service.rawValue).",
                hint: "Check the cloud of the connection, and sharepoint_host for SharePoint.")
        }
        parts = Parts(identity, connection, service, resource, cloud, jitter: jitter)
    }

    /// The service that requests are sent to.
    public var service: RequestService { parts.service }
    /// The resource of its tokens.
    package var resource: ServiceResource { parts.resource }
    var identity: IdentityService { parts.identity }
    var connection: Connection { parts.connection }
    var cloud: Cloud { parts.cloud }
    var transport: any HTTPTransport { identity.transport }
    var clock: WallClock { identity.clock }
    var pause: @Sendable (Duration) async throws -> Void { identity.pause }
    var jitter: @Sendable () -> Double { parts.jitter }
    var log: Log { parts.log }

    /// Returns a client that calls `report` with a sentence whenever it waits because the service asks to slow down.
    public func reportingWaits(to report: @escaping @Sendable (String) -> Void) -> GraphClient {
        var client = self
        client.report = report
        return client
    }

    /// The gate where the requests of one call wait until the service may be asked.
    var gate: ServiceGate {
        ServiceGate(
            identity.pace(of: connection, service: resource.name, log: log), service: resource.name,
            connection: connection.name, longestWait: RetryPolicy.maxWait, clock: clock, jitter: jitter, pause: pause,
            report: report)
    }

    /// Returns the hosts that a connection's requests to a service may name.
    private static func allowedHosts(_ cloud: Cloud, _ resource: ServiceResource) -> [String] {
        cloud.writtenBases(of: resource).map { base in
            base.hasPrefix("https://") ? String(base.dropFirst("https://".count)) : base
        }
    }

    /// Parses an endpoint as the caller wrote it, and checks its version, host and spelling for this connection.
    ///
    /// Pass the same value to the guard and to `send`.
    /// - Parameters:
    ///   - endpoint: the endpoint.
    ///   - query: further query options.
    /// - Throws: `.invalidInput` for an invalid endpoint, and for an option that is given twice or percent-encoded.
    public func target(_ endpoint: String, query: [(name: String, value: String)] = []) throws(MMError) -> RequestTarget
    {
        var target = try RequestTarget(
            parsing: endpoint, service: service, allowedHosts: Self.allowedHosts(cloud, resource))
        for (name, value) in query {
            guard target.queryValue(name) == nil else {
                throw MMError(
                    .invalidInput, "The query option `\(name)` is given twice, in the endpoint or in `query`.",
                    hint: "Give it once.")
            }
            try QueryOption.checkIsPlain(name, value)
            target = target.addingQuery(name, value)
        }
        return RequestDefaults.completing(target)
    }

    /// Returns the delta query for a collection: `/users/delta` for `/users`.
    package func changes(of target: RequestTarget) throws(MMError) -> RequestTarget {
        let last = target.segments.last?.lowercased() ?? ""
        guard !last.hasPrefix("delta"), !last.hasSuffix(".delta"), !last.hasSuffix("delta()") else { return target }
        let query = target.query.map { "?" + $0 } ?? ""
        return try self.target(target.path + "/delta" + query)
    }

    /// Sends a request and returns the response.
    ///
    /// Throttling, temporary faults and refused tokens are handled as far as that is safe. A redirect to a download is
    /// followed without any credential.
    /// - Parameters:
    ///   - request: the request; sent unchanged except for additions that the service needs (`api-version`,
    ///     `ConsistencyLevel`).
    ///   - deadline: when to give up.
    /// - Throws: the service's own error with code, message and request id; `.signInNeeded`; `.throttled`; network
    ///   errors.
    public func send(
        _ request: GraphRequest, deadline: Deadline = .after(.seconds(300))
    ) async throws(MMError) -> GraphResponse {
        try await send(request, deadline: deadline, delivery: .whole)
    }

    /// Sends a request and returns the response; its body may still be arriving.
    func send(
        _ request: GraphRequest, deadline: Deadline, delivery: BodyDelivery
    ) async throws(MMError) -> GraphResponse {
        guard request.target.service == service else {
            throw MMError(
                .invalidInput, "A \(request.target.service.rawValue) request can't be sent to \(service.rawValue).",
                hint: "Use the right resource.", details: ["field": "resource"])
        }
        guard let base = cloud.base(of: resource) else { throw MMError(.internalError, "The service has no address.") }
        let target = RequestDefaults.completing(request.target)
        let completed = try request.with(target: target)
        return try await signedIn { () async throws(MMError) in
            try await send(completed, to: base + target.pathAndQuery, deadline: deadline, delivery: delivery)
        }
    }

    /// Sends a request to a URL of this service.
    func send(
        _ request: GraphRequest, to url: String, deadline: Deadline, delivery: BodyDelivery = .whole
    ) async throws(MMError) -> GraphResponse {
        guard cloud.admits(url, for: resource) else {
            throw MMError(
                .internalError, "The URL of a request isn't one of \(service.rawValue) in the cloud \(cloud.name).")
        }
        var attempt = Attempt(client: self, request: request, url: url, deadline: deadline, delivery: delivery)
        let response = try await attempt.run()
        switch response.status {
        case 200..<300 where isPageOfAnother(response, to: request):
            throw ServiceError(response).mmError(for: request, retryAfter: nil)
        case 200..<300, 304:
            // If part of a batch was throttled, the next request would be too.
            if let wait = BatchOutcome(response, to: request, now: clock.now)?.throttledFor {
                var gate = gate
                await gate.slowDown(.status(429, asked: wait), nil, sent: clock.now)
            }
            return response
        case 300..<400:
            return try await follow(response, of: request, from: url, deadline: deadline, delivery: delivery)
        default:
            let advice = WaitAdvice(response.fields, now: clock.now)
            var error = ServiceError(response).mmError(for: request, retryAfter: advice.asked)
            // The answer to an expired delta link holds a link for starting over.
            if response.status == 410, let location = response.header("Location"),
                let link = Self.absolute(location, from: url), cloud.admits(link, for: self.resource)
            {
                error.details["resyncLink"] = .string(link)
            }
            throw error
        }
    }

    /// Whether a write was answered with a web page. The services have none to answer with, so it comes from a device
    /// on the way, and the write may never have arrived. An API of the tenant's own may have pages.
    private func isPageOfAnother(_ response: GraphResponse, to request: GraphRequest) -> Bool {
        if case .api = resource { return false }
        return response.contentType == "text/html" && !["GET", "HEAD", "OPTIONS"].contains(request.method)
    }
}

extension GraphClient {
    private static let maxRedirects = 5

    /// Follows a read's redirect to a download URL. The URL carries its own authorisation, so no credential is sent
    /// along.
    func follow(
        _ redirect: GraphResponse, of request: GraphRequest, from url: String, deadline: Deadline,
        delivery: BodyDelivery
    ) async throws(MMError) -> GraphResponse {
        var current = redirect
        var place = url
        for _ in 0..<Self.maxRedirects {
            guard request.method == "GET" || request.method == "HEAD", let location = current.header("Location"),
                let next = Self.absolute(location, from: place), let address = WebAddress(next)
            else {
                throw MMError(
                    .remoteFailed,
                    "\(service.rawValue) answered \(request.method) \(request.target.path) with a redirect (\(current.status)) "
                        + "that mm does not follow.",
                    hint: "Only reads are redirected to downloads. Check the endpoint.")
            }
            try check(address, for: "a download")
            var headers: HTTPHeaders = ["Accept": "*/*"]
            for name in ["Range", "If-Range"] {
                if let value = request.header(name) { headers.set(name, value) }
            }
            let wire = HTTPRequest(
                method: request.method, url: next, headers: headers,
                timeout: min(.seconds(100), max(deadline.remaining, .milliseconds(1))),
                maxResponseBytes: Self.maxResponseBytes, allowsPlainHTTP: address.scheme == "http")
            do {
                current = try await delivery.exchange(wire, over: transport)
            } catch {
                throw error.mmError(for: "The download of \(request.target.path)")
            }
            place = next
            switch current.status {
            case 200..<300: return current
            case 300..<400: continue
            default:
                // The URL is a secret, so it stays out of the error.
                throw MMError(
                    .remoteFailed,
                    "The download of \(request.target.path) from \(address.host) failed with status "
                        + "\(current.status).",
                    hint: "Such links expire within minutes to an hour: request a new one.",
                    retry: WaitAdvice(current.fields, now: clock.now).asked.map { .after($0) } ?? .now,
                    details: ["status": .int(Int64(current.status)), "host": .string(address.host)])
            }
        }
        throw MMError(.remoteFailed, "The download of \(request.target.path) is redirected in a loop.")
    }

    /// Checks that a URL uses `https` and isn't a host of this machine or its network; the sandbox is an exception.
    func check(_ address: WebAddress, for what: String) throws(MMError) {
        let isSandbox = cloud.name == "sandbox" && address.isLoopback
        guard !address.hasUserInfo, isSandbox || (address.scheme == "https" && !Self.isInternal(address)) else {
            throw MMError(
                .denied,
                "\(service.rawValue) returned the address \(address.origin) for \(what), which mm does not use.",
                hint: "Only https addresses outside this machine are used.")
        }
    }

    private static func isInternal(_ address: WebAddress) -> Bool {
        if address.isLoopback || address.host.hasPrefix("[") { return true }
        // Download hosts have names. An IP address in any spelling (10.0.0.1, 2130706433, 0x7f000001) is suspicious.
        return address.host.split(separator: ".").last?.first?.isNumber ?? true
    }

    static func absolute(_ location: String, from place: String) -> String? {
        if WebAddress(location) != nil { return location }
        guard location.hasPrefix("/"), !location.hasPrefix("//"), let base = WebAddress(place) else { return nil }
        return base.origin + location
    }
}

extension GraphClient {
    /// Creates a client for a connection of the registry, using the same sign-in as the programs.
    ///
    /// ```swift
    /// let graph = try GraphClient(connection: "Contoso")
    /// let me = try await graph.get("/me")
    /// ```
    /// - Parameters:
    ///   - name: the connection's name, as `mm connections` lists it.
    ///   - service: the service to send requests to.
    ///   - signIn: how to sign in; by default as the entry says.
    ///   - environment: `HOME`, `MM_CONNECTIONS`, `MM_TOKEN_DIR`, proxies; the process's own by default.
    /// - Throws: `.invalidInput` for a registry or an entry that can't be used; `.notFound` with the known names.
    public init(
        connection name: String, service: RequestService = .graph, signIn: GraphSignIn = .none,
        environment: [String: String] = ProcessEnvironment.read()
    ) throws(MMError) {
        let registry = ConnectionRegistry(path: StatePaths(environment: environment).registry)
        try self.init(
            identity: IdentityService(environment: environment, methods: signIn.methods(of: name)),
            connection: try registry.snapshot().connection(named: name), service: service)
        self.signIn = signIn
    }

    /// Creates a client for a tenant that isn't in any registry.
    ///
    /// ```swift
    /// let graph = try GraphClient(tenant: "contoso.com", clientID: id, signIn: .deviceCode { print($0.message) })
    /// ```
    /// - Parameters:
    ///   - tenant: the tenant's domain or id.
    ///   - clientID: the id of an app registration; for people to sign in, one that allows public client flows.
    ///   - cloud: the national cloud, as in the registry.
    ///   - service: the service to send requests to.
    ///   - signIn: how to sign in. The sign-in is kept in the token folder for later runs.
    ///   - environment: `HOME`, `MM_TOKEN_DIR`, proxies; the process's own by default.
    /// - Throws: `.invalidInput` for an invalid tenant, id or cloud.
    public init(
        tenant: String, clientID: String, cloud: String = "public", service: RequestService = .graph,
        signIn: GraphSignIn = .none, environment: [String: String] = ProcessEnvironment.read()
    ) throws(MMError) {
        let name = "\(clientID)@\(tenant)"
        try self.init(
            identity: IdentityService(environment: environment, methods: signIn.methods(of: name)),
            connection: try Connection(name: name, tenant: tenant, appId: clientID, cloud: cloud), service: service)
        self.signIn = signIn
    }

    /// Performs work, signing in first if needed and if the client was created with a way to do so.
    func signedIn<Answer: Sendable>(
        _ work: () async throws(MMError) -> Answer
    ) async throws(MMError) -> Answer {
        guard let show = signIn.show else { return try await work() }
        return try await identity.waitingForSignIn(to: connection, resource: resource, show: show, work)
    }
}

extension GraphSignIn {
    /// Returns the sign-in method of a connection by its name, if it differs from that of the entry.
    func methods(of connection: String) -> [String: SignInMethod] { method.map { [connection: $0] } ?? [:] }
}

/// One-line requests.
extension GraphClient {
    /// Reads an object.
    ///
    /// ```swift
    /// struct User: Decodable { let displayName: String }
    /// let me = try await graph.get("/me", as: User.self)
    /// ```
    /// - Parameters:
    ///   - endpoint: the endpoint, such as `/me` or `/beta/users/ID`.
    ///   - query: query options, such as `["$select": "displayName"]`.
    ///   - type: the type to decode: your own, or `JSONValue`.
    ///   - deadline: when to give up.
    /// - Throws: as `send`; `.remoteFailed` for a response that isn't JSON or can't be decoded.
    public func get<Answer: Decodable & Sendable>(
        _ endpoint: String, query: [String: String] = [:], as type: Answer.Type = JSONValue.self,
        deadline: Deadline = .after(.seconds(300))
    ) async throws(MMError) -> Answer {
        let request = try GraphRequest(target: try target(endpoint, query: Self.ordered(query)))
        return try await send(request, deadline: deadline).json().decoded(as: type)
    }

    /// Returns the items of a collection one by one, across all its pages. At most two pages are held in memory.
    ///
    /// ```swift
    /// for try await user in graph.pages("/users", select: ["displayName"], as: User.self) { … }
    /// ```
    /// A deadline covers the whole reading, and with it what the caller does between two items; without one, each
    /// request has its own time limit.
    /// - Parameters:
    ///   - endpoint: the endpoint, such as `/users`.
    ///   - select: the properties to return.
    ///   - filter: which items to return, such as `accountEnabled eq false`.
    ///   - top: the maximum number of items in total; `nil` for all.
    ///   - query: further query options.
    ///   - type: the type of an item: your own, or `JSONValue`.
    ///   - deadline: when to give up the whole reading.
    public func pages<Item: Decodable & Sendable>(
        _ endpoint: String, select: [String] = [], filter: String? = nil, top: Int? = nil,
        query: [String: String] = [:], as type: Item.Type = JSONValue.self, deadline: Deadline = .never
    ) -> GraphItems<Item> {
        var options = query
        if !select.isEmpty { options["$select"] = select.joined(separator: ",") }
        if let filter { options["$filter"] = filter }
        let request = Result { () throws(MMError) in
            try GraphRequest(target: try target(endpoint, query: Self.ordered(options)))
        }
        return GraphItems(
            pages: request.map { pages($0, limits: PageLimits(items: top), deadline: deadline) })
    }

    /// Sends a request with an optional JSON body and returns the response.
    ///
    /// ```swift
    /// try await graph.send("PATCH", "/users/ID", ["jobTitle": "Engineer"])
    /// ```
    /// - Parameters:
    ///   - method: `POST`, `PATCH`, `PUT` or `DELETE`.
    ///   - endpoint: the endpoint, such as `/users/ID`.
    ///   - body: the body.
    ///   - type: the type to decode; `JSONValue.null` if the service returns no body.
    ///   - deadline: when to give up.
    /// - Throws: as `send` of a `GraphRequest`.
    @discardableResult
    public func send<Answer: Decodable & Sendable>(
        _ method: String, _ endpoint: String, _ body: JSONValue? = nil, as type: Answer.Type = JSONValue.self,
        deadline: Deadline = .after(.seconds(300))
    ) async throws(MMError) -> Answer {
        let target = try target(endpoint)
        let request =
            if let body {
                try GraphRequest(method: method, target: target, json: body)
            } else {
                try GraphRequest(method: method, target: target)
            }
        let response = try await send(request, deadline: deadline)
        return try (response.body.isEmpty ? .null : response.json()).decoded(as: type)
    }

    private static func ordered(_ query: [String: String]) -> [(name: String, value: String)] {
        query.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
    }
}

/// The items of a collection across all its pages, decoded as a type of the caller's.
public struct GraphItems<Item: Decodable & Sendable>: AsyncSequence, Sendable {
    /// An item.
    public typealias Element = Item
    /// The error type.
    public typealias Failure = MMError

    let pages: Result<GraphPages, MMError>

    /// Returns an iterator that starts at the first item.
    public func makeAsyncIterator() -> Iterator { Iterator(pages: pages.map { $0.makeAsyncIterator() }) }

    /// Iterates over the items.
    public struct Iterator: AsyncIteratorProtocol {
        private var pages: Result<GraphPages.Iterator, MMError>
        private var items: ArraySlice<ArraySlice<UInt8>> = []

        init(pages: Result<GraphPages.Iterator, MMError>) { self.pages = pages }

        /// Returns the next item, or `nil` after the last.
        /// - Throws: as ``GraphClient/send(_:deadline:)``, and `.remoteFailed` for an item that can't be decoded.
        public mutating func next() async throws(MMError) -> Item? { try await next(isolation: nil) }

        /// Returns the next item, or `nil` after the last.
        /// - Throws: as ``GraphClient/send(_:deadline:)``, and `.remoteFailed` for an item that can't be decoded.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(MMError) -> Item? {
            while items.isEmpty {
                var walk = try pages.get()
                guard let page = try await walk.next(isolation: actor) else { return nil }
                pages = .success(walk)
                items = page.items[...]
            }
            let item: JSONValue
            do throws(JSONError) {
                item = try JSONParser.parse(Array(items.removeFirst()))
            } catch {
                throw MMError(.remoteFailed, "An item of the answer can't be read as JSON: \(error).")
            }
            return try item.decoded(as: Item.self)
        }
    }
}

/// The way in which a client signs in.
///
/// ```swift
/// let graph = try GraphClient(
///     tenant: "contoso.com", clientID: id, signIn: .certificate(CertificateFiles(certificatePath: "/etc/mm/app.pem")))
/// ```
public struct GraphSignIn: Sendable {
    let method: SignInMethod?
    let show: (@Sendable (SignInPrompt) async -> Void)?

    /// Signs in with a code that a person enters on another page (RFC 8628). The request waits for that and is then
    /// sent.
    /// - Parameter show: called once with each code; its `message` is the sign-in service's own instructions.
    public static func deviceCode(_ show: @escaping @Sendable (SignInPrompt) async -> Void) -> GraphSignIn {
        GraphSignIn(method: nil, show: show)
    }

    /// Signs in with a browser on this machine (RFC 8252). The request waits until the person has signed in there and
    /// is then sent. The app registration needs the redirect URI `http://localhost` for mobile and desktop
    /// applications.
    public static var browser: GraphSignIn { browser { _ in } }

    /// Signs in with a browser on this machine, and lets the program show the URL.
    /// - Parameter show: called with the URL, for a person whose browser couldn't be opened; its `message` says what to
    ///   do.
    public static func browser(_ show: @escaping @Sendable (SignInPrompt) async -> Void) -> GraphSignIn {
        GraphSignIn(method: .browser, show: show)
    }

    /// Signs in as an app with a client secret, without a person.
    public static func clientSecret(_ secret: Secret) -> GraphSignIn { clientSecret(.value(secret)) }

    /// Signs in as an app with a client secret from a file or a variable.
    public static func clientSecret(_ source: SecretSource) -> GraphSignIn {
        GraphSignIn(method: .app(.secret(source)), show: nil)
    }

    /// Signs in as an app with a certificate ("Microsoft identity platform application authentication certificate
    /// credentials").
    public static func certificate(_ files: CertificateFiles) -> GraphSignIn {
        GraphSignIn(method: .app(.certificate(files)), show: nil)
    }

    /// Signs in as an app that another issuer vouches for ("Workload identity federation"): a GitHub or GitLab job, a
    /// Kubernetes workload, or a token of your own.
    public static func federated(_ token: FederatedToken = .environment) -> GraphSignIn {
        GraphSignIn(method: .app(.federated(token)), show: nil)
    }

    /// Acts for the person whose token came with a request to this server ("OAuth 2.0 On-Behalf-Of flow").
    /// - Parameters:
    ///   - assertion: the access token of that request, which was issued for this app.
    ///   - credential: the credential of the app.
    public static func onBehalfOf(_ assertion: Secret, _ credential: ClientCredential) -> GraphSignIn {
        GraphSignIn(method: .onBehalfOf(credential, assertion: .value(assertion)), show: nil)
    }

    /// Signs in with the identity of this machine ("Managed identities for Azure resources").
    public static func managedIdentity(_ identity: ManagedIdentity = .system) -> GraphSignIn {
        GraphSignIn(method: .managedIdentity(identity), show: nil)
    }

    /// Uses tokens that the program obtains itself.
    /// - Parameter give: returns a currently valid token; called for each request.
    public static func token(
        _ give: @escaping @Sendable (AccessTokenRequest) async throws -> ProvidedAccessToken
    ) -> GraphSignIn { token(from: ClosureTokenProvider(give)) }

    /// Uses the tokens of a provider.
    public static func token(from provider: any AccessTokenProvider) -> GraphSignIn {
        GraphSignIn(method: .token(provider), show: nil)
    }

    /// No interactive sign-in: a request that needs one throws `.signInNeeded`, with code and URL in its details, and
    /// succeeds when it is repeated after the approval.
    public static let none = GraphSignIn(method: nil, show: nil)
}

extension GraphClient {
    /// Sends a file of this machine to a drive, a message or anything else that takes bytes.
    ///
    /// Small files are sent in one request. Larger ones use an upload session, which survives lost connections, expired
    /// sessions and a killed process: the same call continues where the last one stopped. If the service names a
    /// checksum, it is compared. Memory use doesn't depend on the size.
    ///
    /// ```swift
    /// try await graph.upload("/srv/report.pdf", to: "/me/drive/root:/Reports/")
    /// ```
    /// - Parameters:
    ///   - path: the file.
    ///   - endpoint: a drive's file (`/me/drive/root:/Reports/a.pdf`) or folder (with a slash at its end), or the
    ///     `attachments` of a message.
    ///   - conflict: what to do if a file of that name exists already.
    ///   - deadline: when to give up.
    ///   - progress: called with the progress.
    /// - Returns: the service's description of the file; `null` if it returns none.
    /// - Throws: as ``send(_:deadline:)``, and `.remoteFailed` when what arrived isn't what was sent.
    @discardableResult
    public func upload(
        _ path: String, to endpoint: String, conflict: ConflictBehavior = .fail, deadline: Deadline = .never,
        progress: @escaping @Sendable (TransferProgress) -> Void = { _ in }
    ) async throws(MMError) -> JSONValue {
        let file = try await BlockingWork.run { () throws(MMError) in
            try FileReader(FileDescriptor.open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY), path: path)
        }
        let receipt = try await upload(
            plan(uploading: file, to: endpoint, conflict: conflict), deadline: deadline, progress: progress)
        return try receipt.isEmpty ? .null : GraphResponse(status: 200, headers: [:], body: receipt).json()
    }

    /// Plans the upload of a file to an endpoint; nothing is sent.
    package func plan(
        uploading file: FileReader, to endpoint: String, conflict: ConflictBehavior
    ) throws(MMError) -> FileUpload {
        let path = endpoint.prefix { $0 != "?" }
        return try FileUpload(file, to: try target(endpoint), isFolder: path.hasSuffix("/"), conflict: conflict) {
            (endpoint) throws(MMError) in try target(endpoint)
        }
    }

    /// Sends a file as planned.
    /// - Returns: the service's description of the file; empty if it returns none.
    package func upload(
        _ upload: FileUpload, deadline: Deadline, progress: @escaping @Sendable (TransferProgress) -> Void
    ) async throws(MMError) -> [UInt8] {
        let answer: [UInt8]
        do throws(MMError) {
            answer = try await signedIn { () async throws(MMError) in
                switch upload.way {
                case .content, .attachment: return try await sendWhole(upload, deadline: deadline)
                case .session, .attachmentSession:
                    var transfer = UploadTransfer(upload, client: self, deadline: deadline, report: progress)
                    return try await transfer.run()
                }
            }
        } catch {
            var error = error
            // A later request of a session says nothing about the parts that were sent before.
            if [.session, .attachmentSession].contains(upload.way) { error.isUnsent = false }
            guard error.details["status"]?.int == 409, upload.item != nil else { throw error }
            // A call that is repeated because its answer was lost finds the file that it sent before.
            if let same = try await identical(to: upload, deadline: deadline) { return same }
            error.hint =
                "A file with this name exists: use another name (--conflict replace or rename accepts this one)."
            throw error
        }
        try await compare(answer, with: upload)
        return answer
    }

    private func sendWhole(_ upload: FileUpload, deadline: Deadline) async throws(MMError) -> [UInt8] {
        guard let request = try await upload.wholeRequest() else {
            throw MMError(.internalError, "An upload in parts can't be sent as a single request.")
        }
        return try await send(request, deadline: deadline).body
    }

    /// Returns the service's description of the existing file if it already has the upload's content.
    func identical(to upload: FileUpload, deadline: Deadline) async throws(MMError) -> [UInt8]? {
        guard let item = upload.item, upload.conflict != .rename else { return nil }
        let request = try GraphRequest(target: try target(item.endpoint()))
        guard let response = try? await send(request, deadline: deadline), let found = try? response.json(),
            found["size"]?.int == upload.file.size, let hash = found["file"]?["hashes"]?["quickXorHash"]?.string
        else { return nil }
        let own = try await upload.file.quickXorHash()
        return hash == own ? response.body : nil
    }

    /// Compares the checksum that the service returned with that of the file.
    private func compare(_ answer: [UInt8], with upload: FileUpload) async throws(MMError) {
        guard upload.item != nil, let item = try? JSONParser.parse(answer),
            let hash = item["file"]?["hashes"]?["quickXorHash"]?.string
        else { return }
        let own = try await upload.file.quickXorHash()
        guard hash != own else { return }
        // SharePoint writes a document's library columns into Office files when they are uploaded.
        if FileKind.isRewritten(upload.file.name) { return }
        try upload.file.checkUnchanged()
        throw MMError(
            .remoteFailed,
            "The uploaded file \(upload.request.target.path) differs from the local file: its QuickXorHash is \(hash), that of "
                + "“\(upload.file.path)” \(own).",
            hint: "Send it again under another name (--conflict replace accepts this one).", retry: .now)
    }
}
