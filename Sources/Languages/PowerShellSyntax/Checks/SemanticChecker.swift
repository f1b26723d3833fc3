/// Performs those of the engine's checks on a parsed tree that the text alone decides.
///
/// The traversal keeps a work list of its own, so that no nesting can exhaust the stack. It ends at the first error.
struct SemanticChecker {
    /// An error: the engine's error id and the position.
    struct Fault: Error {
        let id: String
        let extent: SourceExtent
    }

    /// The immediate surroundings of an expression, where they matter.
    enum Place { case plain, commandElement, commandArray, using }

    enum Work {
        case statement(StatementSyntax)
        case expression(ExpressionSyntax, Place)
        case block(StatementBlockSyntax)
        case scriptBlock(ScriptBlockSyntax)
        case parameter(ParameterSyntax)
        case attribute(AttributeSyntax)
        case type(TypeConstraintSyntax)
        case command(CommandSyntax)
        case redirection(RedirectionSyntax)
        case member(MemberSyntax, TypeDefinitionSyntax)
        case trap(TrapStatementSyntax)
    }

    private var pending: [(work: Work, context: SharedContext)] = []
    /// The surroundings of the current node.
    var shared = SharedContext(CheckContext())
    /// The namespaces of `using namespace`.
    var namespaces: [String] = []

    /// Returns the first error of a tree; `nil` when there is none.
    static func check(_ root: ScriptBlockSyntax) -> Fault? {
        var checker = SemanticChecker()
        checker.pending.reserveCapacity(64)
        for using in root.usings where using.kind == .namespace {
            if let name = using.name { checker.namespaces.append(name.value) }
        }
        checker.push(.scriptBlock(root))
        do throws(Fault) {
            while let (work, context) = checker.pending.popLast() {
                checker.shared = context
                try checker.visit(work)
            }
            return nil
        } catch {
            return error
        }
    }

    /// The surroundings of the current node; nodes pushed after a change get the new value.
    var context: CheckContext {
        get { shared.value }
        set { shared = SharedContext(newValue) }
    }

    mutating func push(_ work: Work) { pending.append((work, shared)) }

    mutating func push(_ work: Work, in context: CheckContext) { pending.append((work, SharedContext(context))) }

    mutating func push(_ expression: ExpressionSyntax?) {
        switch expression {
        case nil, .string?, .number?: break
        case .variable(let node)? where !node.isSplatted && !shared.value.asksForVariables: break
        case let expression?: push(.expression(expression, .plain))
        }
    }

    mutating func push(_ statement: StatementSyntax?) {
        if let statement { push(.statement(statement)) }
    }

    private mutating func visit(_ work: Work) throws(Fault) {
        switch work {
        case .statement(let statement): try visit(statement)
        case .expression(let expression, let place): try visit(expression, place)
        case .block(let block): try visit(block)
        case .scriptBlock(let block): try visit(block)
        case .parameter(let parameter): try visit(parameter)
        case .attribute(let attribute): try visit(attribute)
        case .type(let type): try visit(type)
        case .command(let command): try visit(command)
        case .redirection(let redirection):
            try forbidInData("RedirectionNotSupportedInDataSection", redirection.extent)
            if case .file(let file) = redirection { push(file.target) }
        case .member(let member, let type): try visit(member, of: type)
        case .trap(let trap):
            try forbidInData("TrapStatementNotSupportedInDataSection", trap.extent)
            if let type = trap.type { push(.type(type)) }
            var inner = context
            inner.flow = nil
            push(.block(trap.body), in: inner)
        }
    }

    // MARK: Blocks

    private mutating func visit(_ block: ScriptBlockSyntax) throws(Fault) {
        try forbidInData("ScriptBlockNotSupportedInDataSection", block.extent)
        var inner = context
        let isChanged = inner.flow != nil || inner.isInAssignmentTarget || !block.definedTypes.isEmpty
        inner.flow = nil
        inner.isInAssignmentTarget = false
        if !block.definedTypes.isEmpty {
            let scope = TypeScope(parent: shared.value.types)
            for type in block.definedTypes where !scope.define(type.name) {
                throw Fault(id: "MemberAlreadyDefined", extent: type.extent)
            }
            inner.types = scope
        }
        if isChanged { context = inner }
        if let body = block.body { push(.block(body)) }
        for named in block.namedBlocks.reversed() { push(.block(named.block)) }
        if let parameters = block.parameterBlock {
            try checkDuplicates(parameters.parameters)
            for parameter in parameters.parameters.reversed() { push(.parameter(parameter)) }
            for attribute in parameters.attributes.reversed() { push(.attribute(attribute)) }
        }
    }

