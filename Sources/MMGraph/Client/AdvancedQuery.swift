package import MMCore

/// Queries on directory objects that are answered only from an index, with `ConsistencyLevel: eventual` and
/// `$count=true` ("Advanced query capabilities on Microsoft Entra ID objects").
package enum AdvancedQuery {
    private static let objects: Set<String> = [
        "administrativeunits", "applications", "approleassignedto", "approleassignments", "contacts", "devices",
        "directoryobjects", "directoryroles", "directreports", "groups", "memberof", "members", "ownedobjects",
        "owneddevices", "owners", "registereddevices", "registeredowners", "registeredusers", "serviceprincipals",
        "transitivememberof", "transitivemembers", "users",
    ]
    private static let starts: Set<String> = [
        "administrativeunits", "applications", "contacts", "devices", "directory", "directoryobjects", "directoryroles",
        "groups", "me", "serviceprincipals", "users",
    ]

    /// Returns whether a query needs these two options.
    fileprivate static func isNeeded(by target: RequestTarget) -> Bool {
        guard target.service == .graph else { return false }
        var words = target.segments.map { $0.lowercased() }
        // A cast only filters the objects by type.
        if words.last?.hasPrefix("microsoft.graph.") == true || words.last?.hasPrefix("graph.") == true {
            words.removeLast()
        }
        guard let first = words.first, starts.contains(first), let last = words.last, objects.contains(last),
            // The contacts of a mailbox aren't directory objects.
            last != "contacts" || words.count == 1
        else { return false }
        if target.queryValue("$search") != nil { return true }
        guard let filter = target.queryValue("$filter") else { return false }
        if target.queryValue("$orderby") != nil { return true }
        return isAdvanced(filter)
    }

    /// Returns a note for readers of the answer; `nil` for other queries.
    package static func note(for target: RequestTarget) -> String? {
        isNeeded(by: target)
            ? "This query is answered from an index (ConsistencyLevel: eventual), which may not include the latest changes yet."
            : nil
    }

    private static func isAdvanced(_ filter: String) -> Bool {
        var text = ""
        // Parts with an even index are outside of quotes; a doubled quote makes an empty part, which changes nothing.
        for (index, part) in filter.split(separator: "'", omittingEmptySubsequences: false).enumerated()
        where index % 2 == 0 { text += part.lowercased() + "''" }
        let words = text.split { !($0.isLetter || $0.isNumber || $0 == "$" || $0 == "_") }
        return words.contains { ["ne", "not", "endswith", "$count"].contains($0) }
    }
}

/// The options of OData (4.01 URL Conventions, section 5) in a query.
enum QueryOption {
    /// The options whose values have no `%` outside of quotes. That of a token is the service's own.
    private static let expressions: Set<String> = [
        "filter", "search", "select", "expand", "orderby", "apply", "compute", "count", "top", "skip", "format",
    ]

    /// Refuses a value that is percent-encoded as in an address: it would be encoded again, and mean nothing.
    ///
    /// It isn't decoded instead: within the quotes of a literal, nobody can tell an escape from the text itself.
    static func checkIsPlain(_ name: String, _ value: String) throws(MMError) {
        let plainName = name.lowercased().drop { $0 == "$" }
        guard value.contains("%"), expressions.contains(String(plainName)) else { return }
        let quote: Character = plainName == "search" ? "\"" : "'"
        let parts = value.split(separator: quote, omittingEmptySubsequences: false)
        guard parts.indices.contains(where: { $0 % 2 == 0 && PercentCoding.hasEscape(String(parts[$0])) })
        else { return }
        let decoded = PercentCoding.decode(value.utf8).map { VisibleText.readable(String($0.prefix(200))) }
        throw MMError(
            .invalidInput, "The query option `\(name)` is percent-encoded, and would be encoded once more.",
            hint: "Write it plainly" + (decoded.map { ": \($0)" } ?? "."), details: ["field": "query"])
    }

    /// Returns what a service that can't read the query's options may mean; `nil` if nothing is known.
    /// - Parameter message: the service's message.
    static func advice(on target: RequestTarget, message: String) -> String? {
        if let filter = target.queryValue("$filter") {
            if filter.count(where: { $0 == "'" }) % 2 == 1 {
                return "The quotes of $filter don't match: one within a text is written twice, as in 'O''Brien'."
            }
            if message.contains("incompatible types"), message.contains("'Edm.String'") {
                return "In $filter only texts have quotes: accountEnabled eq true, size gt 5, "
                    + "createdDateTime ge 2026-01-01T00:00:00Z."
            }
        }
        if target.queryValue("$top") != nil, ["page size", "Top query"].contains(where: message.contains) {
            return
                "$top is the size of a page. Leave it out: `all` (--all) reads every page, `top` (--top) so many rows."
        }
        // Sites are searched with an option of their own, `search`, which needs no quotes.
        guard target.service == .graph, let words = target.queryItems.first(where: { $0.name == "$search" })?.value,
            words.first(where: { $0 != "(" }) != "\""
        else { return nil }
        let text = VisibleText.readable(String(words.prefix(200).filter { $0 != "\"" }))
        return "The text of $search belongs in double quotes: \"\(text)\"."
    }

    /// Returns what finds the objects of a filter with `contains`, which no property of a directory object supports;
    /// `nil` for other filters.
    static func search(insteadOf target: RequestTarget) -> String? {
        guard let filter = target.queryValue("$filter"),
            let call = filter.firstRange(of: "contains(")
        else { return nil }
        let parts = filter[call.upperBound...].prefix { $0 != ")" }.split(separator: ",", maxSplits: 1)
        guard parts.count == 2 else { return nil }
        let text = parts[1].filter { $0 != "'" && $0 != "\"" }.trimmed
        let search = VisibleText.readable("$search=\"\(parts[0].trimmed):\(text.prefix(200))\"")
        return "Directory objects have no contains(). This finds words by their beginning: \(search)."
    }
}

/// Adds what a service requires in every request and callers omit.
enum RequestDefaults {
    /// Returns the target with the service's `api-version`, if one is required and missing.
    ///
    /// Azure Resource Manager's version depends on the provider, so it has no default.
    static func completing(_ target: RequestTarget) -> RequestTarget {
        switch target.service {
        case .flow, .powerApps: target.addingQuery("api-version", "2016-11-01")
        case .bap: target.addingQuery("api-version", "2020-10-01")
        case .graph: AdvancedQuery.isNeeded(by: target) ? target.addingQuery("$count", "true") : target
        default: target
        }
    }

    /// Returns the headers that a target requires.
    ///
    /// Searching and counting directory objects requires eventual consistency (Microsoft Graph, "Advanced query
    /// capabilities on Microsoft Entra ID objects"); other objects ignore the header.
    static func headers(for target: RequestTarget) -> [(String, String)] {
        // Without this header SharePoint answers in XML, or adds metadata of its own to every object.
        if target.service == .sharePoint { return [("Accept", "application/json;odata=nometadata, */*;q=0.8")] }
        guard target.service == .graph else { return [] }
        let counts =
            target.queryValue("$count")?.lowercased() == "true" || target.segments.last?.lowercased() == "$count"
        return counts || target.queryValue("$search") != nil || AdvancedQuery.isNeeded(by: target)
            ? [("ConsistencyLevel", "eventual")] : []
    }
}
