extension SemanticChecker {
    mutating func visit(_ statement: StatementSyntax) throws(Fault) {
        switch statement {
        case .pipeline(let pipeline): visit(pipeline)
        case .pipelineChain(let chain):
            for pipeline in chain.pipelines.reversed() { push(.statement(.pipeline(pipeline))) }
        case .assignment(let node): try visit(node)
        case .if(let node):
            if let body = node.elseBody { push(.block(body)) }
            for clause in node.clauses.reversed() {
                push(.block(clause.body))
                push(clause.condition)
            }
        case .switch(let node):
            try forbidInData("SwitchStatementNotSupportedInDataSection", node.extent)
            // A jump can leave a labelled `switch`, but in a method jumps can only name loops.
            let outer = context
            context.flow = FlowFrame(.loop(label: node.label ?? ""), parent: shared.value.flow)
            if let body = node.defaultBody { push(.block(body)) }
            for clause in node.clauses.reversed() {
                push(.block(clause.body))
                push(clause.condition)
            }
            context = outer
            push(node.condition)
        case .forEach(let node):
            try forbidInData("ForeachStatementNotSupportedInDataSection", node.extent)
            if node.variable.isSplatted {
                throw Fault(id: "SplattingNotPermitted", extent: node.variable.extent)
            }
            enterLoop(node.label) { $0.push(.block(node.body)) }
            push(node.collection)
            push(.expression(.variable(node.variable), .plain))
        case .for(let node):
            try forbidInData("ForWhileStatementNotSupportedInDataSection", node.extent)
            enterLoop(node.label) { checker in
                checker.push(.block(node.body))
                checker.push(node.iterator)
                checker.push(node.condition)
                checker.push(node.initializer)
            }
        case .while(let node):
            try forbidInData("ForWhileStatementNotSupportedInDataSection", node.extent)
            enterLoop(node.label) { checker in
                checker.push(.block(node.body))
                checker.push(node.condition)
            }
        case .do(let node):
            try forbidInData("DoWhileStatementNotSupportedInDataSection", node.extent)
            enterLoop(node.label) { checker in
                checker.push(node.condition)
                checker.push(.block(node.body))
            }
        case .flow(let node): try visit(node)
        case .jump(let node): try visit(node)
        case .trap(let node): push(.trap(node))
        case .try(let node): try visit(node)
        case .data(let node): try visit(node)
        case .function(let node): try visit(node)
        case .type(let node): try visit(node)
        }
    }

    private mutating func enterLoop(_ label: String?, _ body: (inout SemanticChecker) -> Void) {
        let outer = context
        context.flow = FlowFrame(.loop(label: label ?? ""), parent: shared.value.flow)
        context.labels = LabelFrame(label ?? "", parent: shared.value.labels)
        body(&self)
        context = outer
    }

    // MARK: Pipelines

    private mutating func visit(_ pipeline: PipelineSyntax) {
        if shared.value.isInAssignmentTarget { context.isInAssignmentTarget = false }
        for element in pipeline.elements.reversed() {
            switch element {
            case .expression(let element):
                for redirection in element.redirections.reversed() { push(.redirection(redirection)) }
                push(element.expression)
            case .command(let command): push(.command(command))
            }
        }
    }

    // MARK: Assignments

    private mutating func visit(_ node: AssignmentStatementSyntax) throws(Fault) {
        try forbidInData("AssignmentStatementNotSupportedInDataSection", node.extent)
        try checkTarget(node.target, isSimple: node.op == .equals, id: "InvalidLeftHandSide")
        if shared.value.isInAssignmentTarget { context.isInAssignmentTarget = false }
        push(node.value)
        var target = context
        target.isInAssignmentTarget = isTyped(node.target)
        if target.isInAssignmentTarget {
            push(.expression(node.target, .plain), in: target)
        } else {
            push(node.target)
        }
        if shared.value.isInMethod, let properties = shared.value.member?.properties {
            try checkProperties(node.target, properties)
        }
    }