    private mutating func visit(_ block: StatementBlockSyntax) throws(Fault) {
        for trap in block.traps.reversed() { push(.trap(trap)) }
        for statement in block.statements.reversed() { push(.statement(statement)) }
    }

    // MARK: Declarations

    mutating func checkDuplicates(_ parameters: [ParameterSyntax]) throws(Fault) {
        var names: Set<String> = []
        for parameter in parameters {
            guard names.insert(CaseFold.key(parameter.variable.path.path)).inserted else {
                throw Fault(id: "DuplicateFormalParameter", extent: parameter.variable.extent)
            }
            for case .typeConstraint(let type) in parameter.attributes where KnownTypes.isVoid(type.typeName) {
                throw Fault(id: "VoidTypeConstraintNotAllowed", extent: type.extent)
            }
        }
    }

    private mutating func visit(_ parameter: ParameterSyntax) throws(Fault) {
        if parameter.variable.isSplatted {
            throw Fault(id: "SplattingNotPermitted", extent: parameter.variable.extent)
        }
        var types = 0
        for attribute in parameter.attributes {
            switch attribute {
            case .typeConstraint(let type):
                if KnownTypes.isOrdered(type.typeName) {
                    throw Fault(id: "OrderedAttributeOnlyOnHashLiteralNode", extent: type.extent)
                }
                types += 1
                if shared.value.isMethodParameter, types > 1 {
                    throw Fault(id: "MultipleTypeConstraintsOnMethodParam", extent: type.extent)
                }
                push(.type(type))
            case .attribute(let attribute):
                if shared.value.isMethodParameter {
                    // Which attributes are allowed there is known only from their own definitions.
                    throw Fault(id: "AttributeNotAllowedOnDeclaration", extent: attribute.extent)
                }
                push(.attribute(attribute))
            }
        }
        push(parameter.defaultValue)
    }

    private mutating func visit(_ type: TypeConstraintSyntax) throws(Fault) {
        if shared.value.dataCommands != nil, !KnownTypes.isSimple(type.typeName) {
            throw Fault(id: "TypeNotAllowedInDataSection", extent: type.extent)
        }
        try checkType(type.typeName)
    }

    private mutating func visit(_ attribute: AttributeSyntax) throws(Fault) {
        try forbidInData("AttributeNotSupportedInDataSection", attribute.extent)
        try checkAttributeArguments(attribute, allowsScriptBlocks: true)
        if shared.value.types?.isInDefinition == true, !isKnownAttribute(attribute, KnownTypes.attributes) {
            throw Fault(id: "CustomAttributeTypeNotFound", extent: attribute.typeName.extent)
        }
        for argument in attribute.namedArguments.reversed() where !argument.isOmitted { push(argument.argument) }
        for argument in attribute.positionalArguments.reversed() { push(argument) }
    }

    mutating func isKnownAttribute(_ attribute: AttributeSyntax, _ names: Set<String>) -> Bool {
        guard let name = KnownTypes.plainName(attribute.typeName) else { return false }
        let short = name.hasPrefix("management.automation.") ? String(name.dropFirst(22)) : name
        return names.contains(short) || (short.hasSuffix("attribute") && names.contains(String(short.dropLast(9))))
    }

    mutating func checkAttributeArguments(_ attribute: AttributeSyntax, allowsScriptBlocks: Bool) throws(Fault) {
        let id =
            allowsScriptBlocks
            ? "ParameterAttributeArgumentNeedsToBeConstantOrScriptBlock" : "ParameterAttributeArgumentNeedsToBeConstant"
        var names: Set<String> = []
        for argument in attribute.namedArguments {
            guard names.insert(CaseFold.key(argument.name)).inserted else {
                throw Fault(id: "DuplicateNamedArgument", extent: argument.extent)
            }
            if !argument.isOmitted,
                !ConstantCheck.isConstant(argument.argument, allowsScriptBlocks: allowsScriptBlocks)
            {
                throw Fault(id: id, extent: argument.argument.extent)
            }
        }
        for argument in attribute.positionalArguments
        where !ConstantCheck.isConstant(argument, allowsScriptBlocks: allowsScriptBlocks) {
            throw Fault(id: id, extent: argument.extent)
        }
    }

    // MARK: Types

