internal import MMCore

/// What a service needs on every request and callers leave out.
enum RequestDefaults {
    /// The target with the service's `api-version`, where one is needed and missing.
    ///
    /// Azure Resource Manager has one for each provider, so there is no default there.
    static func completing(_ target: RequestTarget) -> RequestTarget {
        switch target.service {
        case .flow, .powerApps: target.addingQuery("api-version", "2016-11-01")
        case .bap: target.addingQuery("api-version", "2020-10-01")
        default: target
        }
    }

    /// The headers that a target needs.
    ///
    /// Searching and counting directory objects is only served with eventual consistency (Microsoft Graph, "Advanced query
    /// capabilities on Microsoft Entra ID objects"); other objects pay no heed to the header.
    static func headers(for target: RequestTarget) -> [(String, String)] {
        guard target.service == .graph else { return [] }
        let counts =
            target.queryValue("$count")?.lowercased() == "true" || target.segments.last?.lowercased() == "$count"
        return counts || target.queryValue("$search") != nil ? [("ConsistencyLevel", "eventual")] : []
    }
}
