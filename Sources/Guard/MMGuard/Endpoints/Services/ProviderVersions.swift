internal import MMCore

/// The versions of Azure's resource providers that are known: every request to Azure has to name one, and nobody knows them by heart.
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

    /// The version for a path of Azure Resource Manager; `nil` where none is known.
    package static func version(for path: String) -> String? {
        let asked = steps(of: path.prefix { $0 != "?" })
        if let exact = rows.first(where: { fits($0.steps, asked) }) { return exact.version }
        // What lies below or beside a known thing of the same provider and kind has its version.
        guard let kind = kind(of: asked) else {
            // Subscriptions and resource groups, and what lies in them, are Azure's own.
            return asked.first == "subscriptions"
                ? rows.first { $0.steps == ["subscriptions", "{subscription}", "resourcegroups"] }?.version : nil
        }
        if let same = rows.first(where: { self.kind(of: $0.steps) == kind }) { return same.version }
        return nil
    }

    /// Provider and kind of a resource: `microsoft.compute`, `virtualmachines`; `nil` for what belongs to no provider.
    private static func kind(of steps: [String]) -> [String]? {
        guard let place = steps.lastIndex(of: "providers"), steps.count > place + 2 else { return nil }
        return Array(steps[(place + 1)...(place + 2)])
    }

    private static func fits(_ known: [String], _ asked: [String]) -> Bool {
        known.count == asked.count && zip(known, asked).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
    }
}
