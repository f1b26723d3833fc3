import MMCore
import MMGuard

/// `endpoints`: which calls Microsoft Graph has, found by words, path or type; nothing is sent.
struct Endpoints: CatalogueOperation {
    struct Input: OperationInput {
        static let fields: [InputField] = [
            InputField(
                "question", .text,
                "What is to be done, in words, or a path such as /users/{id}/messages to be told all its methods.",
                at: .positional(0)),
            InputField(
                "method", .choice(["GET", "POST", "PATCH", "PUT", "DELETE"]), "Only calls with this method.",
                at: .option("X")),
            InputField("beta", .flag, "Calls that only beta has count as much as others."),
            InputField("top", .integer(1...25), "How many calls, best first (default 5)."),
            InputField(
                "properties", .text,
                "A type such as user: its properties, and what $select, $filter, $orderby, $search and $expand take."),
        ]
        let question: String?
        let method: String?
        let beta: Bool
        let top: Int
        let properties: String?

        init(from reader: InputReader) throws(MMError) {
            question = try reader.text("question")
            method = try reader.text("method")
            beta = try reader.flag("beta")
            top = try reader.integer("top") ?? 5
            properties = try reader.text("properties")
            guard question != nil || properties != nil else {
                throw MMError(
                    .invalidInput, "endpoints needs a question, a path or a type.",
                    hint: "For example: mm endpoints 'inbox rules of a user', mm endpoints --properties user.")
            }
        }
    }

    let declaration = OperationDeclaration(
        "endpoints", command: ["endpoints"], title: "Endpoints",
        summary: "Find calls of Graph, Azure, Power Automate and others by what they do. Nothing is sent.",
        description:
            "Finds calls of Microsoft Graph, Power Automate, Azure, the Power Platform and SharePoint by words (\"who forwards "
            + "mail\"), explains a path with all its methods, or with "
            + "`properties` says what a query of a type may $select, $filter and $expand. Each call comes with what it takes, "
            + "the least permission and the guard's class.",
        effects: .init(readOnly: true, idempotent: true), home: .anywhere,
        examples: [
            .init("mm endpoints 'inbox rules of a user'", "the calls for it, the likeliest first"),
            .init("mm endpoints 'reset mfa' --method DELETE", "only calls that delete"),
            .init("mm endpoints 'failed flow runs'", "a call of Power Automate"),
            .init("mm endpoints '/users/{id}/messages'", "all that can be done with a path"),
            .init("mm endpoints --properties user", "what a query of users may ask for"),
        ]
    ).unlisted

    func run(
        _ input: Input, in context: OperationContext, with services: Void
    ) async throws(MMError) -> OperationAnswer {
        if let type = input.properties { return try TypeSheet.answer(about: type) }
        guard let question = input.question else { return .value([:]) }
        if let path = CallSheet.path(in: question) {
            return try CallSheet.answer(about: path, method: input.method, beta: input.beta)
        }
        return try CallSheet.answer(to: question, method: input.method, beta: input.beta, top: input.top)
    }
}
