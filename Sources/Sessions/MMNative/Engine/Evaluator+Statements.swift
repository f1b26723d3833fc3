import PowerShellSyntax

extension Evaluator {
    /// The handling of the output collected so far when a jump leaves the collecting statement.
    enum Leaving {
        /// The output goes where the statement's own output would go, as in `$x = $(1; return 2)`.
        case handsOn
        /// The output is lost, as in `@(1; return 2)` and in conditions.
        case drops
    }

    /// Returns everything that a list of statements emits.
    func collected(_ block: StatementBlockSyntax, leaving: Leaving) throws(Interrupt) -> [PSValue] {
        try collected(leaving) { (sink) throws(Interrupt) in try run(block, into: sink) }
    }

    /// Returns everything that a statement emits.
    func collected(_ statement: StatementSyntax, leaving: Leaving) throws(Interrupt) -> [PSValue] {
        try collected(leaving) { (sink) throws(Interrupt) in try run(statement, into: sink) }
    }

    private func collected(_ leaving: Leaving, _ body: (Sink) throws(Interrupt) -> Void) throws(Interrupt) -> [PSValue]
    {
        var items: [PSValue] = []
        collecting += 1
        defer { collecting -= 1 }
        do throws(Interrupt) {
            try body { (item) throws(Interrupt) in
                try note(item)
                items.append(item)
            }
        } catch {
            throw error.leaving(with: leaving == .handsOn ? items : nil)
        }
        return items
    }

    /// Runs statements in order; outside of `try`, an error ends only its own statement.
    func run(_ statements: [StatementSyntax], into sink: Sink) throws(Interrupt) {
        lists += 1
        for statement in statements {
            do throws(Interrupt) {
                try run(statement, into: sink)
            } catch {
                if case .statement(let record) = error, tries == 0 {
                    try report(record)
                    continue
                }
                for item in error.carried { try sink(item) }
                throw error.leaving(with: nil)
            }
        }
    }

    /// Runs a block. If the block has a trap, an error ends only its statement, and the trap decides how to continue.
    func run(_ block: StatementBlockSyntax, into sink: Sink) throws(Interrupt) {
        guard let trap = block.traps.first else { return try run(block.statements, into: sink) }
        for statement in block.statements {
            do throws(Interrupt) {
                tries += 1
                defer { tries -= 1 }
                try run(statement, into: sink)
            } catch {
                switch error {
                case .statement(let record), .fatal(let record), .refused(let record):
                    guard !record.id.isEmpty else { throw .handOver(record.message) }
                    try self.trap(record, in: trap, into: sink)
                default:
                    for item in error.carried { try sink(item) }
                    throw error.leaving(with: nil)
                }
            }
        }
    }

    /// Runs a trap: `continue` in it drops the error, `break` passes it on, and at its end the error is reported.
    private func trap(
        _ record: NativeError, in trap: TrapStatementSyntax, into sink: Sink
    ) throws(Interrupt) {
        try handling(record) { () throws(Interrupt) in
            do throws(Interrupt) {
                try run(trap.body.statements, into: sink)
            } catch {
                guard case .leaveLoop(let isBreak, nil, let items) = error else { throw error }
                for item in items { try sink(item) }
                guard !isBreak else { throw .fatal(record) }
                try keep(ErrorRecords.value(of: record, isWhole: onlyReads))
                return
            }
            try report(record)
        }
    }

    /// Returns the value of a statement on the right-hand side of an assignment or of a hashtable key; a single
    /// expression's value is used unchanged.
    func worth(of statement: StatementSyntax, leaving: Leaving = .handsOn) throws(Interrupt) -> PSValue {
        if let expression = statement.pureExpression { return try worth(of: expression) }
        if case .assignment(let assignment) = statement { return try assign(assignment) }
        return .collapsed(try collected(statement, leaving: leaving))
    }

    /// Returns whether a condition holds.
    func holds(_ condition: StatementSyntax) throws(Interrupt) -> Bool {
        try worth(of: condition, leaving: .drops).isTrue
    }

