import MMCore
import MMOperations
import MMPool
import MMSessions

/// What a handle leads to whose node can't be asked any more.
struct GoneWork: Sendable {
    let entry: WorkDirectory.Entry
    /// Why the node was not reached; `nil` where it has been silent for so long that it is gone.
    let unreached: MMError?
    let work: ClusterWork
    let directory: WorkDirectory

    /// A stored answer, where it was kept.
    func output(
        _ operation: AnyOperation, _ arguments: JSONObject, _ context: CallContext
    ) async throws(MMError) -> OperationAnswer {
        var own = work.adopted(entry.handle)
        if own == nil, let kept = try? await directory.answer(entry.handle) {
            own = try work.adopt(
                kept, as: entry.handle, of: entry.connection, isRows: entry.isRows, to: context.caller)
        }
        guard let own else {
            if let unreached { throw unreached }
            let of = entry.connection.map { $0.hasPrefix("/") ? "" : " of \($0)" } ?? ""
            let again = "Run the request again" + (entry.operation.map { " (\($0)\(of))" } ?? "")
            throw MMError(
                .notFound,
                "The stored output '\(entry.handle)' went with the node at \(entry.address)"
                    + (entry.bytes.map { ": it had \($0) bytes, too many to be kept elsewhere." } ?? "."),
                hint: again + ", or wait until that node is back: answers lie in its state folder.", details: details)
        }
        var arguments = arguments
        arguments["handle"] = .string(own)
        var answer = try await work.local.call(operation, arguments, in: context)
        answer.notes.append("The node at \(entry.address), which had this answer, can't be asked; it was kept.")
        return answer
    }

    /// What became of a job.
    func job(
        _ operation: AnyOperation, _ arguments: JSONObject, _ context: CallContext
    ) async throws(MMError) -> OperationAnswer {
        let name = entry.operation ?? "The call"
        switch entry.state.flatMap({ JobReport.State(rawValue: $0) }) {
        case .done?:
            guard let kept = try? await directory.answer(entry.handle),
                let object = (try? JSONParser.parse(kept, limits: AnswerWire.limits))?.object,
                var answer = AnswerWire.answer(object, items: nil)
            else {
                if let unreached { throw unreached }
                throw MMError(
                    .notFound, "\(name) was done by the node at \(entry.address), which has gone with its answer.",
                    hint: "Read what it changed, or ask again for what it read.", details: details)
            }
            if arguments["filter"] != nil, let bytes = Self.json(answer.body) {
                var filtered = arguments
                filtered["handle"] = .string(
                    try work.adopt(
                        bytes, as: entry.handle, of: entry.connection, isRows: true, to: context.caller))
                filtered["action"] = nil
                return try await work.local.call(operation, filtered, in: context)
            }
            answer.notes.append("The node at \(entry.address), which carried it out, can't be asked; this was kept.")
            return answer
        case .failed?, .cancelled?:
            let end = entry.state == JobReport.State.failed.rawValue ? "failed" : "was cancelled"
            throw MMError(
                .remoteFailed,
                "\(name) \(end) at the node at \(entry.address), which can't be asked any more"
                    + (entry.summary.map { ": \($0)" } ?? "."),
                details: details)
        case .running?, nil:
            if let unreached { throw unreached }
            guard !entry.isReading else {
                throw MMError(
                    .notFound, "\(name) went with the node at \(entry.address); it only read.",
                    hint: "Call it again.", details: details)
            }
            var unknown = details
            unknown["ledger"] = "unknown"
            throw MMError(
                .unavailable, "\(name) went with the node at \(entry.address): whether it was done is unknown.",
                hint: "Check what it was to change before you repeat it.", details: unknown)
        }
    }

    private var details: JSONObject {
        ["node": .string(entry.address), "cluster": "gone", "handle": .string(entry.handle)]
    }

    private static func json(_ body: OperationAnswer.Body) -> [UInt8]? {
        switch body {
        case .json(let bytes): bytes
        case .value(let value): JSONWriter.bytes(value)
        case .text(let text): JSONWriter.bytes(.string(text))
        case .bytes, .items, .output: nil
        }
    }
}
