/// A cmdlet of Azure that changes a resource of any type: its parameters determine the request that it sends.
enum ResourceCall {
    /// Returns the method of the request; `nil` for other cmdlets.
    static func method(_ cmdlet: String, isPatch: Bool) -> String? {
        switch cmdlet.asciiLowercased {
        case "invoke-azresourceaction": "POST"
        case "new-azresource": "PUT"
        case "set-azresource": isPatch ? "PATCH" : "PUT"
        default: nil
        }
    }

    /// Returns the path of a resource.
    /// - Parameters:
    ///   - id: its identifier, if given.
    ///   - type: provider and types: `Microsoft.Web/sites/config`.
    ///   - name: the names, one for each type.
    static func path(id: String?, type: String?, name: String?, extensionType: String?, action: String?) -> String? {
        var path: String
        if let id {
            path = id
        } else {
            guard let type, let name else { return nil }
            path = "/subscriptions/s/resourceGroups/g/providers/" + interleaved(type, name)
        }
        if let extensionType { path += "/providers/" + extensionType + "/x" }
        if let action { path += "/" + action }
        return path
    }

    /// `Microsoft.Web/sites/config` and `w/appsettings`: provider, type, name, type, name.
    static func interleaved(_ type: String, _ name: String) -> String {
        let types = type.split(separator: "/").map(String.init)
        let names = name.split(separator: "/").map(String.init)
        var parts = Array(types.prefix(1))
        for (index, one) in types.dropFirst().enumerated() {
            parts.append(one)
            if index < names.count { parts.append(names[index]) }
        }
        return (parts + names.dropFirst(max(0, types.count - 1))).joined(separator: "/")
    }
}
