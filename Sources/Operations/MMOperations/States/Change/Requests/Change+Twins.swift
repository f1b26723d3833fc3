package import MMCore
package import MMDesk

extension Change {
    /// The path of the list in which to look for the object that this creation made, or that was recreated for this
    /// deletion; `nil` where Graph has no such list. A deleted object that the directory keeps is restored rather than
    /// recreated, so it needs none.
    package var alikePath: String? {
        guard cmdlet == nil, service == .graph else { return nil }
        switch kind {
        case .creation: return listPath(place, after?.object ?? [:])
        case .deletion where !isRestorable:
            guard let body = recreation?.object else { return nil }
            return listPath(place.split(separator: "/").dropLast().map { "/" + $0 }.joined(), body)
        default: return nil
        }
    }

    /// Returns the path of a collection; of a large one, filtered to the part that contains the object.
    private func listPath(_ collection: String, _ body: JSONObject) -> String {
        let steps = collection.lowercased().split(separator: "/").map(String.init)
        let key: String? =
            switch steps.last {
            case "users" where steps.count == 1: "userPrincipalName"
            case "oauth2permissiongrants": "clientId"
            case "roleassignments": "principalId"
            default: steps.count == 1 && body["displayName"] != nil ? "displayName" : nil
            }
        guard let key, let value = body[key]?.string else { return versioned(collection) }
        let filter = "\(key) eq '\(value.replacing("'", with: "''"))'"
        return versioned(collection) + "?$filter="
            + PercentCoding.encode(filter, isPlain: PercentCoding.isQueryByte)
    }

    /// Returns the objects of a list that match the one created, or the one recreated for this deletion.
    package func alike(in rows: [JSONValue]) -> [Subject] {
        let body = kind == .creation ? after?.object : recreation?.object
        let written = (body ?? [:]).filter { !$0.key.contains("@") }
        return rows.filter { row in
            // A list shows only some properties of an object.
            let shown = written.filter { row[$0.key] != nil }
            return !shown.isEmpty && shown.allSatisfy { Self.isHeld($0.value, in: row[$0.key]) }
        }.compactMap { row in
            row["id"]?.string.map {
                Subject(id: $0, name: row["userPrincipalName"]?.string ?? row["displayName"]?.string)
            }
        }
    }

    /// Returns the change that recreates an object, with the ids of the matching objects that already exist.
    package func beside(_ twins: [Subject]) -> Change {
        var change = self
        change.twins = twins.map(\.id)
        return change
    }

    /// Returns a creation whose answer was lost with the object that was found for it.
    package func made(_ subject: Subject) -> Change {
        var change = self
        change.subject = Subject(id: subject.id, name: subject.name ?? self.subject.name)
        return change
    }

    /// The cmdlet that lists the objects among which to look for the one created when the cmdlet's answer was lost.
    package var alikeCommand: ExchangeCommand? {
        guard kind == .creation, let cmdlet, let kind = cmdlet.kind, kind.entry == nil else { return nil }
        var names = cmdlet.names
        names["Identity"] = kind.isShort ? nil : subject.name.map { .string($0) }
        return ExchangeCommand(kind.reader, names)
    }

    /// Returns the rows of the objects that match the one created.
    package func alike(inRows rows: [JSONValue]) -> [JSONValue] {
        rows.filter { row in
            switch kind {
            case .creation:
                let shown = (after?.object ?? [:]).filter { row[$0.key] != nil }
                return !shown.isEmpty && shown.allSatisfy { CmdletValue.isSame($0.value, row[$0.key] ?? .null) }
            case .deletion: return isBack(row)
            default: return false
            }
        }
    }
}
