import Glibc
package import MMCore
import MMHTTP
import MMIdentity
package import MMSystem

/// The running proxy of one session, on this machine, for only the session's processes.
///
/// It decrypts all the session's requests, has them judged, puts in the tokens, and sends them on with the machine's
/// own trust store. Closing it ends its connections and removes its files.
package final class EgressSession: Sendable {
    static let userName = "session"
    /// The path on the proxy's own port at which the session's processes call cmdlets of other sessions.
    package static let cmdletsPath = "/session/cmdlets"

    /// The variables that are added to the environment of the session's processes.
    package let environment: [String: String]
    /// The port on 127.0.0.1, the only address that the session needs to connect to.
    package let port: UInt16
    /// The file that holds the session's certificate authority.
    package var certificateFile: String { folder.certificateFile }

    private let folder: TrustFolder
    private let core: EgressCore
    private let listener: PolledListener
    private let client: HTTPClient?
    private struct Ways {
        var tasks: [Task<Void, Never>] = []
        /// The listener in the session's own network, if it has one.
        var inside: PolledListener?
        var isClosed = false
    }
    private let ways = Mutex(Ways())

    /// Starts the proxy of a session.
    /// - Throws: `.unavailable` if a library, port, file descriptor or thread is missing; the error of writing the
    ///   certificate.
    package static func start(_ configuration: EgressConfiguration) async throws(MMError) -> EgressSession {
        let authority = try SessionAuthority()
        let folder = TrustFolder(in: configuration.folder)
        try await BlockingWork.run { () throws(MMError) in try folder.write(authority.pem) }
        let session = try EgressSession(configuration, authority: authority, folder: folder)
        session.accept(from: session.listener, isInside: false)
        return session
    }

    private init(
        _ configuration: EgressConfiguration, authority: SessionAuthority, folder: TrustFolder
    ) throws(MMError) {
        let secret = Secret(RandomBytes.text(bytes: 24))
        HeldSecrets.shared.hold(secret)
        listener = try PolledListener(loopback: ())
        port = listener.port
        self.folder = folder
        if configuration.transport == nil {
            var settings = HTTPClientConfiguration(environment: configuration.environment)
            settings.threadName = "mm-egress"
            client = HTTPClient(configuration: settings)
        } else {
            client = nil
        }
        guard let transport = configuration.transport ?? client else {
            throw MMError(.internalError, "The session's proxy has no client.")
        }
        core = EgressCore(configuration, authority: authority, secret: secret, port: port, transport: transport)
        let proxy = Self.variables(
            proxy: "http://\(Self.userName):\(secret.reveal())@127.0.0.1:\(port)", folder)
        environment = proxy.merging(configuration.identity?.variables(port: port) ?? [:]) { $1 }
        if let header = configuration.identity?.header { HeldSecrets.shared.hold(header) }
    }

    deinit {
        let ways = ways.withLock { $0 }
        listener.close()
        ways.inside?.close()
        for task in ways.tasks { task.cancel() }
        folder.remove()
    }

    /// Also serves the session in its own network, at the same port; every client there belongs to the session. A new
    /// listener replaces the one before, whose network has ended with its processes.
    package func serve(inside listener: PolledListener) {
        let before: PolledListener? = ways.withLock { ways in
            if ways.isClosed { return listener }
            defer { ways.inside = listener }
            return ways.inside
        }
        before?.close()
        if before !== listener { accept(from: listener, isInside: true) }
    }

    /// Ends all open requests of the session, and refuses further ones until `admitRequests`.
    package func cutRequests() { core.cut.begin() }

    /// Lets requests pass again.
    package func admitRequests() { core.cut.lift() }

    /// Closes all connections, ends all requests, and removes the placeholders and the certificate's file.
    package func close() async {
        listener.close()
        let ended = ways.withLock { ways in
            defer { ways = Ways(isClosed: true) }
            return ways
        }
        ended.inside?.close()
        for task in ended.tasks { task.cancel() }
        for task in ended.tasks { await task.value }
        await client?.shutdown()
        core.settings.vault.clear()
        let folder = folder
        _ = try? await BlockingWork.run { () throws(MMError) in folder.remove() }
    }

    /// Returns the variables by which common clients find the proxy and trust only its authority.
    private static func variables(proxy: String, _ folder: TrustFolder) -> [String: String] {
        var variables: [String: String] = [:]
        for name in ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"] {
            variables[name] = proxy
            variables[name.lowercased()] = proxy
        }
        // All requests must use the proxy, whatever the user's own variables say.
        for name in ["NO_PROXY", "no_proxy"] { variables[name] = "" }
        // These are read by OpenSSL, Go and .NET, curl, Python's requests and pip, Node, git, cargo and the AWS
        // libraries.
        for name in [
            "SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "NODE_EXTRA_CA_CERTS",
            "GIT_SSL_CAINFO", "CARGO_HTTP_CAINFO", "AWS_CA_BUNDLE",
        ] {
            variables[name] = folder.certificateFile
        }
        variables["SSL_CERT_DIR"] = folder.path
        variables["NODE_USE_ENV_PROXY"] = "1"
        return variables
    }

    private func accept(from listener: PolledListener, isInside: Bool) {
        let core = core
        let task = Task {
            await withDiscardingTaskGroup { group in
                while let raw = try? await listener.accept().release() {
                    let socket = FileDescriptor(owning: raw)
                    guard core.open.enter() else { continue }
                    guard let channel = try? WireChannel(socket, answerStall: core.settings.limits.answerStall) else {
                        core.open.leave()
                        continue
                    }
                    group.addTask {
                        defer { core.open.leave() }
                        await withTaskCancellationHandler {
                            await EgressConnection(channel, isInside: isInside, core: core).run()
                        } onCancel: {
                            channel.drop()
                        }
                    }
                }
            }
        }
        ways.withLock { ways in
            if ways.isClosed { task.cancel() }
            ways.tasks.append(task)
        }
    }
}

