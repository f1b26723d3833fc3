internal import MMCore

/// The service's own watch over a tenant's configuration: monitors with a baseline, and what differs from it.
extension DirectoryStore {
    /// The baseline of a monitor.
    func baseline(of monitor: String) -> Record? {
        guard let row = table(.configurationMonitors).find(monitor), var baseline = row["baseline"]?.object else {
            return nil
        }
        baseline["id"] = .string(monitor)
        return .object(baseline)
    }

    /// What differs now from the baselines of all monitors. The real service looks four times a day.
    var configurationDrifts: [Record] {
        table(.configurationMonitors).all.flatMap { monitor -> [Record] in
            (monitor["baseline"]?["resources"]?.array ?? []).enumerated().compactMap { place, resource in
                drift(of: resource, place, in: monitor).map { Record.object($0) }
            }
        }
    }

    private func drift(of resource: JSONValue, _ place: Int, in monitor: Record) -> JSONObject? {
        guard let type = resource["resourceType"]?.string?.lowercased(), let address = Self.watched[type],
            let wanted = resource["properties"]?.object, let name = wanted["DisplayName"]?.string
        else { return nil }
        let found = table(address).all.first { $0["displayName"]?.string == name }
        var drifted: [JSONValue] = []
        func note(_ property: String, _ current: JSONValue, _ desired: JSONValue) {
            drifted.append([
                "propertyName": .string(property), "currentValue": current, "desiredValue": desired,
            ])
        }
        let isWanted = wanted["Ensure"]?.string != "Absent"
        if isWanted != (found != nil) {
            note("Ensure", found == nil ? "Absent" : "Present", isWanted ? "Present" : "Absent")
        } else if let found {
            for (property, desired) in wanted where !["Ensure", "DisplayName"].contains(property) {
                let current = found[property.prefix(1).lowercased() + property.dropFirst()] ?? .null
                if current != desired { note(property, current, desired) }
            }
        }
        guard !drifted.isEmpty else { return nil }
        return [
            "id": .string(ObjectIDs(mixing.branch(monitor.id.utf8.reduce(7) { ($0 &* 31) &+ UInt64($1) })).guid(place)),
            "monitorId": .string(monitor.id), "tenantId": .string(TenantIdentity.id), "resourceType": .string(type),
            "baselineResourceDisplayName": resource["displayName"] ?? .null,
            "firstReportedDateTime": .string(ServiceTime.text(users.now)), "status": "active",
            "resourceInstanceIdentifier": ["DisplayName": .string(name)], "driftedProperties": .array(drifted),
        ]
    }

    private static let watched: [String: TableAddress] = [
        "microsoft.entra.conditionalaccesspolicy": .conditionalAccessPolicies, "microsoft.entra.group": .groups,
    ]
}
