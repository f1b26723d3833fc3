import MMCore
package import MMDesk

extension Change {
    /// Determines what a request would change; `nil` for a request that only reads.
    /// - Parameters:
    ///   - request: the request, as it will be sent.
    ///   - isAction: whether a POST to this path is known to perform an action instead of creating an object; `nil` if
    ///     unknown.
    package init?(_ request: GraphRequest, isAction: Bool?) {
        guard !["GET", "HEAD", "OPTIONS"].contains(request.method) else { return nil }
        if request.target.service == .flow {
            self.init(flow: request)
            return
        }
        guard request.target.service == .graph else {
            if request.target.service == .teams {
                self.init(teams: request)
            } else {
                self.init(elsewhere: request.target.path)
            }
            return
        }
        let steps = request.target.segments
        guard !steps.isEmpty, steps.last?.lowercased() != "$batch" else { return nil }
        let body = request.body.flatMap { try? JSONParser.parse($0) }?.object ?? [:]
        let draft = Draft(version: request.target.version ?? "v1.0", steps: steps, body: body)
        if request.method == "PUT", draft.last == "content", let content = Change(contentOf: request.target) {
            // With any other conflict behaviour the request creates a file instead of replacing the existing one.
            let conflict = request.target.queryValue("@microsoft.graph.conflictBehavior")?.lowercased() ?? "replace"
            self = conflict == "replace" ? content : content.newFile
            return
        }
        if request.method == "POST", draft.last == "restoreversion", let content = Change(restoringBy: request.target) {
            self = content
            return
        }
        switch request.method {
        case "PATCH": self = draft.update()
        case "DELETE": self = draft.deletion(query: request.target)
        case "PUT" where draft.last == "$ref": self = draft.reference(to: body["@odata.id"]?.string)
        case "POST" where draft.last == "$ref": self = draft.link([body["@odata.id"]?.string].compactMap(\.self))
        case "POST": self = draft.post(isAction: isAction)
        default:
            self = draft.action("mm can't undo this \(request.method) request")
        }
    }
}

extension Change {
    /// Whether a property of a request links objects: `members@odata.bind`.
    static func isBinding(_ key: String) -> Bool { key.hasSuffix("@odata.bind") }

    /// Whether a property is not secret, judged by its name and by the marks that device settings carry in their value.
    static func isPlain(_ key: String, _ value: JSONValue) -> Bool {
        key.lowercased() != "temporaryaccesspass" && Redactor.standard.object([key: value]) == [key: value]
            && !isMarkedSecret(value)
    }

    private static func isMarkedSecret(_ value: JSONValue) -> Bool {
        if let items = value.array { return items.contains(where: isMarkedSecret) }
        guard let members = value.object else { return false }
        return members["isEncrypted"] == true || members["@odata.type"]?.string?.lowercased().contains("secret") == true
            || members.contains { isMarkedSecret($0.value) }
    }
}

/// A request that is being turned into the change that it makes.
private struct Draft {
    let version: String
    let steps: [String]
    let body: JSONObject

    /// The last step, without the namespace of an action.
    var last: String { Self.plain(steps.last ?? "") }

    private static func plain(_ step: String) -> String {
        let step = step.lowercased()
        for space in ["microsoft.graph.", "graph."] where step.hasPrefix(space) {
            return String(step.dropFirst(space.count))
        }
        return step
    }

    static func path(_ steps: some Sequence<String>) -> String {
        steps.map { "/" + PercentCoding.encode($0, isPlain: PercentCoding.isSegmentByte) }.joined()
    }

    /// Returns the key of the object that a path leads to: `ID` of `/users/ID`, and of `/users('ID')`.
    static func key(_ steps: some BidirectionalCollection<String>) -> String {
        let last = steps.last ?? ""
        guard last.hasSuffix("')"), let quoted = last.split(separator: "'").dropFirst().first else { return last }
        return String(quoted)
    }

    // MARK: Properties

    func update() -> Change {
        let links = body.keys.filter(Change.isBinding)
        if links.count == body.count, links == ["members@odata.bind"] || links == ["owners@odata.bind"] {
            let relation = links[0].prefix { $0 != "@" }
            return Draft(version: version, steps: steps + [String(relation), "$ref"], body: [:])
                .link(body[links[0]]?.array?.compactMap(\.string) ?? [])
        }
        var after = JSONObject()
        var secret: [String] = []
        for (key, value) in body where !key.contains("@") {
            if Change.isPlain(key, value) {
                after[key] = value
            } else {
                secret.append(key)
            }
        }
        var obstacle: String?
        if !links.isEmpty {
            obstacle = "the links in \(links.joined(separator: ", ")) are not undone with the properties"
        } else if after.isEmpty {
            obstacle = secret.isEmpty ? "it changes no property" : "passwords and other secrets are not kept"
        }
        return Change(
            .properties, version: version, place: Self.path(steps), keys: after.keys,
            subject: .init(id: Self.key(steps)), after: .object(withBindings(after)), obstacle: obstacle,
            secretKeys: secret)
    }

