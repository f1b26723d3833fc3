import PowerShellSyntax

extension Evaluator {
    /// Returns everything that a list of statements emits. An error inside may not end as it would in PowerShell.
    func collected(_ block: StatementBlockSyntax) throws(Interrupt) -> [PSValue] {
        var items: [PSValue] = []
        collecting += 1
        defer { collecting -= 1 }
        for statement in block.statements {
            do throws(Interrupt) {
                try run(statement) { (item) throws(Interrupt) in
                    try note(item)
                    items.append(item)
                }
            } catch {
                if case .statement = error, tries == 0 { throw .handOver("an error inside a sub-expression") }
                throw error
            }
        }
        return items
    }

    /// Returns everything that a statement emits.
    func collected(_ statement: StatementSyntax) throws(Interrupt) -> [PSValue] {
        var items: [PSValue] = []
        collecting += 1
        defer { collecting -= 1 }
        try run(statement) { (item) throws(Interrupt) in
            try note(item)
            items.append(item)
        }
        return items
    }

    /// Runs statements in order; an error ends only its own statement.
    func run(_ statements: [StatementSyntax], into sink: Sink) throws(Interrupt) {
        for statement in statements {
            do throws(Interrupt) {
                try run(statement, into: sink)
            } catch {
                guard case .statement(let record) = error, tries == 0 else { throw error }
                try report(record)
            }
        }
    }

    /// Runs one statement.
    func run(_ statement: StatementSyntax, into sink: Sink) throws(Interrupt) {
        try step()
        switch statement {
        case .pipeline(let pipeline): try run(pipeline, into: sink)
        case .assignment(let assignment): _ = try assign(assignment)
        case .if(let node):
            for clause in node.clauses where try PSValue.collapsed(collected(clause.condition)).isTrue {
                return try run(clause.body.statements, into: sink)
            }
            if let body = node.elseBody { try run(body.statements, into: sink) }
        case .forEach(let node):
            let name = node.variable.path.name.lowercased()
            let items: [PSValue]
            if let expression = node.collection.pureExpression {
                switch try value(of: expression) {
                case .null: items = []
                case .array(let elements): items = elements
                case let only: items = [only]
                }
            } else {
                items = try collected(node.collection)
                if items.count == 1, items[0].isNull { throw .handOver("foreach over $null") }
            }
            for item in items {
                variables[name] = item
                guard try loop(node.body, node.label, into: sink) else { break }
            }
        case .while, .do, .for: try runLoop(statement, into: sink)
        case .switch(let node): try runSwitch(node, into: sink)
        case .try(let node): try runTry(node, into: sink)
        case .jump(let node):
            guard node.label == nil else { throw .handOver("a label") }
            throw .leaveLoop(isBreak: node.kind == .break, label: nil)
        case .flow(let node):
            switch node.kind {
            case .return:
                if let value = node.value { try run(value, into: sink) }
                throw .leaveBlock
            case .throw:
                guard let value = node.value else {
                    guard let record = caught.last else { throw .handOver("throw") }
                    throw .fatal(record)
                }
                guard case .string(let text) = try self.value(of: value) else { throw .handOver("throwing an object") }
                throw .fatal(NativeError("RuntimeException", text, command: "throw", isReadable: true))
            case .exit: throw .handOver("exit")
            }
        default: throw .handOver("an unusual statement")
        }
    }

    /// Performs an assignment and returns its value.
    func assign(_ node: AssignmentStatementSyntax) throws(Interrupt) -> PSValue {
        guard case .variable(let target) = node.target, target.path.qualifier == .none else {
            throw .handOver("an assignment to other than a variable")
        }
        let name = target.path.name.lowercased()
        guard !AutomaticNames.contains(name) else { throw .handOver("an assignment to $\(target.path.name)") }
        let right = try value(of: node.value)
        let before = variables[name] ?? .null
        let value: PSValue
        switch node.op {
        case .equals: value = right
        case .plusEquals: value = try counted(try Arithmetic.add(before, right))
        case .minusEquals: value = try Arithmetic.subtract(before, right)
        case .multiplyEquals: value = try counted(try Arithmetic.multiply(before, right))
        case .divideEquals: value = try Arithmetic.divide(before, right)
        case .remainderEquals: value = try Arithmetic.remainder(before, right)
        case .questionQuestionEquals: value = before.isNull ? right : before
        }
        variables[name] = value
        return value
    }

