/// Traverses a tree with a work list instead of recursion, so that no nesting can exhaust the stack.
struct FactCollector {
    /// A node yet to be visited; the next one is last in the list.
    enum Work {
        case statement(StatementSyntax)
        case expression(ExpressionSyntax)
        /// A direct element of a command or a constant member name, in which a constant isn't a fact of its own.
        case element(ExpressionSyntax)
        case block(StatementBlockSyntax)
        case scriptBlock(ScriptBlockSyntax)
        case namedBlock(NamedBlockSyntax)
        case command(CommandSyntax, index: Int, count: Int)
        case commandExpression(CommandExpressionSyntax)
        case parameter(ParameterSyntax)
        case attribute(AttributeSyntax)
        case type(TypeConstraintSyntax, TypeUse)
        case member(MemberSyntax)
        case trap(TrapStatementSyntax)
    }

    private var pending: [(work: Work, depth: Int)] = []
    private(set) var items: [ScriptFact] = []
    private var isSorted = true
    /// The script block depth of the current node.
    var depth = 0

    /// Collects all facts of a script in source order.
    /// - Parameter nodes: the number of nodes in the tree.
    static func collect(_ root: ScriptBlockSyntax, nodes: Int) -> [ScriptFact] {
        var collector = FactCollector()
        collector.pending.reserveCapacity(64)
        collector.items.reserveCapacity(nodes / 2)
        collector.push(.scriptBlock(root))
        while let (work, depth) = collector.pending.popLast() {
            collector.depth = depth
            collector.visit(work)
        }
        return collector.isSorted ? collector.items : collector.sortedItems
    }

    /// The facts by start; those with equal starts keep the order of the traversal, outer ones first.
    private var sortedItems: [ScriptFact] {
        items.enumerated()
            .sorted { ($0.element.extent.start, $0.offset) < ($1.element.extent.start, $1.offset) }
            .map(\.element)
    }

    mutating func emit(_ extent: SourceExtent, _ detail: ScriptFact.Detail) {
        if let last = items.last, last.extent.start > extent.start { isSorted = false }
        items.append(ScriptFact(extent: extent, depth: depth, detail: detail))
    }

    mutating func push(_ work: Work) { pending.append((work, depth)) }

    mutating func push(_ work: Work, deeper: Int) { pending.append((work, depth + deeper)) }

    /// Pushes several nodes so that they are visited in order.
    mutating func pushAll(_ works: [Work]) {
        for work in works.reversed() { push(work) }
    }

    private mutating func visit(_ work: Work) {
        switch work {
        case .statement(let statement): visit(statement)
        case .expression(let expression): visit(expression)
        case .element(let expression):
            switch expression {
            case .string, .number: break
            default: visit(expression)
            }
        case .block(let block): visit(block)
        case .scriptBlock(let block): visit(block)
        case .namedBlock(let block):
            emit(block.extent, .block(block.kind))
            push(.block(block.block))
        case .command(let command, let index, let count): visit(command, index, count)
        case .commandExpression(let element):
            if !element.redirections.isEmpty {
                emit(element.extent, .expression(redirections: element.redirections.map(RedirectionFact.init)))
            }
            pushTargets(element.redirections)
            push(.expression(element.expression))
        case .parameter(let parameter): visit(parameter)
        case .attribute(let attribute): visit(attribute)
        case .type(let type, let use): emit(type.extent, .type(name: type.typeName.fullName, use: use))
        case .member(let member): visit(member)
        case .trap(let trap): visit(trap)
        }
    }

    // MARK: Blocks

    private mutating func visit(_ block: ScriptBlockSyntax) {
        if let body = block.body { push(.block(body)) }
        for node in block.namedBlocks.reversed() { push(.namedBlock(node)) }
        if let parameters = block.parameterBlock {
            for parameter in parameters.parameters.reversed() { push(.parameter(parameter)) }
            for attribute in parameters.attributes.reversed() { push(.attribute(attribute)) }
        }
        for using in block.usings {
            let specification = using.specification.map { FactValue(.hashtable($0)) }
            emit(using.extent, .using(using.kind, name: using.name?.value, specification: specification))
        }
    }