/// The folder with the only authority that a session's processes trust. It contains nothing else, because some clients
/// read every file in it as a certificate, and its name is new, because a session and its successor may share a home.
struct TrustFolder: Sendable {
    private static let parent = "trust"

    /// The folder's path.
    let path: String
    private let home: String

    /// Chooses the folder's name; nothing is created yet.
    /// - Parameter home: a folder that the session's processes may read.
    init(in home: String) {
        self.home = home + "/" + Self.parent
        path = self.home + "/" + OwnedFolder.name()
    }

    /// The file of the authority's certificate.
    var certificateFile: String { path + "/session-ca.pem" }

    /// Creates the folder and writes the certificate, after removing folders of processes that have ended.
    func write(_ certificate: String) throws(MMError) {
        for left in (try? OwnedFolder.abandoned(in: home)) ?? [] { FolderTree.remove(left) }
        try ProtectedFile.makeDirectory(path)
        try ProtectedFile.replace(certificateFile, with: Array(certificate.utf8))
    }

    /// Removes the folder.
    func remove() { FolderTree.remove(path) }
}

/// One connection of a session's process. It serves tunnels (CONNECT), the requests in them, and plain HTTP requests.
struct EgressConnection: Sendable {
    private let channel: WireChannel
    private let isInside: Bool
    private let core: EgressCore
    private let input: WireInput
    private let writer: AnswerWriter

    /// Creates a connection.
    /// - Parameter isInside: whether the client connected in the session's own network.
    init(_ channel: WireChannel, isInside: Bool, core: EgressCore) {
        self.channel = channel
        self.isInside = isInside
        self.core = core
        input = WireInput(channel)
        writer = AnswerWriter(channel)
    }

