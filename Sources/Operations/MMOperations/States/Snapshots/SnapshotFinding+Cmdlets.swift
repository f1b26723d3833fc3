import MMCore
package import MMDesk

/// A step that restores the object of a finding in Exchange: a cmdlet, or an instruction for a person.
package struct CmdletRepair: Sendable {
    /// The cmdlet; `nil` where there is none for it.
    package let command: ExchangeCommand?
    /// A note that the user should read first.
    package let note: String?

    init(_ command: ExchangeCommand?, _ note: String? = nil) { (self.command, self.note) = (command, note) }
}

extension SnapshotFinding {
    /// Returns the cmdlets that restore the object, in order.
    /// - Parameter takes: whether a cmdlet has a parameter. Properties without a parameter are set only by the service
    ///   itself.
    package func cmdletRepairs(
        taking takes: (_ cmdlet: String, _ parameter: String) -> Bool
    ) -> [CmdletRepair] {
        if !kind.relations.isEmpty { return entryRepairs() }
        guard let setter = kind.setter else { return [CmdletRepair(nil, "no cmdlet restores it")] }
        let noun = String(setter.drop { $0 != "-" }.dropFirst())
        switch change {
        case .changed:
            return settings(Self.topmost(difference.changes), noun, setter, takes)
        case .added where kind.isSingle: return [CmdletRepair(nil, "it can't be removed")]
        case .added where !kind.onlyWith.isEmpty:
            // The object existed before, but without the properties for which it is listed now.
            let cleared = (kind.onlyWith + flags(of: self.after)).filter {
                SnapshotObject.isSet($0, in: self.after ?? [:])
            }
            return settings(cleared, noun, setter, takes)
        case .added:
            let command = ExchangeCommand("Remove-\(noun)", ["Identity": .string(id)])
            guard takes(command.cmdlet, "Identity") else { return [CmdletRepair(nil, "no cmdlet removes it")] }
            return [CmdletRepair(command, "removes the new object")]
        case .removed where !kind.onlyWith.isEmpty:
            // Objects that aren't listed have no known flags.
            let set = kind.onlyWith.filter { SnapshotObject.isSet($0, in: before ?? [:]) } + flags(of: before)
            return settings(set, noun, setter, takes)
        case .removed where kind.service == .teams: return [policyAnew(noun)]
        case .removed: return [recreation(noun, takes)]
        }
    }

    /// The present object, where it is new.
    private var after: JSONObject? { change == .added ? difference.changes.first?.after?.object : nil }

    /// Returns the boolean properties of an object, which belong to the properties for which it is listed.
    private func flags(of members: JSONObject?) -> [String] {
        (members ?? [:]).filter { $0.value.bool != nil && !kind.onlyWith.contains($0.key) }.map(\.key)
    }

    /// Returns the top-level properties that differ.
    private static func topmost(_ changes: [ObjectDifference.Change]) -> [String] {
        var names: [String] = []
        for case let name? in changes.map(\.path.first) where !names.contains(name) { names.append(name) }
        return names
    }

    /// Returns the cmdlets that write properties back.
    private func settings(
        _ properties: [String], _ noun: String, _ setter: String, _ takes: (String, String) -> Bool
    ) -> [CmdletRepair] {
        let cmdlets = CmdletKind.of(noun)
        let names: JSONObject = kind.isSingle ? [:] : ["Identity": .string(id)]
        var parameters = names
        var repairs: [CmdletRepair] = []
        for property in properties {
            // A flag of an object that wasn't listed is assumed to have been off, its default.
            let old = before?[property] ?? (after?[property]?.bool == nil ? .null : false)
            if let state = cmdlets?.state, state.property == property {
                let verb = CmdletValue.isSame(state.on, old) ? "Enable" : "Disable"
                repairs.append(CmdletRepair(ExchangeCommand("\(verb)-\(noun)", names)))
                continue
            }
            let written = cmdlets?.written(property, old) ?? (parameter: property, value: old)
            guard takes(setter, written.parameter) else {
                repairs.append(CmdletRepair(nil, "`\(property)` is set by the service"))
                continue
            }
            if written.value.object != nil || written.value.array?.contains(where: { $0.object != nil }) == true {
                repairs.append(CmdletRepair(nil, "`\(property)` must be restored manually"))
            } else {
                parameters[written.parameter] = written.value
            }
        }
        guard parameters.count > names.count else { return repairs }
        return [CmdletRepair(ExchangeCommand(setter, parameters))] + repairs
    }

    private func recreation(_ noun: String, _ takes: (String, String) -> Bool) -> CmdletRepair {
        guard let cmdlets = CmdletKind.of(noun), !cmdlets.recreated.isEmpty, let before else {
            return CmdletRepair(nil, "no single cmdlet recreates it")
        }
        var parameters = JSONObject()
        for parameter in cmdlets.recreated {
            let property = cmdlets.property(of: parameter)
            guard let value = before[property], !CmdletValue.isEmpty(value), takes("New-\(noun)", parameter) else {
                continue
            }
            parameters[parameter] = cmdlets.written(property, value).value
        }
        return CmdletRepair(ExchangeCommand("New-\(noun)", parameters), "recreates it with another ID")
    }

