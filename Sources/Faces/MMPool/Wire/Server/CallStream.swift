import MMCore
import MMHTTP
import MMOperations

/// Carries out one call and reports on it as Server-Sent Events.
struct CallStream: Sendable {
    let service: any OperationService
    let open: CallQuestions
    /// The call, whose context has neither progress nor person: this stream supplies both.
    let call: IncomingCall
    /// Whether a person is present on the client's side.
    let hasPerson: Bool
    /// Whether that person sits at a terminal.
    let isAtTerminal: Bool
    /// Whether the client supplies standard input on demand.
    let hasInput: Bool

    /// Returns the answer: a stream of events that ends with `answer` or `problem`.
    func response() -> HTTPServerResponse {
        .events { (writer) async throws(HTTPError) in try await run(writer) }
    }

    private func run(_ writer: SSEWriter) async throws(HTTPError) {
        let id = RandomBytes.text(bytes: 18)
        let outbox = CallOutbox()
        var context = call.context
        context.progress = { outbox.report($0) }
        context.person =
            hasPerson
            ? RemotePerson(call: id, outbox: outbox, questions: open.questions, isAtTerminal: isAtTerminal) : nil
        // Input from an unknown program never counts as a terminal's.
        context.input =
            hasInput && context.caller.surface == .terminal
            ? RemoteInput(call: id, outbox: outbox, questions: open.inputs) : nil
        let inner = context
        // When the client disconnects, the writer fails, which ends the group and with it the call.
        let outcome: Result<Void, HTTPError> = await withTaskGroup(of: Void.self) { group in
            group.addTask {
                let outcome = await Result { () async throws(MMError) in
                    try await service.call(call.operation, call.arguments, in: inner)
                }
                guard case .success(let answer) = outcome, let stream = answer.body.stream else {
                    return outbox.finish(outcome)
                }
                outbox.finish(outcome)
                await Self.hand(stream, to: outbox)
            }
            defer { group.cancelAll() }
            do throws(HTTPError) {
                try await writer.send(CallEvent.call(id).event)
                try await tell(outbox, writer)
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try outcome.get()
    }

    private func tell(_ outbox: CallOutbox, _ writer: SSEWriter) async throws(HTTPError) {
        var flowing: OperationAnswer?
        while let message = await outbox.next() {
            switch message {
            case .event(let event): try await writer.send(event.event)
            case .outcome(.failure(let error)), .end(.failure(let error)):
                return try await writer.send(CallEvent.problem(error).event)
            case .outcome(.success(let answer)):
                let object = AnswerWire.object(answer)
                guard answer.body.stream != nil else { return try await writer.send(CallEvent.answer(object).event) }
                try await writer.send(CallEvent.head(object).event)
                flowing = answer
            case .rows(let batch): try await writer.send(CallEvent.items(batch).event)
            case .end(.success(let end)):
                guard var whole = flowing else { break }
                whole.notes += end.notes
                whole.errors += end.errors
                whole.exitStatus = end.exitStatus ?? whole.exitStatus
                return try await writer.send(CallEvent.answer(AnswerWire.object(whole)).event)
            }
        }
        throw HTTPError(.cancelled, "The call was cancelled.")
    }

    /// Passes rows on as they are fetched. A slow client slows down fetching.
    private static func hand(_ stream: ItemStream, to outbox: CallOutbox) async {
        do throws(MMError) {
            while let batch = try await stream.next() {
                guard await outbox.hand(batch) else { return }
            }
            outbox.end(.success(stream.end()))
        } catch {
            outbox.end(.failure(error))
        }
    }
}
