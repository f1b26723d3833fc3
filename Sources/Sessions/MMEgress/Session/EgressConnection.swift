import MMCore
import MMHTTP
import MMSystem

/// One connection of a session's process: requests for tunnels (CONNECT) and for plain HTTP, and what goes through a tunnel.
struct EgressConnection: Sendable {
    private let channel: WireChannel
    private let core: EgressCore
    private let input: WireInput
    private let writer: AnswerWriter

    init(_ channel: WireChannel, core: EgressCore) {
        self.channel = channel
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
                if let identity = core.identity, let asked = IdentityRequest(head, port: core.port) {
                    keepsOn = try await answer(asked, head, from: identity)
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
                core.events(.refusedConnection(error, host: host))
                // Without a TLS connection there is no way to answer; the alert says why.
                if error.kind != .tls { try? await writer.refuse(error, keepsAlive: false) }
            }
        }
        await channel.close(lingering: core.limits.linger, upTo: core.limits.lingerBytes)
    }

    private func nextHead() async throws(WireFault) -> RequestHead? {
        try await input.head(idle: core.limits.idle, patience: core.limits.head)
    }

    /// Admits the session's own processes alone: another process of the same user may have read the secret.
    private func checkPeer() async throws(WireFault) {
        guard let processes = core.processes else { return }
        let (channel, usual) = (channel, core.usualProcesses)
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
        let clock = core.clock
        let answer = await channel.whileConnected { await asked.answer(from: identity, clock: clock) }
        let keepsAlive = head.body == .none && head.keepsAlive
        try await writer.whole(
            answer.status, ["Content-Type": "application/json", "Cache-Control": "no-store"],
            head.method == "HEAD" ? [] : answer.body, length: answer.body.count, keepsAlive: keepsAlive)
        return keepsAlive
    }

    private func askForSecret(_ head: RequestHead) async throws(WireFault) -> Bool {
        // Some clients send the secret only when they are asked; a wrong one is worth a record.
        if head.headers.contains("proxy-authorization") {
            core.events(.refusedConnection(Self.wrongSecret, host: nil))
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
        guard let place = core.hosts.place(name, isSecure: true) else { throw foreign(name) }
        let tls: TLSConnection
        do throws(MMError) { tls = try core.authority.connection(for: name) } catch {
            throw WireFault(502, .tls, error.message)
        }
        try await writer.established()
        try await handshake(tls)
        while let head = try await nextHead() {
            // What is known of the host may have grown since the last request.
            let place = core.hosts.place(name, isSecure: true) ?? place
            if let fault = Self.fault(within: head, place) {
                core.events(.refusedConnection(fault, host: place.host))
                try await writer.refuse(fault, service: place.service, keepsAlive: false)
                return
            }
            let exchange = EgressExchange(
                head, to: place, target: head.target, channel: channel, input: input, core: core)
            guard try await exchange.run() else { return }
        }
    }

    private func handshake(_ tls: sending TLSConnection) async throws(WireFault) {
        var early = input.takeEarly()
        if early.isEmpty {
            guard let first = try await channel.read(until: .now + core.limits.head) else { throw Self.unspoken }
            early = first
        }
        // A TLS record of a handshake; anything else is plain text, or HTTP/2 without TLS.
        guard early.first == 22 else {
            throw WireFault(400, .otherProtocol, "A tunnel must carry TLS, with HTTP/1.1 inside.")
        }
        try await channel.secure(tls, early: early, until: .now + core.limits.head)
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

    /// A request in absolute form: for services on this machine, as the sandbox's are, and for ports that an owner lists.
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
        guard let place = core.hosts.place(name, isSecure: false) else { throw foreign(name) }
        let path = rest[authority.endIndex...]
        let target = path.hasPrefix("/") ? String(path) : "/" + path
        return try await EgressExchange(head, to: place, target: target, channel: channel, input: input, core: core)
            .run()
    }

    private func foreign(_ name: PlainHostName) -> WireFault {
        WireFault(403, .foreignHost, core.hosts.refusal(of: name))
    }
}