    /// Serves the connection until one side ends it.
    func run() async {
        var host: String?
        do throws(WireFault) {
            try await checkPeer()
            var keepsOn = true
            while keepsOn, let head = try await nextHead() {
                if let identity = core.settings.identity, let asked = IdentityRequest(head, port: core.port) {
                    keepsOn = try await answer(asked, head, from: identity)
                } else if let cmdlets = core.settings.cmdlets, head.target == EgressSession.cmdletsPath {
                    keepsOn = try await answer(head, by: cmdlets)
                } else if !core.isAuthenticated(head.headers) {
                    keepsOn = try await askForSecret(head)
                } else if head.method == "CONNECT" {
                    host = String(head.target.prefix(100))
                    try await tunnel(head)
                    keepsOn = false
                } else {
                    keepsOn = try await plainRequest(head)
                }
            }
        } catch {
            if error.kind != .clientGone {
                core.settings.events(.refusedConnection(error, host: host))
                // Without TLS no answer is possible; the TLS alert gives the reason.
                if error.kind != .tls { try? await writer.refuse(error, keepsAlive: false) }
            }
        }
        await channel.close(lingering: core.settings.limits.linger, upTo: core.settings.limits.lingerBytes)
    }

    /// Returns the next head within a tunnel; a client that begins with HTTP/2 is served as such to its end.
    private func nextHead(_ name: PlainHostName, _ place: EgressPlace) async throws(WireFault) -> RequestHead? {
        do throws(WireFault) { return try await nextHead() } catch {
            guard error == RequestHead.preface else { throw error }
            let connection = try HTTP2Connection(channel, limits: core.settings.limits, open: core.open)
            let beginning = Array("PRI * HTTP/2.0\r\n\r\n".utf8) + input.takeEarly()
            await connection.run(beginning: beginning) { stream, request in
                await serve(request, of: stream, name, place)
            }
            return nil
        }
    }

    /// Carries out one request of an HTTP/2 connection.
    private func serve(
        _ request: HTTP2Connection.Request, of stream: HTTP2Stream, _ name: PlainHostName, _ place: EgressPlace
    ) async {
        let place = core.settings.hosts.place(name, isSecure: true) ?? place
        let head: RequestHead
        do throws(WireFault) {
            head = try RequestHead(request)
            if let fault = Self.fault(within: head, place) { throw fault }
        } catch {
            core.settings.events(.refusedConnection(error, host: place.host))
            try? await stream.refuse(error, from: place, keepsAlive: true)
            return stream.finish()
        }
        let exchange = EgressExchange(head, to: place, target: head.target, on: RequestSides(stream), core: core)
        do throws(WireFault) {
            _ = try await exchange.run()
            stream.finish()
        } catch { stream.drop() }
    }

    private func nextHead() async throws(WireFault) -> RequestHead? {
        try await input.head(idle: core.settings.limits.idle, patience: core.settings.limits.head)
    }

    /// Admits only the session's own processes, since another process of the same user may have read the secret. In the
    /// session's own network there are no others.
    private func checkPeer() async throws(WireFault) {
        guard !isInside, let processes = core.settings.processes else { return }
        let (channel, usual) = (channel, core.settings.likelyProcesses)
        let isOwn = try? await BlockingWork.run { () throws(MMError) in
            channel.isHeld(heldBy: usual()) || channel.isHeld(heldBy: processes())
        }
        guard isOwn == true else {
            throw WireFault(403, .foreignProcess, "This proxy serves only the processes of its own session.")
        }
    }

    private func answer(
        _ asked: IdentityRequest, _ head: RequestHead, from identity: ProgramIdentity
    ) async throws(WireFault) -> Bool {
        let (clock, body) = (core.settings.clock, sides(of: head).body)
        var form: [UInt8] = []
        while form.count <= IdentityRequest.mostForm, let piece = try await body.next() { form += piece }
        let whole = asked.reading(form)
        let answer = await channel.whileConnected { await whole.answer(from: identity, clock: clock) }
        let keepsAlive = body.isDone && head.keepsAlive
        try await writer.whole(
            answer.status, ["Content-Type": "application/json", "Cache-Control": "no-store"],
            head.method == "HEAD" ? [] : answer.body, length: answer.body.count, keepsAlive: keepsAlive)
        return keepsAlive
    }

