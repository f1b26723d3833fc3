internal import MMCore

/// Relations of users that follow from the start data, and what was written over them.
extension TenantState {
    /// The object id of a user's manager.
    func managerID(_ id: String) -> String? {
        if let written = store.table(.users).find(id)?[Self.managerKey] { return written.string }
        guard let index = store.users.ids.index(ofGuid: id), index < store.users.count else { return nil }
        return store.users.row(index).managerIndex.map { store.users.ids.guid($0) }.flatMap { store.user($0)?.id }
    }

    /// Where a written manager is kept in a row; no property of the service has this name.
    static let managerKey = "\u{1}manager"

    func directReports(_ id: String) -> [String] {
        var reports: [String] = []
        if let index = store.users.ids.index(ofGuid: id), index < store.users.count {
            for below in (8 * index + 1)..<(8 * index + 9) where below < store.users.count {
                let report = store.users.ids.guid(below)
                if managerID(report) == id, store.user(report) != nil { reports.append(report) }
            }
        }
        for change in store.table(.users).changes where !change.isRemoval && !reports.contains(change.id) {
            if store.user(change.id) != nil, managerID(change.id) == id { reports.append(change.id) }
        }
        return reports
    }

    func ownedObjects(_ id: String) -> [String] {
        store.table(.groups).all.map(\.id).filter { store.isLinked(id, LinkAddress(owner: $0, relation: .owners)) }
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

    func mailboxSettings(_ id: String) -> JSONObject {
        if let changed = mailboxChanges[id] { return changed }
        let language = store.user(id)?["preferredLanguage"]?.string ?? "en-US"
        return [
            "archiveFolder": .null, "timeZone": "UTC", "delegateMeetingMessageDeliveryOptions": "sendToDelegateOnly",
            "dateFormat": "yyyy-MM-dd", "timeFormat": "HH:mm", "userPurpose": "user",
            "automaticRepliesSetting": [
                "status": "disabled", "externalAudience": "all", "internalReplyMessage": "", "externalReplyMessage": "",
            ],
            "language": ["locale": .string(language), "displayName": .string(language)],
            "workingHours": [
                "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"], "startTime": "08:00:00.0000000",
                "endTime": "17:00:00.0000000", "timeZone": ["name": "UTC"],
            ],
        ]
    }

    /// The folders of a mailbox with their counts.
    func mailFolderRows(_ owner: String) -> [Record] {
        var totals: [String: (all: Int64, unread: Int64, size: Int64)] = [:]
        store.table(.messages(owner)).scan { message in
            let folder = message["parentFolderId"]?.string ?? ""
            let unread: Int64 = message["isRead"]?.bool == false ? 1 : 0
            let size = Int64(message["body"]?["content"]?.string?.utf8.count ?? 0) + 2_000
            let before = totals[folder] ?? (0, 0, 0)
            totals[folder] = (before.all + 1, before.unread + unread, before.size + size)
            return true
        }
        return store.table(.mailFolders(owner)).all.map { folder in
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
