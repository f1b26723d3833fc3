internal import MMCore

/// Sites, their lists and items.
struct SitePaths {
    let store: DirectoryStore
    let drives: DrivePaths

    /// What a path below `/sites` names.
    func place(_ rest: ArraySlice<GraphSegment>) throws(GraphFailure) -> GraphPlace {
        guard var key = rest.first?.name, !key.hasPrefix("$") else {
            return GraphPlace(.made(.site, store.table(.sites).all), "sites", .sites, rest)
        }
        var below = rest.dropFirst()
        if key.hasSuffix(":") {
            key = String(key.dropLast()) + ":"
            while let name = below.first?.name {
                below = below.dropFirst()
                key += "/" + (name.hasSuffix(":") ? String(name.dropLast()) : name)
                if name.hasSuffix(":") { break }
            }
        }
        guard let record = store.table(.sites).find(key) else { throw .fileMissing }
        let label = "sites('\(record.id)')"
        switch below.first?.name.lowercased() {
        case "lists":
            guard let list = below.dropFirst().first?.name, !list.hasPrefix("$") else {
                return GraphPlace(.collection(.lists(record.id)), "\(label)/lists", .sites, below.dropFirst())
            }
            let table = store.table(.lists(record.id))
            guard
                let row = table.find(list)
                    ?? table.all.first(where: { CaselessText.equal($0["displayName"]?.string ?? "", list) })
            else { throw .fileMissing }
            let inner = below.dropFirst(2)
            guard inner.first?.name.lowercased() == "items" else {
                return GraphPlace(.row(.lists(record.id), key: row.id), "\(label)/lists", .sites, inner)
            }
            let address = TableAddress.listItems(site: record.id, list: row.id)
            guard let item = inner.dropFirst().first?.name, !item.hasPrefix("$") else {
                return GraphPlace(.collection(address), "\(label)/lists('\(row.id)')/items", .sites, inner.dropFirst())
            }
            return GraphPlace(.row(address, key: item), "\(label)/lists('\(row.id)')/items", .sites, inner.dropFirst(2))
        case "drive":
            guard let index = store.sites.index(of: record.id) else { throw .fileMissing }
            return try drives.drive(store.files.driveID(.site(index)), below.dropFirst())
        case "drives":
            guard let index = store.sites.index(of: record.id) else { throw .fileMissing }
            if let id = below.dropFirst().first?.name { return try drives.drive(id, below.dropFirst(2)) }
            return GraphPlace(
                .made(.drive, [.object(try drives.driveRow(store.files.driveID(.site(index))))]), "\(label)/drives",
                .files, below.dropFirst())
        case "permissions":
            return GraphPlace(
                .made(.permission, permissions(record.id)), "\(label)/permissions", .sites, below.dropFirst())
        default: return GraphPlace(.row(.sites, key: record.id), "sites", .sites, below)
        }
    }

    /// The apps that have rights on one site alone.
    private func permissions(_ id: String) -> [Record] {
        guard store.sites.index(of: id).map({ $0 % 4 == 0 }) == true else { return [] }
        let app: JSONValue = [
            "application": ["id": .string(TenantIdentity.automationApp), "displayName": "Nightly automation"]
        ]
        return [
            .object([
                "id": .string(
                    Base64.text(Array("i:0i.t|ms.sp.ext|\(TenantIdentity.automationApp)".utf8), alphabet: .url)),
                "roles": ["read"], "grantedToIdentitiesV2": [app],
            ])
        ]
    }
}
