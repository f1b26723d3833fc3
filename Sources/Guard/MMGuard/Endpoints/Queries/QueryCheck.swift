package import MMCore

/// Checks the query of a request, before it is sent, for properties that the requested type doesn't have.
package struct QueryCheck: Sendable {
    /// A property that the type doesn't have.
    package struct Fault: Sendable, Hashable {
        /// The option: `$select`.
        package let option: String
        /// The name as written.
        package let name: String
        /// The type that lacks it.
        package let type: String
        /// The similar names that were probably meant.
        package let near: [String]
    }

    private let index: EndpointIndex
    private let types: GraphTypeTable

    /// Creates a check with the tables that come with the program.
    package init(_ index: EndpointIndex = .standard) {
        self.index = index
        types = .standard
    }

    /// Returns the type of a request's result, if the tables know it.
    package func type(of target: RequestTarget) -> GraphType? {
        index.engine.template(of: target).flatMap { index.type(of: $0.template) }.flatMap { types.type(named: $0) }
    }

    /// Returns the first wrong name in the query of a read; `nil` if there is none, or if the tables don't suffice to
    /// tell.
    package func fault(in target: RequestTarget) -> Fault? {
        guard let type = type(of: target) else { return nil }
        var all: [GraphProperty]?
        for item in target.queryItems {
            let option = item.plainName
            guard let value = item.value, let names = Self.names(in: option, value) else { continue }
            for path in names {
                let properties = all ?? types.propertiesOfAll(type)
                all = properties
                // Beta has more properties than the tables describe, and open types may have any.
                let isSure = target.version != "beta" && !type.isOpen
                if let fault = fault(at: path, "$" + option, type.name, properties, isSure: isSure) { return fault }
            }
        }
        return nil
    }

    /// Returns the property names in an option's value; `nil` for options without property names.
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
            var rest = path.dropFirst()
            // A step with a dot is a type: what follows are its properties.
            let cast = rest.first.flatMap { $0.contains(".") ? $0 : nil }
            if cast != nil { rest = rest.dropFirst() }
            guard !rest.isEmpty, !property.isNavigation, let inner = types.type(named: cast ?? property.type) else {
                return nil
            }
            return fault(
                at: Array(rest), option, inner.name, types.propertiesOfAll(inner), isSure: isSure && !inner.isOpen)
        }
        let names = properties.map(\.name)
        // The names of extensions contain an underscore, and so do those of properties as other languages write them.
        if first.contains("_") {
            let plain = first.filter { $0 != "_" }.lowercased()
            return names.first { $0.lowercased() == plain }.map {
                Fault(option: option, name: first, type: type, near: [$0])
            }
        }
        let near = NearestNames.of(first, among: names)
        guard isSure || near.first.map({ NearName.isSlip(first, of: $0) }) ?? false else { return nil }
        return Fault(option: option, name: first, type: type, near: near)
    }
}

/// Finds the names of properties in query options, each as the steps of its path.
enum QueryNames {
    /// Returns the names in `$select`: `id,manager/id`.
    static func selected(_ text: String) -> [[String]] {
        text.split(separator: ",").compactMap { path($0) }
    }

    /// Returns the names in `$orderby`: `name desc,size`.
    static func sorted(_ text: String) -> [[String]] {
        text.split(separator: ",").compactMap { part in
            part.split(separator: " ").first.flatMap { path($0) }
        }
    }

    /// Returns the names in `$expand`: `manager($select=id),members`. Names within parentheses belong to another type
    /// and are left out.
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

    /// Returns the names in `$filter`, without the words of the language, texts, numbers and the variables of `any` and
    /// `all`.
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
            // Skips functions, literals such as duration'PT1H', and unquoted dates and ids.
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

    /// Returns the steps of a name; `nil` for `*`, casts and annotations.
    private static func path(_ text: Substring) -> [String]? {
        let steps = text.filter { $0 != " " }.split(separator: "/").map(String.init)
        guard let first = steps.first, first.first?.isLetter ?? false,
            !steps.contains(where: { $0.contains(".") || $0.contains("@") || $0.contains("(") })
        else { return nil }
        return steps
    }
}
