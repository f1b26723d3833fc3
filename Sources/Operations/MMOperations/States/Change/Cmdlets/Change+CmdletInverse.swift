import MMCore
package import MMDesk

extension Change {
    /// The cmdlets that take the change back, in order; empty where that is not possible or nothing has to be done.
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
        // A folder permission is removed as a whole: `Remove-…FolderPermission` takes no rights.
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
}
