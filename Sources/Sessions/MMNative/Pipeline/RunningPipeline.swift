import MMCore
import PowerShellSyntax

/// A running pipeline: each object is pushed in at the head and passes through every command before the next one
/// follows.
final class RunningPipeline {
    /// The origin of the pipeline's objects.
    private enum Head {
        case expression(ExpressionSyntax)
        case value(PSValue)
        case source(CmdletCall, any CmdletSource)
        case function(ScriptFunction, FunctionArguments, isDotted: Bool)
        /// The first command creates the objects.
        case none
    }

    private let evaluator: Evaluator
    private let stages: [Stage]
    private let head: Head
    private let sink: Sink
    private var firstOpen = 0
    private let recordings: [RecordedOutput]
    /// Where messages go while the head runs, and while what follows this pipeline does; `nil` if no command redirects
    /// any.
    private let routes: (head: MessageRoutes, outer: MessageRoutes)?
    /// The messages that the head puts out among its objects.
    private let merged: MergedMessages?

    /// Sets up a pipeline: looks up names, binds parameters and evaluates arguments, so that errors in them surface
    /// before anything runs.
    init(_ node: PipelineSyntax, in evaluator: Evaluator, sink: @escaping Sink) throws(Interrupt) {
        self.evaluator = evaluator
        self.sink = sink
        var stages: [Stage] = []
        var recordings: [RecordedOutput] = []
        var head = Head.none
        var target = Redirection.Target.none
        var routed: [MessageRoutes] = []
        for (place, element) in node.elements.enumerated() {
            let before = stages.count
            switch element {
            case .expression(let expression):
                target = try Redirection.target(of: expression.redirections, in: evaluator)
                routed.append(MessageRoutes(expression.redirections))
                head = .expression(expression.expression)
            case .command(let command):
                let last = try Redirection.target(of: command.redirections, in: evaluator)
                if place == node.elements.count - 1 { target = last }
                let own = MessageRoutes(command.redirections)
                routed.append(own)
                // The command's stage, and that which records its output.
                defer { for stage in stages.dropFirst(before) { stage.routes = own } }
                if let function = try RunningPipeline.function(command, in: evaluator) {
                    let arguments = try FunctionArguments(command.words, of: function, in: evaluator)
                    if place == 0 {
                        head = .function(function, arguments, isDotted: command.invocation == .dot)
                    } else {
                        guard command.invocation != .dot else { throw .handOver("a function in this scope, piped to") }
                        stages.append(FunctionStage(function, arguments, evaluator))
                    }
                    Self.record(arguments.recorded, &stages, &recordings, evaluator)
                    continue
                }
                if let (call, source, recorded) = try RunningPipeline.source(
                    command, isHead: place == 0, in: evaluator)
                {
                    if place == 0 {
                        head = .source(call, source)
                    } else {
                        stages.append(SourceStage(call, source, evaluator))
                    }
                    Self.record(recorded, &stages, &recordings, evaluator)
                    continue
                }
                if evaluator.onlyReads, let host = evaluator.host,
                    let path = try OpenedFile.path(of: command, in: evaluator)
                {
                    if !host.hasFile(path) { host.remark("Not opened: \(path)") }
                    guard node.elements.count == 1 else { throw .handOver("a pipeline with a file") }
                    continue
                }
                if let name = command.constantName, evaluator.missing.contains(name.lowercased()) {
                    throw .statement(RunningPipeline.notFound(name))
                }
                let bound = try BoundCommand(command, in: evaluator)
                if place == 0 {
                    if let own = bound["InputObject"] {
                        head = .value(own)
                    } else if !bound.specification.makesObjects {
                        // Errors in the command's arguments take precedence.
                        _ = try Cmdlets.stage(bound, evaluator)
                        guard evaluator.onlyReads, Self.ignoresNothing.contains(bound.specification.name) else {
                            throw .handOver("\(bound.specification.name) without input")
                        }
                    }
                } else if bound["InputObject"] != nil, bound.specification.name != "Write-Output" {
                    throw .handOver("-InputObject within a pipeline")
                }
                let stage = try Cmdlets.stage(bound, evaluator)
                let action = bound.errorAction
                stage.report = { (error) throws(Interrupt) in try evaluator.report(error, action) }
                stages.append(stage)
                Self.record(bound.recorded, &stages, &recordings, evaluator)
            }
        }
        switch target {
        case .none: break
        case .dropped: stages.append(NullStage())
        case .file(let file):
            let stage = OutFileStage(file, evaluator)
            stages.append(stage)
        }
        let outer = evaluator.routes
        let redirects = routed.contains { !$0.isEmpty }
        routes = redirects ? (outer.replaced(by: routed.first), outer) : nil
        let isFed = if case .none = head { false } else { true }
        merged = isFed ? routed.first?.merged : nil
        var before = merged
        for (place, stage) in stages.enumerated() {
            let own = stage.routes?.merged
            stage.routes = redirects ? outer.replaced(by: stage.routes) : nil
            stage.isPiped = place > 0 || isFed
            let pass: Sink
            if place + 1 < stages.count {
                let following = stages[place + 1]
                pass = { (item) throws(Interrupt) in
                    try evaluator.note(item)
                    try evaluator.routing(following.routes) { () throws(Interrupt) in try following.process(item) }
                }
            } else {
                pass =
                    redirects
                    ? { (item) throws(Interrupt) in
                        try evaluator.routing(outer) { () throws(Interrupt) in try sink(item) }
                    } : sink
                stage.isLast = true
            }
            // A stage that records a command's output stands after that command's own.
            if let own, own !== before { stage.merges(own, into: pass) } else { stage.next = pass }
            before = own
        }
        self.stages = stages
        self.head = head
        self.recordings = recordings
    }

