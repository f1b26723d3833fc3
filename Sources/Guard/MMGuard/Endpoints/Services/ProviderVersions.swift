internal import MMCore

/// The known API versions of Azure's resource providers. Every request to Azure has to name one.
package enum ProviderVersions {
    private struct Row {
        let steps: [String]
        let version: String
    }

    private static let rows: [Row] = ServiceCallTable.calls.compactMap { call in
        guard call.service == .arm, let mark = call.path.firstIndex(of: "?") else { return nil }
        let name = "api-version="
        guard
            let item = call.path[call.path.index(after: mark)...].split(separator: "&").first(where: {
                $0.hasPrefix(name)
            })
        else { return nil }
        return Row(steps: steps(of: call.path[..<mark]), version: String(item.dropFirst(name.count)))
    }

    private static func steps(of path: Substring) -> [String] {
        path.lowercased().split(separator: "/").map(String.init)
    }

    /// Returns the version for a path of Azure Resource Manager; `nil` if none is known.
    package static func version(for path: String) -> String? {
        let asked = steps(of: path.prefix { $0 != "?" })
        if let exact = rows.first(where: { fits($0.steps, asked) }) { return exact.version }
        // Resources below or beside a known one of the same provider and kind have its version.
        guard let kind = kind(of: asked) else {
            // Subscriptions, resource groups and the paths in them belong to Azure Resource Manager itself.
            return asked.first == "subscriptions"
                ? rows.first { $0.steps == ["subscriptions", "{subscription}", "resourcegroups"] }?.version : nil
        }
        if let same = rows.first(where: { self.kind(of: $0.steps) == kind }) { return same.version }
        return nil
    }

    /// Returns the provider and kind of a resource: `microsoft.compute`, `virtualmachines`; `nil` if it belongs to no
    /// provider.
    private static func kind(of steps: [String]) -> [String]? {
        guard let place = steps.lastIndex(of: "providers"), steps.count > place + 2 else { return nil }
        return Array(steps[(place + 1)...(place + 2)])
    }

    private static func fits(_ known: [String], _ asked: [String]) -> Bool {
        known.count == asked.count && zip(known, asked).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
    }
}
