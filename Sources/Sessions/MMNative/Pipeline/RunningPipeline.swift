import MMCore
import PowerShellSyntax

/// A running pipeline: each object is pushed in at the head and passes through every command before the next one
/// follows.
final class RunningPipeline {
    private let evaluator: Evaluator
    private let stages: [Stage]
    private let head: PipelineSetup.Head
    private let sink: Sink
    private var firstOpen = 0
    private let recordings: [RecordedOutput]
    /// Where messages go while the head runs, and while what follows this pipeline does; `nil` if all go where they
    /// went before.
    private let routes: (head: MessageRoutes, outer: MessageRoutes)?
    /// The messages that the head puts out among its objects.
    private let merged: MergedMessages?
    private let failing: FailingCommand

    /// Sets up a pipeline.
    init(_ node: PipelineSyntax, in evaluator: Evaluator, sink: @escaping Sink) throws(Interrupt) {
        let setup = try PipelineSetup(node, in: evaluator)
        self.evaluator = evaluator
        self.sink = sink
        (head, stages, recordings, failing) = (setup.head, setup.stages, setup.recordings, setup.failing)
        (routes, merged) = setup.connect(to: sink)
    }

    /// Runs the pipeline from its head.
    func run() throws(Interrupt) {
        do throws(Interrupt) {
            try evaluator.routing(routes?.head) { () throws(Interrupt) in try runHead() }
            try merged?.release { (item) throws(Interrupt) in _ = try pushOne(item) }
            try finish()
        } catch {
            switch error {
            case .statement(let record), .fatal(let record), .refused(let record):
                guard !record.isKept, let recorded = failing.recorded(orOf: routes?.head) else { break }
                try recorded.add(error: ErrorRecords.value(of: record, isWhole: evaluator.onlyReads), in: evaluator)
            default: break
            }
            throw error
        }
        for recorded in recordings { try recorded.end(in: evaluator) }
    }

    private func runHead() throws(Interrupt) {
        switch head {
        case .source(let rows):
            try open()
            try begin()
            try rows.read { (item) throws(Interrupt) in try push(item) }
        case .function(let function, let arguments, let isDotted):
            try run(function, arguments, isDotted)
        case .expression(let expression):
            let collection = try evaluator.enumeration(of: expression)
            var items: [PSValue] = []
            switch expression {
            case .sub, .paren: try evaluator.stream(expression) { (item) throws(Interrupt) in items.append(item) }
            default:
                try Evaluator.enumerate(try evaluator.worth(of: expression)) { (item) throws(Interrupt) in
                    items.append(item)
                }
            }
            try open()
            try begin()
            for item in items {
                guard try push(item) else { break }
                try collection?.check()
            }
        case .value(let value):
            try open()
            try begin()
            _ = try push(value)
        case .none:
            try open()
            try begin()
        }
    }

    /// Runs a function until it ends, or until no more of its output is wanted.
    private func run(
        _ function: ScriptFunction, _ arguments: FunctionArguments, _ isDotted: Bool
    ) throws(Interrupt) {
        let end = ObjectIdentifier(self)
        let call = FunctionCall(function, arguments, isPiped: false, isDotted: isDotted, in: evaluator)
        let sink: Sink = { [unowned self] (item) throws(Interrupt) in
            guard try push(item) else { throw .stopUpstream(end) }
        }
        do throws(Interrupt) {
            try open()
            try call.begin(into: sink)
            try begin()
            try call.process(nil, into: sink)
            try call.end(into: sink)
        } catch {
            guard case .stopUpstream(let identity) = error, identity == end else { throw error }
        }
    }

    /// Empties the variables that commands fill, before any command runs.
    private func open() throws(Interrupt) {
        for recorded in recordings { try recorded.begin(in: evaluator) }
    }

    /// Starts every command that no object has started yet.
    private func begin() throws(Interrupt) {
        for stage in stages {
            try failing.watching(stage.routes, evaluator) { () throws(Interrupt) in try stage.start() }
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
            try failing.watching(routes?.outer, evaluator) { () throws(Interrupt) in try sink(item) }
            return true
        }
        do throws(Interrupt) {
            try failing.watching(first.routes, evaluator) { () throws(Interrupt) in try first.take(item) }
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
                try failing.watching(stage.routes, evaluator) { () throws(Interrupt) in
                    try stage.start()
                    try stage.finish()
                }
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
    private let rows: SourceRows

    init(_ rows: SourceRows) { self.rows = rows }

    override func process(_ item: PSValue) throws(Interrupt) {
        try rows.with(input: item).read { (row) throws(Interrupt) in
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
    /// The variables that get the cmdlet's output and messages.
    let recorded: RecordedOutput
    private let box = RowsBox()

    init(_ call: CmdletCall, of source: any CmdletSource, _ recorded: RecordedOutput, in evaluator: Evaluator) {
        self.call = call
        self.source = source
        self.recorded = recorded
        self.evaluator = evaluator
    }

    /// Returns the reader of the same cmdlet for a pipeline object.
    func with(input: PSValue) -> SourceRows {
        SourceRows(call.with(input: input), of: source, recorded, in: evaluator)
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
        for text in batch.warnings {
            try recorded.add(warning: text, in: evaluator)
            evaluator.show(.warning(text))
        }
        for text in batch.information { evaluator.show(.information(text)) }
        for error in batch.errors {
            try evaluator.record(error, isKept: batch.errorDisplay != .ignored)
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
            try evaluator.record(error)
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
        if box.rows != nil { evaluator.delivery.hasSent = true }
        switch box.answer {
        case .success(let batch): return batch
        case .failure(let fault):
            // What hands over has sent nothing; what fails may have failed by the service's answer.
            if case .failed = fault { evaluator.delivery.hasSent = true }
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
    private let call: FunctionCall

    init(_ function: ScriptFunction, _ arguments: FunctionArguments, _ evaluator: Evaluator) {
        call = FunctionCall(function, arguments, isPiped: true, in: evaluator)
    }

    override func begin() throws(Interrupt) { try call.begin(into: next) }

    override func process(_ item: PSValue) throws(Interrupt) { try call.process(item, into: next) }

    override func finish() throws(Interrupt) { try call.end(into: next) }
}