    private mutating func visit(_ block: StatementBlockSyntax) {
        if block.traps.isEmpty {
            for statement in block.statements.reversed() { push(.statement(statement)) }
            return
        }
        var traps = block.traps[...]
        var works: [Work] = []
        works.reserveCapacity(block.statements.count + traps.count)
        for statement in block.statements {
            while let trap = traps.first, trap.extent.start < statement.extent.start {
                works.append(.trap(trap))
                traps.removeFirst()
            }
            works.append(.statement(statement))
        }
        works.append(contentsOf: traps.map { .trap($0) })
        pushAll(works)
    }

    private mutating func visit(_ trap: TrapStatementSyntax) {
        emit(trap.extent, .statement(name: "trap", flags: nil))
        push(.block(trap.body))
        if let type = trap.type { push(.type(type, .trap)) }
    }

    // MARK: Commands

    private mutating func visit(_ command: CommandSyntax, _ index: Int, _ count: Int) {
        let fact = CommandFact(command, index: index, count: count)
        emit(command.extent, .command(fact))
        if let alias = AliasBinding(fact) { emit(command.extent, .alias(name: alias.name, value: alias.value)) }
        pushTargets(command.redirections)
        for element in command.elements.reversed() {
            switch element {
            case .argument(let argument): push(.element(argument))
            case .parameter(let parameter):
                if let argument = parameter.argument { push(.element(argument)) }
            }
        }
    }

    private mutating func pushTargets(_ redirections: [RedirectionSyntax]) {
        for redirection in redirections.reversed() {
            if case .file(let file) = redirection { push(.expression(file.target)) }
        }
    }

    // MARK: Declarations

    private mutating func visit(_ parameter: ParameterSyntax) {
        let name = parameter.variable.path.path
        emit(parameter.extent, .parameter(name: name, hasDefault: parameter.defaultValue != nil))
        if let value = parameter.defaultValue { push(.expression(value)) }
        for attribute in parameter.attributes.reversed() {
            switch attribute {
            case .attribute(let attribute): push(.attribute(attribute))
            case .typeConstraint(let type): push(.type(type, .parameter))
            }
        }
    }

    private mutating func visit(_ attribute: AttributeSyntax) {
        emit(attribute.extent, .type(name: attribute.typeName.fullName, use: .attribute))
        for argument in attribute.namedArguments.reversed() { push(.expression(argument.argument)) }
        for argument in attribute.positionalArguments.reversed() { push(.expression(argument)) }
    }

    private mutating func visit(_ member: MemberSyntax) {
        switch member {
        case .property(let property):
            emit(
                property.extent,
                .property(
                    name: property.name, isStatic: property.isStatic, hasInitialValue: property.initialValue != nil))
            if let value = property.initialValue { push(.expression(value)) }
            for node in property.attributes.reversed() { push(.attribute(node)) }
            if let type = property.type { push(.type(type, .property)) }
        case .method(let method):
            emit(method.extent, .method(name: method.name, isStatic: method.isStatic))
            push(.scriptBlock(method.function.body), deeper: 1)
            for node in method.function.parameters.reversed() { push(.parameter(node)) }
            for node in method.attributes.reversed() { push(.attribute(node)) }
            if let type = method.returnType { push(.type(type, .other)) }
        }
    }
}