    /// The cmdlets that need no input: without any they put out nothing, or a page without a table.
    private static let ignoresNothing: Set<String> = ["Where-Object", "Select-Object", "Sort-Object", "ConvertTo-Html"]

    /// Fills a command's variables with its output, and with the errors of the pipeline.
    private static func record(
        _ recorded: RecordedOutput, _ stages: inout [Stage], _ recordings: inout [RecordedOutput],
        _ evaluator: Evaluator
    ) {
        guard !recorded.isEmpty else { return }
        recordings.append(recorded)
        stages.append(RecordingStage(recorded, evaluator))
    }

    /// Returns the error for an unknown command.
    private static func notFound(_ name: String) -> NativeError {
        NativeError(
            "CommandNotFoundException",
            "The term '\(name)' is not recognized as a name of a cmdlet, function, script file, or executable program.\n"
                + "Check the spelling of the name, or if a path was included, verify that the path is correct and try again.",
            category: "ObjectNotFound", command: name, isReadable: true)
    }

    /// Returns the name of a command: a constant, or the value of the text in `& 'Name'`.
    static func name(of command: CommandSyntax, in evaluator: Evaluator) throws(Interrupt) -> String? {
        if let name = command.constantName { return name }
        guard evaluator.onlyReads, command.invocation == .call, case .argument(let node)? = command.elements.first
        else {
            return nil
        }
        switch try evaluator.value(of: node) {
        case .string(let name): return name
        case .object(let object): return object.typeName == HostCommands.commandType ? object["Name"]?.text : nil
        default: return nil
        }
    }

    /// Returns the script's own function or block that a command calls.
    private static func function(
        _ command: CommandSyntax, in evaluator: Evaluator
    ) throws(Interrupt) -> ScriptFunction? {
        if let name = command.constantName { return evaluator.functions[name.lowercased()] }
        guard command.invocation == .call || command.invocation == .dot && evaluator.onlyReads,
            case .argument(let node)? = command.elements.first
        else { return nil }
        let value = try evaluator.value(of: node)
        switch value {
        case .block(let block):
            guard let function = ScriptFunction(calling: block, types: evaluator.scriptTypes) else {
                throw .handOver("an unusual block")
            }
            return function
        case .string(let name):
            guard let function = evaluator.functions[name.lowercased()] else {
                guard evaluator.onlyReads else { throw .handOver("a command whose name is computed") }
                return nil
            }
            return function
        case .object(let object) where evaluator.onlyReads && object.typeName == HostCommands.commandType:
            return object["Name"].flatMap { evaluator.functions[$0.text.lowercased()] }
        default: throw .handOver("a command whose name is computed")
        }
    }

    /// Returns the call of a source's cmdlet; `nil` if the command is the engine's own.
    private static func source(
        _ command: CommandSyntax, isHead: Bool, in evaluator: Evaluator
    ) throws(Interrupt) -> (CmdletCall, any CmdletSource, RecordedOutput)? {
        guard command.invocation != .dot, let written = try RunningPipeline.name(of: command, in: evaluator) else {
            return nil
        }
        let name = written.split(separator: "\\").last.map(String.init) ?? written
        guard Cmdlets.specification(of: name) == nil, let source = evaluator.sources.first(where: { $0.knows(name) })
        else { return nil }
        // By its text the script is a report, in which more is allowed than where something is changed.
        guard command.constantName != nil || name.lowercased().hasPrefix("get-") else {
            throw .handOver("\(name) by a computed name, which may change something")
        }
        let whole = try CmdletCall(command, name: name, in: evaluator)
        var arguments = whole.arguments
        let recorded = RecordedOutput(takenFrom: &arguments)
        var call = CmdletCall(name: name, arguments: arguments)
        call.takesInput = !isHead
        // As in PowerShell, a report goes on after a refused request. Before a change the refusal ends the script,
        // because its answer could decide what is changed.
        call.errorPreference = evaluator.preferenceWord ?? (evaluator.onlyReads ? "continue" : nil)
        do throws(CmdletFault) {
            try source.check(call)
        } catch {
            switch error {
            case .failed(let record): throw .statement(record)
            case .handedOver(let reason): throw .handOver(reason)
            case .interrupted(let stop): throw stop.reason
            }
        }
        return (call, source, recorded)
    }

