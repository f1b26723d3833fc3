import MMCore
import MMGuard

/// What a query may ask of a type.
enum TypeSheet {
    /// Properties of a type, by what `$filter` can do with them.
    /// - Throws: `notFound` with the near names.
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
            notes.append("…Eventual: only with $count=true, which mm sends with ConsistencyLevel: eventual.")
        }
        if type.isOpen { notes.append("It may have extensions besides.") }
        return .value(.object(members), notes: notes)
    }

    /// Properties with the same operators stand together.
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
