internal import MMCore
internal import MMHTTP

/// Inbox rules in Graph's form: the same rules that Exchange cmdlets show.
struct MessageRules {
    let context: TenantContext
    let store: DirectoryStore
    let organization: ExchangeOrganization

    /// Conditions and actions: their names in Graph and in the cmdlets.
    private static let conditions = [
        ("subjectContains", "SubjectContainsWords"), ("bodyOrSubjectContains", "SubjectOrBodyContainsWords"),
        ("senderContains", "From"),
    ]
    private static let recipients = [
        ("forwardTo", "ForwardTo"), ("forwardAsAttachmentTo", "ForwardAsAttachmentTo"), ("redirectTo", "RedirectTo"),
    ]
    private static let switches = [
        ("delete", "DeleteMessage"), ("markAsRead", "MarkAsRead"), ("stopProcessingRules", "StopProcessingRules"),
    ]

    /// Returns the rules of a mailbox, in their order.
    func rows(_ owner: String) -> [Record] {
        guard let mailbox = ruleOwner(owner) else { return [] }
        return organization.inboxRules(of: mailbox).map { .object(messageRule($0, owner: owner)) }
    }

    private func ruleOwner(_ owner: String) -> ExchangeMailbox? {
        store.users.index(of: owner).flatMap { organization.mailboxes.mailbox($0) }
    }

    private static func id(of rule: JSONObject) -> String {
        Base64.text(Array((rule["RuleIdentity"]?.string ?? "").utf8), alphabet: .url)
    }

    private func messageRule(_ rule: JSONObject, owner: String) -> JSONObject {
        func texts(_ value: JSONValue?) -> [JSONValue] { value?.array ?? value?.string.map { [.string($0)] } ?? [] }
        var conditions: JSONObject = [:]
        for (name, cmdlet) in Self.conditions {
            let words = texts(rule[cmdlet])
            if !words.isEmpty { conditions[name] = .array(words) }
        }
        var actions: JSONObject = [:]
        for (name, cmdlet) in Self.recipients {
            let addresses = texts(rule[cmdlet])
            guard !addresses.isEmpty else { continue }
            actions[name] = .array(
                addresses.map { address in
                    let known = store.user(address.string ?? "")?["displayName"]
                    return ["emailAddress": ["name": known ?? address, "address": address]]
                })
        }
        if let folder = rule["MoveToFolder"]?.string {
            actions["moveToFolder"] = .string(folderID(folder, owner: owner))
        }
        for (name, cmdlet) in Self.switches where rule[cmdlet]?.bool == true { actions[name] = true }
        return [
            "id": .string(Self.id(of: rule)), "displayName": rule["Name"] ?? .null, "sequence": rule["Priority"] ?? 1,
            "isEnabled": rule["Enabled"] ?? true, "hasError": false, "isReadOnly": false,
            "conditions": conditions.isEmpty ? .null : .object(conditions), "actions": .object(actions),
            "exceptions": .null,
        ]
    }

    /// Returns the id of a folder; a generated one for a name that no folder has.
    private func folderID(_ name: String, owner: String) -> String {
        let known = store.table(.mailFolders(owner)).all.first { $0["displayName"]?.string == name }
        return known?.id ?? Base64.text(Array("\(owner) \(name)".utf8), alphabet: .url)
    }

    /// Returns the name of a folder by its id.
    private func folderName(_ id: String, owner: String) -> String {
        if let known = store.table(.mailFolders(owner)).find(id)?["displayName"]?.string { return known }
        let made = Base64.bytes(id, alphabet: .url).map { String(decoding: $0, as: UTF8.self) } ?? ""
        return made.hasPrefix(owner + " ") ? String(made.dropFirst(owner.count + 1)) : id
    }

    /// Creates, changes or deletes a rule.
    func change(_ call: GraphCall, _ place: GraphPlace) throws(GraphFailure) -> HTTPServerResponse {
        guard let owner = place.owner, let mailbox = ruleOwner(owner) else { throw .mailItemMissing }
        var rules = organization.inboxRules(of: mailbox)
        let key = place.rest.first?.name
        let index = rules.firstIndex { Self.id(of: $0) == key }
        switch (call.request.method, index) {
        case ("POST", _) where key == nil:
            let body = try EntityKind.messageRule.checked(try call.object(), isNew: true)
            var rule = organization.newInboxRule("", mailbox, rules.count + 1)
            try write(body, to: &rule, owner: owner)
            rules.append(rule)
            organization.writtenInboxRules[mailbox.id] = rules
            return ruleAnswer(call, place, rule, owner, status: 201)
        case ("PATCH", let index?):
            try write(
                try EntityKind.messageRule.checked(try call.object(), isNew: false), to: &rules[index], owner: owner)
            organization.writtenInboxRules[mailbox.id] = rules
            return ruleAnswer(call, place, rules[index], owner, status: 200)
        case ("DELETE", let index?):
            rules.remove(at: index)
            organization.writtenInboxRules[mailbox.id] = rules
            return HTTPServerResponse(status: 204)
        case ("PATCH", nil), ("DELETE", nil): throw .mailItemMissing
        default: throw .notAllowed(call.request.method)
        }
    }

    private func ruleAnswer(
        _ call: GraphCall, _ place: GraphPlace, _ rule: JSONObject, _ owner: String, status: Int
    ) -> HTTPServerResponse {
        var row: JSONObject = [
            "@odata.context": .string("\(context.base)/\(call.version)/$metadata#\(place.label)/$entity")
        ]
        for (name, value) in messageRule(rule, owner: owner) { row[name] = value }
        return GraphAnswers.json(.object(row), status: status)
    }

    private func write(_ body: JSONObject, to rule: inout JSONObject, owner: String) throws(GraphFailure) {
        if let name = body["displayName"] { rule["Name"] = name }
        if let sequence = body["sequence"] { rule["Priority"] = sequence }
        if let isEnabled = body["isEnabled"] { rule["Enabled"] = isEnabled }
        if let conditions = body["conditions"] {
            for (name, _) in conditions.object ?? [:] where !Self.conditions.contains(where: { $0.0 == name }) {
                throw GraphFailure(400, "ErrorInvalidRequest", "The sandbox tenant knows no condition '\(name)'.")
            }
            for (name, cmdlet) in Self.conditions { rule[cmdlet] = conditions[name] ?? [] }
        }
        guard let actions = body["actions"] else { return }
        for (name, cmdlet) in Self.recipients {
            let addresses = actions[name]?.array?.compactMap { $0["emailAddress"]?["address"] } ?? []
            rule[cmdlet] = addresses.isEmpty ? .null : .array(addresses)
        }
        for (name, cmdlet) in Self.switches { rule[cmdlet] = actions[name] ?? false }
        rule["MoveToFolder"] = actions["moveToFolder"]?.string.map { .string(folderName($0, owner: owner)) } ?? .null
    }
}
