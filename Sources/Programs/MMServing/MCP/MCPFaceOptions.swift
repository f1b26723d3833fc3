import MMCLI
import MMCore
import MMLegacy
import MMMCP
import MMOperations

/// The options of `mm-mcp`: which tools it offers, and under which names.
struct MCPFaceOptions: Sendable {
    /// The prefix of every tool's name; gateways add a prefix of their own, so none is needed there.
    var prefix = "mm__"
    /// Whether nothing may be changed: only reading tools are offered, and the guard denies everything else.
    var readOnly = false
    /// Whether results contain their data in addition to the text.
    var structuredOutput = false
    /// The groups of tools that are offered.
    var toolsets: Set<OperationDeclaration.Toolset> = [.m365]
    /// Whether the command line sets the prefix.
    var namesPrefix = false
    /// The earlier server whose tools are offered in place of the catalogue's; `nil` for the catalogue's.
    var profile: String?
    /// The server name that a connection's `mcps` list is compared with.
    var serverName = "mm"
    /// How long a call may take before its caller gets a handle; most clients give up after a minute.
    var patience = Duration.seconds(45)
    /// Whether to do everything in this process, without the pool.
    var isEmbedded = false
    /// The address of another pool to use.
    var pool: String?
    /// Whether the command line sets the server name.
    var namesServer = false
    /// The limits on each client's calls.
    var callLimits: CallLimits?
    /// The HTTP options; `nil` to use standard input and output.
    var http: HTTPFaceOptions?

    /// The arguments of `mm-mcp`.
    static let fields: [InputField] =
        [
            InputField(
                "tool-prefix", .text, "Prefix of tool names (default mm__). Use '' behind a gateway that adds its own.",
                .mayBeEmpty),
            InputField(
                "profile", .text,
                "Offer the tools of an earlier server: \(ToolProfiles.names.dropFirst().joined(separator: ", "))."),
            InputField(
                "read-only", .flag,
                "Offer only tools that read; the guard denies all other requests and scripts (also MM_READ_ONLY=1)."),
            InputField(
                "structured-output", .flag,
                "Also return each result as data (structuredContent)."),
            InputField(
                "toolsets", .text, "Groups of tools to offer, separated by commas: m365, shell, ssh (default m365)."),
            InputField("server-name", .text, "Name of this server in the connections' mcps lists (default mm)."),
            InputField(
                "patience", .integer(0...86_400),
                "Seconds until a running call returns a handle (default $MM_PATIENCE, or 45)."),
            InputField(
                "calls-per-minute", .integer(1...1_000_000),
                "Maximum tool calls per client and minute (default 300 with --oauth-issuer, otherwise unlimited)."
            ),
            InputField(
                "calls-at-once", .integer(1...10_000),
                "Maximum concurrent tool calls per client (default 16 with --oauth-issuer, otherwise unlimited)."),
            InputField("embedded", .flag, "Run everything in this process, without the pool."),
            InputField("pool", .text, "Use the pool at this address."),
        ] + HTTPFaceOptions.fields + OAuthOptions.fields

    init() {}

    /// Reads the options from the words of a command line.
    /// - Throws: `MMError.invalidInput` that names the flag.
    init(words: [String], environment: [String: String] = [:]) throws(MMError) {
        let reader = try InputReader(
            operation: "mm-mcp",
            arguments: try ArgumentScanner.scan(words, fields: Self.fields, command: "mm-mcp"), fields: Self.fields)
        isEmbedded = try reader.flag("embedded")
        pool = try reader.text("pool")
        if let given = try reader.written("tool-prefix") {
            let isName = given.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
            guard isName, given.utf8.count <= 20 else {
                throw MMError(.invalidInput, "--tool-prefix can have up to 20 letters, digits, _, - and dots.")
            }
            prefix = given
            namesPrefix = true
        }
        if let name = try reader.text("profile") {
            try ToolProfiles.check(name)
            profile = name == "mm" ? nil : name
        }
        let given = try reader.integer("patience")
        let seconds =
            try given == nil
            ? EnvironmentNumber.read("MM_PATIENCE", of: environment, in: 0...86_400, "whole seconds") : given
        patience = seconds.map { .seconds($0) } ?? patience
        let isReadOnly = try EnvironmentSwitch.isOn("MM_READ_ONLY", of: environment)
        readOnly = try reader.flag("read-only") || isReadOnly
        structuredOutput = try reader.flag("structured-output")
        if let names = try reader.text("toolsets") {
            var chosen: Set<OperationDeclaration.Toolset> = []
            for name in names.split(separator: ",") {
                guard let toolset = OperationDeclaration.Toolset(rawValue: String(name)) else {
                    let all = OperationDeclaration.Toolset.allCases.map(\.rawValue).joined(separator: ", ")
                    throw MMError(.invalidInput, "There is no toolset `\(name)`.", hint: "Toolsets: \(all).")
                }
                chosen.insert(toolset)
            }
            toolsets = chosen
        }
        if let name = try reader.text("server-name") {
            serverName = name
            namesServer = true
        }
        let standard = try profile.flatMap { (name) throws(MMError) in
            try ToolProfiles.address(of: name, environment: environment)
        }
        http = try HTTPFaceOptions.read(reader, standard: standard)
        let isShared = http?.oauth != nil
        let limits = CallLimits(
            perMinute: try reader.integer("calls-per-minute") ?? (isShared ? 300 : nil),
            atOnce: try reader.integer("calls-at-once") ?? (isShared ? 16 : nil))
        callLimits = limits == CallLimits() ? nil : limits
    }

    /// Returns where operations are carried out. A profile that keeps its own sessions uses no pool.
    /// - Throws: `invalidInput` if the command line contradicts itself.
    func choice(_ environment: [String: String]) throws(MMError) -> PoolChoice {
        if let profile, !ToolProfiles.usesPool(profile) { return .embedded }
        return try PoolChoice.of(embedded: isEmbedded, pool: pool, environment: environment)
    }

    /// Returns whether this server offers an operation, be it as a tool or as a task.
    func offers(_ operation: OperationDeclaration) -> Bool {
        operation.audience == .everyone && toolsets.contains(operation.toolset) && !operation.runsTools
            && (!readOnly || operation.effects.readOnly || operation.servesReaders)
    }

    /// Returns the name that an operation has as a tool of this server.
    func tool(_ operation: OperationDeclaration) -> String { prefix + operation.name }
}