extension FactCollector {
    mutating func visit(_ statement: StatementSyntax) {
        switch statement {
        case .pipeline(let pipeline):
            if pipeline.isBackground { emit(pipeline.extent, .background) }
            visitElements(pipeline)
        case .pipelineChain(let chain): visitChain(chain)
        case .assignment(let assignment):
            emitTargets(assignment.target, by: assignment.op.rawValue)
            push(.statement(assignment.value))
            push(.expression(assignment.target))
        case .if(let node):
            emit(node.extent, .statement(name: "if", flags: nil))
            if let body = node.elseBody { push(.block(body)) }
            for clause in node.clauses.reversed() {
                push(.block(clause.body))
                push(.statement(clause.condition))
            }
        case .switch(let node):
            emit(node.extent, .statement(name: "switch", flags: node.flags))
            if let body = node.defaultBody { push(.block(body)) }
            for clause in node.clauses.reversed() {
                push(.block(clause.body))
                push(.expression(clause.condition))
            }
            push(.statement(node.condition))
        case .forEach(let node):
            emit(node.extent, .statement(name: "foreach", flags: nil))
            emit(node.variable.extent, .set(path: node.variable.path, by: "foreach"))
            push(.block(node.body))
            push(.statement(node.collection))
            push(.expression(.variable(node.variable)))
        case .for(let node):
            emit(node.extent, .statement(name: "for", flags: nil))
            push(.block(node.body))
            for part in [node.iterator, node.condition, node.initializer] {
                if let part { push(.statement(part)) }
            }
        case .while(let node):
            emit(node.extent, .statement(name: "while", flags: nil))
            push(.block(node.body))
            push(.statement(node.condition))
        case .do(let node):
            emit(node.extent, .statement(name: node.isUntil ? "dountil" : "dowhile", flags: nil))
            push(.statement(node.condition))
            push(.block(node.body))
        case .flow(let node):
            emit(node.extent, .statement(name: node.kind.rawValue, flags: nil))
            if let value = node.value { push(.statement(value)) }
        case .jump(let node):
            emit(node.extent, .statement(name: node.kind.rawValue, flags: nil))
            if let label = node.label { push(.expression(label)) }
        case .trap(let node): push(.trap(node))
        case .try(let node):
            emit(node.extent, .statement(name: "try", flags: nil))
            if let body = node.finallyBody { push(.block(body)) }
            for clause in node.catchClauses.reversed() {
                push(.block(clause.body))
                for node in clause.types.reversed() { push(.type(node, .catch)) }
            }
            push(.block(node.body))
        case .data(let node):
            let commands = node.supportedCommands.map { FactValue($0) }
            emit(node.extent, .data(variable: node.variable, supportedCommands: commands))
            push(.block(node.body))
        case .function(let node):
            emit(node.extent, .function(name: node.name, isFilter: node.isFilter))
            push(.scriptBlock(node.body), deeper: 1)
            for node in node.parameters.reversed() { push(.parameter(node)) }
        case .type(let node):
            emit(node.extent, .typeDefinition(node.kind, name: node.name))
            for node in node.members.reversed() { push(.member(node)) }
            for node in node.baseTypes.reversed() { push(.type(node, .base)) }
            for node in node.attributes.reversed() { push(.attribute(node)) }
        }
    }

    private mutating func visitChain(_ chain: PipelineChainSyntax) {
        for (index, op) in chain.operators.enumerated().reversed() {
            let isLast = index == chain.operators.count - 1
            emit(chain.extent, .chain(op, isBackground: isLast && chain.isBackground))
        }
        for pipeline in chain.pipelines.reversed() { push(.statement(.pipeline(pipeline))) }
    }

    private mutating func visitElements(_ pipeline: PipelineSyntax) {
        let count = pipeline.elements.count
        for (index, element) in pipeline.elements.enumerated().reversed() {
            switch element {
            case .command(let command): push(.command(command, index: index, count: count))
            case .expression(let expression): push(.commandExpression(expression))
            }
        }
    }

