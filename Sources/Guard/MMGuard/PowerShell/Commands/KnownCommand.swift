/// What the tables say about a cmdlet, gathered once for all its calls in a script.
final class KnownCommand: Sendable {
    let entry: CmdletEntry
    /// The documented name, in lower case.
    let name: String
    /// The two parts of that name; the noun of a name without a dash is all of it.
    let verb, noun: String
    /// The parameters; nil when no table lists them.
    let parameters: [CmdletParameter]?
    /// Binds its arguments.
    let binder: CommandBinder
    /// The parameters that add classes.
    let raises: [CmdletRaise]
    /// How it treats script blocks and property names, if it is a filter.
    let filter: FilterCommands?
    /// How it sends arbitrary requests, if it does.
    let carrier: RequestCarrier?
    /// The secrets that its output contains, if any.
    let answer: ValueFacts.Kinds?
    /// Whether it prints a whole object, including the properties of its properties.
    let printsAll: Bool

    init(_ entry: CmdletEntry, tables: CmdletTable, common: [CmdletParameter]) {
        self.entry = entry
        let name = entry.name.asciiLowercased
        self.name = name
        let parts = name.split(separator: "-", maxSplits: 1)
        verb = parts.first.map(String.init) ?? name
        noun = parts.last.map(String.init) ?? name
        parameters = tables.parameters(of: entry)
        binder = CommandBinder(
            own: parameters, usual: parameters == nil ? tables.usualParameters(of: entry.product) : [], common: common)
        raises = tables.raises(of: entry)
        filter = entry.product == .builtin ? FilterCommands.shape(of: name) : nil
        carrier = RequestCarrier.of(name)
        answer = SecretProperties.kind(ofAnswerOf: name)
        printsAll = SecretProperties.printsAll(name)
    }
}
