package import MMCore
package import MMDesk

extension Change {
    /// The cmdlets that read the state before, sent in one request; empty where nothing has to be read. Usually one; a
    /// second one for the members of a deleted object, since no cmdlet shows both; and one for each recipient that is
    /// written.
    package var priorCommands: [ExchangeCommand] {
        guard let cmdlet, let kind = cmdlet.kind, kind.entry?.values != nil || kind.entry == nil else { return [] }
        switch kind.entry {
        case nil:
            guard isStateRead else { return [] }
            var commands = [reading(kind, cmdlet.names)]
            if self.kind == .deletion, let content = kind.content {
                var command = ExchangeCommand(content.reader, ["Identity": cmdlet.names["Identity"] ?? .null])
                command.parameters["ResultSize"] = "Unlimited"
                commands.append(command)
            }
            return commands + writtenRecipients.map(RecipientIdentities.reading)
        case let entry?: return [reading(kind, cmdlet.names, entry)]
        }
    }

    /// The recipients that it writes, by the names given; empty if there are too many to be looked up with the same
    /// request.
    package var writtenRecipients: [String] {
        guard kind == .properties, cmdlet?.kind?.entry == nil else { return [] }
        let items = (after?.object ?? [:]).filter { CmdletValue.holdsRecipients($0.key) }
            .flatMap { CmdletValue.edit($0.value) ?? $0.value.array ?? [$0.value] }
        let names = Set(items.compactMap(\.string)).filter { !$0.isEmpty }
        return names.count < GuardedExchange.largestBatch ? names.sorted() : []
    }

    private var isStateRead: Bool { kind == .deletion || kind == .properties && !keys.isEmpty }

    /// The cmdlet that shows whether the change still stands; `nil` where none does.
    package var presentCommand: ExchangeCommand? {
        guard let cmdlet, let kind = cmdlet.kind, self.kind != .action else { return nil }
        if let entry = kind.entry { return reading(kind, cmdlet.names, entry) }
        var names = cmdlet.names
        if self.kind == .creation {
            guard !subject.id.isEmpty else { return nil }
            names["Identity"] = .string(subject.id)
        }
        if self.kind == .deletion {
            // A recreated object has another id, so it is looked up by name.
            if kind.isShort { names["Identity"] = nil } else { names["Identity"] = subject.name.map { .string($0) } }
        }
        return reading(kind, names)
    }

    private func reading(_ kind: CmdletKind, _ names: JSONObject, _ entry: CmdletKind.Entry? = nil) -> ExchangeCommand {
        var parameters = names
        parameters["Deny"] = nil
        if let entry, !entry.isSought {
            parameters[entry.name] = nil
            parameters["ResultSize"] = "Unlimited"
        }
        return ExchangeCommand(kind.reader, parameters)
    }

    /// Returns the change with its state before.
    /// - Parameters:
    ///   - rows: the output of the reading cmdlet; `nil` where there is no such object.
    ///   - content: the output of the second cmdlet (members), where one was sent.
    ///   - recipients: the identities of `writtenRecipients`, as far as they were read.
    package func knowing(
        rows: [JSONValue]?, content: [JSONValue] = [], recipients: RecipientIdentities = .init()
    ) -> Change {
        guard let cmdlet, let kind = cmdlet.kind else { return self }
        var change = self
        if let entry = kind.entry, let values = entry.values {
            change.isBeforeKnown = true
            // If the person has no entry, some cmdlets report an error and others output nothing.
            let held = granted(values, in: rows ?? [])
            let written = after?[values]
            change.before = .object([values: .array(held)])
            change.after = .object([values: .array(Self.rights(held, self.kind, written))])
            return change
        }
        guard let rows, let row = rows.first else { return missing }
        guard rows.count == 1 else { return unreadable("\(rows.count) objects have this name") }
        change.name(by: row, kind)
        change.isBeforeKnown = true
        switch self.kind {
        case .properties:
            change.before = .object(JSONObject(keys.compactMap { key in row[key].map { (key, $0) } }))
            change.after = .object(
                JSONObject(
                    keys.map { key in
                        let (shown, written) = (row[key] ?? .null, after?[key] ?? .null)
                        guard CmdletValue.holdsRecipients(key) else {
                            return (key, CmdletValue.edited(shown, by: written))
                        }
                        return (key, recipients.edited(shown, by: written))
                    }))
            let silent = keys.filter { row[$0] == nil }
            if !silent.isEmpty { change.obstacle = "\(kind.reader) does not show \(silent.joined(separator: ", "))" }
        case .deletion:
            var kept = JSONObject()
            for parameter in kind.recreated {
                let property = kind.property(of: parameter)
                if let value = row[property], !CmdletValue.isEmpty(value) { kept[property] = value }
            }
            if let state = kind.state, let value = row[state.property] { kept[state.property] = value }
            change.before = Redactor.standard.json(.object(kept))
            if kind.content != nil { change.others = content.map(Self.recipient) }
        default: break
        }
        return change
    }

