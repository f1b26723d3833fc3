package import MMCore

/// The arguments of `run`.
package struct RunInput: OperationInput {
    package static let fields: [InputField] = [
        InputField(
            "connection", .text, "Name; or several: A,B, tag:x.",
            at: .positional(0)),
        InputField(
            "module", .choice(RunModule.names), "exo is Exchange, pnp SharePoint.",
            at: .positional(1)),
        InputField(
            "command", .text, "The PowerShell command or script.", at: .positional(2), readsFiles: true,
            namesFile: true),
        InputField(
            "param", .arguments,
            "Values for the script's param block, as data: Name=value, Switch alone; a name given twice makes a list.",
            isOfferedToModels: false),
        InputField(
            "depth", .integer(1...100), "How deep objects are followed in JSON (default 3).", isOfferedToModels: false),
        InputField(
            "output", .choice(["text", "json", "csv", "table"]),
            "text as PowerShell shows it (default), or objects as json, csv, table.",
            at: .absent),
        InputField(
            "engine", .choice(ConnectionEngine.allCases.map(\.rawValue)),
            "native runs Exchange pipelines without PowerShell; pwsh is PowerShell; auto takes native where possible.",
            isOfferedToModels: false),
        InputField(
            "dryRun", .flag, "Show what would be sent; only reads are."),
        InputField("confirmed", .flag, "Changes nothing: a person confirms."),
    ]

    package let connection: String?
    package let module: String?
    package let command: String?
    package let arguments: [(name: String, value: JSONValue)]
    package let depth: Int?
    package let output: String
    package let confirmed: Bool
    package let engine: ConnectionEngine?
    package let isDryRun: Bool

    package init(from reader: InputReader) throws(MMError) {
        connection = try reader.text("connection")
        command = try reader.text("command")
        do throws(MMError) {
            module = try reader.text("module")
        } catch {
            // `mm run exo Get-Mailbox`: what stands first is a module.
            guard let word = connection, command == nil, RunModule.names.contains(word.lowercased()) else {
                throw error
            }
            throw MMError(
                .invalidInput, "Which connection is meant is missing: “\(word)” is a module.",
                hint: "Give connection, module and command, in this order.", details: ["field": "connection"])
        }
        arguments = try reader.arguments("param")
        depth = try reader.integer("depth")
        output = try reader.text("output") ?? "text"
        confirmed = try reader.flag("confirmed")
        engine = try reader.text("engine").flatMap { ConnectionEngine(rawValue: $0) }
        isDryRun = try reader.flag("dryRun")
        let given = [connection, module, command].compactMap { $0 }.count
        guard given == 0 || given == 3 else {
            let missing = [("connection", connection), ("module", module), ("command", command)]
                .filter { $0.1 == nil }.map { "`\($0.0)`" }
            let names = missing.joined(separator: " and ")
            throw MMError(
                .invalidInput,
                missing.count > 1 ? "The arguments \(names) are missing." : "The argument \(names) is missing.",
                hint: "Give connection, module and command; or nothing at all to list the connections.")
        }
    }
}
