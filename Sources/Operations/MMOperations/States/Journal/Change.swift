package import MMCore
package import MMDesk

/// One write that changes the state of an object in Microsoft Graph, Power Automate, Exchange or another service: the place, and the states
/// before and after. It shows the write as a difference, tells whether its result still stands, and takes it back.
package struct Change: Sendable, Hashable {
    /// The kind of write.
    package enum Kind: String, Sendable, CaseIterable {
        /// Sets properties of an object.
        case properties
        /// Adds references to a list.
        case link
        /// Removes a reference from a list.
        case unlink
        /// Sets or clears a single-valued reference, such as a manager.
        case reference
        /// Assigns and removes licences.
        case licenses
        /// Creates an object.
        case creation
        /// Deletes an object.
        case deletion
        /// Restores a deleted object.
        case restoration
        /// Replaces a file on a host.
        case file
        /// Replaces the content of a file in a drive.
        case content
        /// Does anything else.
        case action
    }

    /// An object of a change, as far as it is known.
    package struct Subject: Sendable, Hashable {
        /// The id, or another key by which the caller named it.
        package var id: String
        /// The display name or user principal name.
        package var name: String?

        /// Creates a subject.
        package init(id: String, name: String? = nil) {
            self.id = id
            self.name = name
        }

        /// The name with the id, or only the id.
        package var text: String { name.map { "\($0) (\(id))" } ?? id }
    }

    /// A service that carries writes out.
    package enum Service: String, Sendable, CaseIterable {
        /// Microsoft Graph.
        case graph
        /// Power Automate.
        case flow
        /// Exchange Online, by its cmdlets.
        case exchange
        /// Security & Compliance, by its cmdlets.
        case compliance
        /// The configuration of Teams.
        case teams
        /// Any other service: writes to it are recorded but can't be taken back.
        case other
    }

    /// The kind of write.
    package let kind: Kind
    /// The service that carries it out.
    package internal(set) var service = Service.graph
    /// The cmdlet that writes; `nil` for a request.
    package internal(set) var cmdlet: CmdletWrite?
    /// `v1.0` or `beta` of Graph; empty elsewhere.
    package let version: String
    /// The path that is written, without the version: an object, a collection, a list of references. For a cmdlet its noun and the name of
    /// the object.
    package internal(set) var place: String
    /// The names of the properties that are written, for kinds that write properties.
    package let keys: [String]
    /// The object itself; for references the object that has them.
    package internal(set) var subject: Subject
    /// The objects at the other end of references.
    package internal(set) var others: [Subject]
    /// The state before: properties by their names. `nil` where it is not known or nothing existed.
    package internal(set) var before: JSONValue?
    /// The state after. `nil` where nothing exists any more.
    package internal(set) var after: JSONValue?
    /// Whether the state before is known.
    package internal(set) var isBeforeKnown: Bool
    /// The reason why it can't be taken back; `nil` if it can.
    package internal(set) var obstacle: String?
    /// The properties whose values are not kept, because they are secret.
    package let secretKeys: [String]
    /// Where an object is recreated, the ids of the matching objects that existed before: a matching object that is not among them later is
    /// the recreated one. `nil` where the matching objects were not listed.
    package internal(set) var twins: [String]?
    /// The version (ETag) of the object after the write, where the service returns it.
    package internal(set) var etag: String?

    init(
        _ kind: Kind, version: String, place: String, keys: [String] = [], subject: Subject, others: [Subject] = [],
        before: JSONValue? = nil, after: JSONValue? = nil, isBeforeKnown: Bool = false, obstacle: String? = nil,
        secretKeys: [String] = [], etag: String? = nil
    ) {
        self.kind = kind
        self.version = version
        self.place = place
        self.keys = keys
        self.subject = subject
        self.others = others
        self.before = before
        self.after = after
        self.isBeforeKnown = isBeforeKnown
        self.obstacle = obstacle
        self.secretKeys = secretKeys
        self.etag = etag
    }

    /// The collection that the path begins with: `users`, `groups`.
    package var collection: String {
        let first = place.split(separator: "/").first.map(String.init) ?? ""
        return String(first.prefix { $0 != "(" })
    }

    /// The last step of the path.
    package var lastStep: String { place.split(separator: "/").last.map(String.init) ?? "" }
}

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

    /// Whether the states before and after are the same.
    package var changesNothing: Bool { isBeforeKnown && after != nil && before == after }

    /// The changes that are taken back one after the other to take this one back: only itself where one cmdlet or request is enough.
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
        // A recreated object is enabled.
        var off = Change(
            .properties, version: version, place: place, keys: [state.property], subject: subject,
            before: .object([state.property: old]), after: .object([state.property: state.on]), isBeforeKnown: true)
        off.service = service
        off.cmdlet = CmdletWrite(name: "Enable-\(cmdlet.noun)", names: cmdlet.names)
        off.cmdlet?.names["Identity"] = name
        return [self, off]
    }

    /// Returns the change for objects that were recreated since, with other ids.
    /// - Parameter successors: the new ids by the old ones in lower case.
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

