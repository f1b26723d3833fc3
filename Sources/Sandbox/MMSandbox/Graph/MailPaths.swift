internal import MMCore

/// Resolves the paths to mailboxes and calendars.
struct MailPaths {
    let store: DirectoryStore
    let rules: MessageRules

    func mail(
        _ owner: String, _ address: TableAddress, _ label: String, _ rest: ArraySlice<GraphSegment>,
        _ test: (@Sendable (Record) -> Bool)?
    ) -> GraphPlace {
        guard let key = rest.first?.name, !key.hasPrefix("$"), key != "delta" else {
            return GraphPlace(.collection(address, where: test), label, .mail, rest, owner: owner)
        }
        if rest.dropFirst().first?.name.lowercased() == "attachments", let record = store.table(address).find(key) {
            let (table, all) = (
                TableAddress.attachments(owner: owner, message: record.id), "\(label)('\(record.id)')/attachments"
            )
            let inner = rest.dropFirst(2)
            if inner.first?.name.lowercased() == "createuploadsession" {
                return GraphPlace(.collection(table), all, .mail, inner, owner: owner)
            }
            return .plain(table, all, .mail, inner, owner: owner)
        }
        return GraphPlace(.row(address, key: key), label, .mail, rest.dropFirst(), owner: owner)
    }

    func mailFolders(_ owner: String, _ label: String, _ rest: ArraySlice<GraphSegment>) throws(GraphFailure)
        -> GraphPlace
    {
        let all = "\(label)/mailFolders"
        guard let key = rest.first?.name, !key.hasPrefix("$"), key != "delta" else {
            return GraphPlace(.made(.mailFolder, store.mailFolderRows(owner)), all, .mail, rest, owner: owner)
        }
        guard let folder = store.table(.mailFolders(owner)).find(key) else { throw .mailItemMissing }
        if rest.dropFirst().first?.name.lowercased() == "messages" {
            let id = folder.id
            return mail(owner, .messages(owner), "\(all)('\(id)')/messages", rest.dropFirst(2)) {
                $0["parentFolderId"]?.string == id
            }
        }
        // No mailbox here has folders within folders.
        if rest.dropFirst().first?.name.lowercased() == "childfolders" {
            return GraphPlace(
                .made(.mailFolder, []), "\(all)('\(folder.id)')/childFolders", .mail, rest.dropFirst(2), owner: owner)
        }
        if rest.dropFirst().first?.name.lowercased() == "messagerules" {
            return GraphPlace(
                .made(.messageRule, rules.rows(owner)), "\(all)('\(folder.id)')/messageRules", .mailboxSettings,
                rest.dropFirst(2), owner: owner)
        }
        return GraphPlace(.row(.mailFolders(owner), key: folder.id), all, .mail, rest.dropFirst(), owner: owner)
    }

    func calendar(_ owner: String, _ label: String, _ rest: ArraySlice<GraphSegment>) -> GraphPlace {
        switch rest.first?.name.lowercased() {
        case "events": return .plain(.events(owner), "\(label)/events", .calendars, rest.dropFirst(), owner: owner)
        case "calendarview":
            return GraphPlace(.collection(.events(owner)), "\(label)/calendarView", .calendars, rest, owner: owner)
        default:
            let id = store.table(.calendars(owner)).first?.id ?? ""
            return GraphPlace(.row(.calendars(owner), key: id), "\(label)/calendar", .calendars, rest, owner: owner)
        }
    }
}
