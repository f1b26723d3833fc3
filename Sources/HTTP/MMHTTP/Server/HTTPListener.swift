import CMMSystem
import CMicroHTTPD
import Glibc
package import MMCore
import MMSystem

/// An HTTP server on one address: libmicrohttpd on a dedicated thread, loaded on first use.
///
/// Each request runs in a task, which is cancelled when the client goes away or the listener ends.
package final class HTTPListener: Sendable {
    /// The TCP port that it listens on; 0 for a Unix socket.
    package let port: UInt16
    /// The address that it listens on, with the actual port.
    package let address: ListenAddress

    private let server: Mutex<Server?>

    /// Opens the library.
    /// - Throws: `.unavailable` with the package that has it.
    package static func load() throws(MMError) {
        guard let reason = mm_httpd_load() else { return }
        throw MMError(
            .unavailable, "The HTTP server's library can't be opened: \(String(cString: reason)).",
            hint: "apt-get install libmicrohttpd12 (libmicrohttpd12t64 from Debian 13 on)")
    }

    /// Starts a listener.
    /// - Parameters:
    ///   - address: the address to listen on.
    ///   - limits: the listener's limits.
    ///   - certificate: the certificate for TLS; without one the listener speaks plain HTTP. When its files hold
    ///     another one, new connections get that.
    ///   - admission: refuses requests before their large bodies are received; the handler still has to check them.
    ///   - handler: responds to the requests.
    /// - Throws: `.unavailable` when the library can't be loaded; `.conflict` when the address is taken;
    ///   `.invalidInput` when it isn't a valid address or the certificate can't be used.
    package static func start(
        _ address: ListenAddress, limits: HTTPServerLimits = HTTPServerLimits(),
        certificate: ServerCertificate? = nil, admission: HTTPAdmission? = nil, handler: @escaping HTTPHandler
    ) throws(MMError) -> HTTPListener {
        try load()
        if certificate != nil, mm_httpd_has_tls() == 0 {
            throw MMError(
                .unavailable, "The HTTP server's library was built without TLS.",
                hint: "Put a TLS proxy in front, and use --behind-proxy.")
        }
        let socket = try ListeningSocket.open(address)
        let core = ListenerCore(limits: limits, poll: try PollLoop.shared(), admission: admission, handler: handler)
        let raw = mm_httpd_limits(
            connection_memory: max(limits.maxHeaderBytes, 2 << 10), connections: UInt32(max(limits.maxConnections, 1)),
            idle_seconds: UInt32(clamping: max(1, limits.idleTimeout.components.seconds)))
        var callbacks = core.callbacks()
        let (taken, port, file) = (socket.address, socket.port, socket.file)
        let descriptor = socket.take()
        let started =
            certificate.map { $0.withRaw { mm_httpd_start(descriptor, raw, $0, &callbacks) } }
            ?? mm_httpd_start(descriptor, raw, nil, &callbacks)
        guard let daemon = started.map(Daemon.init) else {
            close(descriptor)
            file?.remove()
            core.releaseCallbacks()
            if let certificate { throw certificate.unusable }
            throw MMError(
                .unavailable, "The HTTP server could not start at \(taken).",
                hint: "Check the limits of open files and processes (ulimit -n, ulimit -u).")
        }
        let sweep = Task {
            let pause = min(
                max(
                    min(limits.idleTimeout, limits.headTimeout, limits.silenceTimeout, limits.requestTimeout) / 4,
                    .milliseconds(100)),
                .seconds(5))
            var certificate = certificate
            while (try? await Task.sleep(for: pause)) != nil {
                core.sweep()
                if let shown = certificate, let new = await shown.renewed(by: daemon) { certificate = new }
            }
        }
        return HTTPListener(
            address: taken, port: port, server: Server(daemon: daemon, core: core, file: file, sweep: sweep))
    }

    private init(address: ListenAddress, port: UInt16, server: Server) {
        self.address = address
        self.port = port
        self.server = Mutex(server)
    }

    deinit {
        // The listener was released without `stop`: its parts must not outlive it, but a deinitializer can't wait for
        // their end.
        if let server = server.withLock({ $0 }) { Task { await server.stop(graceful: .zero) } }
    }

    /// Whether clients still reach it at its address; `false` if the file of its socket was removed or replaced.
    package var isInPlace: Bool { server.withLock { $0?.file?.isInPlace ?? true } }

    /// Stops accepting connections, lets current requests finish, then cancels the remaining tasks and closes.
    /// - Parameter graceful: how long current requests may take.
    package func stop(graceful: Duration) async {
        let server: Server? = server.withLock { server in
            defer { server = nil }
            return server
        }
        await server?.stop(graceful: graceful)
    }

    /// The library's server.
    fileprivate struct Daemon: @unchecked Sendable {
        // `@unchecked Sendable`: it may be used from any thread. `Server.stop`, which releases it, runs once because
        // its owner gives it away once, and waits for the only other user, `sweep`.
        let pointer: UnsafeMutableRawPointer
    }

    /// The parts that `start` creates and `stop` releases.
    private struct Server: Sendable {
        let daemon: Daemon
        let core: ListenerCore
        let file: UnixSocket.SocketFile?
        let sweep: Task<Void, Never>

        /// The time that a cancelled handler gets to respond before its connection is closed.
        private static let lastMoment = Duration.milliseconds(250)

        func stop(graceful: Duration) async {
            file?.remove()
            await beside {
                let descriptor = mm_httpd_quiesce(daemon.pointer)
                if descriptor >= 0 { close(descriptor) }
            }
            core.stopTaking()
            if !(await core.drain(within: graceful)) {
                for exchange in core.exchanges { exchange.cancelHandler() }
                _ = await core.drain(within: Self.lastMoment)
            }
            sweep.cancel()
            await sweep.value
            // The library requires that nothing is suspended when it stops; from here on, nothing is suspended again.
            for exchange in core.exchanges { exchange.abandon() }
            await beside {
                mm_httpd_stop(daemon.pointer)
                core.releaseCallbacks()
            }
        }

        /// Does what waits for the library's thread, which would block the cooperative pool.
        private func beside(_ work: @escaping @Sendable () -> Void) async {
            let ended = OneShot<Void>()
            let run: @Sendable () -> Void = {
                work()
                ended.resolve(())
            }
            if (try? DedicatedThread.start("mm-http-stop", run)) == nil { run() }
            await ended.wait()
        }
    }
}

