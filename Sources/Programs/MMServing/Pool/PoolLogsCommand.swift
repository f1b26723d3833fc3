import Glibc
import MMCLI
import MMCore
import MMOperations

/// `mm pool logs`: what the pool has written down.
enum PoolLogsCommand {
    static func command(_ environment: [String: String]) -> LocalCommand {
        LocalCommand(
            ["pool", "logs"], summary: "Show the pool's log, and follow it.",
            discussion:
                "Text lines; with --json the JSON lines beside them. Sizes are logged, contents are not, unless a "
                + "connection has `logContent`.",
            fields: [
                InputField("follow", .flag, "Go on as lines are written, until Ctrl-C.", at: .option("f")),
                InputField(
                    "lines", .integer(0...1_000_000), "How many of the last lines (default 100).", at: .option("n")),
                InputField("connection", .text, "Only lines of this connection.", at: .positional(0)),
                InputField("errors", .flag, "Only warnings and errors; failed sign-ins are among them."),
            ],
            examples: [
                .init("mm pool logs -f", "the last lines, and those that come"),
                .init("mm pool logs Contoso --errors", "what went wrong with a connection"),
            ]
        ) { (input, options, streams) async throws(MMError) in
            let plain = StatePaths(environment: environment).poolLog()
            let isJSON = options.format == .json || options.format == .jsonl
            let reader = PoolLogReader(
                path: isJSON ? String(plain.dropLast(4)) + ".jsonl" : plain, isJSON: isJSON,
                connection: try input.text("connection"), errorsOnly: try input.flag("errors"))
            let follows = try input.flag("follow")
            let lines = try reader.last(try input.integer("lines") ?? 100)
            for line in lines { try streams.write(line + [0x0A]) }
            if lines.isEmpty, !follows, !options.quiet { streams.note("Nothing has been logged.") }
            guard follows else { return 0 }
            var follower = reader.follower()
            while !Task.isCancelled {
                for line in follower.new() { try streams.write(line + [0x0A]) }
                try? await Task.sleep(for: .milliseconds(200))
            }
            return 0
        }
    }
}
