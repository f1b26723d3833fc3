import Glibc
package import MMCore
import MMHTTP
package import MMSystem

/// The wire of one session while it runs: a proxy on this machine that only the session's processes may use.
///
/// Everything the session sends passes here in the clear, is judged, gets its tokens, and goes out over the machine's own
/// trust store. Its end takes everything down.
package final class EgressSession: Sendable {
    static let userName = "session"

    /// What the session's processes are started with, in addition to their other variables.
    package let environment: [String: String]
    /// The port on 127.0.0.1, the one address that the session needs to connect to.
    package let port: UInt16
    /// The file that holds the session's certificate authority.
    package var certificateFile: String { folder.certificateFile }

    private let folder: TrustFolder
    private let core: EgressCore
    private let listener: PolledListener
    private let client: HTTPClient?
    private struct Ways {
        var tasks: [Task<Void, Never>] = []
        /// The listener in the session's own network, where it has one.
        var inside: PolledListener?
        var isClosed = false
    }
    private let ways = Mutex(Ways())
    private let open: ConnectionCount

    /// Starts the wire of a session.
    /// - Throws: `.unavailable` when a library, port, descriptor or thread is missing; what writing the certificate fails with.
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
        open = ConnectionCount(limit: configuration.limits.connections)
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
            throw MMError(.internalError, "The session's wire has no client.")
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

    /// Serves the session in a network of its own too, at the same port: what connects there is the session's, by where it
    /// is. A later one takes the place of the one before, whose network has ended with its processes.
    package func serve(inside listener: PolledListener) {
        let before: PolledListener? = ways.withLock { ways in
            if ways.isClosed { return listener }
            defer { ways.inside = listener }
            return ways.inside
        }
        before?.close()
        if before !== listener { accept(from: listener, isInside: true) }
    }

    /// Ends all requests of the session that are under way, and answers further ones with a refusal until `admitRequests`.
    package func cutRequests() { core.cut.begin() }

    /// Lets requests pass again.
    package func admitRequests() { core.cut.lift() }

    /// Takes everything down: connections, what is under way, the placeholders, the certificate's file.
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
        core.vault.clear()
        let folder = folder
        _ = try? await BlockingWork.run { () throws(MMError) in folder.remove() }
    }

    /// The variables by which the usual clients find the proxy and trust its authority, and nobody else's.
    private static func variables(proxy: String, _ folder: TrustFolder) -> [String: String] {
        var variables: [String: String] = [:]
        for name in ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"] {
            variables[name] = proxy
            variables[name.lowercased()] = proxy
        }
        // Nothing goes around the proxy, whatever the user's own variables say.
        for name in ["NO_PROXY", "no_proxy"] { variables[name] = "" }
        // OpenSSL, Go and .NET, curl, Python's requests and pip, Node, git, cargo, the AWS libraries.
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
        let (core, open) = (core, open)
        let task = Task {
            await withDiscardingTaskGroup { group in
                while !Task.isCancelled {
                    let raw: Int32
                    do throws(MMError) {
                        raw = try await listener.accept().release()
                    } catch {
                        if error.code == .cancelled || error.code == .unavailable, isInside || Task.isCancelled {
                            return
                        }
                        // Out of descriptors, or closed: `close` cancels as well.
                        guard (try? await Task.sleep(for: .milliseconds(50))) != nil else { return }
                        continue
                    }
                    let socket = FileDescriptor(owning: raw)
                    guard open.enter() else { continue }
                    guard
                        let channel = try? WireChannel(
                            socket, isInside: isInside, answerStall: core.limits.answerStall)
                    else {
                        open.leave()
                        continue
                    }
                    group.addTask {
                        defer { open.leave() }
                        await withTaskCancellationHandler {
                            await EgressConnection(channel, core: core).run()
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

    /// How many connections there are.
    private final class ConnectionCount: Sendable {
        private let count = Mutex(0)
        private let limit: Int

        init(limit: Int) { self.limit = limit }

        func enter() -> Bool {
            count.withLock { count in
                guard count < limit else { return false }
                count += 1
                return true
            }
        }

        func leave() { count.withLock { $0 -= 1 } }
    }
}

/// Where a session's processes find the one authority that they trust. A folder of its own, because some clients take every
/// file of it for a certificate, and of a fresh name, because a session and its successor may share a home.
struct TrustFolder: Sendable {
    private static let parent = "trust"

    /// The folder.
    let path: String
    private let home: String

    /// A folder's name; nothing is made yet.
    /// - Parameter home: a folder that the session's processes may read.
    init(in home: String) {
        self.home = home + "/" + Self.parent
        path = self.home + "/" + OwnedFolder.name()
    }

    /// The file of the authority's certificate.
    var certificateFile: String { path + "/session-ca.pem" }

    /// Makes the folder and writes the certificate. What processes left that are gone is cleared away.
    func write(_ certificate: String) throws(MMError) {
        for left in (try? OwnedFolder.abandoned(in: home)) ?? [] { Self.remove(left) }
        try ProtectedFile.makeDirectory(path)
        try ProtectedFile.replace(certificateFile, with: Array(certificate.utf8))
    }

    /// Takes it away.
    func remove() { Self.remove(path) }

    private static func remove(_ path: String) {
        try? ProtectedFile.remove(path + "/session-ca.pem")
        rmdir(path)
    }
}
