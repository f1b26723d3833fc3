import MMCore
import MMGuard
import MMHTTP

/// Lists of administrators' settings in which this tenant has nothing: a company without Cloud PCs has an empty list of them, and not
/// an error. Everything else that the sandbox lacks stays an error, which says so.
struct EmptyLists {
    let store: DirectoryStore

    /// Returns the place of a read of such a list; `nil` for everything else.
    /// - Throws: that a row of it doesn't exist.
    func place(_ call: GraphCall) throws(GraphFailure) -> GraphPlace? {
        guard call.request.method == "GET", let first = call.segments.first?.name.lowercased(),
            let area = Self.areas[first],
            let target = try? RequestTarget(parsing: call.request.path, service: .graph, normalization: .clean),
            let found = EndpointIndex.standard.engine.template(of: target),
            let offer = EndpointIndex.standard.calls(of: found.template).first(where: { $0.method == "GET" }),
            !offer.isBetaOnly || call.version == "beta"
        else { return nil }
        let steps = offer.template.split(separator: "/")
        let list = steps.last?.hasPrefix("{") == true ? steps.dropLast() : steps[...]
        guard offer.kind == (list.count < steps.count ? .get : .list), !list.contains(where: { $0.contains("{") }),
            let name = offer.type.split(separator: "[").first.map(String.init), !held.contains(name)
        else { return nil }
        guard list.count == steps.count else { throw .missing(call.segments.last?.name ?? "") }
        var kind = EntityKind(name, "id")
        // The types in the request are described elsewhere (`QueryCheck`), and no row shows them.
        kind.isOpen = true
        return GraphPlace(.made(kind, []), list.joined(separator: "/"), area, call.segments.dropFirst(list.count))
    }

    /// The parts of Graph that hold such lists, by their first step.
    private static let areas: [String: GraphArea] = [
        "devicemanagement": .devices, "deviceappmanagement": .devices, "identity": .policies,
        "identitygovernance": .policies, "policies": .policies, "security": .risks, "identityprotection": .risks,
        "rolemanagement": .roles, "directory": .roles,
    ]

    /// The types of which the tenant has objects, so that another list of them wouldn't be empty.
    private var held: Set<String> {
        let tables: [TableAddress] = [
            .users, .groups, .applications, .servicePrincipals, .directoryRoles, .devices, .managedDevices,
            .deviceConfigurations, .deviceCompliancePolicies, .settingsCatalog, .conditionalAccessPolicies, .riskyUsers,
            .namedLocations, .authenticationStrengths, .administrativeUnits,
        ]
        return Set(tables.map { store.table($0).kind.name }).union(["directoryObject", "mobileApp", "managedAppPolicy"])
    }
}
