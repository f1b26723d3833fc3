/// The tables' entries on a cmdlet, gathered once for all its calls in a script.
final class KnownCommand: Sendable {
    let entry: CmdletEntry
    /// The documented name, in lower case.
    let name: String
    /// The two parts of that name; a name without a dash is all noun.
    let verb, noun: String
    /// The parameters; nil when no table lists them.
    let parameters: [CmdletParameter]?
    /// The binder for its arguments.
    let binder: CommandBinder
    /// The parameters that add classes.
    let raises: [CmdletRaise]
    /// The treatment of script blocks and property names, if it is a filter.
    let filter: FilterCommands?
    /// The parameters that make up a request, if it sends arbitrary requests.
    let carrier: RequestCarrier?
    /// The kinds of secrets in its output, if any.
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