    /// Returns whether a target may contain casts, since only below casts does it matter that a node is part of a
    /// target.
    private mutating func isTyped(_ target: ExpressionSyntax) -> Bool {
        switch target {
        case .variable, .member, .index: false
        default: true
        }
    }

    /// Rejects a bare variable named like a property, which in a method is most likely a forgotten `$this`.
    private mutating func checkProperties(_ target: ExpressionSyntax, _ properties: [String: Bool]) throws(Fault) {
        var open = [target]
        while let target = open.popLast() {
            switch target {
            case .arrayLiteral(let node): open.append(contentsOf: node.elements)
            case .convert(let node): open.append(node.operand)
            case .paren(let node): if let inner = node.pureExpression { open.append(inner) }
            case .variable(let node):
                guard node.path.isVariable, let isStatic = properties[CaseFold.key(node.path.path)] else { continue }
                throw Fault(id: isStatic ? "MissingTypeInStaticPropertyAssignment" : "MissingThis", extent: node.extent)
            default: continue
            }
        }
    }

    /// Checks that an expression can be assigned to.
    mutating func checkTarget(_ target: ExpressionSyntax, isSimple: Bool, id: String) throws(Fault) {
        var open = [(target, isSimple)]
        while let (target, isSimple) = open.popLast() {
            switch target {
            case .arrayLiteral(let node):
                guard isSimple else { throw Fault(id: id, extent: node.extent) }
                open.append(contentsOf: node.elements.reversed().map { ($0, true) })
            case .paren(let node):
                guard let inner = node.pureExpression else { throw Fault(id: id, extent: node.pipeline.extent) }
                open.append((inner, isSimple))
            case .variable, .invokeMember: break
            case .member(let node) where !node.isNullConditional: break
            case .index(let node) where !node.isNullConditional: break
            case .convert, .attributed: open.append((try checkTypedTarget(target), isSimple))
            default: throw Fault(id: id, extent: target.extent)
            }
        }
    }

    /// Checks the casts of a target.
    /// - Returns: the expression below the casts.
    private mutating func checkTypedTarget(_ target: ExpressionSyntax) throws(Fault) -> ExpressionSyntax {
        var inner = target
        var casts = 0
        var last: TypeNameSyntax?
        var reference: SourceExtent?
        scanning: while true {
            switch inner {
            case .convert(let node):
                casts += 1
                last = node.type.typeName
                if KnownTypes.isReference(node.type.typeName) { reference = node.type.extent }
                if KnownTypes.isVoid(node.type.typeName) {
                    throw Fault(id: "VoidTypeConstraintNotAllowed", extent: node.type.extent)
                }
                inner = node.operand
            case .attributed(let node): inner = node.operand
            default: break scanning
            }
        }
        if let reference, casts > 1 {
            throw Fault(id: "ReferenceNeedsToBeByItselfInTypeConstraint", extent: reference)
        }
        if case .variable(let variable) = inner, variable.path.isLocal,
            let type = AutomaticVariables.types[CaseFold.key(variable.path.name)]
        {
            let name = last.flatMap { $0.fullName.isEmpty ? nil : ASCIIFold.lowercased($0.fullName) }
            let plain = name.map { $0.hasPrefix("system.") ? String($0.dropFirst(7)) : $0 }
            if plain != type {
                throw Fault(id: "AssignmentStatementToAutomaticNotSupported", extent: target.extent)
            }
        }
        return inner
    }

    // MARK: Jumps

    private mutating func visit(_ node: FlowStatementSyntax) throws(Fault) {
        try forbidInData("FlowControlStatementNotSupportedInDataSection", node.extent)
        if node.kind == .return {
            var frame = shared.value.flow
            while let current = frame {
                if case .finally = current.kind { throw Fault(id: "ControlLeavingFinally", extent: node.extent) }
                frame = current.parent
            }
            if let returnsVoid = shared.value.member?.returnsVoid {
                if returnsVoid, node.value != nil { throw Fault(id: "VoidMethodHasReturn", extent: node.extent) }
                if !returnsVoid, node.value == nil {
                    throw Fault(id: "NonVoidMethodMissingReturnValue", extent: node.extent)
                }
            }
        }
        push(node.value)
    }