    /// Emits what an assignment, `++` or `--` writes: each of several targets, also below casts, attributes and
    /// parentheses.
    mutating func emitTargets(_ target: ExpressionSyntax, by op: String) {
        var open = [target]
        while let target = open.popLast() {
            switch target {
            case .variable(let node): emit(node.extent, .set(path: node.path, by: op))
            case .member(let node):
                emit(node.extent, .setMember(name: node.constantName, isStatic: node.isStatic))
            case .invokeMember(let node):
                // The engine writes to the member that a call names as to any other.
                emit(node.extent, .setMember(name: node.constantName, isStatic: node.isStatic))
            case .index(let node): emit(node.extent, .setIndex)
            case .convert(let node): open.append(node.operand)
            case .attributed(let node): open.append(node.operand)
            case .arrayLiteral(let node): open.append(contentsOf: node.elements.reversed())
            case .paren(let node):
                if let inner = node.pureExpression { open.append(inner) } else { emit(node.extent, .setOther) }
            default: emit(target.extent, .setOther)
            }
        }
    }
}

/// The alias that a `Set-Alias` or `New-Alias` command defines, as far as the text alone determines it.
struct AliasBinding {
    /// The alias; `nil` when it isn't constant or not given.
    private(set) var name: String?
    /// The command behind the alias; `nil` when it isn't constant or not given.
    private(set) var value: String?

    /// Returns whether a command, possibly qualified by a module, is one of the two or an alias of either.
    private static func definesAlias(_ name: String) -> Bool {
        let bytes = name.utf8
        guard let last = bytes.last, ASCIIFold.lower(last) == UInt8(ascii: "l") || ASCIIFold.lower(last) == 0x73 else {
            return false
        }
        let start = bytes.lastIndex(of: UInt8(ascii: "\\")).map { bytes.index(after: $0) } ?? bytes.startIndex
        let plain = name[start...]
        return ["set-alias", "new-alias", "sal", "nal"].contains { ASCIIFold.equal(plain, $0) }
    }

    private static let switches = [
        "passthru", "force", "whatif", "confirm", "verbose", "debug", "wi", "cf", "vb", "db",
    ]
    private static let parameters = [
        "name", "value", "description", "option", "scope", "erroraction", "warningaction", "informationaction",
        "progressaction", "errorvariable", "warningvariable", "informationvariable", "outvariable", "outbuffer",
        "pipelinevariable", "ea", "wa", "infa", "proga", "ev", "wv", "iv", "ov", "ob", "pv",
    ]

    /// Reads the alias of a command; `nil` when the command defines none.
    init?(_ command: CommandFact) {
        guard let commandName = command.name, AliasBinding.definesAlias(commandName) else { return nil }
        var named: [String: FactValue] = [:]
        var positional: [FactValue] = []
        // The parameter that awaits its value; the empty name stands for an unknown parameter.
        var waiting: String?
        for argument in command.arguments {
            switch argument {
            case .value(let value):
                if let parameter = waiting {
                    if named[parameter] == nil { named[parameter] = value }
                } else {
                    positional.append(value)
                }
                waiting = nil
            case .parameter("-", _): waiting = nil
            case .parameter(let written, let value):
                // The comparison of names outside ASCII depends on the culture, which the text doesn't determine.
                guard written.utf8.allSatisfy({ $0 < 0x80 }) else { return }
                let parameter = AliasBinding.parameter(written) ?? ""
                waiting = value == nil && !AliasBinding.switches.contains(parameter) ? parameter : nil
                if let value, named[parameter] == nil { named[parameter] = value }
            }
        }
        var rest = positional[...]
        name = AliasBinding.constant(named["name"] ?? rest.popFirst())
        value = AliasBinding.constant(named["value"] ?? rest.popFirst())
    }

    /// Returns the full name of an abbreviated parameter; `nil` when it is unknown or ambiguous.
    private static func parameter(_ written: String) -> String? {
        let lower = ASCIIFold.lowercased(written)
        let all = parameters + switches
        if all.contains(lower) { return lower }
        let candidates = all.filter { $0.hasPrefix(lower) }
        return candidates.count == 1 ? candidates.first : nil
    }

    private static func constant(_ value: FactValue?) -> String? {
        if case .string(let text)? = value { text } else { nil }
    }
}

