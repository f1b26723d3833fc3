import MMCore
import MMShell
import MMSystem

/// `shell wait`, `ssh wait`: waits for a command.
struct ShellWait: CatalogueOperation {
    let place: ShellPlace

    struct Input: OperationInput {
        @Argument(ShellPlace.handleField) var job: String?
        @Argument("for", "Wait until the output contains this text.") private var text: String?
        @Argument(
            "matching", "Wait until a line matches this regular expression.",
            as: { (text) throws(MMError) in try RegularExpression(text) })
        private var pattern: RegularExpression?
        @Argument("quiet", "Wait until there was no output for this many seconds.", in: 1...3600) private var quiet:
            Int?
        @Argument("yield", "Maximum seconds to wait (default 30).", in: 0...3600)
        private var seconds: Int?

        var wish: WaitingWish { WaitingWish(text: text, pattern: pattern, quiet: quiet.map { .seconds($0) }) }
        var yield: Duration? { seconds.map { .seconds($0) } }
    }

    var declaration: OperationDeclaration {
        place.declaration(
            "wait", "Wait for a command",
            "Wait until a command ends, prints a text or pattern, or prints nothing for some time.",
            effects: .init(readOnly: true, openWorld: true),
            examples: [
                ("mm \(place.rawValue) wait cmd-… --for 'Listening'", "waits until the output contains the text")
            ])
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
