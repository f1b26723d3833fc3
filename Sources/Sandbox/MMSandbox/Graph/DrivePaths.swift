internal import MMCore

/// Resolves paths to drives and their items.
struct DrivePaths {
    let store: DirectoryStore

    func ownDrive(_ user: String) -> String {
        store.users.ids.index(ofGuid: user).map { store.files.driveID(.user($0)) } ?? ""
    }

    func driveRow(_ id: String) throws(GraphFailure) -> JSONObject {
        guard let row = store.files.drive(id) else { throw .fileMissing }
        return row
    }

    /// Resolves a path below `/drives/{id}`.
    func drive(_ id: String, _ rest: ArraySlice<GraphSegment>) throws(GraphFailure) -> GraphPlace {
        let row = try driveRow(id)
        let label = "drives('\(id)')"
        guard let step = rest.first else {
            return GraphPlace(.single(.drive, .object(row)), "drives", .files, rest)
        }
        let items = store.table(.driveItems(id))
        let rootID = items.first?.id ?? ""
        switch step.name.lowercased() {
        case "root": return try item(id, rootID, label, rest.dropFirst())
        case "root:": return try item(id, rootID, label, rest)
        case "items":
            guard let key = rest.dropFirst().first?.name else {
                return GraphPlace(.collection(.driveItems(id)), "\(label)/items", .files, rest.dropFirst())
            }
            if key.hasSuffix(":") {
                let start = key.lowercased() == "root:" ? rootID : String(key.dropLast())
                return try item(id, start, label, rest.dropFirst(), isColon: true)
            }
            return try item(id, key.lowercased() == "root" ? rootID : key, label, rest.dropFirst(2))
        case "search":
            let query = step.arguments?["q"] ?? ""
            let rows = items.all.filter { $0["root"] == nil && CaselessText.contains($0["name"]?.string ?? "", query) }
            return GraphPlace(.made(.driveItem, rows), "\(label)/search", .files, rest.dropFirst())
        case "recent", "sharedwithme":
            let rows = items.all.filter { $0["file"] != nil }.prefix(10)
            return GraphPlace(.made(.driveItem, Array(rows)), "\(label)/recent", .files, rest.dropFirst())
        default: return GraphPlace(.single(.drive, .object(row)), "drives", .files, rest)
        }
    }

    /// Resolves an item by key, or by a path below it between colons.
    private func item(
        _ drive: String, _ key: String, _ label: String, _ rest: ArraySlice<GraphSegment>, isColon: Bool = false
    ) throws(GraphFailure) -> GraphPlace {
        var key = key
        var rest = rest
        if rest.first?.name == "root:" || isColon {
            rest = rest.dropFirst()
            var names: [String] = []
            while let name = rest.first?.name {
                rest = rest.dropFirst()
                names.append(name.hasSuffix(":") ? String(name.dropLast()) : name)
                if name.hasSuffix(":") { break }
            }
            names.removeAll(where: \.isEmpty)
            let (parent, missing) = walk(names, from: key, drive: drive)
            if let missing {
                // A path to a missing file is valid for uploads.
                guard ["content", "createUploadSession"].contains(rest.first?.name ?? "") else {
                    throw .fileMissing
                }
                return GraphPlace(
                    .row(.driveItems(drive), key: "\(parent):/\(missing.joined(separator: "/"))"), "\(label)/items",
                    .files, rest)
            }
            key = parent
        }
        guard let record = store.table(.driveItems(drive)).find(key) else { throw .fileMissing }
        if rest.first?.name.lowercased() == "children" {
            let parent = record.id
            let inner = rest.dropFirst()
            if let child = inner.first?.name, !child.hasPrefix("$") {
                return try item(drive, child, label, inner.dropFirst())
            }
            return GraphPlace(
                .collection(.driveItems(drive), where: { $0["parentReference"]?["id"]?.string == parent }),
                "\(label)/items('\(parent)')/children", .files, inner, owner: parent)
        }
        if rest.first?.name.lowercased() == "permissions" {
            return .plain(
                .permissions(drive: drive, item: record.id), "\(label)/items('\(record.id)')/permissions", .files,
                rest.dropFirst(), owner: nil)
        }
        if rest.first?.name.lowercased() == "search" || rest.first?.name.lowercased() == "microsoft.graph.search" {
            let query = rest.first?.arguments?["q"] ?? ""
            let rows = store.table(.driveItems(drive)).all.filter {
                $0["root"] == nil && CaselessText.contains($0["name"]?.string ?? "", query)
            }
            return GraphPlace(.made(.driveItem, rows), "\(label)/search", .files, rest.dropFirst())
        }
        if rest.first?.name == "delta" || rest.first?.name == "microsoft.graph.delta" {
            return GraphPlace(
                .collection(.driveItems(drive)), "\(label)/root/delta", .files, [GraphSegment(name: "delta")])
        }
        return GraphPlace(.row(.driveItems(drive), key: record.id), "\(label)/items", .files, rest)
    }

    /// Follows names from an item.
    /// - Returns: the last item that exists, and the names that don't.
    func walk(_ names: [String], from key: String, drive: String) -> (String, [String]?) {
        var key = key
        for (place, name) in names.enumerated() {
            guard let child = store.driveItem(named: name, in: key, drive: drive) else {
                return (key, Array(names[place...]))
            }
            key = child.id
        }
        return (key, nil)
    }
}

extension DirectoryStore {
    /// Returns the file or folder with a name, whose case doesn't count, in a folder of a drive.
    func driveItem(named name: String, in folder: String, drive: String) -> Record? {
        var found: Record?
        table(.driveItems(drive)).scan { item in
            guard item["parentReference"]?["id"]?.string == folder,
                CaselessText.equal(item["name"]?.string ?? "", name)
            else { return true }
            found = item
            return false
        }
        return found
    }
}

/// Sites, their lists and items.
struct SitePaths {
    let store: DirectoryStore
    let drives: DrivePaths

    /// Resolves a path below `/sites`.
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
                return GraphPlace(
                    .collection(.lists(record.id)), "\(label)/lists", .sites, below.dropFirst(), owner: record.id)
            }
            let table = store.table(.lists(record.id))
            guard
                let row = table.find(list)
                    ?? table.all.first(where: { CaselessText.equal($0["displayName"]?.string ?? "", list) })
            else { throw .fileMissing }
            let inner = below.dropFirst(2)
            guard inner.first?.name.lowercased() == "items" else {
                return GraphPlace(
                    .row(.lists(record.id), key: row.id), "\(label)/lists", .sites, inner, owner: record.id)
            }
            let address = TableAddress.listItems(site: record.id, list: row.id)
            guard let item = inner.dropFirst().first?.name, !item.hasPrefix("$"), item != "delta" else {
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

    /// Returns the permissions of apps that have rights on a single site.
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
