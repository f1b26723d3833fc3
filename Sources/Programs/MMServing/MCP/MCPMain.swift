import Glibc
import MMCLI
import MMCore
import MMLegacy
import MMMCP
import MMOperations
import MMSystem
import Synchronization

/// The program `mm-mcp`: the catalogue as a Model Context Protocol server on standard input and output, or over HTTP.
package enum MCPMain {
    /// What `--help` prints. The flags are those that the program declares.
    static var help: String {
        """
        mm-mcp: Microsoft 365 for AI clients, over standard input and output or over HTTP.

        Usage: mm-mcp [--toolsets LIST] [--read-only] [--flag…]
               mm-mcp --profile NAME [--flag…]
               mm-mcp --http 127.0.0.1:8365 [--flag…]
               mm-mcp --http ADDRESS --oauth-issuer URL --oauth-audience LIST [--flag…]

        Without --http a client starts mm-mcp; `mm mcp install` configures it. With it, the first line printed is the
        address of the endpoint, with the path /mcp. See Docs/StartAgents.md.

        Flags:
        \(HelpText.flags(MCPFaceOptions.fields))
        --version prints the version, --help this text.

        """
    }

    /// Serves until standard input ends or a signal asks to stop, then ends the process.
    ///
    /// The main thread must not block in the Swift runtime: parked there, it would receive signals with their default
    /// action. So the work runs in a task, and the main thread sleeps in `pause` with its own signal mask.
    package static func main() -> Never {
        Signals.ignoreBrokenPipes()
        let environment = ProcessEnvironment.read()
        let streams = CommandStreams(environment: environment)
        let words = Array(CommandLine.arguments.dropFirst())
        do throws(MMError) {
            if words.contains("--help") || words.contains("-h") {
                try streams.write(Array(help.utf8))
                ProcessEnd.now(0)
            }
            if words == ["--version"] {
                try streams.writeLine("mm-mcp \(ProductVersion.text)")
                ProcessEnd.now(0)
            }
            let options = try MCPFaceOptions(words: words, environment: environment)
            let stop = options.http == nil ? nil : try StopSignal.take()
            Task { await run(options, stop, environment, streams) }
            while true { pause() }
        } catch {
            fail(error, streams)
        }
    }

    private static func run(
        _ options: MCPFaceOptions, _ stop: StopSignal?, _ environment: [String: String], _ streams: CommandStreams
    ) async -> Never {
        do throws(MMError) {
            let services = OperationServices(environment: ToolProfiles.environment(environment, for: options.profile))
            MCPPerson.lookAround()
            let choice = try options.choice(environment)
            let service = try FrontEndService(choice, services, environment)
            let profile = try options.profile.flatMap { (name) throws(MMError) in
                try ToolProfiles.make(name, service, services)
            }
            let keepsSessions = choice == .embedded
            let principals = PrincipalTable()
            let server: MCPServer
            var catalogue: CatalogueServer?
            if let profile {
                server = try ProfileServer(profile, services: services, options: options, principals: principals)
                    .server()
            } else {
                let projection = CatalogueServer(
                    service: service, services: services, options: options, principals: principals)
                server = try projection.server()
                catalogue = projection
            }
            if keepsSessions {
                SessionMark.markThisProcess()
                services.jobs.setLifetime(options.http == nil ? .client : .lasting)
            }
            // Sessions in a pool are maintained by the pool.
            let upkeep = keepsSessions ? Task { await services.runMaintenance() } : nil
            let watch = catalogue.map { catalogue in Task { await catalogue.watchTools(of: server) } }
            let profileUpkeep = profile.map { profile in Task { await profile.upkeep(services) } }
            defer {
                upkeep?.cancel()
                watch?.cancel()
                profileUpkeep?.cancel()
            }
            // Sessions are closed even after a failure.
            let served: Result<Void, MMError> = await Result { () async throws(MMError) -> Void in
                if let http = options.http, let stop {
                    try await serve(server, profile, http, principals, until: stop, services, streams)
                } else {
                    try await StdioTransport.run(server)
                }
            }
            await profile?.close()
            await catalogue?.close()
            await services.close()
            upkeep?.cancel()
            await services.auditCopies.finish()
            try served.get()
            ProcessEnd.now(0)
        } catch {
            fail(error, streams)
        }
    }

    private static func fail(_ error: MMError, _ streams: CommandStreams) -> Never {
        streams.note("mm-mcp: \(error.description)")
        ProcessEnd.now(error.exitCode)
    }

    /// Serves HTTP until a signal asks to stop.
    private static func serve(
        _ server: MCPServer, _ profile: ToolProfile?, _ options: HTTPFaceOptions, _ principals: PrincipalTable,
        until stop: StopSignal,
        _ services: OperationServices, _ streams: CommandStreams
    ) async throws(MMError) {
        let log = services.log
        var secret: Secret?
        if let file = options.tokenFile { secret = try BearerSecret.read(file) }
        let special = ProfileHTTPFace(profile, services)
        let gate = try options.oauth.map { (oauth) throws(MMError) in
            try OAuthGate.making(oauth, options, services, principals: principals) { warning in
                streams.note("mm-mcp: WARNING: \(warning)")
            }
        }
        let face = try HTTPFace.start(
            server, options, secret: secret, gate: gate, log: log, engineOptions: special.engineOptions,
            pages: special.pages)
        for warning in special.warnings { streams.note("mm-mcp: WARNING: \(warning)") }
        log.info("mm-mcp listens at \(face.url)")
        if options.trustsNetwork {
            streams.note(
                "mm-mcp: WARNING: the network is trusted: everyone who can reach \(face.url) can use every connection it shows."
            )
        }
        // Fails if the process that started this one has closed the pipe, which does no harm.
        try? streams.writeLine(face.url)
        await stop.wait()
        streams.note("mm-mcp: stopping")
        await face.stop(graceful: .seconds(5))
        log.info("mm-mcp stopped")
    }
}

