import MMCore
package import MMGraph

/// A step that brings a finding of Exchange back: a cmdlet, or what a person has to do in its place.
package struct CmdletRepair: Sendable {
    /// The cmdlet; `nil` where none does it.
    package let command: ExchangeCommand?
    /// What a reader should know first.
    package let note: String?

    init(_ command: ExchangeCommand?, _ note: String? = nil) { (self.command, self.note) = (command, note) }
}

extension SnapshotFinding {
    /// The cmdlets that bring it back, in their order.
    /// - Parameter takes: whether a cmdlet has a parameter: what none takes is set by the service itself.
    package func cmdletRepairs(
        taking takes: (_ cmdlet: String, _ parameter: String) -> Bool
    ) -> [CmdletRepair] {
        if !kind.relations.isEmpty { return entryRepairs() }
        guard let setter = kind.setter else { return [CmdletRepair(nil, "no cmdlet brings it back")] }
        let noun = String(setter.drop { $0 != "-" }.dropFirst())
        switch change {
        case .changed:
            return settings(Self.topmost(difference.changes), noun, setter, takes)
        case .added where kind.isSingle: return [CmdletRepair(nil, "it can't be removed")]
        case .added where !kind.onlyWith.isEmpty:
            // The object was there before; what it is listed for was not.
            let cleared = kind.onlyWith.filter { SnapshotObject.isSet($0, in: self.after ?? [:]) }
            return settings(cleared, noun, setter, takes)
        case .added:
            let command = ExchangeCommand("Remove-\(noun)", ["Identity": .string(id)])
            guard takes(command.cmdlet, "Identity") else { return [CmdletRepair(nil, "no cmdlet removes it")] }
            return [CmdletRepair(command, "removes what is new")]
        case .removed where !kind.onlyWith.isEmpty:
            return settings(kind.onlyWith.filter { SnapshotObject.isSet($0, in: before ?? [:]) }, noun, setter, takes)
        case .removed: return [recreation(noun, takes)]
        }
    }

    /// The object as it is now, where it is new.
    private var after: JSONObject? { change == .added ? difference.changes.first?.after?.object : nil }

    /// The properties of the object that differ.
    private static func topmost(_ changes: [ObjectDifference.Change]) -> [String] {
        var names: [String] = []
        for case let name? in changes.map(\.path.first) where !names.contains(name) { names.append(name) }
        return names
    }

    /// What writes properties back as they were.
    private func settings(
        _ properties: [String], _ noun: String, _ setter: String, _ takes: (String, String) -> Bool
    ) -> [CmdletRepair] {
        let cmdlets = CmdletKind.of(noun)
        let names: JSONObject = kind.isSingle ? [:] : ["Identity": .string(id)]
        var parameters = names
        var repairs: [CmdletRepair] = []
        for property in properties {
            let old = before?[property] ?? .null
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
            if case .object = written.value {
                repairs.append(CmdletRepair(nil, "`\(property)` has to be brought back by hand"))
            } else {
                parameters[written.parameter] = written.value
            }
        }
        guard parameters.count > names.count else { return repairs }
        return [CmdletRepair(ExchangeCommand(setter, parameters))] + repairs
    }

    private func recreation(_ noun: String, _ takes: (String, String) -> Bool) -> CmdletRepair {
        guard let cmdlets = CmdletKind.of(noun), !cmdlets.recreated.isEmpty, let before else {
            return CmdletRepair(nil, "no single cmdlet makes it again")
        }
        var parameters = JSONObject()
        for parameter in cmdlets.recreated {
            let property = cmdlets.property(of: parameter)
            guard let value = before[property], !CmdletValue.isEmpty(value), takes("New-\(noun)", parameter) else {
                continue
            }
            parameters[parameter] = cmdlets.written(property, value).value
        }
        return CmdletRepair(ExchangeCommand("New-\(noun)", parameters), "makes it again, with another id")
    }

    // MARK: Entries of lists

    /// What gives the rights that were taken, and takes those that were given.
    private func entryRepairs() -> [CmdletRepair] {
        kind.relations.flatMap { relation -> [CmdletRepair] in
            let noun = String(relation.path.prefix { $0 != "?" }.drop { $0 != "-" }.dropFirst())
            guard let entry = CmdletKind.of(noun)?.entry else {
                return [CmdletRepair(nil, "`\(relation.name)` has to be brought back by hand")]
            }
            let (old, new) = lists(of: relation.name)
            return old.filter { !new.contains($0) }.map { repair("Add-\(noun)", entry, $0) }
                + new.filter { !old.contains($0) }.map { repair("Remove-\(noun)", entry, $0) }
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

    private func repair(_ cmdlet: String, _ entry: CmdletKind.Entry, _ row: JSONValue) -> CmdletRepair {
        var parameters: JSONObject = ["Identity": .string(id)]
        for name in [entry.name] + (entry.values.map { [$0] } ?? []) { parameters[name] = row[name] ?? .null }
        if row["Deny"] == true { parameters["Deny"] = true }
        return CmdletRepair(ExchangeCommand(cmdlet, parameters))
    }
}
