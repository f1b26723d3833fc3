package import MMCore

/// Looks at the query of a request before it is sent: names that the type which is asked for doesn't have.
package struct QueryCheck: Sendable {
    /// A name that is wrong.
    package struct Fault: Sendable, Hashable {
        /// The option: `$select`.
        package let option: String
        /// The name as written.
        package let name: String
        /// The type that lacks it.
        package let type: String
        /// The names that were perhaps meant.
        package let near: [String]
    }

    private let index: EndpointIndex
    private let types: GraphTypeTable

    /// A check by the tables that come with the program.
    package init(_ index: EndpointIndex = .standard) {
        self.index = index
        types = .standard
    }

    /// The type that a request answers, where the tables know it.
    package func type(of target: RequestTarget) -> GraphType? {
        index.engine.template(of: target).flatMap { index.type(of: $0.template) }.flatMap { types.type(named: $0) }
    }

    /// The first wrong name in the query of a request that reads; `nil` when there is none, or nobody can know.
    package func fault(in target: RequestTarget) -> Fault? {
        guard let type = type(of: target) else { return nil }
        var all: [GraphProperty]?
        for item in target.queryItems {
            let option = item.plainName
            guard let value = item.value, let names = Self.names(in: option, value) else { continue }
            for path in names {
                let properties = all ?? types.propertiesOfAll(type)
                all = properties
                // Beta has more properties than are described here, and open types may have any.
                let isSure = target.version != "beta" && !type.isOpen
                if let fault = fault(at: path, "$" + option, type.name, properties, isSure: isSure) { return fault }
            }
        }
        return nil
    }

    /// The names that an option speaks of; `nil` for options that speak of none.
    private static func names(in option: String, _ value: String) -> [[String]]? {
        switch option {
        case "select": QueryNames.selected(value)
        case "filter": QueryNames.filtered(value)
        case "orderby": QueryNames.sorted(value)
        case "expand": QueryNames.expanded(value)
        default: nil
        }
    }

    private func fault(
        at path: [String], _ option: String, _ type: String, _ properties: [GraphProperty], isSure: Bool
    ) -> Fault? {
        guard let first = path.first else { return nil }
        if let property = properties.first(where: { $0.name.lowercased() == first.lowercased() }) {
            guard path.count > 1, !property.isNavigation, let inner = types.type(named: property.type) else {
                return nil
            }
            return fault(
                at: Array(path.dropFirst()), option, inner.name, types.propertiesOfAll(inner),
                isSure: isSure && !inner.isOpen)
        }
        // Extensions are named with an underscore.
        guard !first.contains("_") else { return nil }
        let names = properties.map(\.name)
        let near = NearestNames.of(first, among: names)
        guard isSure || near.first.map({ NearName.isSlip(first, of: $0) }) ?? false else { return nil }
        return Fault(option: option, name: first, type: type, near: near)
    }
}

/// The names of properties that a query option speaks of, each as the steps of its path.
enum QueryNames {
    /// Those of `$select`: `id,manager/id`.
    static func selected(_ text: String) -> [[String]] {
        text.split(separator: ",").compactMap { path($0) }
    }

    /// Those of `$orderby`: `name desc,size`.
    static func sorted(_ text: String) -> [[String]] {
        text.split(separator: ",").compactMap { part in
            part.split(separator: " ").first.flatMap { path($0) }
        }
    }

    /// Those of `$expand`: `manager($select=id),members`; what stands within parentheses is another type's.
    static func expanded(_ text: String) -> [[String]] {
        var depth = 0
        var outer = ""
        for letter in text {
            if letter == "(" { depth += 1 }
            if depth == 0 { outer.append(letter) }
            if letter == ")" { depth -= 1 }
        }
        return outer.split(separator: ",").compactMap { part in path(part).map { [$0[0]] } }
    }

    /// Those of `$filter`, without the words of the language, texts, numbers and the variables of `any` and `all`.
    static func filtered(_ text: String) -> [[String]] {
        var names: [[String]] = []
        var variables: Set<String> = []
        let letters = Array(text)
        var place = 0
        while place < letters.count {
            let letter = letters[place]
            if letter == "'" {
                place += 1
                while place < letters.count, letters[place] != "'" { place += 1 }
                place += 1
                continue
            }
            guard letter.isLetter || letter.isNumber || letter == "_" || letter == "@" || letter == "$" else {
                place += 1
                continue
            }
            var word = ""
            while place < letters.count, isPartOfName(letters[place]) {
                word.append(letters[place])
                place += 1
            }
            let next = letters[place...].first { $0 != " " }
            if next == ":" {
                variables.insert(word)
                continue
            }
            // A function, a literal such as duration'PT1H', an unquoted date or id.
            if place < letters.count, letters[place] == "'" { continue }
            if next == "(", !word.contains("/") { continue }
            guard letter.isLetter, !word.contains("-"), !keywords.contains(word.lowercased()) else { continue }
            var steps = word.split(separator: "/").map(String.init)
            if let first = steps.first, variables.contains(first) { continue }
            if let last = steps.last, ["any", "all", "$count"].contains(last.lowercased()) { steps.removeLast() }
            if let last = steps.first, !last.contains(".") { names.append(steps) }
        }
        return names
    }

    private static let keywords: Set<String> = [
        "eq", "ne", "gt", "ge", "lt", "le", "and", "or", "not", "in", "has", "true", "false", "null", "any", "all",
        "add", "sub", "mul", "div", "mod", "asc", "desc",
    ]

    private static func isPartOfName(_ letter: Character) -> Bool {
        letter.isLetter || letter.isNumber || "_-/.$@".contains(letter)
    }

    /// A path of names; `nil` for what is no name: `*`, casts, annotations.
    private static func path(_ text: Substring) -> [String]? {
        let steps = text.filter { $0 != " " }.split(separator: "/").map(String.init)
        guard let first = steps.first, first.first?.isLetter ?? false,
            !steps.contains(where: { $0.contains(".") || $0.contains("@") || $0.contains("(") })
        else { return nil }
        return steps
    }
}
