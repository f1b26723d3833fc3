import MMCore

extension MCPServer {
    /// Completes a result for the client's era: modern results carry their type, the server's identity and their cache
    /// hints.
    func finished(_ result: JSONObject, of method: Method, for era: Era) -> JSONObject {
        guard era == .modern else { return result }
        var full: JSONObject = ["resultType": "complete"]
        for (key, value) in result { full[key] = value }
        switch method {
        case .discover, .listTools, .listPrompts, .listTemplates: options.listCache.add(to: &full)
        case .listResources, .readResource: options.resourceCache.add(to: &full)
        default: break
        }
        return named(full)
    }

    /// Adds the server's identity to the result's `_meta`.
    func named(_ result: JSONObject) -> JSONObject {
        var result = result
        var meta = result["_meta"]?.object ?? [:]
        meta[MetaKey.serverInfo] = .object(info.json)
        result["_meta"] = .object(meta)
        return result
    }
}