    /// Runs the pipeline from its head.
    func run() throws(Interrupt) {
        guard !recordings.isEmpty else { return try runThrough() }
        let before = evaluator.errors.items.count
        do throws(Interrupt) {
            try runThrough()
        } catch {
            switch error {
            case .statement(let record), .fatal(let record), .refused(let record):
                try recordErrors(since: before, ErrorRecords.value(of: record, isWhole: evaluator.onlyReads))
            default: break
            }
            throw error
        }
        try recordErrors(since: before, nil)
        for recorded in recordings { try recorded.end(in: evaluator) }
    }

    private func recordErrors(since before: Int, _ last: PSValue?) throws(Interrupt) {
        let new = evaluator.errors.items.dropLast(before).reversed() + [last].compactMap(\.self)
        for recorded in recordings {
            for error in new { try recorded.add(error: error, in: evaluator) }
        }
    }

    private func runThrough() throws(Interrupt) {
        try evaluator.routing(routes?.head) { () throws(Interrupt) in try runHead() }
        try merged?.release { (item) throws(Interrupt) in _ = try pushOne(item) }
        try finish()
    }

    private func runHead() throws(Interrupt) {
        switch head {
        case .source(let call, let source):
            try begin()
            try SourceRows(call, of: source, in: evaluator).read { (item) throws(Interrupt) in try push(item) }
        case .function(let function, let arguments, let isDotted):
            try begin()
            try run(function, arguments, isDotted)
        case .expression(let expression):
            var items: [PSValue] = []
            switch expression {
            case .sub, .paren: try evaluator.stream(expression) { (item) throws(Interrupt) in items.append(item) }
            default:
                try Evaluator.enumerate(try evaluator.worth(of: expression)) { (item) throws(Interrupt) in
                    items.append(item)
                }
            }
            try begin()
            for item in items {
                guard try push(item) else { break }
            }
        case .value(let value):
            try begin()
            _ = try push(value)
        case .none:
            try begin()
        }
    }

    /// Runs a function until it ends, or until no more of its output is wanted.
    private func run(
        _ function: ScriptFunction, _ arguments: FunctionArguments, _ isDotted: Bool
    ) throws(Interrupt) {
        let end = ObjectIdentifier(self)
        do throws(Interrupt) {
            try evaluator.call(function, arguments, input: nil, isDotted: isDotted) { (item) throws(Interrupt) in
                guard try push(item) else { throw .stopUpstream(end) }
            }
        } catch {
            guard case .stopUpstream(let identity) = error, identity == end else { throw error }
        }
    }

    /// Starts every command.
    private func begin() throws(Interrupt) {
        for stage in stages {
            try evaluator.routing(stage.routes) { () throws(Interrupt) in try stage.begin() }
        }
    }

    /// Pushes one object into the pipeline; returns `false` if no more are wanted.
    private func push(_ item: PSValue) throws(Interrupt) -> Bool {
        try merged?.release { (message) throws(Interrupt) in _ = try pushOne(message) }
        return try pushOne(item)
    }

    private func pushOne(_ item: PSValue) throws(Interrupt) -> Bool {
        try evaluator.step()
        try evaluator.note(item)
        guard let first = stages.first else {
            try evaluator.routing(routes?.outer) { () throws(Interrupt) in try sink(item) }
            return true
        }
        do throws(Interrupt) {
            try evaluator.routing(first.routes) { () throws(Interrupt) in try first.process(item) }
            return true
        } catch {
            try stop(error)
            return false
        }
    }

    /// Finishes the commands that are still open.
    private func finish() throws(Interrupt) {
        while firstOpen < stages.count {
            let stage = stages[firstOpen]
            firstOpen += 1
            do throws(Interrupt) {
                try evaluator.routing(stage.routes) { () throws(Interrupt) in try stage.finish() }
                try stage.releaseMessages()
            } catch {
                try stop(error)
            }
        }
    }

    private func stop(_ reason: Interrupt) throws(Interrupt) {
        guard case .stopUpstream(let identity) = reason,
            let place = stages.firstIndex(where: { ObjectIdentifier($0) == identity })
        else { throw reason }
        firstOpen = max(firstOpen, place + 1)
    }
}

