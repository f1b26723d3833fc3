/// A running source cmdlet, read from the evaluating thread.
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

    /// Runs the cmdlet and hands its objects on until `take` wants no more.
    func read(_ take: (PSValue) throws(Interrupt) -> Bool) throws(Interrupt) {
        let (box, source, call) = (box, source, call)
        _ = try answer { () async throws(CmdletFault) -> CmdletBatch? in
            box.rows = try await source.open(call)
            return nil
        }
        while let batch = try answer({ () async throws(CmdletFault) -> CmdletBatch? in
            guard var rows = box.rows else { return nil }
            defer { box.rows = rows }
            return try await rows.next()
        }) {
            for text in batch.warnings { evaluator.delivery.note(.warning(text)) }
            for text in batch.information { evaluator.delivery.note(.information(text)) }
            for error in batch.errors { evaluator.delivery.note(.error(error)) }
            for item in batch.objects {
                guard try take(item) else { return }
            }
        }
    }

    private func answer(
        _ work: @escaping @Sendable () async throws(CmdletFault) -> CmdletBatch?
    ) throws(Interrupt) -> CmdletBatch? {
        let box = box
        try evaluator.delivery.perform {
            do throws(CmdletFault) { box.answer = .success(try await work()) } catch { box.answer = .failure(error) }
        }
        evaluator.delivery.hasSent = evaluator.delivery.hasSent || box.rows != nil
        switch box.answer {
        case .success(let batch): return batch
        case .failure(.failed(let record)): throw .statement(record)
        case .failure(.handedOver(let reason)): throw .handOver(reason)
        case .failure(.interrupted(let stop)): throw stop.reason
        }
    }
}

/// What the evaluating thread and the task that waits for it pass each other.
///
/// `@unchecked Sendable`: the thread stands still while the task works on it, and reads it only when that is done.
private final class RowsBox: @unchecked Sendable {
    var rows: (any CmdletRows)?
    var answer: Result<CmdletBatch?, CmdletFault> = .success(nil)
}
