internal import MMCore

/// Adds what a service requires of every request and callers leave out.
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
        // Without it SharePoint answers in XML, or wraps everything in its own metadata.
        if target.service == .sharePoint { return [("Accept", "application/json;odata=nometadata, */*;q=0.8")] }
        guard target.service == .graph else { return [] }
        let counts =
            target.queryValue("$count")?.lowercased() == "true" || target.segments.last?.lowercased() == "$count"
        return counts || target.queryValue("$search") != nil || AdvancedQuery.isNeeded(by: target)
            ? [("ConsistencyLevel", "eventual")] : []
    }
}
