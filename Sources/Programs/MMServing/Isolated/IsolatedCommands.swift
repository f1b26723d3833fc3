import MMCLI
import MMCore
import MMOperations

/// The commands of isolated pools.
enum IsolatedCommands {
    /// All of them.
    static func all(environment: [String: String]) -> [LocalCommand] {
        [isolated(environment).hidden, PoolChildCommand.entry(environment: environment).hidden]
    }

    /// Becomes the router.
    /// - Parameter signals: of a process that took them over.
    /// - Throws: as `IsolatedServing.serve`; `invalidInput` that names the flag.
    static func serve(
        _ input: InputReader, environment: [String: String], signals: PoolSignals?, quiet: Bool,
        _ streams: CommandStreams
    ) async throws(MMError) {
        let addresses = try input.textList("listen") ?? []
        guard addresses.count < 2 else {
            throw MMError(
                .invalidInput, "The router listens at one address, and --listen came \(addresses.count) times.",
                hint: "Give it once.")
        }
        let address = addresses.first ?? "127.0.0.1:\(environment["ROUTER_PORT"] ?? "5200")"
        var options = IsolatedServing.Options(
            face: try HTTPFaceOptions.listening(at: address, flag: "--listen", input),
            pools: try IsolatedPoolOptions.read(input))
        options.drainLimit = try PoolServeOptions.drainLimit(environment) ?? options.drainLimit
        try await IsolatedServing.serve(
            options, environment: environment, signals: signals, quiet: quiet, streams)
    }

    private static func isolated(_ environment: [String: String]) -> LocalCommand {
        LocalCommand(
            ["pool", "isolated"], summary: "Serve a pool for each connection; the same as `mm pool serve --isolated`.",
            discussion:
                "A router answers /health /status /connections /run /reset /metrics and passes each call to the pool of "
                + "its connection: a process with a home, namespaces and caps of its own, started when it is first needed. "
                + "MM_ISOLATED_MEMORY_MB (512) and MM_ISOLATED_CPUS (0.5) set the caps; /status says what holds them. A pool "
                + "that answers nothing for MM_ISOLATED_SILENCE seconds (60) is started again.",
            fields: [
                InputField("listen", .textList, "Where (default 127.0.0.1:5200).")
            ] + IsolatedPoolOptions.fields + HTTPFaceOptions.fields.filter { $0.name != "http" },
            examples: [.init("mm pool isolated", "the router at 127.0.0.1:5200")]
        ) { (input, options, streams) throws(MMError) in
            try await serve(input, environment: environment, signals: nil, quiet: options.quiet, streams)
            return 0
        }
    }
}
