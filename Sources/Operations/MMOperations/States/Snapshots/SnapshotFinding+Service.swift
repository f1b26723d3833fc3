package import MMCore

extension SnapshotFinding {
    /// What the service's own configuration management found (`configurationDrift`), in the form of a finding of ours.
    /// - Returns: `nil` for what was resolved since, or says nothing.
    package init?(serviceDrift drift: JSONValue) {
        guard drift["status"]?.string != "fixed", let type = drift["resourceType"]?.string, !type.isEmpty,
            let id = drift["id"]?.string
        else { return nil }
        let instance = (drift["resourceInstanceIdentifier"]?.object ?? [:])
            .filter { !$0.key.contains("@") }.compactMap { $0.value.string }.joined(separator: ", ")
        let title = drift["baselineResourceDisplayName"]?.string ?? ""
        var (wanted, present) = (JSONObject(), JSONObject())
        for property in drift["driftedProperties"]?.array ?? [] {
            guard let name = property["propertyName"]?.string else { continue }
            wanted[name] = property["desiredValue"] ?? .null
            present[name] = property["currentValue"] ?? .null
        }
        kind = SnapshotKind(type, "\(type) (watched by the service)", .graph, Self.drifts)
        name = title.isEmpty ? instance : instance.isEmpty ? title : "\(title) (\(instance))"
        self.id = id
        file = "configurationManagement/\(type)"
        let isThere = present["Ensure"]?.string.map { $0.lowercased() != "absent" }
        change = isThere.map { $0 ? Change.added : Change.removed } ?? .changed
        difference = ObjectDifference(before: .object(wanted), after: .object(present))
        before = wanted
    }

    /// Where the service lists what it found.
    private static let drifts = "/admin/configurationManagement/configurationDrifts"
}
