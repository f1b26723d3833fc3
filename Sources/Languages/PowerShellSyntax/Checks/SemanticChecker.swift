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
            if !argument.isOmitted, !ConstantCheck.isConstant(argument.argument, allowsScriptBlocks) {
                throw Fault(id: id, extent: argument.argument.extent)
            }
        }
        for argument in attribute.positionalArguments
        where !ConstantCheck.isConstant(argument, allowsScriptBlocks) {
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
