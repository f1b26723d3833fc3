/// What the tables say of a cmdlet, gathered once for all its calls in a script.
struct KnownCommand: Sendable {
    let entry: CmdletEntry
    /// The documented name, in lower case.
    let name: String
    /// The parameters; nil when no table lists them.
    let parameters: [CmdletParameter]?
    /// What nearly every cmdlet of its module takes, where no table lists its own.
    let usual: [CmdletParameter]
    /// The parameters that add classes.
    let raises: [CmdletRaise]
    /// How it treats blocks and names of properties, where it is a filter.
    let filter: FilterCommands?

    init(_ entry: CmdletEntry, tables: CmdletTable) {
        self.entry = entry
        let documented = entry.name
        name = documented.asciiLowercased
        parameters = tables.parameters(of: entry)
        usual = parameters == nil ? tables.usualParameters(of: entry.product) : []
        raises = tables.raises(of: entry)
        filter = entry.product == .builtin ? FilterCommands.shape(of: documented) : nil
    }
}
