import MMCore
import MMShell
import MMSystem

/// `shell wait`, `ssh wait`: waits for a command.
struct ShellWait: CatalogueOperation {
    let place: ShellPlace

    struct Input: OperationInput {
        static let fields = [
            ShellPlace.handleField,
            InputField("for", .text, "Until this text was written."),
            InputField("matching", .text, "Until a line matches this regular expression."),
            InputField("quiet", .integer(1...3600), "Until nothing was written for so many seconds."),
            InputField("yield", .integer(0...3600), "Seconds until the call answers in any case (default 30)."),
        ]
        let job: String?
        let wish: WaitingWish
        let yield: Duration?

        init(from reader: InputReader) throws(MMError) {
            job = try reader.text("job")
            wish = WaitingWish(
                text: try reader.text("for"),
                pattern: try reader.text("matching").map { (text) throws(MMError) in try RegularExpression(text) },
                quiet: try reader.integer("quiet").map { .seconds($0) })
            yield = try reader.integer("yield").map { .seconds($0) }
        }
    }

    var declaration: OperationDeclaration {
        place.declaration(
            "wait", "Wait for a command", "Wait until a command ends, writes a text or a pattern, or is quiet.",
            effects: .init(readOnly: true, openWorld: true),
            examples: [("mm \(place.rawValue) wait cmd-… --for 'Listening'", "until the text is there")])
    }

    func run(
        _ input: Input, in context: OperationContext, with services: WorkServices
    ) async throws(MMError) -> OperationAnswer {
        let work = try await services.work(
            try OperationContext.required(handle: input.job), of: context.call)
        let patience = input.yield ?? .seconds(context.isTerminal ? 86_400 : 30)
        let prompt = try await work.wait(
            for: input.wish, until: min(.after(patience), context.isTerminal ? .never : context.deadline))
        if Task.isCancelled { throw MMError(.cancelled, "The wait was cancelled; the command keeps running.") }
        return try await work.answer(to: context, prompt: prompt, from: services)
    }
}