    /// The maximum size of a cmdlet call, including its arguments and piped input.
    private static let mostOfCall = 32 << 20

    /// Runs a call in another session. Stopping the command that made the call ends it, as it ends requests.
    private func answer(
        _ head: RequestHead, by cmdlets: @escaping @Sendable ([UInt8]) async -> [UInt8]
    ) async throws(WireFault) -> Bool {
        guard core.isAuthenticated(head.headers, by: "authorization") else {
            throw WireFault(401, .notAuthenticated, "Only the session can call cmdlets, with its secret.")
        }
        guard head.method == "POST" else { throw WireFault(405, .malformed, "Cmdlets must be called with POST.") }
        let body = sides(of: head).body
        if head.expectsContinue { try await writer.goOn() }
        var call: [UInt8] = []
        while let piece = try await body.next() {
            call += piece
            guard call.count <= Self.mostOfCall else {
                throw WireFault(413, .tooLarge, "The input piped into a cmdlet of another session is too large.")
            }
        }
        let (whole, channel, writer) = (call, channel, writer)
        return try await core.cut.run(core.nextNumber(), ending: RequestStop(), dropping: {}) {
            () async throws(WireFault) in
            let answer = await channel.whileConnected { await cmdlets(whole) }
            try await writer.whole(
                200, ["Content-Type": "application/x-ndjson"], answer, length: answer.count, keepsAlive: head.keepsAlive
            )
            return head.keepsAlive
        }
    }

    private func askForSecret(_ head: RequestHead) async throws(WireFault) -> Bool {
        // Some clients send the secret only when asked for it; a wrong secret is recorded.
        if head.headers.contains("proxy-authorization") {
            core.settings.events(.refusedConnection(Self.wrongSecret, host: nil))
        }
        let keepsAlive = head.body == .none && head.keepsAlive
        try await writer.refuse(
            Self.wrongSecret, extra: ["Proxy-Authenticate": "Basic realm=\"session\""], keepsAlive: keepsAlive)
        return keepsAlive
    }

    private static let wrongSecret = WireFault(
        407, .notAuthenticated, "This proxy serves only its own session, whose HTTPS_PROXY holds the secret.")

    // MARK: Tunnels

    private func tunnel(_ head: RequestHead) async throws(WireFault) {
        guard head.body == .none else { throw WireFault(400, .malformed, "CONNECT must not have a body.") }
        guard let name = PlainHostName(head.target), name.port != nil else {
            throw WireFault(400, .malformed, "The target of CONNECT isn't a plain HOST:PORT.")
        }
        if let host = head.headers["host"], PlainHostName(host)?.host != name.host {
            throw WireFault(400, .nameMismatch, "CONNECT and its header Host name different servers.")
        }
        guard let place = core.settings.hosts.place(name, isSecure: true) else { throw foreign(name) }
        let tls: TLSConnection
        do throws(MMError) { tls = try core.authority.connection(for: name) } catch {
            throw WireFault(502, .tls, error.message)
        }
        try await writer.established()
        try await handshake(tls)
        while let head = try await nextHead(name, place) {
            // More hosts may be known since the last request.
            let place = core.settings.hosts.place(name, isSecure: true) ?? place
            if let fault = Self.fault(within: head, place) {
                core.settings.events(.refusedConnection(fault, host: place.host))
                try await writer.refuse(fault, from: place, keepsAlive: false)
                return
            }
            let exchange = EgressExchange(head, to: place, target: head.target, on: sides(of: head), core: core)
            guard try await exchange.run() else { return }
        }
    }

    private func handshake(_ tls: sending TLSConnection) async throws(WireFault) {
        var early = input.takeEarly()
        if early.isEmpty {
            let limit = ContinuousClock.now + core.settings.limits.head
            guard let first = try await channel.read(until: limit) else { throw Self.unspoken }
            early = first
        }
        // 22 is the type of a TLS handshake record; any other byte is plain text or HTTP/2 without TLS.
        guard early.first == 22 else {
            throw WireFault(400, .otherProtocol, "A tunnel must carry TLS, with HTTP/1.1 or HTTP/2 inside.")
        }
        try await channel.secure(tls, early: early, until: .now + core.settings.limits.head)
    }

