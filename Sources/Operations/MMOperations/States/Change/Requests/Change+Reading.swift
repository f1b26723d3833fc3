package import MMCore

extension Change {
    /// The path to read for the state before; `nil` where nothing has to be read.
    package var priorPath: String? {
        guard cmdlet == nil else { return nil }
        if service == .flow { return kind == .properties ? place : nil }
        if service == .teams { return teamsReading }
        switch kind {
        case .properties where obstacle == nil || !keys.isEmpty:
            guard isItem, !keys.isEmpty else { return keys.isEmpty ? nil : versioned(place) }
            return versioned(place) + "?$select=" + names(with: keys)
        case .licenses: return versioned(place) + "?$select=" + names(with: ["assignedLicenses"])
        case .reference: return versioned(place)
        case .deletion:
            guard let more = Self.deletedDetails[collection.lowercased()], isTopLevel else { return versioned(place) }
            return versioned(place) + "?$select=" + names(with: more)
        case .restoration: return versioned(place)
        case .content: return versioned(place) + Self.shownContent
        case .link, .unlink: return others.count == 1 ? "/\(version)/directoryObjects/\(Self.step(others[0].id))" : nil
        case .properties, .creation, .file, .action: return nil
        }
    }

    /// The path of related data that is read together with the state before: the members of a group that is deleted,
    /// the versions of a file, the name of the object whose list of references changes.
    package var contentPath: String? {
        if kind == .content { return versionsPath }
        if [.link, .unlink].contains(kind), let owner { return versioned(owner) + "?$select=id,displayName" }
        guard kind == .deletion, service == .graph, isTopLevel, collection.lowercased() == "groups" else { return nil }
        return versioned(place)
            + "/members?$count=true&$top=\(Self.shownMembers)&$select=id,displayName,userPrincipalName"
    }

    private static let shownMembers = 10

    /// The path of the object whose list of references this is; `nil` where it has no name that could be read.
    private var owner: String? {
        let steps = place.split(separator: "/")
        guard service == .graph, steps.count == 3, Self.named.contains(collection.lowercased()) else { return nil }
        return "/\(steps[0])/\(steps[1])"
    }

    /// Returns the change with the answer to `contentPath` added to its state before.
    package func knowing(content answer: JSONValue) -> Change {
        if kind == .content { return knowing(versions: answer["value"]?.array ?? []) }
        if [.link, .unlink].contains(kind) {
            var change = self
            change.subject.name = answer["displayName"]?.string ?? subject.name
            return change
        }
        guard isBeforeKnown, var before = before?.object else { return self }
        let rows = answer["value"]?.array ?? []
        let names = rows.compactMap { $0["userPrincipalName"]?.string ?? $0["displayName"]?.string }
        let count = answer["@odata.count"]?.int ?? rows.count
        before["members"] = ["count": .int(Int64(count)), "first": .array(names.map { .string($0) })]
        var change = self
        change.before = .object(before)
        return change
    }

    /// The path to read to find out whether the change still stands; `nil` where nothing shows it.
    package var presentPath: String? {
        guard cmdlet == nil, service == .graph else { return priorPath }
        return switch kind {
        case .properties, .licenses, .reference: priorPath
        case .link, .unlink:
            others.count == 1 ? versioned(place) + "/\(Self.step(others[0].id))/$ref" : nil
        case .creation:
            subject.id.isEmpty
                ? nil
                : versioned(place) + "/\(Self.step(subject.id))"
                    + (keys.isEmpty ? "" : "?$select=" + keys.joined(separator: ","))
        case .deletion: isRestorable ? "/\(version)/directory/deletedItems/\(Self.step(subject.id))" : versioned(place)
        case .restoration: "/\(version)/directoryObjects/\(Self.step(subject.id))"
        case .content: priorPath
        case .file, .action: nil
        }
    }

    /// Returns the change with its state before.
    /// - Parameter answer: the service's answer to `priorPath`; `nil` where there is no such object.
    package func knowing(_ answer: JSONValue?) -> Change {
        var change = self
        switch kind {
        case .link, .unlink:
            if let answer, !change.others.isEmpty { change.others[0] = Self.subject(answer, or: change.others[0]) }
            change.isBeforeKnown = true
            return change
        case .reference:
            change.before = .object([relation: answer?["id"] ?? .null])
            if let id = answer?["id"], change.isNamed(by: answer) { change.after = .object([relation: id]) }
            if let answer { change.others.append(Self.subject(answer, or: .init(id: ""))) }
            change.isBeforeKnown = true
            return change
        default: break
        }
        guard let answer else { return self }
        if service == .flow { return change.knowing(flow: answer) }
        if service == .teams { return change.knowing(teams: answer) }
        change.subject = Self.subject(answer, or: subject)
        change.isBeforeKnown = true
        change.namePlace()
        switch kind {
        case .properties:
            let before = Self.only(keys, of: answer)
            change.before = .object(before)
            change.after = (after?.object).map { .object(before.overlaid(by: $0)) }
        case .licenses:
            let held = answer["assignedLicenses"]?.array ?? []
            let asked = after
            change.before = .object(["assignedLicenses": Self.touched(by: asked, in: held)])
            change.after = .object(["assignedLicenses": Self.touched(by: asked, in: Self.licenses(held, after: asked))])
        case .deletion:
            change.before = Redactor.standard.json(.object(Self.plain(answer)))
            change.obstacle = change.deletionObstacle
        case .restoration: change.after = .object(Self.plain(answer))
        case .content: return change.knowing(item: answer)
        default: break
        }
        return change
    }

