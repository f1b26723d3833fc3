import Glibc
import MMCLI
import MMCore
import MMOperations
import MMSandbox
import MMSystem

/// `mm sandbox …`: the offline tenant for demos, examples and tests.
enum SandboxCommands {
    /// All of them.
    static func all(environment: [String: String]) -> [LocalCommand] {
        let paths = StatePaths(environment: environment)
        return [
            start(environment, paths), stop(paths), status(paths), approve(paths), users(paths), faults(paths),
        ]
    }

    private static func start(_ environment: [String: String], _ paths: StatePaths) -> LocalCommand {
        LocalCommand(
            ["sandbox", "start"], summary: "Start the sandbox tenant: an offline stand-in for Microsoft 365.",
            discussion:
                "It runs as a process of its own until `mm sandbox stop`, on this machine's loopback address, with 5,000 "
                + "users, mail, groups, sites and flows that live in its memory. Connections with `\"cloud\": \"sandbox\"` reach it.",
            fields: [
                InputField("connection", .text, "Also add a connection of this name for it."),
                InputField("port", .integer(0...65_535), "The port (default: any free one)."),
                InputField("users", .integer(1...1_000_000), "How many users the tenant has (default 5000)."),
                InputField(
                    "mailboxes", .integer(1...1_000_000), "How many mailboxes Exchange has (default: one a user)."),
                InputField("interval", .integer(1...60), "Seconds between two questions after a sign-in (default 5)."),
                InputField("lifetime", .integer(1...86_400), "Seconds an access token lives (default 4821)."),
                InputField("foreground", .flag, "Serve in this process until it is ended."),
            ],
            examples: [.init("mm sandbox start --connection Demo", "then: mm login Demo, and mm sandbox approve CODE")]
        ) { (input, options, streams) throws(MMError) in
            if try input.flag("foreground") {
                var tenant = SandboxOptions()
                tenant.port = UInt16(try input.integer("port") ?? 0)
                tenant.userCount = try input.integer("users") ?? tenant.userCount
                tenant.mailboxCount = try input.integer("mailboxes")
                tenant.pollInterval = Int64(try input.integer("interval") ?? Int(tenant.pollInterval))
                tenant.accessTokenLifetime = Int64(try input.integer("lifetime") ?? Int(tenant.accessTokenLifetime))
                try await SandboxProcess.serve(tenant, paths)
                return 0
            }
            var arguments: [String] = []
            for name in ["port", "users", "mailboxes", "interval", "lifetime"] {
                if let number = try input.integer(name) { arguments += ["--\(name)", "\(number)"] }
            }
            let running = try await SandboxProcess.start(arguments, environment: environment, paths)
            var notes = ["Stop it with: mm sandbox stop"]
            if let name = try input.text("connection") {
                try SandboxProcess.addConnection(name, paths)
                notes = ["Sign in with: mm login \(name)", "Approve its code with: mm sandbox approve CODE"] + notes
            }
            let answer: JSONValue = ["url": .string(running.base), "pid": .int(Int64(running.processID))]
            try await show(answer, options, streams, notes: notes)
            return 0
        }
    }

    private static func stop(_ paths: StatePaths) -> LocalCommand {
        LocalCommand(["sandbox", "stop"], summary: "Stop the sandbox tenant.") {
            (_, options, streams) throws(MMError) in
            guard try await SandboxProcess.stop(paths) else {
                if !options.quiet { streams.note("No sandbox tenant is running.") }
                return 0
            }
            if !options.quiet { streams.note("Stopped.") }
            return 0
        }
    }

    private static func status(_ paths: StatePaths) -> LocalCommand {
        LocalCommand(["sandbox", "status"], summary: "Show whether the sandbox tenant runs, and where.") {
            (_, options, streams) throws(MMError) in
            let control = try SandboxControl(paths)
            var answer = try await control.call("GET", "health").object ?? [:]
            answer["url"] = .string(control.base)
            try await show(.object(answer), options, streams)
            return 0
        }
    }

    private static func approve(_ paths: StatePaths) -> LocalCommand {
        LocalCommand(
            ["sandbox", "approve"], summary: "Approve (or decline) a sign-in code as one of the tenant's accounts.",
            fields: [
                InputField("code", .text, "The code that was shown.", isRequired: true, at: .positional(0)),
                InputField("account", .text, "Who approves (default: the tenant's administrator)."),
                InputField("decline", .flag, "Decline it."),
            ],
            examples: [.init("mm sandbox approve F7KQ2M8XA", "what a person does in the browser")]
        ) { (input, options, streams) throws(MMError) in
            var body: JSONObject = ["userCode": .string(try input.requiredText("code"))]
            if let account = try input.text("account") { body["account"] = .string(account) }
            if try input.flag("decline") { body["decision"] = "decline" }
            try await show(try await SandboxControl(paths).call("POST", "approve", .object(body)), options, streams)
            return 0
        }
    }

    private static func users(_ paths: StatePaths) -> LocalCommand {
        LocalCommand(
            ["sandbox", "users"], summary: "List accounts of the sandbox tenant.",
            fields: [InputField("top", .integer(1...1_000_000), "How many (default: those with a role to play).")]
        ) { (input, options, streams) throws(MMError) in
            let query = try input.integer("top").map { "?top=\($0)" } ?? ""
            let answer = try await SandboxControl(paths).call("GET", "users" + query)
            try await show(
                answer, options, streams, columns: ["userPrincipalName", "displayName", "role", "accountEnabled"])
            return 0
        }
    }

    private static func faults(_ paths: StatePaths) -> LocalCommand {
        LocalCommand(
            ["sandbox", "faults"], summary: "Show, add or clear faults of the sandbox tenant.",
            discussion: "A fault is a JSON object, as Docs/Sandbox.md lists them.",
            fields: [
                InputField("add", .object, "A fault to add.", readsFiles: true),
                InputField("clear", .flag, "Remove all faults."),
            ],
            examples: [
                .init(
                    #"mm sandbox faults --add '{"kind": "throttle", "path": "/v1.0/users", "count": 2}'"#,
                    "two answers 429"),
                .init("mm sandbox faults --clear", "back to normal"),
            ]
        ) { (input, options, streams) throws(MMError) in
            let control = try SandboxControl(paths)
            if try input.flag("clear") { _ = try await control.call("DELETE", "faults") }
            if let fault = try input.object("add") {
                try await show(try await control.call("POST", "faults", .object(fault)), options, streams)
            } else {
                try await show(try await control.call("GET", "faults"), options, streams)
            }
            return 0
        }
    }

    private static func show(
        _ value: JSONValue, _ options: GlobalOptions, _ streams: CommandStreams, columns: [String] = [],
        notes: [String] = []
    ) async throws(MMError) {
        if !options.quiet { for note in notes { streams.note(note) } }
        guard !options.quiet || options.format != nil else { return }
        let renderer = AnswerRenderer(format: options.format) { (bytes) throws(MMError) in try streams.write(bytes) }
        try await renderer.render(.value(value, columns: columns))
    }
}
