internal import PowerShellSyntax

extension ScriptWalk {
    /// Looks at what a filter gets: blocks run for each object, so their content is judged; anything that could hold a
    /// block out of sight is reported.
    mutating func walkFilter(_ bound: [BoundArgument], entry: CmdletEntry, shape: FilterCommands) {
        var position = 0
        for argument in bound {
            guard let value = argument.value else { continue }
            guard argument.written != nil else {
                walkPositional(value, at: position, shape: shape)
                position += 1
                continue
            }
            let candidates = argument.candidates
            func may(_ names: [String]) -> Bool { candidates.contains { one in names.contains(where: one.isNamed) } }
            if !candidates.isEmpty, candidates.allSatisfy({ one in shape.blocks.contains(where: one.isNamed) }) {
                walkBlocks(value)
            } else if candidates.isEmpty || may(shape.blocks) || may(shape.properties) {
                walkProperties(value)
            } else if may(["membername"]) {
                walkMember(value)
            } else {
                if may(["argumentlist"]) { report(.memberForm, argument.extent, subject: "-ArgumentList") }
                walk(value)
            }
        }
    }

    private mutating func walkPositional(_ value: ExpressionSyntax, at position: Int, shape: FilterCommands) {
        switch shape.positional {
        case .properties: walkProperties(value)
        case .values: walk(value)
        case .condition:
            if position > 0 { return walk(value) }
            if case .scriptBlock = value { return walkBlocks(value) }
            walkProperties(value)
        case .action:
            if ConstantValue(value).text != nil { return walkMember(value) }
            walkBlocks(value)
        }
    }

    /// A block, or a list of blocks.
    private mutating func walkBlocks(_ value: ExpressionSyntax) {
        switch value {
        case .scriptBlock(let block): walk(block: block.scriptBlock, in: .filterBlock)
        case .arrayLiteral(let list): for element in list.elements { walkBlocks(element) }
        default:
            report(.filterArgument, value.extent)
            walk(value)
        }
    }

    /// Names of properties, blocks and calculated properties.
    private mutating func walkProperties(_ value: ExpressionSyntax) {
        switch value {
        case .string, .number: break
        case .expandableString: walk(value)
        case .scriptBlock(let block): walk(block: block.scriptBlock, in: .filterBlock)
        case .hashtable(let table): walk(table, allowsCode: true)
        case .arrayLiteral(let list): for element in list.elements { walkProperties(element) }
        case .variable(let variable) where !variable.isSplatted && variable.path.qualifier == .none:
            switch ConstantValue(value) {
            case .bool, .null: break
            default: filterVariables.append((variable.path.name.asciiLowercased, variable.extent))
            }
            walk(value)
        default:
            guard let inner = soleElements(value) else {
                report(.filterArgument, value.extent)
                return walk(value)
            }
            for element in inner { walkProperties(element) }
        }
    }

    /// The elements of `@(…)` or `(…)` around one expression.
    private func soleElements(_ value: ExpressionSyntax) -> [ExpressionSyntax]? {
        let statement: StatementSyntax
        switch value {
        case .array(let node) where node.block.statements.count == 1 && node.block.traps.isEmpty:
            statement = node.block.statements[0]
        case .paren(let node): statement = node.pipeline
        default: return nil
        }
        guard case .pipeline(let pipeline) = statement, pipeline.elements.count == 1, !pipeline.isBackground,
            case .expression(let element) = pipeline.elements[0], element.redirections.isEmpty
        else { return nil }
        switch element.expression {
        case .string, .number, .hashtable, .arrayLiteral, .scriptBlock: return [element.expression]
        default: return nil
        }
    }

    /// `ForEach-Object Name`: reads a property, or calls a method of that name.
    private mutating func walkMember(_ value: ExpressionSyntax) {
        guard let name = ConstantValue(value).text, FilterCommands.plainMembers.contains(name.asciiLowercased) else {
            report(.memberForm, value.extent, subject: ConstantValue(value).text)
            return walk(value)
        }
    }
}
