import MMCore
import MMSessions

/// `output` with the handle of a call that goes on.
struct JobRead: Sendable {
    /// The job's handle.
    let handle: String

    /// Reads the job's answer, waits for it, or ends the job.
    ///
    /// Reading changes nothing: the answer can be read again.
    func run(_ input: OutputRead.Input, in context: OperationContext) async throws(MMError) -> OperationAnswer {
        let reach = OperationJobs.reach(of: context.call)
        let job = try context.services.jobs.board.job(handle, for: reach)
        switch input.action {
        case "cancel":
            // What has ended can't be called off; its answer is there to be read.
            if job.result == nil {
                let report = try await context.services.jobs.board.cancel(handle, for: reach)
                if report.state == .cancelled { return .value(["status": "cancelled", "handle": .string(handle)]) }
            }
        case "wait": _ = await job.result(within: wait(in: context), endsEarly: true)
        default: break
        }
        if Task.isCancelled { throw MMError(.cancelled, "The wait was called off; the job goes on.") }
        guard let result = job.result else { return JobAnswer.running(job.report, in: context.services.jobs) }
        let answer = try result.get().given(from: context.services.outputs)
        guard let filter = input.filter else {
            return input.offset > 0 || input.limit != nil ? try page(of: answer, input) : answer
        }
        let filtered = try await JQProgram(filter).run(on: try await JobRead.json(of: answer))
        return OperationAnswer(.text(String(decoding: filtered, as: UTF8.self)), connection: answer.connection)
    }

    /// As long as the caller's own patience, and not beyond the call's end.
    private func wait(in context: OperationContext) -> Duration {
        let left = context.deadline.instant.map { max(.zero, $0 - .now - .milliseconds(200)) } ?? .seconds(86_400)
        return min(context.call.patience ?? left, left)
    }

    private func page(of answer: OperationAnswer, _ input: OutputRead.Input) throws(MMError) -> OperationAnswer {
        throw MMError(
            .invalidInput, "The answer of a job is read whole.",
            hint: answer.stored.map { "It is stored: page it with the handle \($0.handle)." }
                ?? "Leave out offset and limit; it is short.")
    }

    /// The answer as one JSON text, for a filter.
    private static func json(of answer: OperationAnswer) async throws(MMError) -> [UInt8] {
        switch answer.body {
        case .json(let bytes): return bytes
        case .value(let value): return JSONWriter.bytes(value)
        case .text(let text): return JSONWriter.bytes(.string(text))
        case .bytes:
            throw MMError(.invalidInput, "The answer is no JSON: a filter has nothing to work on.")
        case .items(let stream), .output(let stream):
            var bytes: [UInt8] = [UInt8(ascii: "[")]
            while let batch = try await stream.next() {
                for item in batch {
                    if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
                    bytes += item
                }
            }
            bytes.append(UInt8(ascii: "]"))
            return bytes
        }
    }
}
