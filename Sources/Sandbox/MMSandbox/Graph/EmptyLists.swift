import MMCore
import MMGuard
import MMHTTP

/// Lists in which this tenant has nothing: administrators' settings, and what belongs to one of the tenant's objects. A
/// company without Cloud PCs has an empty list of them, and not an error. Everything else that the sandbox lacks stays
/// an error, which says so.
struct EmptyLists {
    let store: DirectoryStore

    /// Returns the place of a read of such a list; `nil` for everything else.
    /// - Throws: that a row of it, or the object to which it belongs, doesn't exist.
    func place(_ call: GraphCall, among paths: GraphPaths) throws(GraphFailure) -> GraphPlace? {
        let call = named(call)
        guard call.request.method == "GET", let first = call.segments.first?.name.lowercased(),
            let offer = Self.read(call.request.path, call.version)
        else { return nil }
        let steps = offer.template.split(separator: "/")
        let list = steps.last?.hasPrefix("{") == true ? steps.dropLast() : steps[...]
        guard offer.kind == (list.count < steps.count ? .get : .list), call.segments.count >= list.count,
            let name = offer.type.split(separator: "[").first.map(String.init), !holds(name)
        else { return nil }
        let owner = try list.lastIndex { $0.contains("{") }.map { (place) throws(GraphFailure) in
            try self.owner(of: call, at: place, among: paths)
        }
        guard let area = owner ?? Self.areas[first] else { return nil }
        guard list.count == steps.count else { throw .missing(call.segments.last?.name ?? "") }
        var kind = EntityKind(name, "id")
        // The types in the request are described elsewhere (`QueryCheck`), and no row shows them.
        kind.isOpen = true
        let label = call.segments.prefix(list.count).map(\.name).joined(separator: "/")
        return GraphPlace(.made(kind, []), label, area, call.segments.dropFirst(list.count))
    }

    /// Returns a call about the signed-in person as one about a user, since Graph describes only such.
    private func named(_ call: GraphCall) -> GraphCall {
        guard call.segments.first?.name.lowercased() == "me", !call.principal.isApp else { return call }
        let user = ["users", call.principal.objectID].map { GraphSegment(name: $0) }
        return GraphCall(
            request: call.request, version: call.version, segments: user + call.segments.dropFirst(),
            options: call.options, principal: call.principal, requestID: call.requestID,
            clientRequestID: call.clientRequestID)
    }

    /// Returns the area of the object to which a list belongs.
    /// - Parameter place: the position of the object's key in the path.
    /// - Throws: that it doesn't exist.
    private func owner(of call: GraphCall, at place: Int, among paths: GraphPaths) throws(GraphFailure) -> GraphArea {
        let path = Array(call.segments.prefix(place + 1))
        let owner = try paths.resolve(
            GraphCall(
                request: call.request, version: call.version, segments: path, options: call.options,
                principal: call.principal, requestID: call.requestID, clientRequestID: call.clientRequestID))
        let exists =
            switch owner.node {
            case .row(let address, let key): store.table(address).find(key) != nil
            case .made(_, let rows): rows.contains { $0.id == owner.rest.first?.name }
            case .links(let ids, _): !ids.isEmpty
            case .link, .single: true
            case .collection: false
            }
        guard exists else { throw owner.area.missing ?? .missing(path.last?.name ?? "") }
        return owner.area
    }

    /// The parts of Graph that hold such lists, by their first step.
    private static let areas: [String: GraphArea] = [
        "devicemanagement": .devices, "deviceappmanagement": .devices, "identity": .policies,
        "identitygovernance": .policies, "policies": .policies, "security": .risks, "identityprotection": .risks,
        "rolemanagement": .roles, "directory": .roles,
    ]

    /// Returns whether a relationship of the requested objects, in which this tenant has nothing, leads to a list;
    /// `nil` if the service doesn't know it, or if the tenant may have such objects.
    func expands(_ name: String, in call: GraphCall) -> Bool? {
        for path in ["\(call.request.path)/\(name)", "\(call.request.path)/x/\(name)"] {
            guard let offer = Self.read(path, call.version),
                offer.template.split(separator: "/").last?.lowercased() == name.lowercased(),
                let type = offer.type.split(separator: "[").first.map(String.init), !holds(type)
            else { continue }
            return offer.kind == .list
        }
        return nil
    }

    /// Returns the read that the service offers at a path in a version.
    private static func read(_ path: String, _ version: String) -> OfferedCall? {
        guard let target = try? RequestTarget(parsing: path, service: .graph, normalization: .clean),
            let found = EndpointIndex.standard.engine.template(of: target),
            let offer = EndpointIndex.standard.calls(of: found.template).first(where: { $0.method == "GET" }),
            !offer.isBetaOnly || version == "beta"
        else { return nil }
        return offer
    }

    /// Returns whether the tenant has objects of a type, so that another list of them wouldn't be empty.
    private func holds(_ type: String) -> Bool {
        let tables: [TableAddress] = [
            .users, .groups, .applications, .servicePrincipals, .directoryRoles, .devices, .managedDevices,
            .deviceConfigurations, .deviceCompliancePolicies, .settingsCatalog, .conditionalAccessPolicies, .riskyUsers,
            .namedLocations, .authenticationStrengths, .administrativeUnits,
        ]
        return Self.contents.contains(type) || tables.contains { store.table($0).kind.name == type }
    }

    /// Further types of which the tenant has objects, but no one list of all.
    private static let contents: Set<String> = [
        "directoryObject", "mobileApp", "managedAppPolicy", "team", "channel", "message", "mailFolder", "event",
        "calendar",
        "contact", "drive", "driveItem", "site", "list", "listItem", "chat", "chatMessage", "conversationMember",
    ]
}