    /// Adds the ids of the objects that the request links (`…@odata.bind`) to the properties.
    private func withBindings(_ properties: JSONObject) -> JSONObject {
        var all = properties
        for (key, value) in body where Change.isBinding(key) {
            if let one = value.string { all[key] = .string(Self.target(one)) }
            if let several = value.array {
                all[key] = .array(several.compactMap(\.string).map { .string(Self.target($0)) })
            }
        }
        return all
    }

    // MARK: References

    /// Returns the key at the end of a URL such as `https://graph.microsoft.com/v1.0/directoryObjects/ID`.
    private static func target(_ address: String) -> String {
        key(address.split(separator: "/").map(String.init).suffix(1))
    }

    func link(_ addresses: [String]) -> Change {
        let list = steps.dropLast()
        let others = addresses.map { Change.Subject(id: Self.target($0)) }
        return Change(
            .link, version: version, place: Self.path(list), subject: .init(id: Self.key(list.dropLast())),
            others: others, isBeforeKnown: others.count != 1,
            obstacle: others.isEmpty ? "the request does not name an object" : nil)
    }

    func reference(to address: String?) -> Change {
        let place = steps.dropLast()
        let other = address.map { Change.Subject(id: Self.target($0)) }
        return Change(
            .reference, version: version, place: Self.path(place), subject: .init(id: Self.key(place.dropLast())),
            others: [other].compactMap(\.self),
            after: .object([place.last ?? "": other.map { .string($0.id) } ?? .null]))
    }

    func deletion(query target: RequestTarget) -> Change {
        guard last == "$ref" else { return objectDeletion() }
        if let named = target.queryValue("@id") ?? target.queryValue("id") {
            return unlink(list: steps.dropLast(), Self.target(named))
        }
        // The collection's name precedes the key; a single-valued reference has no key.
        let before = steps.dropLast()
        let single: Set<String> = ["manager", "sponsor", "tokenissuancepolicy", "connectorgroup"]
        if single.contains(before.last?.lowercased() ?? "") { return reference(to: nil) }
        return unlink(list: before.dropLast(), before.last ?? "")
    }

    private func unlink(list: ArraySlice<String>, _ key: String) -> Change {
        Change(
            .unlink, version: version, place: Self.path(list), subject: .init(id: Self.key(list.dropLast())),
            others: [.init(id: key)])
    }

    // MARK: Objects

    private func objectDeletion() -> Change {
        if steps.count == 3, steps[0].lowercased() == "directory", steps[1].lowercased() == "deleteditems" {
            return action("deletion from the deleted items is permanent")
        }
        return Change(.deletion, version: version, place: Self.path(steps), subject: .init(id: Self.key(steps)))
    }

    func post(isAction: Bool?) -> Change {
        let owner = steps.dropLast()
        switch last {
        case "assignlicense":
            return Change(
                .licenses, version: version, place: Self.path(owner), subject: .init(id: Self.key(owner)),
                after: .object([
                    "addLicenses": body["addLicenses"] ?? [], "removeLicenses": body["removeLicenses"] ?? [],
                ]))
        case "restore" where steps.count == 4 && steps[1].lowercased() == "deleteditems":
            return Change(
                .restoration, version: version, place: Self.path(owner), subject: .init(id: Self.key(owner)))
        default: break
        }
        if let reason = Irreversible.reason(of: last, steps: steps) { return action(reason) }
        if isAction == true { return action("mm can't undo `\(steps.last ?? "")`") }
        let filtered = body.filter { key, value in
            !key.contains("@") && Change.isPlain(key, value)
        }
        return Change(
            .creation, version: version, place: Self.path(steps), keys: filtered.map(\.key),
            subject: .init(id: "", name: body["displayName"]?.string),
            after: .object(withBindings(JSONObject(filtered.map { ($0.key, $0.value) }))),
            isBeforeKnown: true)
    }

    func action(_ reason: String) -> Change {
        Change(
            .action, version: version, place: Self.path(steps), subject: .init(id: Self.key(steps.dropLast())),
            isBeforeKnown: true, obstacle: reason)
    }
}