extension Change {
    /// The cmdlets that read the state before, sent in one request; empty where nothing has to be read. Usually one; a second one for the
    /// members of a deleted object, since no cmdlet shows both; and one for each recipient that is written.
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

    /// The recipients that it writes, by the names given; empty if there are too many to be looked up with the same request.
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

extension Change {
    /// Returns the recipient names that have to be looked up to judge whether the change still stands, because the service shows recipients
    /// under other names than they were written with.
    /// - Parameter rows: the present output of `presentCommand`.
    package func unresolvedNames(inRows rows: [JSONValue]?) -> [String] {
        let rows = rows ?? []
        if let entry = cmdlet?.kind?.entry {
            let name = others.first?.id ?? ""
            return entry.values == nil && !rows.contains { Self.isNamed($0, name) } ? [name] : []
        }
        if [.asBefore, .asLeft].contains(standing(inRows: rows)), kind != .deletion { return [] }
        var names: Set<String> = []
        for (key, written) in (kind == .deletion ? before : after)?.object ?? [:] {
            guard CmdletValue.holdsRecipients(key), !CmdletValue.isEmpty(written) else { continue }
            for shown in rows.compactMap({ $0[key] }) where !CmdletValue.isEmpty(shown) {
                names.formUnion(RecipientIdentities.names(of: written, beside: shown))
                names.formUnion(RecipientIdentities.names(of: shown, beside: written))
            }
        }
        return names.sorted()
    }

    /// Compares the present state with the states before and after the change.
    /// - Parameters:
    ///   - rows: the present output of `presentCommand`; `nil` where there is no such object.
    ///   - recipients: the identities of recipients, as far as they were looked up.
    package func standing(inRows rows: [JSONValue]?, _ recipients: RecipientIdentities = .init()) -> Standing {
        guard let cmdlet, let kind = cmdlet.kind else { return .unknown }
        if let entry = kind.entry {
            guard let values = entry.values else {
                let name = others.first?.id ?? ""
                let isThere = (rows ?? []).contains { Self.isNamed($0, name) || recipients.isNamed($0, name) }
                return isThere == (self.kind == .link) ? .asLeft : .asBefore
            }
            return standing(of: [values: .array(granted(values, in: rows ?? []))], recipients)
        }
        switch self.kind {
        case .deletion:
            return (rows ?? []).contains { isBack($0, recipients) } ? .asBefore : .asLeft
        case .creation:
            guard let row = rows?.first else { return .asBefore }
            return standing(of: .object(Self.only(keys.filter { row[$0] != nil }, of: row)), recipients)
        case .properties:
            guard let row = rows?.first else { return .changed(ObjectDifference(before: after, after: nil)) }
            return standing(of: .object(Self.only(keys, of: row)), recipients)
        default: return .unknown
        }
    }

    /// Whether a row is the deleted object, recreated.
    func isBack(_ row: JSONValue, _ recipients: RecipientIdentities = .init()) -> Bool {
        (before?.object ?? [:]).allSatisfy { key, value in
            key == "Priority" || key == cmdlet?.kind?.state?.property
                || Self.isHeld(key, value, in: row[key], recipients)
        }
    }

    private func standing(of present: JSONValue, _ recipients: RecipientIdentities) -> Standing {
        let shown = present.object ?? [:]
        let isExactlyBefore = shown.allSatisfy { CmdletValue.isSame(before?[$0.key] ?? .null, $0.value) }
        if kind != .creation, isBeforeKnown, isExactlyBefore { return .asBefore }
        var members = JSONObject()
        for (key, value) in shown where !Self.isHeld(key, after?[key] ?? .null, in: value, recipients) {
            members[key] = value
        }
        if members.isEmpty { return .asLeft }
        let left = Self.only(members.keys, of: after ?? .null)
        return .changed(ObjectDifference(before: .object(left), after: .object(members)))
    }

