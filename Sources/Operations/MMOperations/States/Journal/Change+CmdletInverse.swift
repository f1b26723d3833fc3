import MMCore
package import MMGraph

extension Change {
    /// The cmdlets that take the change back, in their order; none where that is not possible, or nothing is to be done.
    package var inverseCommands: [ExchangeCommand] {
        guard reasonAgainstUndo == nil, let cmdlet, let kind = cmdlet.kind else { return [] }
        if let entry = kind.entry { return [inverse(of: entry, kind, cmdlet)].compactMap(\.self) }
        switch self.kind {
        case .properties:
            if let state = kind.state, keys == [state.property] {
                let wasOn = CmdletValue.isSame(state.on, before?[state.property] ?? .null)
                return [command(wasOn ? "Enable" : "Disable", cmdlet.noun, cmdlet.names)]
            }
            var parameters = cmdlet.names
            for key in keys {
                let written = kind.written(key, before?[key] ?? .null)
                parameters[written.parameter] = written.value
            }
            return [command("Set", cmdlet.noun, parameters)]
        case .creation:
            var parameters = cmdlet.names
            parameters["Identity"] = .string(subject.id)
            return [command("Remove", cmdlet.noun, parameters)]
        case .deletion: return [recreation(kind, cmdlet)]
        default: return []
        }
    }

    private func command(_ verb: String, _ noun: String, _ parameters: JSONObject) -> ExchangeCommand {
        var command = ExchangeCommand("\(verb)-\(noun)", parameters)
        command.parameters["Confirm"] = .bool(false)
        return command
    }

    private func inverse(of entry: CmdletKind.Entry, _ kind: CmdletKind, _ cmdlet: CmdletWrite) -> ExchangeCommand? {
        var parameters = cmdlet.names
        guard let values = entry.values else {
            return command(self.kind == .link ? "Remove" : "Add", cmdlet.noun, parameters)
        }
        let (old, new) = (before?[values]?.array ?? [], after?[values]?.array ?? [])
        func rights(_ list: [JSONValue], without others: [JSONValue]) -> [JSONValue] {
            list.filter { right in !others.contains { CmdletValue.isSame($0, right) } }
        }
        let (added, taken) = (rights(new, without: old), rights(old, without: new))
        switch self.kind {
        case .link where !added.isEmpty: parameters[values] = .array(added)
        case .unlink where !taken.isEmpty: parameters[values] = .array(taken)
        case .properties where !old.isEmpty: parameters[values] = .array(old)
        default: return nil
        }
        let verb = self.kind == .link ? "Remove" : self.kind == .unlink ? "Add" : "Set"
        // What has its rights as a whole takes none when it is removed.
        if verb == "Remove", cmdlet.noun.hasSuffix("FolderPermission") { parameters[values] = nil }
        return command(verb, cmdlet.noun, parameters)
    }

    private func recreation(_ kind: CmdletKind, _ cmdlet: CmdletWrite) -> ExchangeCommand {
        var parameters = cmdlet.names
        parameters["Identity"] = nil
        for (key, value) in before?.object ?? [:] {
            if !kind.isMadeWithState, key == kind.state?.property { continue }
            let written = kind.written(key, value)
            parameters[written.parameter] = written.value
        }
        if let content = kind.content, !others.isEmpty {
            parameters[content.parameter] = .array(others.map { .string($0.id) })
        }
        return command("New", cmdlet.noun, parameters)
    }

    /// Whether it leaves everything as it was.
    package var changesNothing: Bool { isBeforeKnown && after != nil && before == after }

    /// The changes that are taken back one after the other to take this one back: one where one cmdlet or request does.
    package var parts: [Change] {
        if [.link, .unlink].contains(kind), others.count > 1 {
            return others.map { other in
                var part = self
                part.others = [other]
                return part
            }
        }
        guard kind == .deletion, let cmdlet, let kind = cmdlet.kind, !kind.isMadeWithState, let state = kind.state,
            let old = before?[state.property], CmdletValue.isSame(old, state.off), let name = before?["Name"]
        else { return [self] }
        // What is made anew is switched on.
        var off = Change(
            .properties, version: version, place: place, keys: [state.property], subject: subject,
            before: .object([state.property: old]), after: .object([state.property: state.on]), isBeforeKnown: true)
        off.service = service
        off.cmdlet = CmdletWrite(name: "Enable-\(cmdlet.noun)", names: cmdlet.names)
        off.cmdlet?.names["Identity"] = name
        return [self, off]
    }

    /// The change where objects that it names were made anew since, with other ids.
    /// - Parameter successors: the new ids by the old ones in small letters.
    package func following(successors: [String: String]) -> Change {
        guard !successors.isEmpty else { return self }
        func id(_ old: String) -> String {
            var (id, seen) = (old, Set<String>())
            while let next = successors[id.lowercased()], seen.insert(id).inserted { id = next }
            return id
        }
        var change = self
        change.subject.id = id(subject.id)
        for index in change.others.indices { change.others[index].id = id(others[index].id) }
        change.place = place.split(separator: "/").map { "/" + id(String($0)) }.joined()
        for (name, value) in cmdlet?.names ?? [:] {
            if let old = value.string { change.cmdlet?.names[name] = .string(id(old)) }
        }
        return change
    }
}
