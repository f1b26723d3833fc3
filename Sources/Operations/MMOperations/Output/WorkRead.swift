import MMCore
import MMSessions
import MMShell

/// `output` with the handle of work that goes on: a call, or a command of a shell.
struct WorkRead: Sendable {
    let work: any OperationWork
    let services: WorkServices

    /// Reads what came of it, waits for it, or ends it.
    ///
    /// Reading changes nothing: the answer can be read again.
    func run(_ input: OutputRead.Input, in context: OperationContext) async throws(MMError) -> OperationAnswer {
        if input.action == "cancel" { return try await work.end(for: context, from: services) }
        var prompt: ShellPrompt?
        if input.action == "wait" {
            // Who waits hears what the work tells, as who started it did.
            let (events, report) = (work.events, context.call.progress)
            let telling = Task {
                for await event in events {
                    guard case .progress(let now) = event else { continue }
                    report(ProgressReport(done: now.done, total: now.total, message: now.message))
                }
            }
            defer { telling.cancel() }
            prompt = try await work.wait(for: WaitingWish(), until: .after(wait(in: context)))
        }
        if Task.isCancelled { throw MMError(.cancelled, "The wait was cancelled; the job keeps running.") }
        if input.filter == nil, input.offset > 0 || input.limit != nil {
            guard input.unit == nil || input.unit == .bytes else {
                throw MMError(
                    .invalidInput, "What a job wrote is counted in bytes.", hint: "Leave out unit, or say bytes.")
            }
            return try await work.page(.stdout, from: input.offset, limit: input.limit, to: context, from: services)
        }
        let answer = try await work.answer(to: context, prompt: prompt, from: services)
        guard let filter = input.filter, work.ended != nil else { return answer }
        let filtered = try await JQProgram(filter).run(on: try await Self.json(of: answer))
        return OperationAnswer(.text(String(decoding: filtered, as: UTF8.self)), connection: answer.connection)
    }

    /// As long as the caller's own patience, and not beyond the call's end.
    private func wait(in context: OperationContext) -> Duration {
        let left = context.deadline.instant.map { max(.zero, $0 - .now - .milliseconds(200)) } ?? .seconds(86_400)
        return min(context.call.backgroundAfter ?? left, left)
    }

    /// The answer as one JSON text, for a filter.
    private static func json(of answer: OperationAnswer) async throws(MMError) -> [UInt8] {
        switch answer.body {
        case .json(let bytes): return bytes
        case .value(let value): return JSONWriter.bytes(value)
        case .text(let text): return JSONWriter.bytes(.string(text))
        case .bytes:
            throw MMError(.invalidInput, "The answer isn't JSON: a filter has nothing to work on.")
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