    private static func isHeld(
        _ key: String, _ written: JSONValue, in shown: JSONValue?, _ recipients: RecipientIdentities
    ) -> Bool {
        let shown = shown ?? .null
        if CmdletValue.isSame(written, shown) { return true }
        guard !CmdletValue.isEmpty(written), !CmdletValue.isEmpty(shown) else { return false }
        // Only the mailbox itself can tell whether two folder names denote the same folder.
        if CmdletValue.holdsFolder(key) { return true }
        return CmdletValue.holdsRecipients(key)
            && CmdletValue.isSame(recipients.resolved(written), recipients.resolved(shown))
    }

    /// Whether a row is the object with a name.
    static func isNamed(_ row: JSONValue, _ name: String) -> Bool {
        let name = name.lowercased()
        return [
            "Guid", "ExternalDirectoryObjectId", "PrimarySmtpAddress", "Alias", "Name", "DisplayName", "Identity",
            "DistinguishedName", "WindowsLiveID", "UserPrincipalName",
        ].contains { row[$0]?.string?.lowercased() == name }
    }
}

extension Change {
    /// The effects of the change beyond what it writes, as Microsoft documents them.
    package var consequences: [String] {
        guard cmdlet == nil else { return cmdletConsequences }
        guard service == .graph else { return flowConsequences }
        switch kind {
        case .deletion where isTopLevel: return deletionConsequences
        case .deletion
        where ["members", "owners"].contains(
            place.lowercased().split(separator: "/").dropLast().last.map(String.init) ?? ""):
            return ["Without /$ref at the end this deletes the object itself, not the membership."]
        case .licenses: return licenseConsequences
        case .properties: return propertyConsequences
        case .reference, .link, .unlink, .creation, .restoration, .file, .content, .action, .deletion: return []
        }
    }

    private var deletionConsequences: [String] {
        switch collection.lowercased() {
        case "users", "me":
            return [
                "The user can no longer sign in, and the licences become available.",
                "The user can be restored for 30 days. After that, mailbox and OneDrive are deleted.",
            ]
        case "groups":
            guard let types = before?["groupTypes"]?.array else {
                return ["It is unknown whether it can be restored: only Microsoft 365 groups can."]
            }
            guard types.contains("Unified") else {
                return memberConsequences + [
                    "A security or distribution group can't be restored: its members and permissions are lost."
                ]
            }
            let team = before?["resourceProvisioningOptions"]?.array?.contains("Team") ?? false
            return memberConsequences + [
                "\(team ? "Its team, site" : "Its site"), mailbox and plans are deleted with it.",
                "It can be restored with them for 30 days.",
            ]
        case "applications": return ["Nobody can sign in to the app any longer. It can be restored for 30 days."]
        case "serviceprincipals":
            return ["The app loses its permissions in this tenant. The service principal can be restored for 30 days."]
        case "devices": return ["The device loses its registration; its BitLocker keys are deleted with it."]
        default: return []
        }
    }

    private var memberConsequences: [String] {
        guard let count = before?["members"]?["count"]?.int else { return ["The number of its members is unknown."] }
        guard count > 0 else { return ["It has no members."] }
        let names = before?["members"]?["first"]?.array?.compactMap(\.string) ?? []
        let more = count > names.count ? " and \(count - names.count) more" : ""
        return [
            "\(count == 1 ? "1 member loses" : "\(count) members lose") the group's access: \(names.joined(separator: ", "))\(more)."
        ]
    }

    private var licenseConsequences: [String] {
        let (old, new) = (before?["assignedLicenses"]?.object, after?["assignedLicenses"]?.object)
        guard let old, let new, isBeforeKnown else { return [] }
        let gone = old.keys.filter { new[$0] == nil }
        let mailboxes = gone.filter { LicenseProduct.holdsMailbox($0) == true }
        let unknown = gone.filter { LicenseProduct.holdsMailbox($0) == nil }
        var texts: [String] = []
        if !mailboxes.isEmpty {
            let names = mailboxes.map(LicenseProduct.name).joined(separator: ", ")
            texts.append(
                "\(names) includes Exchange Online: unless another licence does too, the mailbox is deleted 30 days after the removal."
            )
        }
        if !unknown.isEmpty {
            texts.append("It is unknown whether \(unknown.joined(separator: ", ")) includes a mailbox.")
        }
        return texts
    }