/// A source's cmdlet after a `|`, which runs once for each incoming object.
final class SourceStage: Stage {
    private let call: CmdletCall
    private let source: any CmdletSource
    private let evaluator: Evaluator

    init(_ call: CmdletCall, _ source: any CmdletSource, _ evaluator: Evaluator) {
        self.call = call
        self.source = source
        self.evaluator = evaluator
    }

    override func process(_ item: PSValue) throws(Interrupt) {
        try SourceRows(call.with(input: item), of: source, in: evaluator).read { (row) throws(Interrupt) in
            try next(row)
            return true
        }
    }
}

/// A reader of a running source cmdlet for the evaluating thread.
struct SourceRows {
    private let source: any CmdletSource
    private let call: CmdletCall
    private let evaluator: Evaluator
    private let box = RowsBox()

    init(_ call: CmdletCall, of source: any CmdletSource, in evaluator: Evaluator) {
        self.call = call
        self.source = source
        self.evaluator = evaluator
    }

    /// Runs the cmdlet and passes its objects on until `take` returns `false`.
    func read(_ take: (PSValue) throws(Interrupt) -> Bool) throws(Interrupt) {
        let (box, source, call) = (box, source, call)
        let atOnce: CmdletBatch?
        do throws(CmdletFault) { atOnce = try source.immediateOutput(call) } catch { return try fail(error) }
        if let atOnce {
            evaluator.delivery.hasSent = true
            _ = try handOn(atOnce, take)
            return
        }
        _ = try answer { () async throws(CmdletFault) -> CmdletBatch? in
            box.rows = try await source.open(call)
            return nil
        }
        while let batch = try answer({ () async throws(CmdletFault) -> CmdletBatch? in
            guard var rows = box.rows else { return nil }
            defer { box.rows = rows }
            return try await rows.next()
        }) {
            guard try handOn(batch, take) else { return }
        }
    }

    /// Passes a batch on; returns `false` once no more objects are wanted.
    private func handOn(_ batch: CmdletBatch, _ take: (PSValue) throws(Interrupt) -> Bool) throws(Interrupt) -> Bool {
        for text in batch.warnings { evaluator.show(.warning(text)) }
        for text in batch.information { evaluator.show(.information(text)) }
        for error in batch.errors {
            evaluator.record(error, isKept: batch.errorDisplay != .ignored)
            if batch.errorDisplay == .shown { evaluator.show(.error(error)) }
        }
        for (name, value) in batch.variables { try evaluator.set(name.lowercased(), value) }
        for item in batch.objects {
            guard try take(item) else { return false }
        }
        return true
    }

    /// Ends the cmdlet. The errors of modules' cmdlets end no statement by themselves, so a script that redirects them
    /// goes on.
    private func fail(_ fault: CmdletFault) throws(Interrupt) {
        switch fault {
        case .failed(let error) where evaluator.routes[.error] != nil:
            evaluator.record(error)
            evaluator.show(.error(error))
        case .failed(let error): throw .statement(error)
        case .handedOver(let reason): throw .handOver(reason)
        case .interrupted(let stop): throw stop.reason
        }
    }

    private func answer(
        _ work: @escaping @Sendable () async throws(CmdletFault) -> CmdletBatch?
    ) throws(Interrupt) -> CmdletBatch? {
        let box = box
        try evaluator.delivery.perform {
            box.answer = await Result(catching: work)
        }
        evaluator.delivery.hasSent = evaluator.delivery.hasSent || box.rows != nil
        switch box.answer {
        case .success(let batch): return batch
        case .failure(let fault):
            try fail(fault)
            return nil
        }
    }
}

/// The data that the evaluating thread and the waiting task exchange.
///
/// `@unchecked Sendable`: the thread blocks while the task uses the box, and reads it only after that.
private final class RowsBox: @unchecked Sendable {
    var rows: (any CmdletRows)?
    var answer: Result<CmdletBatch?, CmdletFault> = .success(nil)
}

/// A function of the script after a `|`.
final class FunctionStage: Stage {
    private let function: ScriptFunction
    private let arguments: FunctionArguments
    private let evaluator: Evaluator
    private var items: [PSValue] = []

    init(_ function: ScriptFunction, _ arguments: FunctionArguments, _ evaluator: Evaluator) {
        (self.function, self.arguments, self.evaluator) = (function, arguments, evaluator)
    }

    override func process(_ item: PSValue) throws(Interrupt) { items.append(item) }

    override func finish() throws(Interrupt) {
        try evaluator.call(function, arguments, input: items, into: next)
    }
}
