package import MMCore

/// The arguments of `run`.
package struct RunInput: OperationInput {
    @Argument("connection", "Name, or several: A,B, tag:x.", .at(0)) package var connection: String?
    /// The module; `nil` if it is derived from the script.
    @Argument(
        InputField("module", .choice(RunModule.names), "exo: Exchange, pnp: SharePoint.", .at(1)), absent: .some(nil),
        reading: RunInput.module)
    package var module: String?
    @Argument(
        InputField(
            "command", .text, "PowerShell command or script.", .at(2), .readsFiles, .namesFile,
            .tellsFile(in: "script"), .completes(.script)), absent: .some(nil), reading: RunInput.command)
    package var command: String?
    @Argument(
        "param",
        "Value for the script's param block: Name=value, or only Name for a switch. Repeat a name for a list.",
        .notForModels) package var arguments: [(name: String, value: JSONValue)]
    @Argument("depth", "Depth of objects in JSON (default 3).", .notForModels, in: 1...100) package
        var depth: Int?
    @Argument(
        "output", "text as in PowerShell (default), or objects as json, csv, table.", .notOnCommandLine,
        of: ["text", "json", "csv", "table"])
    package var output = "text"
    @Argument(
        "engine",
        "native runs Exchange pipelines without PowerShell, pwsh runs PowerShell, auto uses native where possible.",
        .notForModels)
    package var engine: ConnectionEngine?
    /// The attached files.
    @Argument(
        "attach", "File that the script reads, as PATH or NAME=PATH. Repeat the flag for several files.", .notForModels,
        .completes(.files))
    package
        var attached: [String]
    /// The folder for the files that the script writes; `nil` to store them behind handles.
    @Argument("save", "Folder for the files that the script writes.", .notForModels, .completes(.files))
    package var save: String?
    /// The file that the script comes from. The variables and functions of a file end with it; those of a line stay in
    /// the session (`nil`).
    @Argument(
        "script", "Path of the script file. Its variables and functions end with it.",
        .notOnCommandLine, .notForModels)
    package var file: String?
    /// Whether the script is only explained, not run.
    @Argument("explain", "Explain what the script needs and does. Nothing runs.", .notForModels) package var explains:
        Bool
    @Argument("dryRun", "Dry run: only reads are sent.") package var isDryRun: Bool
    @Argument("confirmed", "No effect: a person confirms.") package var confirmed: Bool

    /// Creates an input without arguments.
    package init() {}

    package func check() throws(MMError) {
        // `mm run exo Get-Mailbox`: the connection is missing.
        if module == nil, let word = connection, command != nil, Self.isModule(word) {
            throw Self.withoutConnection(word)
        }
        let isEmpty = connection == nil && module == nil && command == nil
        guard isEmpty || (connection != nil && command != nil) else {
            let missing = [("connection", connection), ("command", command)].filter { $0.1 == nil }.map(\.0)
            let names = missing.map { "`\($0)`" }.joined(separator: " and ")
            throw MMError(
                .invalidInput,
                missing.count > 1 ? "The arguments \(names) are missing." : "The argument \(names) is missing.",
                hint:
                    "Give connection, module and command, or connection and command if the script's cmdlets show its module. "
                    + "Give nothing to list the connections.",
                details: ["field": .string(missing.first ?? "")])
        }
        if let connection, let (method, address) = command.flatMap(Self.request) {
            let flag = method == "GET" ? "" : " --method \(method)"
            throw MMError(
                .invalidInput, "The command is a request, not PowerShell.",
                hint: "`mm graph \(ShellWord.quoted(connection)) \(ShellWord.quoted(address))\(flag)` sends it.",
                details: ["field": "command"])
        }
    }

    /// Returns method and address of a request in place of a command: `GET /users`, or a path with query options.
    private static func request(_ text: String) -> (method: String, address: String)? {
        let first = text.prefix { !$0.isWhitespace }
        let rest = text.dropFirst(first.count).drop(while: \.isWhitespace)
        func isAddress(_ word: Substring) -> Bool { word.hasPrefix("/") || word.hasPrefix("https://") }
        if ["GET", "POST", "PATCH", "PUT", "DELETE"].contains(first), isAddress(rest) {
            return (String(first), String(rest.prefix { !$0.isWhitespace }))
        }
        let isRequest = first.hasPrefix("/") && first.contains("?$") || first.hasPrefix("https://graph.")
        return isRequest && rest.isEmpty ? ("GET", String(first)) : nil
    }

    private static func isModule(_ word: String) -> Bool { RunModule.names.contains(word.lowercased()) }

    private static func module(_ reader: InputReader) throws(MMError) -> String? {
        do throws(MMError) {
            return try reader.text("module")
        } catch {
            if try scriptInPlaceOfModule(reader) != nil { return nil }
            if let word = try reader.text("connection"), isModule(word), try reader.text("command") == nil {
                throw withoutConnection(word)
            }
            throw error
        }
    }

    private static func command(_ reader: InputReader) throws(MMError) -> String? {
        if let script = try reader.text("command") { return script }
        return try scriptInPlaceOfModule(reader)
    }

    /// Returns the script of `mm run Contoso 'Get-Mailbox'`, where it is in the place of the module.
    private static func scriptInPlaceOfModule(_ reader: InputReader) throws(MMError) -> String? {
        guard let connection = try reader.text("connection"), !isModule(connection), try reader.text("command") == nil,
            let word = try reader.written("module"), !isModule(word), ScriptModules.isScript(word)
        else { return nil }
        return word
    }

    /// Returns the error for `mm run exo Get-Mailbox`, where a module is in the place of the connection.
    private static func withoutConnection(_ word: String) -> MMError {
        MMError(
            .invalidInput, "The connection is missing: “\(word)” is a module.",
            hint: "Give connection, module and command, in this order.", details: ["field": "connection"])
    }
}

extension ConnectionEngine: ArgumentValue {}