    /// Extracts the same state from the answer to `presentPath`; `nil` where there is no such object.
    func state(in answer: JSONValue?) -> JSONValue? {
        if service == .flow { return answer.map { .object(Self.only(keys, of: $0["properties"] ?? .null)) } }
        if service == .teams { return answer.flatMap(teamsSettings).map { .object($0) } }
        return switch kind {
        case .properties, .creation: answer.map { .object(Self.only(keys, of: $0)) }
        case .licenses:
            answer.map {
                let held = $0["assignedLicenses"]?.array ?? []
                let skus =
                    (before?["assignedLicenses"]?.object?.keys ?? []) + (after?["assignedLicenses"]?.object?.keys ?? [])
                return .object(["assignedLicenses": Self.entries(of: skus, in: held)])
            }
        case .reference:
            .object([relation: (isNamed(by: answer) ? after?[relation] : answer?["id"]) ?? .null])
        case .link, .unlink, .deletion, .restoration: answer == nil ? nil : true
        case .content: answer.map { .object(Self.content(of: $0)) }
        case .file, .action: nil
        }
    }

    /// Whether the request named the referenced object by its user principal name.
    private func isNamed(by answer: JSONValue?) -> Bool {
        guard let written = after?[relation]?.string, let name = answer?["userPrincipalName"]?.string else {
            return false
        }
        return written.lowercased() == name.lowercased()
    }

    // MARK: Names and properties

    /// The last step of a list of references, or of a single one: `members`, `manager`.
    package var relation: String { cmdlet?.kind?.entry?.list ?? lastStep }

    private static let named: Set<String> = [
        "users", "groups", "applications", "serviceprincipals", "devices", "directoryroles", "me", "contacts",
    ]
    private static let deletedDetails = [
        "users": ["accountEnabled", "assignedLicenses", "mail"],
        "groups": ["groupTypes", "mailEnabled", "securityEnabled", "resourceProvisioningOptions", "mail"],
        "applications": ["appId"], "serviceprincipals": ["appId", "servicePrincipalType"],
    ]

    var isTopLevel: Bool {
        let steps = place.split(separator: "/")
        return steps.count == 2 || (steps.count == 1 && (steps[0].contains("(") || steps[0].lowercased() == "me"))
    }

    /// Whether the path names an item of a collection, which can be read with `$select`.
    private var isItem: Bool { isTopLevel || place.split(separator: "/").count % 2 == 0 }

    private func names(with keys: [String]) -> String {
        var names = ["id"]
        if isTopLevel, Self.named.contains(collection.lowercased()) {
            names.append("displayName")
            if ["users", "me"].contains(collection.lowercased()) { names.append("userPrincipalName") }
        }
        return (names + keys.filter { !names.contains($0) }).joined(separator: ",")
    }

    func versioned(_ path: String) -> String { service == .graph ? "/\(version)\(path)" : path }

    static func step(_ key: String) -> String { PercentCoding.encode(key, isPlain: PercentCoding.isSegmentByte) }

    private static func subject(_ answer: JSONValue, or known: Subject) -> Subject {
        let name = answer["userPrincipalName"]?.string ?? answer["displayName"]?.string
        return Subject(id: answer["id"]?.string ?? known.id, name: name ?? known.name)
    }

    /// Names the object by its id in the path, so that the path stays valid when the object's name changes.
    private mutating func namePlace() {
        if let (items, isPath) = driveItems, isPath {
            place = "\(items)/\(Self.step(subject.id))"
            return
        }
        let steps = place.split(separator: "/")
        guard isTopLevel, collection.lowercased() != "me", GUID.isValid(subject.id), !steps.isEmpty else { return }
        place = "/\(collection)/\(subject.id)"
    }

    /// The path of all items of a drive where the place is within one, and whether the place names an item by its path.
    /// An item that is renamed or moved is no longer found by its path, and items can't be deleted through their
    /// folder's path.
    var driveItems: (items: String, isPath: Bool)? {
        let steps = place.split(separator: "/").map(String.init)
        guard let root = steps.firstIndex(where: { ["root", "items"].contains($0.prefix { $0 != ":" }.lowercased()) }),
            root > 0, steps[root - 1].lowercased() == "drive" || root > 1 && steps[root - 2].lowercased() == "drives"
        else { return nil }
        // A second colon ends the item's path: a property or a relation of the item follows.
        let isPath = steps[root...].count { $0.hasSuffix(":") } == 1
        return (steps[..<root].map { "/" + $0 }.joined() + "/items", isPath)
    }

    static func only(_ keys: [String], of value: JSONValue) -> JSONObject {
        JSONObject(keys.map { ($0, value[$0] ?? .null) })
    }

    private static func plain(_ value: JSONValue) -> JSONObject {
        JSONObject(
            (value.object ?? [:]).filter { !$0.key.contains("@odata.") || $0.key == "@odata.type" }.map {
                ($0.key, $0.value)
            })
    }
}