    /// Checks that a type named in a class exists: it must when the text is parsed.
    mutating func checkType(_ type: TypeNameSyntax) throws(Fault) {
        guard let scope = shared.value.types, scope.isInDefinition else { return }
        var open = [(type, 0)]
        while let (type, arity) = open.popLast() {
            switch type.form {
            case .array(let element, _): open.append((element, 0))
            case .generic(let name, let arguments):
                open.append((name, arguments.count))
                open.append(contentsOf: arguments.map { ($0, 0) })
            case .name(let name, let assembly):
                if KnownTypes.isOrdered(type) { continue }
                let isKnown =
                    assembly == nil
                    && ((arity == 0 && scope.defines(name))
                        || KnownTypes.contains(name, arity: arity, namespaces: namespaces))
                if !isKnown { throw Fault(id: "TypeNotFound", extent: type.extent) }
            }
        }
    }

    /// Rejects a node inside a `data` section.
    mutating func forbidInData(_ id: String, _ extent: SourceExtent) throws(Fault) {
        if shared.value.dataCommands != nil { throw Fault(id: id, extent: extent) }
    }
}

extension SemanticChecker {
    mutating func visit(_ expression: ExpressionSyntax, _ place: Place) throws(Fault) {
        switch expression {
        case .string, .number: break
        case .expandableString(let node): for part in node.parts.reversed() { push(part) }
        case .variable(let node): try visit(node, place)
        case .using(let node):
            try checkUsing(node)
            push(.expression(node.expression, .using))
        case .paren(let node): push(node.pipeline)
        case .sub(let node): push(.block(node.block))
        case .array(let node): push(.block(node.block))
        case .arrayLiteral(let node):
            let inner = place == .commandElement ? Place.commandArray : .plain
            for element in node.elements.reversed() { push(.expression(element, inner)) }
        case .hashtable(let node): try visit(node)
        case .scriptBlock(let node):
            try forbidInData("ScriptBlockNotSupportedInDataSection", node.extent)
            // A `return` in it ends the block, not the method around it.
            var inner = context
            inner.member = nil
            push(.scriptBlock(node.scriptBlock), in: inner)
        case .type(let node):
            if shared.value.dataCommands != nil, !KnownTypes.isSimple(node.typeName) {
                throw Fault(id: "TypeNotAllowedInDataSection", extent: node.extent)
            }
            try checkType(node.typeName)
        case .convert(let node): try visit(node)
        case .attributed(let node): try visit(node)
        case .unary(let node): try visit(node)
        case .binary(let node):
            if shared.value.dataCommands != nil, Restricted.forbids(node.op) {
                throw Fault(id: "OperatorNotSupportedInDataSection", extent: node.operatorExtent)
            }
            push(node.right)
            push(node.left)
        case .ternary(let node):
            // The engine doesn't list this among the expressions that a data section rejects.
            push(node.ifFalse)
            push(node.ifTrue)
            push(node.condition)
        case .member(let node):
            try forbidInData("PropertyReferenceNotSupportedInDataSection", node.extent)
            push(node.member)
            push(node.target)
        case .invokeMember(let node):
            try forbidInData("MethodCallNotSupportedInDataSection", node.extent)
            for argument in node.arguments.reversed() { push(argument) }
            push(node.member)
            push(node.target)
        case .baseConstructorCall(let node):
            for argument in node.arguments.reversed() { push(argument) }
        case .index(let node):
            try forbidInData("ArrayReferenceNotSupportedInDataSection", node.extent)
            push(node.index)
            push(node.target)
        }
    }

    private mutating func visit(_ node: VariableExpressionSyntax, _ place: Place) throws(Fault) {
        if node.isSplatted, place != .commandElement, place != .using {
            let id = place == .commandArray ? "SplattingNotPermittedInArgumentList" : "SplattingNotPermitted"
            throw Fault(id: id, extent: node.extent)
        }
        if shared.value.dataCommands != nil, !Restricted.allowsVariable(node.path.path) {
            throw Fault(id: "VariableReferenceNotSupportedInDataSection", extent: node.extent)
        }
        if shared.value.member?.isStatic == true, ASCIIFold.equal(node.path.path, "this") {
            throw Fault(id: "NonStaticMemberAccessInStaticMember", extent: node.extent)
        }
    }