    /// Returns the values that `foreach` and `switch` go through; `nil` if the expression's value is `$null`, which
    /// isn't one of several.
    func elements(of statement: StatementSyntax) throws(Interrupt) -> [PSValue]? {
        if statement.pureExpression == nil, case .pipeline = statement {
            return try collected(statement, leaving: .drops)
        }
        switch try worth(of: statement, leaving: .drops) {
        case .nothing: return []
        case .null: return nil
        case .array(let items): return items
        case .list(let list): return list.items
        case let only: return only.elements ?? [only]
        }
    }

    /// Sets `$?` to the outcome of a statement. While the statement runs, `$?` is still the outcome of the one before.
    private func telling(_ body: () throws(Interrupt) -> Void) throws(Interrupt) {
        let (reports, lists) = (reports, lists)
        try body()
        // An error that a nested block or function reported may concern only the statements in it.
        hasSucceeded = self.reports == reports ? true : self.lists == lists ? false : nil
    }

    /// Runs one statement.
    func run(_ statement: StatementSyntax, into sink: Sink) throws(Interrupt) {
        try step()
        // After a failure, `position` stays at the innermost statement.
        let outer = position
        position = statement.extent
        try carryOut(statement, into: sink)
        position = outer
    }

    /// The place of the statement that failed; `nil` if that isn't known, or if the statement spans several lines and
    /// only the line itself would be certain.
    var failingPlace: ErrorPlace? {
        guard let position, position.end <= source.count else { return nil }
        let isCertain = !source[position.start..<position.end].contains(0x0A)
        guard isCertain || host != nil else { return nil }
        let before = source[..<position.start]
        let start = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        let end = source[position.start...].firstIndex(of: 0x0A) ?? source.count
        let inside = functions.filter { _, function in
            function.blocks.contains { $0.extent.start <= position.start && position.end <= $0.extent.end }
        }
        return ErrorPlace(
            line: before.reduce(1) { $1 == 0x0A ? $0 + 1 : $0 },
            text: String(decoding: source[start..<end].filter { $0 != 0x0D }, as: UTF16.self), isCertain: isCertain,
            script: host?.scriptName,
            function: inside.max { $0.value.blocks[0].extent.start < $1.value.blocks[0].extent.start }?.value.name)
    }

    /// Runs a chain: behind `&&` what follows a success, behind `||` what follows a failure. One that is left out
    /// changes nothing.
    private func run(_ chain: PipelineChainSyntax, into sink: Sink) throws(Interrupt) {
        for (place, pipeline) in chain.pipelines.enumerated() {
            if place > 0 {
                guard let hasSucceeded else { throw .handOver("a chain after errors within a block") }
                guard hasSucceeded == (chain.operators[place - 1] == .and) else { continue }
            }
            try telling { () throws(Interrupt) in try run(pipeline, into: sink) }
        }
    }

    private func carryOut(_ statement: StatementSyntax, into sink: Sink) throws(Interrupt) {
        if !unfit.isEmpty, let reason = unfit[statement.extent] {
            // A missing function definition matters only when the function is called.
            guard case .function(let node) = statement else { throw .handOver(reason) }
            unfitFunctions[node.calledName] = reason
            return
        }
        let wasPause = isPause
        isPause = idleQuestions.pauses.contains(statement.extent.start)
        defer { isPause = wasPause }
        switch statement {
        case .pipeline(let pipeline):
            try telling { () throws(Interrupt) in try run(pipeline, into: sink) }
        case .pipelineChain(let chain): try run(chain, into: sink)
        case .assignment(let assignment):
            try telling { () throws(Interrupt) in _ = try assign(assignment) }
        case .if(let node):
            for clause in node.clauses where try holds(clause.condition) {
                return try run(clause.body, into: sink)
            }
            if let body = node.elseBody { try run(body, into: sink) }
        case .forEach(let node):
            let name = node.variable.path.name.lowercased()
            let isOuter = node.variable.path.qualifier == .script || node.variable.path.qualifier == .global
            let collection = try node.collection.pureExpression.flatMap { (expression) throws(Interrupt) in
                try enumeration(of: expression)
            }
            for item in try elements(of: node.collection) ?? [] {
                if isOuter { try write(item, to: .outer(name)) } else { try set(name, item) }
                guard try loop(node.body, node.label, into: sink) else { break }
                try collection?.check()
            }
        case .while, .do, .for: try runLoop(statement, into: sink)
        case .switch(let node): try runSwitch(node, into: sink)
        case .try(let node): try runTry(node, into: sink)
        case .jump(let node):
            throw .leaveLoop(isBreak: node.kind == .break, label: try label(of: node), [])
        case .flow(let node):
            switch node.kind {
            case .return:
                if isMethodBody {
                    throw .leaveMethod(
                        try node.value.map { (value) throws(Interrupt) in try worth(of: value) } ?? .null)
                }
                if case .assignment(let assignment)? = node.value {
                    try Evaluator.enumerate(try assign(assignment), into: sink)
                } else if let value = node.value {
                    try run(value, into: sink)
                }
                throw .leaveBlock([])
            case .throw: throw try thrown(node.value)
            case .exit: throw .exit(try exitCode(node.value))
            }
        case .function(let node):
            guard var function = ScriptFunction(node, types: scriptTypes) else {
                throw .handOver("an unusual function")
            }
            function.definition = source[node.extent.start..<node.extent.end]
            functions[node.name.lowercased()] = function
        // The types of a script exist before its first statement.
        case .type: break
        default: throw .handOver("an unusual statement")
        }
    }

