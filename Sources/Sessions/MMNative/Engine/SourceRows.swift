import MMCore

/// Reads a running source cmdlet from the evaluating thread.
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
        do throws(CmdletFault) { atOnce = try source.immediateOutput(call) } catch { throw Self.interrupt(error) }
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
        for text in batch.warnings { evaluator.delivery.note(.warning(text)) }
        for text in batch.information { evaluator.delivery.note(.information(text)) }
        for error in batch.errors {
            evaluator.errors.items.insert(ErrorRecords.value(of: error), at: 0)
            evaluator.hasSucceeded = false
            evaluator.delivery.note(.error(error))
        }
        for (name, value) in batch.variables { try evaluator.set(name.lowercased(), value) }
        for item in batch.objects {
            guard try take(item) else { return false }
        }
        return true
    }

    private static func interrupt(_ fault: CmdletFault) -> Interrupt {
        switch fault {
        case .failed(let record): .statement(record)
        case .handedOver(let reason): .handOver(reason)
        case .interrupted(let stop): stop.reason
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
        case .failure(let fault): throw Self.interrupt(fault)
        }
    }
}

/// What the evaluating thread and the waiting task exchange.
///
/// `@unchecked Sendable`: the thread blocks while the task uses the box, and reads it only after that.
private final class RowsBox: @unchecked Sendable {
    var rows: (any CmdletRows)?
    var answer: Result<CmdletBatch?, CmdletFault> = .success(nil)
}
