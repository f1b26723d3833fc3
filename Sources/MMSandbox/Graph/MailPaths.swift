internal import MMCore

/// What paths into mailboxes and calendars name.
struct MailPaths {
    let store: DirectoryStore
    let rules: MessageRules

    func mail(
        _ owner: String, _ address: TableAddress, _ label: String, _ rest: ArraySlice<GraphSegment>,
        _ test: (@Sendable (Record) -> Bool)?
    ) -> GraphPlace {
        guard let key = rest.first?.name, !key.hasPrefix("$"), key != "delta" else {
            return GraphPlace(
                node: .collection(address, where: test), label: label, rest: rest, area: .mail, owner: owner)
        }
        if rest.dropFirst().first?.name.lowercased() == "attachments", let record = store.table(address).find(key) {
            return .plain(
                .attachments(owner: owner, message: record.id), "\(label)('\(record.id)')/attachments", .mail,
                rest.dropFirst(2), owner: owner)
        }
        return GraphPlace(
            node: .row(address, key: key), label: label, rest: rest.dropFirst(), area: .mail, owner: owner)
    }

    func mailFolders(_ owner: String, _ label: String, _ rest: ArraySlice<GraphSegment>) throws(GraphFailure)
        -> GraphPlace
    {
        let all = "\(label)/mailFolders"
        guard let key = rest.first?.name, !key.hasPrefix("$"), key != "delta" else {
            return GraphPlace(
                node: .made(.mailFolder, store.mailFolderRows(owner)), label: all, rest: rest, area: .mail, owner: owner
            )
        }
        guard let folder = store.table(.mailFolders(owner)).find(key) else { throw .mailItemMissing }
        if rest.dropFirst().first?.name.lowercased() == "messages" {
            let id = folder.id
            return mail(owner, .messages(owner), "\(all)('\(id)')/messages", rest.dropFirst(2)) {
                $0["parentFolderId"]?.string == id
            }
        }
        if rest.dropFirst().first?.name.lowercased() == "messagerules" {
            return GraphPlace(
                node: .made(.messageRule, rules.rows(owner)), label: "\(all)('\(folder.id)')/messageRules",
                rest: rest.dropFirst(2), area: .mailboxSettings, owner: owner)
        }
        return GraphPlace(
            node: .row(.mailFolders(owner), key: folder.id), label: all, rest: rest.dropFirst(), area: .mail,
            owner: owner)
    }

    func calendar(_ owner: String, _ label: String, _ rest: ArraySlice<GraphSegment>) -> GraphPlace {
        switch rest.first?.name.lowercased() {
        case "events": return .plain(.events(owner), "\(label)/events", .calendars, rest.dropFirst(), owner: owner)
        case "calendarview":
            return GraphPlace(
                node: .collection(.events(owner), where: nil), label: "\(label)/calendarView", rest: rest,
                area: .calendars, owner: owner)
        default:
            let id = store.table(.calendars(owner)).first?.id ?? ""
            return GraphPlace(
                node: .row(.calendars(owner), key: id), label: "\(label)/calendar", rest: rest, area: .calendars,
                owner: owner)
        }
    }
}
