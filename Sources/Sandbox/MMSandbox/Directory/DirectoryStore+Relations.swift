internal import MMCore

/// Relations of users that follow from the start data, and what was written over them.
extension DirectoryStore {
    /// The object of an id, wherever in the directory it is.
    func object(_ id: String) -> (TableAddress, Record)? {
        for address in [TableAddress.users, .groups, .servicePrincipals, .applications, .directoryRoles, .devices] {
            if let record = table(address).find(id) { return (address, record) }
        }
        return nil
    }

    /// The object ids of the devices that a user has registered.
    func devices(of userID: String) -> [String] {
        guard let index = users.ids.index(ofGuid: userID), index < users.count, index.isMultiple(of: 2),
            administration.owner(ofDevice: index / 2) != nil
        else { return [] }
        let device = administration.objectID(ofDevice: index / 2)
        return table(.devices).find(device) == nil ? [] : [device]
    }

    /// The object ids of those who have registered a device.
    func owners(ofDevice id: String) -> [String] {
        guard let index = administration.directoryDeviceIndex(id), let owner = administration.owner(ofDevice: index)
        else { return [] }
        return user(owner.id).map { [$0.id] } ?? []
    }

    /// The object id of a user's manager.
    func managerID(_ id: String) -> String? {
        if let written = table(.users).find(id)?[Self.managerKey] { return written.string }
        guard let index = users.ids.index(ofGuid: id), index < users.count else { return nil }
        return users.row(index).managerIndex.map { users.ids.guid($0) }.flatMap { user($0)?.id }
    }

    /// Where a written manager is kept in a row; no property of the service has this name.
    static let managerKey = "\u{1}manager"

    func directReports(_ id: String) -> [String] {
        var reports: [String] = []
        if let index = users.ids.index(ofGuid: id), index < users.count {
            for below in (8 * index + 1)..<(8 * index + 9) where below < users.count {
                let report = users.ids.guid(below)
                if managerID(report) == id, user(report) != nil { reports.append(report) }
            }
        }
        for change in table(.users).changes where !change.isRemoval && !reports.contains(change.id) {
            if user(change.id) != nil, managerID(change.id) == id { reports.append(change.id) }
        }
        return reports
    }

    func ownedObjects(_ id: String) -> [String] {
        table(.groups).all.map(\.id).filter { isLinked(id, LinkAddress(owner: $0, relation: .owners)) }
    }

    func licenseDetails(_ user: Record) -> [Record] {
        let held = Set(user["assignedLicenses"]?.array?.compactMap { $0["skuId"]?.string } ?? [])
        return License.all.filter { held.contains($0.sku) }.map { license in
            .object([
                "id": .string(Base64.text(Array("\(user.id)\(license.sku)".utf8.prefix(24)), alphabet: .url)),
                "skuId": .string(license.sku), "skuPartNumber": .string(license.part),
                "servicePlans": license.servicePlans,
            ])
        }
    }

    /// The folders of a mailbox with their counts.
    func mailFolderRows(_ owner: String) -> [Record] {
        var totals: [String: (all: Int64, unread: Int64, size: Int64)] = [:]
        table(.messages(owner)).scan { message in
            let folder = message["parentFolderId"]?.string ?? ""
            let unread: Int64 = message["isRead"]?.bool == false ? 1 : 0
            let size = Int64(message["body"]?["content"]?.string?.utf8.count ?? 0) + 2_000
            let before = totals[folder] ?? (0, 0, 0)
            totals[folder] = (before.all + 1, before.unread + unread, before.size + size)
            return true
        }
        return table(.mailFolders(owner)).all.map { folder in
            var row = folder.members(of: .mailFolder)
            let total = totals[folder.id] ?? (0, 0, 0)
            row["childFolderCount"] = 0
            row["unreadItemCount"] = .int(total.unread)
            row["totalItemCount"] = .int(total.all)
            row["sizeInBytes"] = .int(total.size)
            return .object(row)
        }
    }
}
