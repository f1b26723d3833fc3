import MMCore
package import MMDesk

extension Change {
    /// Determines what a cmdlet would change; `nil` for a cmdlet that only reads.
    package init?(_ command: ExchangeCommand, at endpoint: ExchangeService) {
        guard !command.isReadOnly, !command.isWhatIf else { return nil }
        let write = CmdletWrite(name: command.cmdlet, names: [:])
        guard !CmdletDraft.readingVerbs.contains(write.verb.lowercased()) else { return nil }
        self = CmdletDraft(write: write, parameters: command.parameters).change()
        service = endpoint == .exchange ? .exchange : .compliance
    }
}

/// A cmdlet that is being turned into the change that it makes.
private struct CmdletDraft {
    let write: CmdletWrite
    let parameters: JSONObject

    static let readingVerbs: Set<String> = ["get", "search", "test", "find", "trace", "measure"]

    /// Parameters that control how a cmdlet works and write nothing.
    private static let ways: Set<String> = [
        "confirm", "whatif", "force", "bypasssecuritygroupmanagercheck", "alwaysdeleteoutlookrulesblob",
        "ignoredefaultscope", "domaincontroller", "groupmailbox", "resultsize", "automapping", "inheritancetype",
        "bypassmasteraccountsid", "sendnotificationtouser", "validateonly", "inactivemailbox", "publicfolder",
        "skipdomainvalidationformailcontact", "skipdomainvalidationformailuser", "skipdomainvalidationforsharedmailbox",
        "ignorenamingpolicy", "forceupgrade",
    ]

    func change() -> Change {
        let verb = write.verb.lowercased()
        guard let kind = write.kind else { return unknown() }
        if let entry = kind.entry {
            switch verb {
            case "add": return self.entry(.link, entry, kind)
            case "remove": return self.entry(.unlink, entry, kind)
            case "set" where entry.values != nil: return self.entry(.properties, entry, kind)
            default: return unknown()
            }
        }
        switch verb {
        case "set": return update(kind)
        case "enable", "disable":
            guard let state = kind.state else { return unknown() }
            return change(
                .properties, kind, after: [state.property: verb == "enable" ? state.on : state.off])
        case "new" where !kind.recreated.isEmpty: return creation(kind)
        case "remove" where !kind.recreated.isEmpty: return change(.deletion, kind)
        default: return unknown()
        }
    }

    private func unknown() -> Change {
        let named = given("Identity") ?? given("Name") ?? given("Mailbox")
        var change = Change(
            .action, version: "", place: "/\(write.noun)", subject: .init(id: named ?? ""),
            obstacle: Irreversible.reason(ofCmdlet: write.name) ?? "mm can't undo \(write.name)")
        change.cmdlet = write
        return change
    }

    private func given(_ name: String) -> String? {
        parameters[name].flatMap { $0.string ?? $0.int.map(String.init) }
    }

    /// Returns the parameters that name the object.
    private func names(_ kind: CmdletKind) -> JSONObject {
        JSONObject(kind.names.compactMap { name in parameters[name].map { (name, $0) } })
    }

    private func change(
        _ form: Change.Kind, _ kind: CmdletKind, after: JSONObject = [:], secret: [String] = []
    ) -> Change {
        let id = kind.names.first.flatMap(given) ?? ""
        var change = Change(
            form, version: "", place: Change.place(write.noun, id), keys: after.keys, subject: .init(id: id),
            after: form == .deletion ? nil : .object(after), secretKeys: secret)
        change.cmdlet = CmdletWrite(name: write.name, names: names(kind))
        return change
    }

    private func update(_ kind: CmdletKind) -> Change {
        var (after, secret) = (JSONObject(), [String]())
        for (name, value) in parameters where isWritten(name, kind) {
            if Redactor.standard.object([name: value]) == [name: value] {
                after[kind.property(of: name)] = kind.shown(name, value)
            } else {
                secret.append(name)
            }
        }
        var change = change(.properties, kind, after: after, secret: secret)
        if after.isEmpty {
            change.obstacle = secret.isEmpty ? "it changes no property" : "passwords and other secrets are not kept"
        }
        return change
    }

    private func isWritten(_ name: String, _ kind: CmdletKind) -> Bool {
        !kind.names.contains(name) && !name.contains("@") && !Self.ways.contains(name.lowercased())
    }

    private func creation(_ kind: CmdletKind) -> Change {
        var after = JSONObject()
        for (name, value) in parameters where isWritten(name, kind) {
            guard Redactor.standard.object([name: value]) == [name: value] else { continue }
            after[kind.property(of: name)] = kind.shown(name, value)
        }
        var change = change(.creation, kind, after: after)
        change.subject = .init(id: "", name: given("Name"))
        change.place = "/\(write.noun)"
        change.isBeforeKnown = true
        return change
    }

    private func entry(_ form: Change.Kind, _ entry: CmdletKind.Entry, _ kind: CmdletKind) -> Change {
        let id = kind.names.first.flatMap(given) ?? ""
        let other = given(entry.name)
        var names = names(kind)
        names[entry.name] = parameters[entry.name]
        if parameters["Deny"] == true { names["Deny"] = true }
        var after: JSONValue?
        if let values = entry.values { after = .object([values: parameters[values] ?? .null]) }
        var change = Change(
            form, version: "", place: Change.place(write.noun, id) + (entry.values == nil ? "" : "/\(other ?? "")"),
            keys: entry.values.map { [$0] } ?? [], subject: .init(id: id),
            others: other.map { [.init(id: $0)] } ?? [], after: after,
            // The service itself refuses to add a member that is already there, or to remove one that isn't.
            isBeforeKnown: entry.values == nil, obstacle: other == nil ? "it does not name a single \(entry.name)" : nil
        )
        change.cmdlet = CmdletWrite(name: write.name, names: names)
        return change
    }
}

extension Change {
    static func place(_ noun: String, _ id: String) -> String { "/\(noun)" + (id.isEmpty ? "" : "/\(id)") }
}
