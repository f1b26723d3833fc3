internal import MMCore

/// `$expand`, one level deep.
extension GraphReader {
    func appendExpansions(
        _ call: GraphCall, of record: Record, kind: EntityKind, owner: String?, to bytes: inout [UInt8]
    ) throws(GraphFailure) {
        for expansion in call.options.expand {
            bytes.append(UInt8(ascii: ","))
            JSONWriter.append(expansion.name, to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            let rows = try expanded(expansion.name, of: record, kind: kind, owner: owner)
            guard let rows else {
                let single = try expandedObject(expansion.name, of: record)
                if let (kind, row) = single {
                    RowWriter(kind: kind, select: expansion.select, typeName: kind.isDirectoryObject ? kind.name : nil)
                        .open(row, etag: nil, to: &bytes)
                    bytes.append(UInt8(ascii: "}"))
                } else {
                    bytes.append(contentsOf: "null".utf8)
                }
                continue
            }
            bytes.append(UInt8(ascii: "["))
            // The service answers at most twenty objects of an expanded list of references.
            let limit = min(expansion.top ?? .max, kind.isDirectoryObject ? 20 : 200)
            for (place, (kind, row)) in rows.prefix(limit).enumerated() {
                if place > 0 { bytes.append(UInt8(ascii: ",")) }
                RowWriter(kind: kind, select: expansion.select, typeName: kind.isDirectoryObject ? kind.name : nil)
                    .open(row, etag: nil, to: &bytes)
                bytes.append(UInt8(ascii: "}"))
            }
            bytes.append(UInt8(ascii: "]"))
        }
    }

    /// The rows of a list; `nil` where the name is that of a single object.
    private func expanded(_ name: String, of record: Record, kind: EntityKind, owner: String?) throws(GraphFailure)
        -> [(EntityKind, Record)]?
    {
        func objects(_ ids: [String]) -> [(EntityKind, Record)] {
            ids.prefix(20).compactMap { store.object($0) }.map { (store.table($0.0).kind, $0.1) }
        }
        switch (kind.name, name) {
        case ("user", "manager"): return nil
        case ("unifiedRoleAssignment", "principal"), ("unifiedRoleAssignment", "roleDefinition"): return nil
        case ("user", "directReports"): return objects(store.directReports(record.id))
        case ("user", "memberOf"), ("user", "transitiveMemberOf"): return objects(store.groups(of: record.id))
        case ("user", "licenseDetails"): return store.licenseDetails(record).map { (.licenseDetails, $0) }
        case ("group", "members"): return objects(store.linked(LinkAddress(owner: record.id, relation: .members)))
        case ("group", "owners"), ("application", "owners"):
            return objects(store.linked(LinkAddress(owner: record.id, relation: .owners)))
        case ("directoryRole", "members"):
            return objects(store.linked(LinkAddress(owner: record.id, relation: .members)))
        case ("message", "attachments"):
            guard let owner else { return [] }
            return store.table(.attachments(owner: owner, message: record.id)).all.map { (.attachment, $0) }
        case ("driveItem", "children"):
            guard let drive = record["parentReference"]?["driveId"]?.string else { return [] }
            return store.table(.driveItems(drive)).all.filter { $0["parentReference"]?["id"]?.string == record.id }.map
            { (.driveItem, $0) }
        case ("listItem", "fields"): return nil
        default:
            throw GraphFailure(
                400, "BadRequest",
                "Parsing OData Select and Expand failed: Could not find a property named '\(name)' on type 'microsoft.graph.\(kind.name)'."
            )
        }
    }

    private func expandedObject(_ name: String, of record: Record) throws(GraphFailure) -> (EntityKind, Record)? {
        if name == "principal" {
            let holder = record["principalId"]?.string.flatMap { store.object($0) }
            return holder.map { (store.table($0.0).kind, $0.1) }
        }
        if name == "roleDefinition" {
            return store.roleDefinitions.first { $0.id == record["roleDefinitionId"]?.string }.map {
                (.roleDefinition, $0)
            }
        }
        guard name == "manager" else {
            return record["fields"]?.object.map {
                (EntityKind("fieldValueSet", $0.keys.joined(separator: " ")), .object($0))
            }
        }
        return store.managerID(record.id).flatMap { store.user($0) }.map { (.user, $0) }
    }
}
