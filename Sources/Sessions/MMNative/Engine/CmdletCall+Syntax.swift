import PowerShellSyntax

extension CmdletCall {
    /// Evaluates the arguments of a command.
    init(_ command: CommandSyntax, name: String, in evaluator: Evaluator) throws(Interrupt) {
        var arguments: [Argument] = []
        for word in command.words {
            switch word {
            case .name(let node):
                guard let tied = node.argument else {
                    arguments.append(.parameter(node.name, nil, text: nil))
                    continue
                }
                guard case .value(let value, let text) = try CmdletCall.value(tied, evaluator) else { continue }
                arguments.append(.parameter(node.name, value, text: text))
            case .text(let node): arguments.append(.value(.string("-" + node.name), text: nil))
            case .value(let argument): arguments.append(try CmdletCall.value(argument, evaluator))
            case .splat(let splat): arguments += try CmdletCall.splatted(splat, evaluator)
            }
        }
        self.init(name: name, arguments: arguments)
    }

    /// Expands `@name`: the keys of a hashtable become parameters, the elements of a list become values.
    private static func splatted(
        _ node: VariableExpressionSyntax, _ evaluator: Evaluator
    ) throws(Interrupt) -> [Argument] {
        let value = try evaluator.splatted(node)
        switch value {
        case .table(let table): return table.pairs.map { .parameter($0.key, $0.value, text: nil) }
        case .array(let items): return items.map { .value($0, text: nil) }
        default: throw .handOver("splatting of \(value.typeName)")
        }
    }

    private static func value(_ node: ExpressionSyntax, _ evaluator: Evaluator) throws(Interrupt) -> Argument {
        switch node {
        case .number(let number): return .value(try evaluator.value(of: node), text: number.text)
        default: return .value(try evaluator.value(of: node), text: nil)
        }
    }

    /// Parses a command line with a single cmdlet, as a person writes it.
    /// - Returns: the call; `nil` when the line isn't a single cmdlet whose arguments can be evaluated.
    package init?(line: String) {
        let source = Array(line.utf16)
        let script = PowerShellParser.parse(utf16: source)
        guard script.height <= SubsetCheck.height, let root = script.root,
            case .pipeline(let pipeline)? = root.body?.statements.first,
            case .command(let command)? = pipeline.elements.first, let name = command.constantName,
            let call = try? CmdletCall(command, name: name, in: Evaluator(source: source, variables: [:]))
        else { return nil }
        self = call
    }
}