    /// Runs a script block with `$_` set to an object.
    func run(_ block: PSBlock, on item: PSValue?, into sink: Sink) throws(Interrupt) {
        let outer = current
        if let item { current = item }
        collecting += 1
        defer {
            current = outer
            collecting -= 1
        }
        guard let body = block.syntax.scriptBlock.body else { throw .handOver("a script block with named parts") }
        do throws(Interrupt) {
            try inside(block) { () throws(Interrupt) in try run(body.statements, into: sink) }
        } catch {
            guard case .leaveBlock = error else { throw error }
        }
    }

    /// Returns what a script block emits for an object, as one value.
    func result(of block: PSBlock, on item: PSValue) throws(Interrupt) -> PSValue {
        if let body = block.syntax.scriptBlock.body, body.statements.count == 1,
            let expression = body.statements[0].pureExpression
        {
            let outer = current
            current = item
            defer { current = outer }
            do throws(Interrupt) {
                let before = delivery.errorCount
                let value = try inside(block) { () throws(Interrupt) in try self.value(of: expression) }
                if delivery.errorCount > before { throw .handOver("an error inside a script block") }
                if case .array(let items) = value { return .collapsed(items) }
                return value
            } catch {
                // The block yields nothing; its caller decides whether to show the error.
                if case .statement(let record) = error { throw .blockFailed(record) }
                throw error
            }
        }
        var items: [PSValue] = []
        try step()
        let before = delivery.errorCount
        try run(block, on: item) { (output) throws(Interrupt) in items.append(output) }
        if delivery.errorCount > before { throw .handOver("an error inside a script block") }
        return .collapsed(items)
    }

    /// Runs a pipeline that has all its objects at hand.
    func run(_ node: PipelineSyntax, into sink: Sink) throws(Interrupt) {
        guard !node.isBackground, let first = node.elements.first else { throw .handOver("a background job") }
        if node.elements.count == 1, case .expression(let element) = first {
            guard element.redirections.isEmpty else { throw .handOver("a redirection") }
            if case .unary(let unary) = element.expression {
                switch unary.op {
                case .plusPlus, .minusMinus, .postfixPlusPlus, .postfixMinusMinus:
                    _ = try value(of: element.expression)
                    return
                default: break
                }
            }
            return try stream(element.expression, into: sink)
        }
        try withoutActuallyEscapingSink(sink) { (sink) throws(Interrupt) in
            let pipeline = try RunningPipeline(node, in: self, sink: sink)
            try pipeline.run()
        }
    }

    /// Sends the value of an expression down a pipeline.
    func stream(_ expression: ExpressionSyntax, into sink: Sink) throws(Interrupt) {
        switch expression {
        case .sub(let node):
            for item in try collected(node.block) { try sink(item) }
        case .paren(let node) where node.pureExpression == nil:
            if case .assignment(let assignment) = node.pipeline {
                return try Evaluator.enumerate(try assign(assignment), into: sink)
            }
            for item in try collected(node.pipeline) { try sink(item) }
        case .paren(let node):
            if let inner = node.pureExpression { try stream(inner, into: sink) }
        default: try Evaluator.enumerate(try kept(expression), into: sink)
        }
    }

    private func withoutActuallyEscapingSink(
        _ sink: Sink, _ body: (@escaping Sink) throws(Interrupt) -> Void
    ) throws(Interrupt) {
        // The check behind this call keeps the length of its file's path, which would differ with the folder that is built in.
        #sourceLocation(file:"EscapingSink.swift",line:208)
        let outcome: Result<Void, Interrupt> = withoutActuallyEscaping(sink) { escaping in
            do throws(Interrupt) {
                try body(escaping)
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        #sourceLocation()
        try outcome.get()
    }

    /// Sends a value down a pipeline; a list element by element.
    static func enumerate(_ value: PSValue, into sink: Sink) throws(Interrupt) {
        guard case .array(let items) = value else { return try sink(value) }
        for item in items { try sink(item) }
    }
}
