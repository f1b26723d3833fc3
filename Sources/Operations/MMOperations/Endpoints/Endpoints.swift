import MMCore
import MMGuard

extension OperationDeclaration {
    /// The declaration of `endpoints`.
    package static let endpoints = OperationDeclaration(
        "endpoints", command: ["endpoints"], title: "Endpoints",
        summary: "Find API calls of Graph, Azure, Power Automate and others by words. Nothing is sent.",
        description:
            "Finds calls of Microsoft Graph, Power Automate, Azure, the Power Platform and SharePoint by words (\"who forwards "
            + "mail\"), explains a path with all its methods, or with "
            + "`properties` says what a query of a type may $select, $filter and $expand. Each call comes with what it takes, "
            + "the least permission and the guard's class.",
        effects: .init(readOnly: true, idempotent: true), home: .anywhere,
        examples: [
            .init("mm endpoints 'inbox rules of a user'", "matching calls, best first"),
            .init("mm endpoints 'reset mfa' --method DELETE", "only DELETE calls"),
            .init("mm endpoints 'failed flow runs'", "a call of Power Automate"),
            .init("mm endpoints '/users/{id}/messages'", "all methods of a path"),
            .init("mm endpoints --properties user", "the properties of users, and how a query may use them"),
        ]
    ).unlisted
}

/// `endpoints`: finds calls of Microsoft Graph by words, path or type; nothing is sent.
struct Endpoints: CatalogueOperation {
    struct Input: OperationInput {
        @Argument(
            "question",
            "Words for what you want to do, or a path such as /users/{id}/messages to see all its methods.", .at(0))
        var question: String?
        @Argument(
            "method", "Show only calls with this method.", .short("X"), of: ["GET", "POST", "PATCH", "PUT", "DELETE"])
        var method: String?
        @Argument("beta", "Rank calls that exist only in beta like others.") var beta: Bool
        @Argument("top", "Maximum number of calls, best first (default 5).", in: 1...25) var top = 5
        @Argument(
            "properties",
            "Show a type, such as user: its properties, and which of them $select, $filter, $orderby, $search and $expand accept."
        )
        var properties: String?

        func check() throws(MMError) {
            guard question != nil || properties != nil else {
                throw MMError(
                    .invalidInput, "endpoints needs a question, a path or a type.",
                    hint: "For example: mm endpoints 'inbox rules of a user', mm endpoints --properties user.")
            }
        }
    }

    let declaration = OperationDeclaration.endpoints

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

/// The query options that a type supports.
enum TypeSheet {
    /// Returns the properties of a type, by the `$filter` operators that they support.
    /// - Throws: `notFound` with the nearest names.
    static func answer(about name: String) throws(MMError) -> OperationAnswer {
        let table = GraphTypeTable.standard
        guard let type = table.type(named: name) ?? table.type(named: singular(name)) else {
            let near = table.names(near: name)
            throw MMError(
                .notFound, "Microsoft Graph v1.0 has no type \(name.prefix(80)).",
                hint: near.isEmpty
                    ? "Types are named in the singular: user, group, signIn." : "Near: \(near.joined(separator: ", "))."
            )
        }
        let properties = table.properties(of: type)
        var members: JSONObject = ["type": .string(type.name)]
        if !type.usualProperties.isEmpty { members["select"] = .string(type.usualProperties.joined(separator: ",")) }
        let known = properties.filter { $0.filtering.map { !$0.isEmpty } ?? false }
        put("filter", known.map { ($0.name, $0.filtering?.plain ?? []) }, into: &members)
        put("filterEventual", known.map { ($0.name, $0.filtering?.advanced ?? []) }, into: &members)
        for (key, names) in [
            ("orderby", type.sorting.plain), ("orderbyEventual", type.sorting.advanced),
            ("search", type.searching.plain), ("searchEventual", type.searching.advanced),
            ("expand", properties.filter(\.isNavigation).map(\.name)),
        ] where !names.isEmpty {
            members[key] = .string(names.joined(separator: ","))
        }
        let others = properties.filter { !$0.isNavigation && ($0.filtering?.isEmpty ?? true) }
        if !others.isEmpty {
            members[type.hasAbilities ? "noFilter" : "properties"] = .string(others.map(\.name).joined(separator: ","))
        }
        var notes: [String] = []
        if members.contains(where: { $0.key.hasSuffix("Eventual") }) {
            notes.append("…Eventual: supported only with $count=true, which mm sends with ConsistencyLevel: eventual.")
        }
        if type.isOpen { notes.append("The type may also have extension properties.") }
        return .value(.object(members), notes: notes)
    }

    /// Groups properties with the same operators.
    private static func put(
        _ key: String, _ rows: [(name: String, operators: [String])], into members: inout JSONObject
    ) {
        var groups = JSONObject()
        for row in rows where !row.operators.isEmpty {
            let operators = row.operators.joined(separator: " ")
            groups[operators] = .string((groups[operators]?.string.map { $0 + "," } ?? "") + row.name)
        }
        if !groups.isEmpty { members[key] = .object(groups) }
    }

    private static func singular(_ name: String) -> String {
        if name.lowercased().hasSuffix("ies") { return String(name.dropLast(3)) + "y" }
        return name.hasSuffix("s") ? String(name.dropLast()) : name
    }
}
