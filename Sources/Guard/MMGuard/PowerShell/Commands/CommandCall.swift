internal import PowerShellSyntax

/// One call of a known command: its arguments with what they may be, and its pipeline input.
struct CommandCall {
    let command: KnownCommand
    let syntax: CommandSyntax
    let arguments: [BoundArgument]
    /// What each argument may be.
    let values: [ValueFacts]
    /// The value of each argument as far as it is constant: written so, or held by a variable that can be nothing else.
    private let constants: [ConstantValue]
    /// The position in the pipeline.
    let place: Int
    /// The pipeline input; nothing at the first position.
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

    /// Returns the value of an argument as far as it is constant: written literally, or held by a variable that can be
    /// nothing else.
    func constant(_ index: Int) -> ConstantValue { constants[index] }

    /// Returns the positions of the arguments that may be one of these parameters.
    func indices(_ names: [String]) -> [Int] {
        arguments.indices.filter { arguments[$0].mayBe(oneOf: names) }
    }
}