extension FactCollector {
    mutating func visit(_ expression: ExpressionSyntax) {
        switch expression {
        case .string(let node): emit(node.extent, .string(node.value))
        case .number(let node): emit(node.extent, .number(FactNumber(text: node.text, value: node.value)))
        case .expandableString(let node):
            emit(node.extent, .expandableString(parts: node.parts.count))
            for node in node.parts.reversed() { push(.expression(node)) }
        case .variable(let node):
            if FactLiteral(node.path) == nil || node.isSplatted {
                emit(node.extent, .variable(path: node.path, isSplatted: node.isSplatted))
            }
        case .using(let node): push(.expression(node.expression))
        case .paren(let node): push(.statement(node.pipeline))
        case .sub(let node): push(.block(node.block))
        case .array(let node): push(.block(node.block))
        case .arrayLiteral(let node): for node in node.elements.reversed() { push(.expression(node)) }
        case .hashtable(let node):
            emit(node.extent, .hashtable(count: node.entries.count))
            for entry in node.entries.reversed() {
                push(.statement(entry.value))
                push(.expression(entry.key))
            }
        case .scriptBlock(let node):
            emit(node.extent, .scriptBlock)
            push(.scriptBlock(node.scriptBlock), deeper: 1)
        case .type(let node): emit(node.extent, .type(name: node.typeName.fullName, use: .expression))
        case .convert(let node):
            push(.expression(node.operand))
            push(.type(node.type, .cast))
        case .attributed(let node):
            push(.expression(node.operand))
            push(.attribute(node.attribute))
        case .unary(let node): visit(node)
        case .binary(let node):
            emit(node.extent, .operator(name: node.op.rawValue, arity: 2))
            push(.expression(node.right))
            push(.expression(node.left))
        case .ternary(let node):
            emit(node.extent, .operator(name: "Ternary", arity: 3))
            push(.expression(node.ifFalse))
            push(.expression(node.ifTrue))
            push(.expression(node.condition))
        case .member(let node):
            let name = node.constantName
            emit(
                node.extent,
                .member(name: name, isStatic: node.isStatic, isNullConditional: node.isNullConditional))
            if name == nil { push(.expression(node.member)) }
            push(.expression(node.target))
        case .invokeMember(let node): visit(node)
        case .baseConstructorCall(let node):
            let place = node.keywordExtent ?? SourceExtent(start: 0, end: 0)
            if node.keywordExtent != nil {
                let call = CallFact(
                    name: ".ctor", isStatic: false, isNullConditional: false, argumentCount: node.arguments.count,
                    genericArguments: [])
                emit(node.extent, .call(call))
            }
            emit(place, .variable(path: VariablePath("this"), isSplatted: false))
            for node in node.arguments.reversed() { push(.expression(node)) }
        case .index(let node):
            emit(
                node.extent,
                .index(value: FactValue(node.index), isNullConditional: node.isNullConditional))
            push(.expression(node.index))
            push(.expression(node.target))
        }
    }

    private mutating func visit(_ node: UnaryExpressionSyntax) {
        emit(node.extent, .operator(name: node.op.rawValue, arity: 1))
        switch node.op {
        case .plusPlus, .minusMinus, .postfixPlusPlus, .postfixMinusMinus:
            emitTargets(node.operand, by: node.op.rawValue)
        default: break
        }
        push(.expression(node.operand))
    }

    private mutating func visit(_ node: InvokeMemberExpressionSyntax) {
        let name = node.constantName
        let call = CallFact(
            name: name, isStatic: node.isStatic, isNullConditional: node.isNullConditional,
            argumentCount: node.arguments.count, genericArguments: node.genericArguments.map(\.fullName))
        emit(node.extent, .call(call))
        for node in node.arguments.reversed() { push(.expression(node)) }
        if name == nil { push(.expression(node.member)) }
        push(.expression(node.target))
    }
}
