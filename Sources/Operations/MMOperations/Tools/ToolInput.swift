package import MMCore

/// The arguments of `do` and `recipe`.
package struct ToolInput: OperationInput {
    package static let fields: [InputField] = [
        InputField("tool", .text, "Name; without one the list.", at: .positional(0)),
        InputField("connection", .text, "Name of the connection.", at: .positional(1)),
        InputField("param", .arguments, "Values for the parameters: name=value."),
        InputField("dryRun", .flag, "Show what would be done; only reads are sent."),
        InputField("apply", .flag, "Carry out what is a plan otherwise."),
        InputField("show", .flag, "Show the definition as written."),
        InputField("search", .text, "Words that name, description or group hold."),
        InputField("list", .flag, "List them, with what is wrong with those that can't be used."),
    ]

    let tool: String?
    let connection: String?
    let arguments: [(name: String, value: JSONValue)]
    let isDryRun: Bool
    let applies: Bool
    let shows: Bool
    let search: String?

    package init(from reader: InputReader) throws(MMError) {
        let named = try reader.text("tool")
        // `mm recipe list`, as other programs have it; no tool can be called so.
        tool = try reader.flag("list") || named == "list" ? nil : named
        connection = try reader.text("connection")
        arguments = try reader.arguments("param")
        isDryRun = try reader.flag("dryRun")
        applies = try reader.flag("apply")
        shows = try reader.flag("show")
        search = try reader.text("search")
        guard !(isDryRun && applies) else {
            throw MMError(.invalidInput, "`dryRun` and `apply` exclude each other.", hint: "Give one of them.")
        }
    }

    /// The names that no parameter of a tool may have: those of every call.
    package static let commonNames = ["connection", "dryRun", "apply", "show"]
}