    private static let unspoken = WireFault(400, .clientGone, "The client disconnected before the TLS handshake.")

    private static func fault(within head: RequestHead, _ place: EgressPlace) -> WireFault? {
        guard head.method != "CONNECT" else {
            return WireFault(405, .malformed, "A tunnel can't be opened inside a tunnel.")
        }
        guard head.target.utf8.first == UInt8(ascii: "/") else {
            return WireFault(400, .malformed, "Inside a tunnel the target must be a path.")
        }
        guard let host = head.headers["host"], place.isNamed(by: host) else {
            return WireFault(421, .nameMismatch, "The header Host names a different server than CONNECT.")
        }
        return nil
    }

    // MARK: Plain HTTP

    /// Serves a request in absolute form, for services on this machine, such as the sandbox's, and for ports that an
    /// owner lists.
    private func plainRequest(_ head: RequestHead) async throws(WireFault) -> Bool {
        guard head.target.lowercased().hasPrefix("http://") else {
            throw WireFault(400, .malformed, "Send CONNECT, or a request with an absolute http address.")
        }
        let rest = head.target.dropFirst(7)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard let name = PlainHostName(authority) else {
            throw WireFault(400, .malformed, "The address doesn't name a plain host.")
        }
        guard let host = head.headers["host"], let named = PlainHostName(host), named.host == name.host,
            (named.port ?? 80) == (name.port ?? 80)
        else { throw WireFault(400, .nameMismatch, "The address and the header Host name different servers.") }
        guard let place = core.settings.hosts.place(name, isSecure: false) else { throw foreign(name) }
        let path = rest[authority.endIndex...]
        let target = path.hasPrefix("/") ? String(path) : "/" + path
        return try await EgressExchange(head, to: place, target: target, on: sides(of: head), core: core).run()
    }

    private func sides(of head: RequestHead) -> RequestSides {
        RequestSides(head, on: channel, input, patience: core.settings.limits.bodyStall)
    }

    private func foreign(_ name: PlainHostName) -> WireFault {
        WireFault(403, .foreignHost, core.settings.hosts.refusal(of: name))
    }
}

/// A request for a token of the managed identity, and its answer. It is recognized by its address: the proxy's own
/// port, or the metadata address.
struct IdentityRequest: Sendable {
    /// An answer of the endpoint.
    struct Answer: Sendable {
        let status: Int
        let body: [UInt8]
    }

    /// The size limit of a form; the protocols send less.
    static let mostForm = 8 << 10

    private let path: String
    private var query: FormFields
    private let head: RequestHead

    /// Reads a request; fails for one with another address.
    /// - Parameter port: the proxy's own port.
    init?(_ head: RequestHead, port: UInt16) {
        guard head.method != "CONNECT", let target = Self.target(of: head, port) else { return nil }
        self.head = head
        path = String(target.prefix { $0 != "?" })
        let rest = target.dropFirst(path.count).dropFirst()
        query = FormFields(reading: Array(rest.utf8)) ?? FormFields([:])
    }

    /// Returns the request with the fields of its form: clients of Cloud Shell's protocol, such as older Azure CLI
    /// versions, send one.
    func reading(_ form: [UInt8]) -> IdentityRequest {
        guard head.method == "POST" else { return self }
        var request = self
        // A field that occurs twice is ignored.
        let fields = form.count <= Self.mostForm ? FormFields(reading: form) : nil
        for name in fields?.names ?? [] { request.query[name] = query[name] == nil ? fields?[name] : nil }
        return request
    }