    /// Returns the label of the loop that a jump is for.
    private func label(of node: JumpStatementSyntax) throws(Interrupt) -> String? {
        guard let label = node.label else { return nil }
        guard case .string(let name) = label else { throw .handOver("a computed label") }
        return name.value
    }

    /// Returns the code of `exit`.
    private func exitCode(_ statement: StatementSyntax?) throws(Interrupt) -> Int32 {
        guard let statement else { return 0 }
        guard case .int(let code) = try worth(of: statement).plain else { throw .handOver("an unusual exit code") }
        return code
    }

    /// Returns the exception of `throw`.
    private func thrown(_ statement: StatementSyntax?) throws(Interrupt) -> Interrupt {
        // If errors are silenced and nothing catches them, PowerShell continues after `throw`.
        guard preference != .silence else { throw .handOver("throw under a silent $ErrorActionPreference") }
        guard let statement else {
            return .fatal(caught.last ?? .thrown(.null, "ScriptHalted"))
        }
        let value = try worth(of: statement)
        if let record = caught.last, let message = ErrorRecords.message(of: value), message == record.message {
            return .fatal(record)
        }
        if case .object(let object) = value, let type = ErrorRecords.certainType(of: object),
            case .string(let message)? = object["Message"]
        {
            // The exception of an error that is being handled is that error again, whose other details are missing
            // here.
            guard caught.isEmpty else { throw .handOver("throwing an exception within catch") }
            return .fatal(.thrown(type, message))
        }
        if case .object(let object) = value, !object.isOfScript { throw .handOver("throwing an object") }
        let message = value.isNull ? "ScriptHalted" : try PSText.string(try spoken(value))
        return .fatal(.thrown(value.withoutNothing, message))
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
        guard block.kept == nil else { throw .handOver("a closure in this scope") }
        if let parameters = block.syntax.scriptBlock.parameterBlock, !parameters.parameters.isEmpty {
            throw .handOver("a script block with parameters")
        }
        do throws(Interrupt) {
            try inside(block) { () throws(Interrupt) in try run(body, into: sink) }
        } catch {
            guard case .leaveBlock = error else { throw error }
        }
    }

    /// Returns what a script block emits for an object, as one value.
    func result(of block: PSBlock, on item: PSValue) throws(Interrupt) -> PSValue {
        lists += 1
        if let expression = block.syntax.scriptBlock.body?.pureExpression, !expression.isStep,
            block.syntax.scriptBlock.parameterBlock == nil, block.kept == nil
        {
            let outer = current
            current = item
            defer { current = outer }
            do throws(Interrupt) {
                let value = try inside(block) { () throws(Interrupt) in try self.worth(of: expression) }
                if case .array(let items) = value { return .collapsed(items) }
                return value
            } catch {
                switch error {
                case .statement(let record) where tries == 0:
                    try report(record)
                    return .nothing
                case .leaveBlock(let items): return .collapsed(items)
                default: throw error
                }
            }
        }
        var items: [PSValue] = []
        try step()
        try run(block, on: item) { (output) throws(Interrupt) in items.append(output) }
        return .collapsed(items)
    }

