package import MMCore
package import MMDesk

extension Change {
    /// What lists the objects among which one is found that this creation made, or that was made anew for this deletion; `nil` where
    /// no list of Graph does. An object that the directory keeps is restored, and never made twice.
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

    /// A collection, of a large one the part in which the object is.
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

    /// The objects of a list that are as this creation made one, or as one is made anew for this deletion.
    package func alike(in rows: [JSONValue]) -> [Subject] {
        let body = kind == .creation ? after?.object : recreation?.object
        let written = (body ?? [:]).filter { !$0.key.contains("@") }
        return rows.filter { row in
            // A list shows less of an object than it has.
            let shown = written.filter { row[$0.key] != nil }
            return !shown.isEmpty && shown.allSatisfy { Self.isHeld($0.value, in: row[$0.key]) }
        }.compactMap { row in
            row["id"]?.string.map {
                Subject(id: $0, name: row["userPrincipalName"]?.string ?? row["displayName"]?.string)
            }
        }
    }

    /// The change that makes an object anew, with those alike that stand there already.
    package func beside(_ twins: [Subject]) -> Change {
        var change = self
        change.twins = twins.map(\.id)
        return change
    }

    /// What was made, of a creation whose answer was lost.
    package func made(_ subject: Subject) -> Change {
        var change = self
        change.subject = Subject(id: subject.id, name: subject.name ?? self.subject.name)
        return change
    }

    /// The cmdlet that shows the objects among which one is found that a cmdlet made whose answer was lost.
    package var alikeCommand: ExchangeCommand? {
        guard kind == .creation, let cmdlet, let kind = cmdlet.kind, kind.entry == nil else { return nil }
        var names = cmdlet.names
        names["Identity"] = kind.isShort ? nil : subject.name.map { .string($0) }
        return ExchangeCommand(kind.reader, names)
    }

    /// The rows of those that are as it was made.
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
