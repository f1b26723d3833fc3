import MMCore
import MMHTTP
import MMOperations

/// Carries one call out and tells of it as Server-Sent Events.
struct CallStream: Sendable {
    let service: any OperationService
    let questions: OpenQuestions
    let operation: String
    let arguments: JSONObject
    /// The context without progress and person, which are this stream's.
    let context: CallContext
    /// Whether a person sits at the far end.
    let hasPerson: Bool
    /// Whether they sit at a terminal.
    let isAtTerminal: Bool

    /// The answer: a stream of events that ends with `answer` or `problem`.
    func response() -> HTTPServerResponse {
        .events { (writer) async throws(HTTPError) in try await run(writer) }
    }

    private func run(_ writer: SSEWriter) async throws(HTTPError) {
        let call = RandomBytes.text(bytes: 18)
        let outbox = CallOutbox()
        var context = context
        context.progress = { outbox.report($0) }
        context.person =
            hasPerson ? FarPerson(call: call, outbox: outbox, questions: questions, isAtTerminal: isAtTerminal) : nil
        let inner = context
        // When the client is gone the writer fails, the group ends, and with it the call.
        let outcome: Result<Void, HTTPError> = await withTaskGroup(of: Void.self) { group in
            group.addTask {
                let outcome = await Result { () async throws(MMError) in
                    try await service.call(operation, arguments, in: inner)
                }
                outbox.finish(outcome)
            }
            defer { group.cancelAll() }
            do throws(HTTPError) {
                try await writer.send(CallEvent.call(call).event)
                try await tell(outbox, writer)
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try outcome.get()
    }

    private func tell(_ outbox: CallOutbox, _ writer: SSEWriter) async throws(HTTPError) {
        while let message = await outbox.next() {
            switch message {
            case .event(let event): try await writer.send(event.event)
            case .outcome(.failure(let error)): return try await writer.send(CallEvent.problem(error).event)
            case .outcome(.success(let answer)):
                guard case .items(let stream) = answer.body else {
                    return try await writer.send(CallEvent.answer(AnswerWire.object(answer)).event)
                }
                return try await tell(answer, stream, outbox, writer)
            }
        }
        throw HTTPError(.cancelled, "The call was called off.")
    }

    /// Sends a list as it is fetched. A client that reads slowly holds the fetching back.
    private func tell(_ answer: OperationAnswer, _ stream: ItemStream, _ outbox: CallOutbox, _ writer: SSEWriter)
        async throws(HTTPError)
    {
        let object = AnswerWire.object(answer)
        try await writer.send(CallEvent.head(object).event)
        while true {
            let batch: [ArraySlice<UInt8>]?
            do throws(MMError) {
                batch = try await stream.next()
            } catch {
                return try await writer.send(CallEvent.problem(error).event)
            }
            while let event = outbox.pending() { try await writer.send(event.event) }
            guard let batch else {
                var whole = answer
                whole.notes += stream.closingNotes()
                return try await writer.send(CallEvent.answer(AnswerWire.object(whole)).event)
            }
            try await writer.send(CallEvent.items(batch).event)
        }
    }
}