extension ServerCertificate {
    /// Shows new connections what the files hold now, if they have changed.
    /// - Returns: the certificate that is shown from now on; `nil` if it is still this one, also because the files
    ///   can't be used yet: they are replaced one after the other.
    fileprivate func renewed(by daemon: HTTPListener.Daemon) async -> ServerCertificate? {
        let new: ServerCertificate? = try? await BlockingWork.run { () throws(MMError) in try renewed() }
        guard let new, new.withRaw({ mm_httpd_renew(daemon.pointer, $0) }) != 0 else { return nil }
        return new
    }
}

/// A listening socket that no server has taken over yet.
struct ListeningSocket: ~Copyable {
    let descriptor: FileDescriptor
    let file: UnixSocket.SocketFile?
    let address: ListenAddress
    let port: UInt16

    /// Opens a socket at an address.
    /// - Throws: `.invalidInput` for a host that isn't an IP literal; `.conflict` when the address is taken.
    static func open(_ address: ListenAddress) throws(MMError) -> ListeningSocket {
        switch address {
        case .unix(let path):
            let (descriptor, file) = try UnixSocket.listen(at: path).take()
            return ListeningSocket(
                descriptor: FileDescriptor(owning: descriptor), file: file, address: address, port: 0)
        case .inherited(let raw, _):
            return ListeningSocket(descriptor: FileDescriptor(owning: raw), file: nil, address: address, port: 0)
        case .tcp(let host, let wanted):
            let literal = HTTPHeaders.sameName(host, "localhost") ? "127.0.0.1" : host
            var port = wanted
            let raw = mm_tcp_listen(literal, &port, 512)
            guard raw >= 0 else {
                let number = errno
                switch number {
                case EINVAL:
                    throw MMError(
                        .invalidInput, "The listen address “\(HTTPFieldRules.printable(host))” isn't an IP address.",
                        hint: "Use 127.0.0.1, ::1, 0.0.0.0 or another address of this machine.")
                case EADDRINUSE:
                    throw MMError(
                        .conflict, "The address \(address) is already in use.",
                        hint: "Choose another port (0 takes any free one), or stop the other server.")
                case EADDRNOTAVAIL:
                    throw MMError(.invalidInput, "\(HTTPFieldRules.printable(host)) isn't an address of this machine.")
                default: throw SystemError.error("Listening at \(address)", number)
                }
            }
            return ListeningSocket(
                descriptor: FileDescriptor(owning: raw), file: nil, address: .tcp(host: host, port: port), port: port)
        }
    }

    /// Releases ownership of the descriptor; the caller must close it.
    consuming func take() -> Int32 { descriptor.release() }
}

/// An address to listen on.
package enum ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// A TCP address: an IP literal or `localhost`, and a port; 0 for any free port.
    case tcp(host: String, port: UInt16)
    /// A Unix socket at this path, with mode 0600 in a folder that only its owner may enter.
    case unix(path: String)
    /// A listening Unix socket passed in by another process, such as systemd; its file is left in place when the
    /// listener stops.
    case inherited(descriptor: Int32, path: String)

    /// The address as people write it.
    package var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path), .inherited(_, let path): path
        }
    }
}

/// Identifies the sender of a request from its head. Every listener has one, so that everything behind it knows the
/// sender.
package protocol HTTPAuthenticator<Peer>: Sendable {
    /// The information about the sender of a request.
    associatedtype Peer: Sendable

    /// Returns the sender of a request, or the response that refuses it.
    func authenticate(_ request: HTTPServerRequest) -> AuthenticationResult<Peer>
}

/// The decision of an authenticator about a request.
package enum AuthenticationResult<Peer: Sendable>: Sendable {
    /// The request is admitted.
    case admitted(Peer)
    /// The request is refused with this response.
    case refused(HTTPServerResponse)
}

extension HTTPListener {
    /// Starts a listener whose requests are authenticated and then pass a chain.
    /// - Parameters:
    ///   - address: the address to listen on.
    ///   - limits: the listener's limits.
    ///   - certificate: the certificate for TLS; without one the listener speaks plain HTTP.
    ///   - authenticator: decides which requests are admitted, before a large body is received.
    ///   - chain: responds to admitted requests.
    /// - Throws: as `start(_:limits:certificate:admission:handler:)`.
    package static func start<Peer>(
        _ address: ListenAddress, limits: HTTPServerLimits = HTTPServerLimits(),
        certificate: ServerCertificate? = nil, authenticator: some HTTPAuthenticator<Peer>, chain: HTTPChain<Peer>
    ) throws(MMError) -> HTTPListener {
        try start(
            address, limits: limits, certificate: certificate,
            admission: { request in
                if case .refused(let answer) = authenticator.authenticate(request) { answer } else { nil }
            }
        ) { request in
            switch authenticator.authenticate(request) {
            case .admitted(let peer): await chain.respond(to: request, from: peer)
            case .refused(let answer): answer
            }
        }
    }
}
