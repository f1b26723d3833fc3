import Glibc
import MMCLI
import MMCore
import MMHTTP
import MMLegacy
import MMOperations
import MMPoolWire
import MMREST

/// A process that becomes the router of isolated pools.
enum IsolatedServing {
    /// Serves until the task is cancelled, or a signal ends it.
    /// - Parameters:
    ///   - options: where it listens, and who may connect.
    ///   - sockets: where pools in containers of their own have their sockets; `nil` starts pools as processes.
    ///   - environment: of the process.
    ///   - signals: of a process that took them over; HUP needs no answer, the registry is read whenever it changes.
    /// - Throws: `unsupported` where pools can't be kept apart; `MMError` when the address can't be had.
    static func serve(
        _ options: HTTPFaceOptions, sockets: String? = nil, environment: [String: String],
        signals: PoolSignals? = nil, quiet: Bool, _ streams: CommandStreams
    ) async throws(MMError) {
        umask(0o077)
        let wall = sockets == nil ? try await IsolatedWall.strongest(environment: environment) : nil
        let apart = wall?.rawValue ?? "container"
        let paths = StatePaths(environment: environment)
        // Two routers would start two pools in one folder. In containers each pool sees to that itself.
        let turn: FileLock? = if sockets == nil { try await lock(IsolatedPlace(paths)) } else { nil }
        let level = environment["MM_LOG_LEVEL"].flatMap { Log.Level(word: $0) } ?? .info
        let log = Log(LogSettings(path: paths.poolLog(of: "router"), level: level))
        let settings = try SessionPoolRoutes.Settings(environment: environment)
        let router = IsolatedRouter(
            registry: ConnectionRegistry(path: paths.registry),
            setup: IsolatedPool.Setup(
                place: IsolatedPlace(paths), paths: paths, environment: environment,
                caps: try IsolatedCaps(environment: environment), wall: wall, sockets: sockets, log: log,
                transport: HTTPClient(configuration: HTTPClientConfiguration(environment: environment))),
            commandLimit: settings.commandLimit)
        let secret = try options.tokenFile.map { (file) throws(MMError) in try BearerSecret.read(file) }
        let chain = HTTPChain(PoolFace.steps(router.router, before: [operations(of: router, environment)]))
        let listener = try HTTPListener.start(
            .tcp(host: options.host, port: options.port), certificate: options.certificate,
            authenticator: AddressAuthenticator(options, secret: secret, refusesSessions: true), chain: chain)
        let url = "\(options.scheme)://\(listener.address)"
        try? streams.writeLine(url)
        if !quiet { streams.note("Each connection has a pool of its own behind a \(apart). Ctrl-C ends them.") }
        log.info("the router listens at \(url); pools are kept apart by \(apart)")
        if options.trustsNetwork {
            log.warning("THE NETWORK IS TRUSTED: everybody who reaches \(url) may use every connection")
        }
        let watch = Task {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await router.restore() }
                group.addTask { await router.watch() }
            }
        }
        if let signals {
            for await wish in signals.wishes where wish == .stop { break }
        } else {
            while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
        }
        watch.cancel()
        await listener.stop(graceful: .seconds(5))
        await router.close()
        log.info("the router has stopped")
        _ = consume turn
    }

    /// One that is about to end may hold the lock for a moment more.
    private static func lock(_ place: IsolatedPlace) async throws(MMError) -> FileLock {
        let path = place.root + "/router"
        do throws(MMError) {
            return try await FileLock(awaiting: path, until: .after(.seconds(3)))
        } catch {
            guard error.code == .conflict else { throw error }
            throw MMError(
                .conflict,
                "A router of isolated pools runs already: \(FileLock.holder(of: path) ?? "another process").",
                hint: "Use it, or end it first; another one needs files of its own (MM_STATE_DIR).")
        }
    }

    /// The operations' routes, over the pools.
    private static func operations(
        of router: IsolatedRouter, _ environment: [String: String]
    ) -> RESTRouter {
        var environment = environment
        // What the router does itself stands in its own log.
        environment["M365_CONNECTION"] = "router"
        let handshake = PoolHandshake.ofThisProcess()
        return RESTRouter(
            service: IsolatedOperationService(
                router: router, services: OperationServices(environment: environment)),
            handshake: { handshake })
    }
}
