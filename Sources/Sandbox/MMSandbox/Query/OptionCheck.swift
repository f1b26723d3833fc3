internal import MMGuard

/// The check whether the service would accept a query on a type.
enum OptionCheck {
    /// Checks the options of a query.
    /// - Throws: `QueryFault` if a property is unknown, types don't match, or an advanced query lacks its requirements.
    /// - Parameter isBeta: whether the types may have more properties than are described.
    static func check(
        _ options: QueryOptions, on kind: EntityKind, isEventual: Bool, isBeta: Bool = false
    ) throws(QueryFault) {
        if kind.isOpen { return }
        // A relationship can be selected too, and yields nothing: only `$expand` shows the objects it leads to. A name
        // with a dot is that of an operation (OData URL Conventions 4.01, section 5.1.3), and selects nothing here.
        // Scripts that mix columns of their own into their properties ask for `System.Collections.Hashtable` that way.
        for name in options.select ?? []
        where !isBeta && name != "*" && !kind.related.contains(name.lowercased()) && kind.types[name] == nil
            && !name.contains(where: { "/(.".contains($0) }) && kind.declared(name) == nil
        {
            throw QueryFault(
                message:
                    "Parsing OData Select and Expand failed: Could not find a property named '\(name)' on type 'microsoft.graph.\(kind.name)'."
            )
        }
        for key in options.orderBy { try checkProperty(key.path, on: kind) }
        if let filter = options.filter {
            try check(filter, on: kind, variables: [])
            guard isCondition(filter, on: kind) else {
                throw QueryFault(message: "The $filter expression must evaluate to a single boolean value.")
            }
        }
        for property in options.search?.properties ?? [] where kind.isDirectoryObject && kind.types[property] == nil {
            throw .unknownProperty(property, on: kind.name)
        }
        if kind.isDirectoryObject { try checkAdvanced(options, isEventual: isEventual) }
        if !kind.isDirectoryObject, options.search != nil, options.filter != nil || !options.orderBy.isEmpty {
            throw QueryFault(
                code: "SearchWithFilter",
                message: "The query parameters '$search' and '$filter' or '$orderby' can't be combined.")
        }
    }

    private static func checkAdvanced(_ options: QueryOptions, isEventual: Bool) throws(QueryFault) {
        if options.skip != nil { throw .unsupported("'$skip' is not supported by the service.") }
        if options.search != nil, !isEventual {
            throw QueryFault(
                code: "Request_UnsupportedQuery",
                message:
                    "Request with $search query parameter only works through MSGraph with a special request header: 'ConsistencyLevel: eventual'."
            )
        }
        if isEventual, options.count || options.search != nil { return }
        if let filter = options.filter {
            if let name = firstAdvanced(filter) {
                throw .unsupported(
                    "Operator '\(name)' is not supported because the required parameters may be missing.")
            }
            if !options.orderBy.isEmpty { throw .unsupported("Sorting not supported for current query.") }
        }
    }

    /// Returns the first operator that only advanced queries may use.
    private static func firstAdvanced(_ expression: FilterExpression) -> String? {
        switch expression {
        case .call("endswith", _): return "endsWith"
        case .call("contains", _): return "contains"
        case .compare(.ne, _, _): return "NotEquals"
        case .negated: return "Not"
        case .count: return "$count"
        default: break
        }
        for child in expression.children {
            if let name = firstAdvanced(child) { return name }
        }
        return nil
    }

    /// Returns whether an expression is Boolean.
    private static func isCondition(_ expression: FilterExpression, on kind: EntityKind) -> Bool {
        switch expression {
        case .compare, .oneOf, .anyItem, .allItems, .isKind, .literal(.bool): true
        case .literal, .count: false
        // The types inside a complex property aren't known here.
        case .path(let path): path.count > 1 || kind.types[path[0]] == .flag
        case .both(let left, let right), .either(let left, let right):
            isCondition(left, on: kind) && isCondition(right, on: kind)
        case .negated(let inner): isCondition(inner, on: kind)
        case .call(let name, _): ["startswith", "endswith", "contains"].contains(name)
        }
    }

    private static func checkProperty(_ path: [String], on kind: EntityKind) throws(QueryFault) {
        // The properties of a derived type aren't known here.
        if let type = path.first, type.contains(".") { return }
        guard let first = path.first, kind.types[first] != nil || kind.declared(first)?.isNavigation == false else {
            throw .unknownProperty(path.first ?? "", on: kind.name)
        }
    }

    private static func check(_ expression: FilterExpression, on kind: EntityKind, variables: [String])
        throws(QueryFault)
    {
        switch expression {
        case .count(let path) where path.count == 1 && kind.related.contains(path[0].lowercased()): return
        case .path(let path), .count(let path):
            if let first = path.first, !variables.contains(first) { try checkProperty(path, on: kind) }
        case .anyItem(let path, let variable, let inner):
            if let first = path.first, !variables.contains(first) { try checkProperty(path, on: kind) }
            if let inner { try check(inner, on: kind, variables: variables + [variable]) }
            return
        case .allItems(let path, let variable, let inner):
            if let first = path.first, !variables.contains(first) { try checkProperty(path, on: kind) }
            try check(inner, on: kind, variables: variables + [variable])
            return
        case .compare(let operation, let left, let right):
            try checkOperands(operation, left, right, on: kind, variables: variables)
        default: break
        }
        for child in expression.children { try check(child, on: kind, variables: variables) }
    }

    private static func checkOperands(
        _ operation: FilterExpression.Comparison, _ left: FilterExpression, _ right: FilterExpression,
        on kind: EntityKind,
        variables: [String]
    ) throws(QueryFault) {
        guard let one = type(of: left, on: kind, variables: variables),
            let two = type(of: right, on: kind, variables: variables)
        else { return }
        guard one == two || fits(one, two) || fits(two, one) else {
            throw QueryFault(
                message:
                    "A binary operator with incompatible types was detected. Found operand types '\(one)' and '\(two)' for operator kind '\(operation.rawValue)'."
            )
        }
    }

    private static func fits(_ property: String, _ literal: String) -> Bool {
        // A time without quotes is a time; with quotes it is a text that may be one, and calendars store times as
        // texts.
        (property == "Edm.DateTimeOffset" && literal == "Edm.String")
            || (property == "Edm.Int32" && literal == "Edm.Double")
    }

    private static func type(of expression: FilterExpression, on kind: EntityKind, variables: [String]) -> String? {
        switch expression {
        case .literal(.bool): "Edm.Boolean"
        case .literal(.number): "Edm.Double"
        case .literal(.string): "Edm.String"
        case .literal(.instant): "Edm.DateTimeOffset"
        case .path(let path):
            path.count == 1 && !variables.contains(path[0]) ? kind.types[path[0]].flatMap { plain($0) } : nil
        default: nil
        }
    }

    private static func plain(_ type: PropertyType) -> String? {
        switch type {
        case .text, .flag, .whole, .time: type.edmName
        case .complex, .collection: nil
        }
    }
}
