internal import PowerShellSyntax

/// One call of a known command: its arguments with what they may be, and what comes in through the pipeline.
struct CommandCall {
    let command: KnownCommand
    let syntax: CommandSyntax
    let arguments: [BoundArgument]
    /// What each argument may be.
    let values: [ValueFacts]
    /// The value of each argument as far as it is constant: written so, or held by a variable that can be nothing else.
    private let constants: [ConstantValue]
    /// The place in the pipeline.
    let place: Int
    /// What comes in; nothing at the first place.
    let input: ValueFacts

    init(
        command: KnownCommand, syntax: CommandSyntax, arguments: [BoundArgument], values: [ValueFacts], place: Int,
        input: ValueFacts
    ) {
        self.command = command
        self.syntax = syntax
        self.arguments = arguments
        self.values = values
        self.place = place
        self.input = input
        constants = arguments.indices.map { index in
            let written = ConstantValue(arguments[index].value)
            guard written == .dynamic, let texts = values[index].texts, !texts.isEmpty else { return written }
            return texts.count == 1 ? .string(texts[0]) : .array(texts.map(ConstantValue.string))
        }
    }

    var entry: CmdletEntry { command.entry }
    /// Whether a table lists the parameters.
    var hasTable: Bool { command.parameters != nil }
    var extent: SourceExtent { syntax.extent }

    /// The value of an argument as far as it is constant: written so, or held by a variable that can be nothing else.
    func constant(_ index: Int) -> ConstantValue { constants[index] }

    /// The places of the arguments that may be one of these parameters.
    func indices(_ names: [String]) -> [Int] {
        arguments.indices.filter { arguments[$0].mayBe(oneOf: names) }
    }
}