    /// Returns the cmdlet that recreates a Teams policy under its own name, with the settings as parameters.
    private func policyAnew(_ noun: String) -> CmdletRepair {
        // Policies that can be assigned to people have the prefix `Tag:`.
        let name = id.hasPrefix("Tag:") ? String(id.dropFirst(4)) : id
        var parameters: JSONObject = ["Identity": .string(name)]
        for (property, value) in before ?? [:] where property != "Identity" && !CmdletValue.isEmpty(value) {
            if case .object = value { continue }
            parameters[property] = value
        }
        return CmdletRepair(ExchangeCommand("New-\(noun)", parameters), "recreates it without assignments")
    }

    // MARK: Entries of lists

    /// Returns the cmdlets that restore removed rights and remove added ones.
    private func entryRepairs() -> [CmdletRepair] {
        kind.relations.flatMap { relation -> [CmdletRepair] in
            let noun = String(relation.path.prefix { $0 != "?" }.drop { $0 != "-" }.dropFirst())
            let (old, new) = lists(of: relation.name)
            guard let cmdlets = CmdletKind.of(noun) else {
                return [CmdletRepair(nil, "`\(relation.name)` must be restored manually")]
            }
            guard let entry = cmdlets.entry else { return ruleRepairs(cmdlets, old, new) }
            let identity = Self.identity(in: relation, of: id)
            // A folder permission is removed as a whole: `Remove-…FolderPermission` takes no rights.
            let isWhole = noun.hasSuffix("FolderPermission")
            func repairs(_ verb: String, _ rows: [JSONValue]) -> [CmdletRepair] {
                rows.map { repair("\(verb)-\(noun)", entry, $0, of: identity, isWhole: isWhole && verb == "Remove") }
            }
            let (gone, come) = (old.filter { !new.contains($0) }, new.filter { !old.contains($0) })
            let others = gone.filter { row in isWhole && come.contains { $0[entry.name] == row[entry.name] } }
            return repairs("Set", others)
                + repairs("Add", gone.filter { !others.contains($0) })
                + repairs("Remove", come.filter { row in !others.contains { $0[entry.name] == row[entry.name] } })
        }
    }

    private func lists(of relation: String) -> (old: [JSONValue], new: [JSONValue]) {
        switch change {
        case .added: return ([], after?[relation]?.array ?? [])
        case .removed: return (before?[relation]?.array ?? [], [])
        case .changed:
            guard let change = difference.changes.first(where: { $0.path == [relation] }) else { return ([], []) }
            return (change.before?.array ?? [], change.after?.array ?? [])
        }
    }

    /// Returns the identity that a relation's cmdlets take, such as a folder of the mailbox.
    private static func identity(in relation: SnapshotKind.Relation, of id: String) -> JSONValue {
        TenantSnapshotSource.command(relation.path.replacing("{id}", with: id)).parameters["Identity"] ?? .string(id)
    }

    /// Returns the cmdlets that recreate a mailbox's removed rules and remove the new ones.
    private func ruleRepairs(_ cmdlets: CmdletKind, _ old: [JSONValue], _ new: [JSONValue]) -> [CmdletRepair] {
        guard let place = cmdlets.place else {
            return [CmdletRepair(nil, "`\(cmdlets.noun)` must be restored manually")]
        }
        func removal(_ row: JSONValue) -> CmdletRepair {
            let name = cmdlets.ids.lazy.compactMap { row[$0] }.first ?? row["Name"] ?? .null
            return CmdletRepair(
                ExchangeCommand("Remove-\(cmdlets.noun)", ["Identity": name, place.parameter: .string(id)]))
        }
        func recreation(_ row: JSONValue) -> [CmdletRepair] {
            var parameters: JSONObject = [place.parameter: .string(id)]
            for parameter in cmdlets.recreated {
                guard let value = row[cmdlets.property(of: parameter)], !CmdletValue.isEmpty(value), value != false
                else { continue }
                parameters[parameter] = cmdlets.written(cmdlets.property(of: parameter), value).value
            }
            let made = CmdletRepair(
                ExchangeCommand("New-\(cmdlets.noun)", parameters), "recreates it with another ID")
            guard let state = cmdlets.state, !cmdlets.isMadeWithState, row[state.property] == state.off else {
                return [made]
            }
            let names: JSONObject = ["Identity": row["Name"] ?? .null, place.parameter: .string(id)]
            return [made, CmdletRepair(ExchangeCommand("Disable-\(cmdlets.noun)", names))]
        }
        return new.filter { !old.contains($0) }.map(removal) + old.filter { !new.contains($0) }.flatMap(recreation)
    }

    private func repair(
        _ cmdlet: String, _ entry: CmdletKind.Entry, _ row: JSONValue, of identity: JSONValue, isWhole: Bool
    ) -> CmdletRepair {
        var parameters: JSONObject = ["Identity": identity]
        for name in [entry.name] + (isWhole ? [] : entry.values.map { [$0] } ?? []) {
            parameters[name] = row[name] ?? .null
        }
        if row["Deny"] == true { parameters["Deny"] = true }
        return CmdletRepair(ExchangeCommand(cmdlet, parameters))
    }
}