    /// Returns what a script block emits for an object, where any error ends the block and leaves it without a value.
    func property(of block: PSBlock, on item: PSValue) throws(Interrupt) -> PSValue {
        tries += 1
        defer { tries -= 1 }
        do throws(Interrupt) {
            return try result(of: block, on: item)
        } catch {
            switch error {
            case .statement(let record), .fatal(let record): throw .blockFailed(record)
            default: throw error
            }
        }
    }

    /// Runs a pipeline whose input objects are all available.
    func run(_ node: PipelineSyntax, into sink: Sink) throws(Interrupt) {
        guard !node.isBackground, let first = node.elements.first else { throw .handOver("a background job") }
        if node.elements.count == 1, case .expression(let element) = first {
            if element.expression.isStep {
                _ = try value(of: element.expression)
                return
            }
            if !element.redirections.isEmpty {
                return try withoutActuallyEscapingSink(sink) { (sink) throws(Interrupt) in
                    try RunningPipeline(node, in: self, sink: sink).run()
                }
            }
            return try stream(element.expression, into: sink)
        }
        try withoutActuallyEscapingSink(sink) { (sink) throws(Interrupt) in
            let pipeline = try RunningPipeline(node, in: self, sink: sink)
            try pipeline.run()
        }
    }

    /// Sends the value of an expression down a pipeline. Output that a statement in `$( )` or `( )` emitted before an
    /// error is kept.
    func stream(_ expression: ExpressionSyntax, into sink: Sink) throws(Interrupt) {
        switch expression {
        case .sub(let node):
            try keeping(sink) { (sink) throws(Interrupt) in try run(node.block, into: sink) }
        case .paren(let node):
            if let inner = node.pureExpression { return try Evaluator.enumerate(try worth(of: inner), into: sink) }
            guard case .pipeline = node.pipeline else { fallthrough }
            try keeping(sink) { (sink) throws(Interrupt) in try run(node.pipeline, into: sink) }
        default: try Evaluator.enumerate(try worth(of: expression), into: sink)
        }
    }

    /// Collects what a body emits and then passes it on, even if the body is left early.
    private func keeping(_ sink: Sink, _ body: (Sink) throws(Interrupt) -> Void) throws(Interrupt) {
        var items: [PSValue] = []
        var reason: Interrupt?
        collecting += 1
        defer { collecting -= 1 }
        do throws(Interrupt) {
            try body { (item) throws(Interrupt) in
                try note(item)
                items.append(item)
            }
        } catch {
            if case .handOver = error { throw error }
            reason = error
        }
        for item in items { try sink(item) }
        if let reason { throw reason }
    }

    private func withoutActuallyEscapingSink(
        _ sink: Sink, _ body: (@escaping Sink) throws(Interrupt) -> Void
    ) throws(Interrupt) {
        // The check behind this call keeps the length of its file's path, which would differ with the folder that is
        // built in.
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

    /// Sends a value down a pipeline; a list is sent element by element.
    static func enumerate(_ value: PSValue, into sink: Sink) throws(Interrupt) {
        switch value {
        case .nothing: return
        case .array(let items): for item in items where !item.isNothing { try sink(item) }
        case .list(let list): for item in list.items { try sink(item) }
        default: for item in value.elements ?? [value] { try sink(item) }
        }
    }
}

extension ExpressionSyntax {
    /// Whether the expression is `$x[0]` or the like, also in parentheses.
    var isIndex: Bool {
        switch self {
        case .index: true
        case .paren(let paren): paren.pureExpression?.isIndex ?? false
        default: false
        }
    }

    /// Whether the expression is `$x++` or the like, which emits nothing as a statement.
    var isStep: Bool {
        guard case .unary(let unary) = self else { return false }
        switch unary.op {
        case .plusPlus, .minusMinus, .postfixPlusPlus, .postfixMinusMinus: return true
        default: return false
        }
    }
}