    private var propertyConsequences: [String] {
        guard collection.lowercased() == "users" || collection.lowercased() == "me", isTopLevel else { return [] }
        var texts: [String] = []
        if after?["accountEnabled"] == false {
            texts.append("The user can no longer sign in, and sessions end within an hour.")
        }
        if after?["userPrincipalName"] != nil { texts.append("The user must sign in with the new name.") }
        if after?["usageLocation"] != nil {
            texts.append("The location determines which services the licences include.")
        }
        if !secretKeys.isEmpty { texts.append("The user is signed out wherever the old password was used.") }
        return texts
    }

    private var flowConsequences: [String] {
        after?["state"] == "Stopped" && before?["state"] != "Stopped"
            ? ["Triggers are missed, or run later when the flow is started again."] : []
    }

    private var cmdletConsequences: [String] {
        var texts: [String] = []
        let new = after?.object ?? [:]
        func isSet(_ key: String) -> Bool { new[key].map { !CmdletValue.isEmpty($0) } ?? false }
        switch cmdlet?.noun {
        case "Mailbox":
            if isSet("ForwardingSmtpAddress") || isSet("ForwardingAddress") {
                texts.append("Incoming mail will be forwarded.")
            }
            if new["RecipientTypeDetails"] == "SharedMailbox" {
                texts.append("A shared mailbox needs no licence up to 50 GB; its user can still sign in.")
            }
            if new["LitigationHoldEnabled"] == false {
                texts.append("Items that only the hold has kept are deleted permanently.")
            }
        case "InboxRule", "TransportRule":
            if ["ForwardTo", "ForwardAsAttachmentTo", "RedirectTo", "BlindCopyTo", "CopyTo", "RedirectMessageTo"]
                .contains(where: isSet)
            {
                texts.append("Mail will be forwarded. Messages that were already forwarded can't be recalled.")
            }
            if new["DeleteMessage"] == true {
                texts.append("Matching mail is deleted, and an undo does not restore it.")
            }
        case "DistributionGroup" where kind == .deletion:
            texts.append("Mail to the group is returned to the sender, and the group's permissions end.")
        default: break
        }
        return texts
    }
}

/// Flows of Power Automate: whether they are started.
extension Change {
    /// Determines what a request to Power Automate would change.
    init(flow request: GraphRequest) {
        let steps = request.target.segments
        let last = steps.last?.lowercased() ?? ""
        let place = steps.dropLast()
        let path = { (steps: ArraySlice<String>) in steps.map { "/" + Self.step($0) }.joined() }
        if request.method == "POST", ["start", "stop"].contains(last), place.dropLast().last?.lowercased() == "flows" {
            self.init(
                .properties, version: "", place: path(place), keys: ["state"], subject: .init(id: place.last ?? ""),
                after: ["state": last == "start" ? "Started" : "Stopped"])
        } else {
            let isDeletion = request.method == "DELETE" && place.last?.lowercased() == "flows"
            self.init(
                .action, version: "", place: path(steps[...]), subject: .init(id: isDeletion ? last : place.last ?? ""),
                obstacle: isDeletion
                    ? "mm does not restore flows; an administrator can for 21 days"
                    : "mm can't undo this \(request.method) request")
        }
        service = .flow
    }

    /// Returns the change with the flow's state before.
    func knowing(flow answer: JSONValue) -> Change {
        guard kind == .properties else { return self }
        var change = self
        let properties = answer["properties"] ?? .null
        change.subject = Subject(id: answer["name"]?.string ?? subject.id, name: properties["displayName"]?.string)
        change.before = .object(Self.only(keys, of: properties))
        change.isBeforeKnown = true
        let state = properties["state"]?.string ?? ""
        if !["Started", "Stopped"].contains(state) { change.obstacle = "only the service can set a flow to \(state)" }
        return change
    }

    /// The request that starts or stops the flow again.
    var flowInverse: [InverseRequest] {
        guard kind == .properties, let state = before?["state"]?.string else { return [] }
        return [InverseRequest("POST", "\(place)/\(state == "Started" ? "start" : "stop")")]
    }
}
