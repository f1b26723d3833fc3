import Glibc
import MMCLI
import MMCore
import MMOperations
import MMPool
import MMSystem

/// `mm pool …`: controls the pool, in whose process sessions outlive the programs that use them.
enum PoolCommands {
    /// Returns the commands.
    /// - Parameters:
    ///   - environment: the environment of the process.
    ///   - signals: the signals of a process that is to serve.
    static func all(environment: [String: String], signals: PoolSignals?) -> [LocalCommand] {
        [
            start(environment), stop(environment), restart(environment), status(environment),
            serve(environment, signals), PoolInstallCommand.command(environment), PoolLogsCommand.command(environment),
        ]
    }

    private static func start(_ environment: [String: String]) -> LocalCommand {
        LocalCommand(
            ["pool", "start"], summary: "Start the pool, if none is running.",
            discussion:
                "Commands that need persistent sessions start it automatically. It ends with `mm "
                + "pool stop`, or after MM_POOL_IDLE seconds without sessions or calls (default 1800).",
            examples: [.init("mm pool start", "shows its address")]
        ) { (_, options, streams) async throws(MMError) in
            try await startPool(options, streams, environment)
        }
    }

    private static func stop(_ environment: [String: String]) -> LocalCommand {
        LocalCommand(
            ["pool", "stop"], summary: "Stop the pool and the sessions in it.",
            discussion:
                "Running calls have 20 seconds to finish (MM_POOL_DRAIN). Signed-in sessions are restored "
                + "by the next pool from cached sign-ins.",
            fields: [InputField("force", .flag, "Kill a pool that does not answer.")],
            examples: [.init("mm pool stop", "stops it after its calls have finished")]
        ) { (input, options, streams) async throws(MMError) in
            let wasThere = try await PoolStopper(environment: environment).stop(force: try input.flag("force"))
            if !options.quiet { streams.note(wasThere ? "Stopped." : nothingToStop(environment)) }
            return 0
        }
    }

    private static func restart(_ environment: [String: String]) -> LocalCommand {
        LocalCommand(
            ["pool", "restart"], summary: "Restart the pool. Signed-in sessions are restored.",
            fields: [InputField("force", .flag, "Kill a pool that does not answer.")],
            examples: [.init("mm pool restart", "after an update or a change of its environment")]
        ) { (input, options, streams) async throws(MMError) in
            _ = try await PoolStopper(environment: environment).stop(force: try input.flag("force"))
            return try await startPool(options, streams, environment)
        }
    }

    private static func startPool(
        _ options: GlobalOptions, _ streams: CommandStreams, _ environment: [String: String]
    ) async throws(MMError) -> Int32 {
        let pool = try await PoolFinder(environment: environment).started()
        streams.note(OutsideChecks.faults(environment), options)
        try await streams.show(try await state(of: pool.client), options)
        return 0
    }

    private static func status(_ environment: [String: String]) -> LocalCommand {
        LocalCommand(
            ["pool", "status"], summary: "Show the pool's state, address and content.",
            discussion:
                "Ends with 7 if no pool accepts calls. `mm status` and `mm sessions` show the sessions themselves.",
            fields: [InputField("unlock", .flag, "Print a token that unlocks the dashboard.")],
            examples: [
                .init("mm pool status", "shows its state as a list"),
                .init("mm pool status --jq .socket -o text", "prints its socket"),
                .init("mm pool status --unlock", "a token for the dashboard, valid once within five minutes"),
            ]
        ) { (input, options, streams) async throws(MMError) in
            let pool: PoolClient
            if case .elsewhere(let url) = try PoolChoice.of(
                embedded: false, pool: options.pool, environment: environment)
            {
                pool = PoolClient(try PoolAddress(url: url, environment: environment), environment: environment)
            } else {
                let state = await PoolFinder(environment: environment).state(within: options.timeLimit)
                guard case .running(let running) = state else {
                    try await streams.show(.object(state.json), options)
                    return 7
                }
                pool = running.client
            }
            if try input.flag("unlock") {
                let answer = try await pool.ask("POST", "/v1/dashboard/token")
                guard answer.status == 200 else {
                    throw MMError(
                        .forbidden, answer.body["detail"]?.string ?? "The pool returned no token.",
                        hint: answer.body["hint"]?.string)
                }
                try await streams.show(answer.body, options)
                return 0
            }
            try await streams.show(try await state(of: pool), options)
            return 0
        }.reachingPool
    }

    /// What to say where this machine has no pool to stop; calls may go to another machine's, which goes on.
    static func nothingToStop(_ environment: [String: String]) -> String {
        let none = "No pool is running."
        guard case .elsewhere(let url)? = try? PoolChoice.of(embedded: false, pool: nil, environment: environment),
            let address = try? PoolAddress(url: url, trustsNetwork: true)
        else { return none }
        return none + " The one at \(address), which your environment names, can only be stopped where it runs."
    }

    private static func serve(_ environment: [String: String], _ signals: PoolSignals?) -> LocalCommand {
        LocalCommand(
            ["pool", "serve"], summary: "Run the pool in this process.",
            discussion:
                "Listens on a Unix socket for programs of this user, and with --listen or --profile also at an address. "
                + "Programs of this user can connect at loopback addresses; others need --token-file. TERM stops it after its "
                + "calls have finished, HUP reloads the registry and the rules. With --isolated each "
                + "connection has a process with its own home, namespaces and resource limits, behind a router with the "
                + "routes of the profile pool.\n\nProfiles: "
                + PoolFace.all.map { "\($0.name) (\($0.summary))" }.joined(separator: ", ") + ".",
            fields: PoolServeOptions.fields,
            examples: [
                .init("mm pool serve", "runs in a terminal or as a service"),
                .init("mm pool serve --listen 127.0.0.1:5200", "also for HTTP clients"),
                .init(
                    "mm pool serve --isolated", "a separate pool for each connection, with a router at 127.0.0.1:5200"),
            ]
        ) { (input, options, streams) async throws(MMError) in
            let wanted = try PoolServeOptions(input, environment: environment)
            guard let signals else {
                throw MMError(.unsupported, "`pool serve` must come first on the command line.")
            }
            if wanted.isIsolated {
                try await IsolatedCommands.serve(
                    input, environment: environment, signals: signals, quiet: options.quiet, streams)
            } else {
                try await PoolServing.serve(wanted, signals, environment, quiet: options.quiet, streams)
            }
            return 0
        }
    }

    /// Returns the state that a pool reports: everything to its owner, to others, and about a router, who it is.
    private static func state(of pool: PoolClient) async throws(MMError) -> JSONValue {
        let answer = try await pool.ask("GET", "/v1/pool")
        if PoolHandshake(answer.body) != nil { return answer.body }
        let handshake = try await pool.handshake()
        var state = handshake.publicJSON
        state["state"] = handshake.isDraining ? "stopping" : "running"
        state["address"] = .string(pool.address.description)
        return .object(state)
    }
}