    /// Returns the rights that the entry grants, from rows that may hold other entries as well.
    func granted(_ property: String, in rows: [JSONValue]) -> [JSONValue] {
        let isDenial = cmdlet?.names["Deny"] == true
        var rights: [JSONValue] = []
        for row in rows where row["IsInherited"] != true {
            let denies = row["Deny"] == true || row["AccessControlType"]?.string?.lowercased() == "deny"
            guard denies == isDenial else { continue }
            for right in row[property]?.array ?? row[property].map({ [$0] }) ?? []
            where !rights.contains(where: { CmdletValue.isSame($0, right) }) { rights.append(right) }
        }
        return rights
    }

    /// Returns the rights after a write.
    static func rights(_ held: [JSONValue], _ kind: Kind, _ written: JSONValue?) -> [JSONValue] {
        let given = written.flatMap { $0.isNull ? nil : $0.array ?? [$0] }
        func isOne(_ value: JSONValue, of list: [JSONValue]) -> Bool { list.contains { CmdletValue.isSame($0, value) } }
        switch kind {
        case .link: return held + (given ?? []).filter { !isOne($0, of: held) }
        case .unlink: return given.map { given in held.filter { !isOne($0, of: given) } } ?? []
        default: return given ?? []
        }
    }

    /// Names the object by an id that does not change with its properties.
    private mutating func name(by row: JSONValue, _ kind: CmdletKind) {
        let id = kind.ids.lazy.compactMap { row[$0]?.string }.first { !$0.isEmpty }
        let names = ["PrimarySmtpAddress", "Name", "DisplayName", "Identity"]
        subject = Subject(
            id: id ?? subject.id, name: names.lazy.compactMap { row[$0]?.string }.first { !$0.isEmpty } ?? subject.name)
        if let place = kind.place, cmdlet?.names[place.parameter] == nil, let owner = row[place.property] {
            cmdlet?.names[place.parameter] = owner
        }
        guard let own = kind.names.first, let id else { return }
        if self.kind == .creation || cmdlet?.names[own] != nil { cmdlet?.names[own] = .string(id) }
        place = Self.place(cmdlet?.noun ?? "", id)
    }

    /// Returns a creation with the object that the cmdlet's output shows.
    package func left(by rows: [JSONValue]) -> Change {
        guard kind == .creation, let kind = cmdlet?.kind, let row = rows.first else { return self }
        var change = self
        change.name(by: row, kind)
        var after = after?.object ?? [:]
        for key in keys { if let shown = row[key] { after[key] = shown } }
        change.after = .object(after)
        return change
    }

    private static func recipient(_ row: JSONValue) -> Subject {
        let name = row["PrimarySmtpAddress"]?.string ?? row["Name"]?.string
        return Subject(
            id: ["ExternalDirectoryObjectId", "Guid"].lazy.compactMap { row[$0]?.string }.first { !$0.isEmpty } ?? name
                ?? "", name: name)
    }
}