/// Waits for SIGTERM or SIGINT. The first signal lets the server finish; a second one ends the process at once.
final class StopSignal: Sendable {
    private let signals: Signals
    private let wish: OneShot<Void>

    /// Takes over the signals; must be called before anything starts a thread or a task.
    /// - Throws: `.unavailable` if the system has no descriptor left.
    static func take() throws(MMError) -> StopSignal {
        let wish = OneShot<Void>()
        let count = SignalCount()
        let signals = try Signals.handle([SIGTERM, SIGINT]) { signal in
            if count.another() > 1 { _exit(128 + signal) }
            wish.resolve(())
        }
        return StopSignal(signals, wish)
    }

    private init(_ signals: Signals, _ wish: OneShot<Void>) {
        self.signals = signals
        self.wish = wish
    }

    /// Waits for the first signal.
    func wait() async { await wish.wait() }
}

private final class SignalCount: Sendable {
    private let count = Atomic(0)
    func another() -> Int { count.add(1, ordering: .relaxed).newValue }
}

/// The peculiarities of a profile over HTTP: pages besides the protocol, and the end of a client's session.
struct ProfileHTTPFace: Sendable {
    private let profile: ToolProfile?
    private let services: OperationServices

    /// Creates the peculiarities of a profile; without a profile there are none.
    init(_ profile: ToolProfile?, _ services: OperationServices) {
        self.profile = profile
        self.services = services
    }

    /// The options of the protocol engine.
    var engineOptions: HTTPOptions {
        var options = HTTPOptions()
        if let idle = profile?.http.sessionIdle { options.sessionIdle = idle }
        if let ended = profile?.http.sessionEnded {
            let services = services
            options.sessionEnded = { name in
                Task { await ended(ProfileServer.owner(session: name), services) }
            }
        }
        return options
    }

    /// The pages to serve besides the protocol.
    var pages: [String: @Sendable () async -> JSONValue] {
        let services = services
        return (profile?.http.pages ?? [:]).mapValues { page in { await page(services) } }
    }

    /// The profile's warnings for the person who starts the server.
    var warnings: [String] { profile?.http.warnings ?? [] }
}

/// A tool profile as a Model Context Protocol server, with exactly the profile's tools and names.
struct ProfileServer {
    private let profile: ToolProfile
    private let services: OperationServices
    private let serverName: String
    private let prefix: String
    private let readOnly: Bool
    private let principals: PrincipalTable
    private let callLimits: CallLimits?

    /// Creates a projection of a profile.
    /// - Parameters:
    ///   - profile: the profile with the tools.
    ///   - services: what the operations work with.
    ///   - options: may set a prefix; toolsets only apply to the catalogue.
    ///   - principals: the callers who signed in.
    init(
        _ profile: ToolProfile, services: OperationServices, options: MCPFaceOptions,
        principals: PrincipalTable
    ) {
        self.principals = principals
        callLimits = options.callLimits
        self.profile = profile
        self.services = services
        serverName = options.namesServer ? options.serverName : profile.serverName
        prefix = options.namesPrefix ? options.prefix : ""
        readOnly = options.readOnly
    }

    /// Returns the server.
    /// - Throws: `MMError` if a tool's name or schema violates the protocol.
    func server() throws(MMError) -> MCPServer {
        var serverOptions = ServerOptions()
        serverOptions.callLimits = callLimits
        return try MCPServer(
            ServerInfo(
                name: profile.http.serverName ?? profile.name, title: profile.title,
                version: profile.http.serverVersion ?? ProductVersion.text),
            instructions: profile.instructions,
            tools: profile.tools.filter { !readOnly || $0.effects.readOnly }.map(tool), options: serverOptions)
    }

    /// Distinguishes this server's clients from those of other processes at the same pool.
    private static let instance = RandomBytes.text(bytes: 12)

    private static func sessionID(_ name: String) -> String { "\(instance):\(name)" }

    /// Returns the owner of the shells of a client's session, in the form of `CallContext.shellOwner`.
    static func owner(session name: String) -> String { "session:" + sessionID(name) }

    /// The earlier servers sent only the hints that differ from the protocol's defaults.
    private static func annotations(_ effects: OperationDeclaration.Effects) -> ToolAnnotations {
        ToolAnnotations(
            readOnly: effects.readOnly ? true : nil, destructive: effects.readOnly || effects.destructive ? nil : false,
            idempotent: effects.readOnly || !effects.idempotent ? nil : true, openWorld: effects.openWorld ? nil : false
        )
    }

    private func tool(_ tool: ProfileTool) -> Tool {
        let services = services
        let (serverName, principals) = (serverName, principals)
        let outlivesSessions = profile.http.outlivesSessions
        return Tool(
            name: prefix + tool.name, description: tool.description, inputSchema: tool.inputSchema,
            outputSchema: tool.outputSchema, annotations: Self.annotations(tool.effects)
        ) { arguments, context in
            var call = context.call(to: serverName, principals: principals)
            // A client's session can't use what another session keeps, unless the profile's state outlives sessions.
            let session = outlivesSessions ? nil : context.sessionName
            call.sessionID = Self.sessionID(session ?? context.principal.name)
            call.person = MCPPerson.behind(context)
            do throws(MMError) {
                let answer = try await tool.call(arguments, call, services)
                return ToolResult(
                    content: [.text(answer.text)], structured: answer.structured.map { .object($0) },
                    isError: answer.isError)
            } catch {
                return ToolResult(content: [.text(error.textAfterOutput)], isError: true)
            }
        }
    }
}
