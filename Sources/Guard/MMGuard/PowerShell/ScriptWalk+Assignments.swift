internal import PowerShellSyntax

extension ScriptWalk {
    mutating func walk(_ node: AssignmentStatementSyntax, in scope: Scope) {
        var target = node.target
        var type: TypeNameSyntax?
        // [string]$name = …: the type must be harmless, the variable plain.
        unwrapping: while true {
            switch target {
            case .convert(let cast):
                walk(type: cast.type.typeName)
                type = cast.type.typeName
                target = cast.operand
            case .attributed(let node):
                walk(attribute: node.attribute)
                target = node.operand
            default: break unwrapping
            }
        }
        if node.op == .equals, type == nil, case .variable(let variable) = target, variable.path.qualifier == .none,
            case .scriptBlock(let block)? = only(node.value)
        {
            return write(variable, ScriptVariables.Entry(facts: .of(.code, count: 1), block: judged(block.scriptBlock)))
        }
        var facts = walk(node.value, in: scope)
        if let type { facts = converted(facts, to: type) }
        switch target {
        case .variable(let variable):
            if node.op == .equals, PreferenceVariables.mayBe(variable.path.name.asciiLowercased, constant(node.value)),
                variable.path.qualifier == .none
            {
                return
            }
            let before = variables[variable.path.name.asciiLowercased]
            var entry = ScriptVariables.Entry(facts: facts)
            if node.op == .equals {
                entry.table = type == nil ? table(node.value) : nil
                entry.ownType = type == nil ? ownType(only(node.value)) : nil
                entry.isOwn = entry.ownType != nil || isOwnContainer(node.value)
                entry.isStopwatch = type == nil && isStopwatch(only(node.value))
            } else if node.op == .plusEquals {
                entry.facts = before.facts.then(facts)
                entry.facts.texts = nil
                entry.isOwn = before.isOwn
            } else if node.op != .equals {
                entry.facts = before.facts.or(facts)
                entry.facts.texts = nil
            }
            write(variable, entry)
        default:
            // An element or a property of a list or table that the script itself made.
            if let name = ownContainer(target) {
                var entry = variables[name]
                entry.facts = ValueFacts(
                    kinds: entry.facts.kinds.union(facts.kinds), count: ValueFacts.many, texts: nil)
                entry.table = nil
                variables.assign(name, entry)
            } else {
                report(.variableTarget, target.extent)
            }
            walk(target)
        }
    }

    /// The variable whose element or property is set, when the script itself made it.
    private func ownContainer(_ target: ExpressionSyntax) -> String? {
        let holder: ExpressionSyntax
        switch target {
        case .index(let node): holder = node.target
        case .member(let node) where !node.isStatic && ConstantValue(node.member).text != nil: holder = node.target
        default: return nil
        }
        guard case .variable(let variable) = holder, !variable.isSplatted, variable.path.qualifier == .none else {
            return nil
        }
        let name = variable.path.name.asciiLowercased
        if name == "this", scope.ownType != nil { return name }
        return variables[name].isOwn && !tables.cmdlets.isAutomaticVariable(name) ? name : nil
    }

    /// Notes that a variable is written.
    mutating func write(_ variable: VariableExpressionSyntax, _ entry: ScriptVariables.Entry) {
        let path = variable.path
        let name = path.name.asciiLowercased
        guard path.qualifier == .none else {
            return report(
                path.drive != nil ? .driveVariable : .scopedVariable, variable.extent, subject: "$" + path.path)
        }
        if name == "null" { return }
        guard isPlainName(path.name) else { return report(.variableTarget, variable.extent, subject: "$" + path.path) }
        guard !tables.cmdlets.isAutomaticVariable(name) else {
            return report(.automaticVariable, variable.extent, subject: "$" + path.path)
        }
        variables.assign(name, entry)
    }

    /// A parameter that stores something in a variable: as good as an assignment when it names a plain one.
    mutating func write(named value: ConstantValue, _ facts: ValueFacts, _ extent: SourceExtent, subject: String) {
        guard var name = value.text else { return report(.variableParameter, extent, subject: subject) }
        let isMore = name.hasPrefix("+")
        if isMore { name.removeFirst() }
        let lower = name.asciiLowercased
        guard isPlainName(name), !tables.cmdlets.isAutomaticVariable(lower), lower != "null" else {
            return report(.variableParameter, extent, subject: subject)
        }
        variables.assign(
            lower, ScriptVariables.Entry(facts: isMore ? variables[lower].facts.then(facts) : facts))
    }

    /// Letters, digits and `_`: what a person would type.
    func isPlainName(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0) || $0 == 0x5f
            }
    }

    // MARK: Forms of values

    /// The only expression of a statement.
    func only(_ statement: StatementSyntax) -> ExpressionSyntax? {
        guard case .pipeline(let pipeline) = statement, pipeline.elements.count == 1, !pipeline.isBackground,
            case .expression(let element) = pipeline.elements[0], element.redirections.isEmpty
        else { return nil }
        return element.expression
    }

    func constant(_ statement: StatementSyntax) -> ConstantValue {
        only(statement).map { ConstantValue($0) } ?? .dynamic
    }

    /// Whether an expression starts a stopwatch.
    private func isStopwatch(_ expression: ExpressionSyntax?) -> Bool {
        guard case .invokeMember(let node)? = expression, node.isStatic, case .type(let type) = node.target else {
            return false
        }
        return PureTypes.isStopwatch(type.typeName.fullName)
    }

    /// The table that a statement is, written out.
    private func table(_ statement: StatementSyntax) -> HashtableSyntax? {
        switch only(statement) {
        case .hashtable(let table)?: return table
        case .convert(let cast)?:
            guard case .hashtable(let table) = cast.operand,
                ["ordered", "hashtable"].contains(cast.type.typeName.fullName.asciiLowercased)
            else { return nil }
            return table
        default: return nil
        }
    }

    /// Whether a statement makes a list or table of the script's own.
    private func isOwnContainer(_ statement: StatementSyntax) -> Bool {
        switch only(statement) {
        case .hashtable?, .array?, .arrayLiteral?: return true
        case .convert(let cast)?:
            if case .hashtable = cast.operand {
                return ["ordered", "hashtable", "pscustomobject"].contains(
                    cast.type.typeName.fullName.asciiLowercased)
            }
            return PureTypes.isContainer(cast.type.typeName)
        case .invokeMember(let node)?:
            guard node.isStatic, case .type(let type) = node.target else { return false }
            return PureTypes.isContainer(type.typeName) && ConstantValue(node.member).text?.asciiLowercased == "new"
        default: return false
        }
    }

    /// What a value may be once it is converted: text and numbers carry no code, and are no files.
    func converted(_ facts: ValueFacts, to type: TypeNameSyntax) -> ValueFacts {
        PureTypes.isValue(type.fullName)
            ? ValueFacts(kinds: .data, count: min(facts.count, 1), texts: facts.count <= 1 ? facts.texts : nil) : facts
    }
}
