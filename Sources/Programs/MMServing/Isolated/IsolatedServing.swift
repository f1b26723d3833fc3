import Glibc
import MMCLI
import MMCore
import MMHTTP
import MMLegacy
import MMOperations
import MMPool

/// A process that becomes the router of isolated pools.
enum IsolatedServing {
    /// How a router is told to serve.
    struct Options: Sendable {
        /// Where it listens, and who may connect.
        let face: HTTPFaceOptions
        /// Where its pools run.
        var pools: IsolatedPoolOptions = .processes
        /// How long calls under way may go on when it is to end.
        var drainLimit: Duration = .seconds(20)
    }

    /// Serves until the task is cancelled, or a signal ends it.
    /// - Parameters:
    ///   - options: where it listens, and where its pools run.
    ///   - environment: of the process.
    ///   - signals: of a process that took them over; HUP needs no answer, the registry is read whenever it changes.
    /// - Throws: `unsupported` where pools can't be kept apart; `MMError` when the address can't be had.
    static func serve(
        _ options: Options, environment: [String: String], signals: PoolSignals? = nil, quiet: Bool,
        _ streams: CommandStreams
    ) async throws(MMError) {
        umask(0o077)
        let paths = StatePaths(environment: environment)
        // As a pool in the foreground does; what the router starts or carries out itself has its file.
        let own = quiet ? environment : PoolServing.logging(environment)
        let log = Log(OperationServices.logging(to: paths.poolLog(of: "router"), own))
        let environment = environment.filter { name, _ in name != OperationServices.standardErrorForm }
        let sites = try await options.pools.sites(paths, environment, log)
        // Two routers would start two pools in one folder. Where others start them, they see to that.
        let turn: FileLock? = if sites.areStarted { try await lock(IsolatedPlace(paths)) } else { nil }
        let settings = try SessionPoolRoutes.Settings(environment: environment)
        let router = IsolatedRouter(
            registry: ConnectionRegistry(path: paths.registry), sites: sites, log: log,
            commandLimit: settings.commandLimit)
        let face = options.face
        let secret = try face.tokenFile.map { (file) throws(MMError) in try BearerSecret.read(file) }
        let gate = PoolGate()
        let chain = HTTPChain(
            [ProbeRoutes(gate: gate), gate]
                + PoolFace.steps(router.router, before: [operations(of: router, gate, environment)]))
        let listener = try HTTPListener.start(
            .tcp(host: face.host, port: face.port), certificate: face.certificate,
            authenticator: AddressAuthenticator(face, secret: secret, refusesSessions: true), chain: chain)
        let url = "\(face.scheme)://\(listener.address)"
        try? streams.writeLine(url)
        if !quiet {
            let what = sites.areStarted ? "them" : "the router"
            streams.note("Each connection has a pool of its own behind a \(sites.wall). Ctrl-C ends \(what).")
        }
        log.info("the router listens at \(url); pools are kept apart by \(sites.wall)")
        if face.trustsNetwork {
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
        log.info("the router is stopping")
        gate.close()
        if !(await gate.empty(within: options.drainLimit)) { log.warning("\(gate.calls) calls are cut off") }
        watch.cancel()
        await listener.stop(graceful: signals == nil ? .seconds(5) : .milliseconds(500))
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
        of router: IsolatedRouter, _ gate: PoolGate, _ environment: [String: String]
    ) -> RESTRouter {
        var environment = environment
        // What the router does itself stands in its own log.
        environment["M365_CONNECTION"] = "router"
        let handshake = PoolHandshake.ofThisProcess()
        return RESTRouter(
            service: IsolatedOperationService(
                router: router, services: OperationServices(environment: environment)),
            handshake: {
                var now = handshake
                now.isDraining = gate.isDraining
                return now
            })
    }
}