    mutating func visit(_ command: CommandSyntax) throws(Fault) {
        if let allowed = shared.value.dataCommands {
            if command.invocation == .dot {
                throw Fault(id: "DotSourcingNotSupportedInDataSection", extent: command.extent)
            }
            if !shared.value.allowsAnyCommand {
                guard let name = command.constantName else {
                    let isCall = command.invocation == .call
                    let id = isCall ? "OperatorNotSupportedInDataSection" : "CmdletNotInAllowedListForDataSection"
                    throw Fault(id: id, extent: command.extent)
                }
                guard allowed.contains(CaseFold.key(name)) else {
                    throw Fault(id: "CmdletNotInAllowedListForDataSection", extent: command.extent)
                }
            }
        }
        for redirection in command.redirections.reversed() { push(.redirection(redirection)) }
        for element in command.elements.reversed() {
            switch element {
            case .argument(.string), .argument(.number): continue
            case .argument(let argument): push(.expression(argument, .commandElement))
            case .parameter(let parameter): push(parameter.argument)
            }
        }
    }

    private mutating func visit(_ node: HashtableSyntax) throws(Fault) {
        var keys: Set<String> = []
        for entry in node.entries {
            let key: String
            switch entry.key {
            case .string(let string): key = string.value
            case .number(let number): key = number.value.invariantText
            default: continue
            }
            guard keys.insert(CaseFold.key(key)).inserted else {
                throw Fault(id: "DuplicateKeyInHashLiteral", extent: entry.key.extent)
            }
        }
        if shared.value.isInAssignmentTarget { context.isInAssignmentTarget = false }
        for entry in node.entries.reversed() {
            push(entry.value)
            push(entry.key)
        }
    }

    private mutating func visit(_ node: ConvertExpressionSyntax) throws(Fault) {
        let type = node.type.typeName
        if KnownTypes.isOrdered(type) {
            guard case .hashtable = node.operand else {
                throw Fault(id: "OrderedAttributeOnlyOnHashLiteralNode", extent: node.extent)
            }
        } else if KnownTypes.isReference(type) {
            var operand = node.operand
            scanning: while true {
                switch operand {
                case .convert(let inner):
                    if KnownTypes.isReference(inner.type.typeName) {
                        throw Fault(id: "ReferenceNeedsToBeByItselfInTypeSequence", extent: inner.type.extent)
                    }
                    operand = inner.operand
                case .attributed(let inner): operand = inner.operand
                default: break scanning
                }
            }
        } else if case .convert(let inner) = node.operand, KnownTypes.isReference(inner.type.typeName),
            !shared.value.isInAssignmentTarget
        {
            throw Fault(id: "ReferenceNeedsToBeLastTypeInTypeConversion", extent: inner.type.extent)
        }
        push(node.operand)
        push(.type(node.type))
    }

    private mutating func visit(_ node: AttributedExpressionSyntax) throws(Fault) {
        try forbidInData("AttributeNotSupportedInDataSection", node.extent)
        var operand = node.operand
        scanning: while true {
            switch operand {
            case .variable: break scanning
            case .convert(let inner): operand = inner.operand
            case .attributed(let inner): operand = inner.operand
            default: throw Fault(id: "UnexpectedAttribute", extent: node.attribute.extent)
            }
        }
        push(node.operand)
        push(.attribute(node.attribute))
    }

    private mutating func visit(_ node: UnaryExpressionSyntax) throws(Fault) {
        if shared.value.dataCommands != nil, Restricted.forbids(node.op) {
            throw Fault(id: "OperatorNotSupportedInDataSection", extent: node.extent)
        }
        switch node.op {
        case .plusPlus, .minusMinus, .postfixPlusPlus, .postfixMinusMinus:
            try checkTarget(node.operand, isSimple: false, id: "OperatorRequiresVariableOrProperty")
        default: break
        }
        push(node.operand)
    }

    /// Checks a `$using:` expression, which must be a variable with constant accesses.
    private mutating func checkUsing(_ node: UsingExpressionSyntax) throws(Fault) {
        var expression = node.expression
        while true {
            switch expression {
            case .variable: return
            case .member(let member) where member.constantName != nil: expression = member.target
            case .index(let index):
                guard ConstantCheck.isConstant(index.index, allowsScriptBlocks: true) else {
                    throw Fault(id: "InvalidUsingExpression", extent: index.index.extent)
                }
                expression = index.target
            default: throw Fault(id: "InvalidUsingExpression", extent: expression.extent)
            }
        }
    }
}

/// The operators and expressions that a `data` section may contain.
enum Restricted {
    static func forbids(_ op: BinaryOperator) -> Bool {
        switch op {
        case .dotDot, .format, .join, .imatch, .inotmatch, .ireplace, .isplit, .cmatch, .cnotmatch, .creplace, .csplit,
            .as:
            true
        default: false
        }
    }