    private mutating func visit(_ node: JumpStatementSyntax) throws(Fault) {
        try forbidInData("FlowControlStatementNotSupportedInDataSection", node.extent)
        var label: String? = ""
        if let expression = node.label {
            if case .string(let name) = expression { label = name.value } else { label = nil }
        }
        var frame = shared.value.flow
        leaving: while let current = frame {
            switch current.kind {
            case .finally: throw Fault(id: "ControlLeavingFinally", extent: node.extent)
            case .loop(let name):
                if let label, label.isEmpty || CaseFold.key(label) == CaseFold.key(name) { break leaving }
            }
            frame = current.parent
        }
        if let label, !label.isEmpty, shared.value.isInMethod {
            var loop = shared.value.labels
            while let current = loop, CaseFold.key(current.label) != CaseFold.key(label) { loop = current.parent }
            if loop == nil { throw Fault(id: "LabelNotFound", extent: node.extent) }
        }
        push(node.label)
    }

    // MARK: Blocks

    private mutating func visit(_ node: TryStatementSyntax) throws(Fault) {
        try forbidInData("TryStatementNotSupportedInDataSection", node.extent)
        for (index, first) in node.catchClauses.enumerated() {
            for second in node.catchClauses[(index + 1)...] {
                if first.types.isEmpty { throw Fault(id: "EmptyCatchNotLast", extent: second.extent.before) }
                for upper in first.types {
                    for lower in second.types where KnownTypes.catches(upper.typeName, lower.typeName) {
                        throw Fault(id: "ExceptionTypeAlreadyCaught", extent: lower.extent)
                    }
                }
            }
        }
        if let body = node.finallyBody {
            var inner = context
            inner.flow = FlowFrame(.finally, parent: shared.value.flow)
            push(.block(body), in: inner)
        }
        for clause in node.catchClauses.reversed() {
            push(.block(clause.body))
            for type in clause.types.reversed() { push(.type(type)) }
        }
        push(.block(node.body))
    }

    private mutating func visit(_ node: DataStatementSyntax) throws(Fault) {
        try forbidInData("DataSectionStatementNotSupportedInDataSection", node.extent)
        var inner = context
        inner.dataCommands = ["convertfrom-stringdata"]
        for command in node.supportedCommands {
            if case .string(let name) = command {
                inner.dataCommands?.append(CaseFold.key(name.value))
            } else {
                inner.allowsAnyCommand = true
            }
            push(command)
        }
        push(.block(node.body), in: inner)
    }

    private mutating func visit(_ node: FunctionDefinitionSyntax) throws(Fault) {
        try forbidInData("FunctionDeclarationNotSupportedInDataSection", node.extent)
        try checkDuplicates(node.parameters)
        var inner = context
        inner.labels = nil
        inner.isInMethod = false
        inner.member = nil
        push(.scriptBlock(node.body), in: inner)
        inner.isMethodParameter = false
        for parameter in node.parameters.reversed() { push(.parameter(parameter), in: inner) }
    }
}

/// The variables that the engine sets itself, with fixed types.
enum AutomaticVariables {
    /// The variables' types by name, in lower case and without `System.`.
    static let types: [String: String] = [
        "_": "object", "args": "object[]", "this": "object", "input": "object",
        "pscmdlet": "management.automation.pscmdlet",
        "psboundparameters": "management.automation.psboundparametersdictionary",
        "myinvocation": "management.automation.invocationinfo", "psscriptroot": "string", "pscommandpath": "string",
    ]
}

extension VariablePath {
    /// Whether the path names a variable of the current scope.
    var isLocal: Bool {
        switch qualifier {
        case .none, .local, .private: true
        default: false
        }
    }
}
