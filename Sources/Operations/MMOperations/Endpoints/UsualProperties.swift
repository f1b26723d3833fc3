import MMCore
import MMGuard

/// What of a common collection is asked for where a model doesn't say: a bare answer is ten times as large, and a model
/// reads all of it. People and scripts get what they asked for.
enum UsualProperties {
    /// The request with `$select`, and the note that says so; `nil` where nothing is added.
    static func added(to target: RequestTarget, _ method: String, for caller: Caller) -> (
        target: RequestTarget, note: String
    )? {
        guard caller.surface == .mcp, method == "GET", target.service == .graph,
            target.queryValue("$select") == nil, target.queryValue("$expand") == nil,
            let found = EndpointIndex.standard.engine.template(of: target), !found.isCounted,
            EndpointIndex.standard.calls(of: found.template).contains(where: { $0.kind == .list && $0.method == "GET" }
            ),
            let type = QueryCheck().type(of: target), !type.usualProperties.isEmpty
        else { return nil }
        let names = type.usualProperties.joined(separator: ",")
        return (
            target.addingQuery("$select", names),
            "Asked with $select=\(names). For other properties say $select; $select=* leaves it to the service."
        )
    }

    /// The query without `$select=*`, by which a model says that it wants what the service sends by itself.
    static func withoutStar(_ query: [(name: String, value: String)], for caller: Caller)
        -> (query: [(name: String, value: String)], isStar: Bool)
    {
        guard caller.surface == .mcp else { return (query, false) }
        let rest = query.filter { !(["$select", "select"].contains($0.name.lowercased()) && $0.value == "*") }
        return (rest, rest.count < query.count)
    }
}