    static func forbids(_ op: UnaryOperator) -> Bool {
        switch op {
        case .plusPlus, .minusMinus, .postfixPlusPlus, .postfixMinusMinus, .join, .isplit, .csplit: true
        default: false
        }
    }

    static func allowsVariable(_ path: String) -> Bool {
        ["psculture", "psuiculture", "true", "false", "null"].contains(CaseFold.key(path))
    }
}

extension SemanticChecker {
    mutating func visit(_ node: TypeDefinitionSyntax) throws(Fault) {
        let outer = context
        let inner = TypeScope(parent: shared.value.types, isInDefinition: true)
        context.types = inner
        let known = node.kind == .enum ? KnownTypes.enumAttributes : KnownTypes.classAttributes
        for attribute in node.attributes {
            // What other attributes require of a type is known only from their own definitions.
            guard
                let form = known.first(where: { isKnownAttribute(attribute, [$0.name]) }),
                form.positional.contains(attribute.positionalArguments.count)
            else { throw Fault(id: "CustomAttributeTypeNotFound", extent: attribute.typeName.extent) }
            try checkAttributeArguments(attribute, allowsScriptBlocks: false)
            for argument in attribute.namedArguments where !form.named.contains(ASCIIFold.lowercased(argument.name)) {
                throw Fault(id: "PropertyNotFoundForAttribute", extent: argument.extent)
            }
        }
        for member in node.members.reversed() { push(.member(member, node)) }
        for type in node.baseTypes { try checkType(type.typeName) }
        context = outer
    }

    mutating func visit(_ member: MemberSyntax, of type: TypeDefinitionSyntax) throws(Fault) {
        switch member {
        case .property(let property):
            try checkPropertyAttributes(property.attributes)
            if let constraint = property.type {
                try checkType(constraint.typeName)
                if KnownTypes.isVoid(constraint.typeName) {
                    throw Fault(id: "TypeNotAllowedForProperty", extent: constraint.extent)
                }
            }
            context.member = MemberFrame(isStatic: property.isStatic, returnsVoid: nil, properties: [:])
            push(property.initialValue)
        case .method(let method): try visit(method, of: type)
        }
    }

    private mutating func checkPropertyAttributes(_ attributes: [AttributeSyntax]) throws(Fault) {
        for attribute in attributes {
            guard isKnownAttribute(attribute, KnownTypes.propertyAttributes) else {
                throw Fault(id: "CustomAttributeTypeNotFound", extent: attribute.typeName.extent)
            }
            try checkAttributeArguments(attribute, allowsScriptBlocks: false)
            let known: Set<String> = [
                "mandatory", "position", "helpmessage", "valuefrompipeline", "errormessage", "ignorecase", "key",
                "notconfigurable", "parametersetname", "valuefrompipelinebypropertyname", "valuefromremainingarguments",
            ]
            for argument in attribute.namedArguments where !known.contains(ASCIIFold.lowercased(argument.name)) {
                throw Fault(id: "PropertyNotFoundForAttribute", extent: argument.extent)
            }
        }
    }

    private mutating func visit(_ method: MethodMemberSyntax, of type: TypeDefinitionSyntax) throws(Fault) {
        if let attribute = method.attributes.first {
            throw Fault(id: "AttributeNotAllowedOnDeclaration", extent: attribute.extent)
        }
        let body = method.function.body
        if let block = body.parameterBlock { throw Fault(id: "ParamBlockNotAllowedInMethod", extent: block.extent) }
        if let block = body.namedBlocks.first { throw Fault(id: "NamedBlockNotAllowedInMethod", extent: block.extent) }
        if let constraint = method.returnType {
            if method.isConstructor { throw Fault(id: "ConstructorCantHaveReturnType", extent: constraint.extent) }
            try checkType(constraint.typeName)
        }
        try checkDuplicates(method.function.parameters)
        let returnsVoid = method.returnType.map { KnownTypes.isVoid($0.typeName) } ?? true
        if let fault = MethodFlow.check(method, returnsVoid: returnsVoid) { throw fault }
        var properties: [String: Bool] = [:]
        for case .property(let property) in type.members { properties[CaseFold.key(property.name)] = property.isStatic }
        context.member = MemberFrame(isStatic: method.isStatic, returnsVoid: returnsVoid, properties: properties)
        context.flow = nil
        context.labels = nil
        context.isInMethod = true
        push(.scriptBlock(body))
        context.isMethodParameter = true
        for parameter in method.function.parameters.reversed() { push(.parameter(parameter)) }
    }
}
