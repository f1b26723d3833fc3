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
            namesFile: true
        ).tellingNameOfFile(in: "script"),
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
            "attach", .textList, "A file that the script reads, as PATH or NAME=PATH; repeatable.",
            isOfferedToModels: false),
        InputField(
            "save", .text, "The folder for the files that the script writes.", isOfferedToModels: false),
        InputField(
            "script", .text,
            "The name of the script's file: its variables and functions are its own, as those of a file are.",
            at: .absent, isOfferedToModels: false),
        InputField("explain", .flag, "Tell what the script needs and does; nothing runs.", isOfferedToModels: false),
        InputField(
            "dryRun", .flag, "Show what would be sent; only reads are."),
        InputField("confirmed", .flag, "Changes nothing: a person confirms."),
    ]

    package let connection: String?
    /// The module; `nil` where the script tells it.
    package internal(set) var module: String?
    package let command: String?
    package let arguments: [(name: String, value: JSONValue)]
    package let depth: Int?
    package let output: String
    package let confirmed: Bool
    package let engine: ConnectionEngine?
    package let isDryRun: Bool
    /// Whether it is only told what the script is.
    package let explains: Bool
    /// The files that are handed in.
    package let attached: [String]
    /// The name of the file that the script comes from; its variables and functions end with it. `nil` for a line of the
    /// session, whose variables stay.
    package let file: String?
    /// Where the files that the script writes are put; `nil` for handles.
    package let save: String?

    package init(from reader: InputReader) throws(MMError) {
        connection = try reader.text("connection")
        var script = try reader.text("command")
        do throws(MMError) {
            module = try reader.text("module")
        } catch {
            let isModule = connection.map { RunModule.names.contains($0.lowercased()) } ?? false
            // `mm run Contoso 'Get-Mailbox'`: what stands second is the script.
            if !isModule, connection != nil, script == nil, let text = try reader.written("module"),
                ScriptModules.isScript(text)
            {
                script = text
                module = nil
            } else if isModule, script == nil, let word = connection {
                throw Self.withoutConnection(word)
            } else {
                throw error
            }
        }
        command = script
        // `mm run exo Get-Mailbox`, as a terminal takes it.
        if module == nil, let word = connection, script != nil, RunModule.names.contains(word.lowercased()) {
            throw Self.withoutConnection(word)
        }
        arguments = try reader.arguments("param")
        depth = try reader.integer("depth")
        output = try reader.text("output") ?? "text"
        confirmed = try reader.flag("confirmed")
        engine = try reader.text("engine").flatMap { ConnectionEngine(rawValue: $0) }
        isDryRun = try reader.flag("dryRun")
        explains = try reader.flag("explain")
        attached = try reader.textList("attach") ?? []
        save = try reader.text("save")
        file = try reader.text("script")
        let isEmpty = connection == nil && module == nil && command == nil
        guard isEmpty || (connection != nil && command != nil) else {
            let missing = [("connection", connection), ("command", command)]
                .filter { $0.1 == nil }.map { "`\($0.0)`" }
            let names = missing.joined(separator: " and ")
            throw MMError(
                .invalidInput,
                missing.count > 1 ? "The arguments \(names) are missing." : "The argument \(names) is missing.",
                hint:
                    "Give connection, module and command, or connection and command where the script tells its module; or "
                    + "nothing at all to list the connections.")
        }
    }

    /// The error for `mm run exo Get-Mailbox`: what stands first is a module.
    private static func withoutConnection(_ word: String) -> MMError {
        MMError(
            .invalidInput, "Which connection is meant is missing: “\(word)” is a module.",
            hint: "Give connection, module and command, in this order.", details: ["field": "connection"])
    }
}