    /// Returns the path and query of a request for the endpoint.
    private static func target(of head: RequestHead, _ port: UInt16) -> String? {
        // Some clients never use a proxy for this machine, and connect directly.
        if head.target.hasPrefix("/") { return head.target }
        guard head.target.lowercased().hasPrefix("http://") else { return nil }
        let rest = head.target.dropFirst(7)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard let name = PlainHostName(authority) else { return nil }
        let isMetadata = name.host == ProgramIdentity.metadataHost && (name.port ?? 80) == 80
        let isOwn = (name.host == "127.0.0.1" || name.host == "localhost") && name.port == port
        guard isMetadata || isOwn else { return nil }
        let path = rest[authority.endIndex...]
        return path.hasPrefix("/") ? String(path) : "/" + path
    }

    /// Answers the request.
    func answer(from identity: ProgramIdentity, clock: WallClock) async -> Answer {
        guard ["GET", "HEAD", "POST"].contains(head.method) else {
            return Self.refusal(405, "invalid_request", "Request tokens with GET, or with POST and a form.")
        }
        guard path.lowercased().hasSuffix("/token") else {
            return Self.refusal(
                404, "not_found", "Only the identity is available from this metadata service: \(ProgramIdentity.path).")
        }
        if let refusal = proofRefusal(identity) { return refusal }
        for name in ["client_id", "clientid", "object_id", "principal_id", "msi_res_id", "mi_res_id"] {
            guard let wanted = query[name], !identity.names.contains(wanted.lowercased()) else { continue }
            return Self.refusal(
                400, "invalid_request",
                "Identity not found: this program has one identity, and \(wanted.prefix(80)) is not it. Leave out \(name)."
            )
        }
        guard let asked = query["resource"] ?? query["scope"].map(Self.audience), !asked.isEmpty else {
            return Self.refusal(400, "invalid_request", "The request has no resource.")
        }
        do throws(MMError) {
            return granted(try await identity.issue(asked), asked, identity.clientID, clock)
        } catch {
            // Clients retry after any answer other than a plain refusal.
            let isPassing = error.code == .unavailable || error.code == .throttled
            return Self.refusal(
                isPassing ? 503 : 400, isPassing ? "temporarily_unavailable" : "invalid_request",
                [error.message, error.hint].compactMap(\.self).joined(separator: " "))
        }
    }

    /// Returns a refusal if the request doesn't prove that it is intended: each protocol requires a header that no page
    /// or redirect can make a client send.
    private func proofRefusal(_ identity: ProgramIdentity) -> Answer? {
        for name in ["x-identity-header", "secret"] {
            guard let shown = head.headers[name] else { continue }
            return Secret(shown) == identity.header
                ? nil : Self.refusal(401, "unauthorized", "The header \(name) differs from IDENTITY_HEADER.")
        }
        guard head.headers["metadata"]?.lowercased() == "true" else {
            return Self.refusal(
                400, "bad_request",
                "Required metadata header not specified: X-IDENTITY-HEADER, secret or Metadata: true.")
        }
        return nil
    }

    private func granted(
        _ issued: ProgramIdentity.Issued, _ asked: String, _ clientID: String?, _ clock: WallClock
    ) -> Answer {
        let (now, end) = (clock.now.seconds, issued.expiresAt.seconds)
        var body: JSONObject = [
            "access_token": .string(issued.text), "refresh_token": "", "expires_in": .string(String(max(end - now, 0))),
            "expires_on": .string(String(end)), "not_before": .string(String(now)), "resource": .string(asked),
            "token_type": "Bearer",
        ]
        body["client_id"] = clientID.map { .string($0) }
        return Answer(status: 200, body: JSONWriter.bytes(.object(body)))
    }

    private static func refusal(_ status: Int, _ code: String, _ message: String) -> Answer {
        let text = "Microsoft Master: \(message)"
        return Answer(
            status: status,
            body: JSONWriter.bytes([
                "error": .string(code), "error_description": .string(text), "statusCode": .int(Int64(status)),
                "message": .string(text),
            ]))
    }

    /// Returns the audience of a scope, which some clients send instead of a resource.
    private static func audience(_ scope: String) -> String {
        let first = scope.split(separator: " ").first.map(String.init) ?? ""
        return first.hasSuffix("/.default") ? String(first.dropLast(9)) : first
    }
}
