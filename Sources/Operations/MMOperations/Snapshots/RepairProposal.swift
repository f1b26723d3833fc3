import MMCore
import MMNative

/// A command that would restore the earlier state. It is only shown; the guard judges it when it is run.
struct RepairProposal: Sendable {
    let kind: String
    let name: String
    /// The command line; `nil` where there is none.
    let command: String?
    /// The same as a call, for planning.
    let call: Plan.Call?
    /// A note that the user should read first.
    let note: String?

    /// Returns the repairs of a finding.
    /// - Parameters:
    ///   - finding: the finding.
    ///   - connection: the tenant's connection.
    ///   - ids: the ids by the names in the earlier snapshot.
    static func all(
        for finding: SnapshotFinding, on connection: String, ids: [SnapshotKind.ReferenceSpace: [String: String]]
    ) -> [RepairProposal] {
        let writer = RepairWriter(
            finding: finding, connection: ShellWord.quoted(connection), name: connection, ids: ids)
        switch finding.kind.service {
        case .graph: return writer.graph()
        case .exchange: return writer.cmdlets(of: .exo)
        case .compliance: return writer.cmdlets(of: .scc)
        case .flow: return writer.flow()
        // Properties that only the service writes are not in the snapshot; all others are parameters of its cmdlets.
        case .teams: return writer.cmdlets(in: "teams") { _, _ in true }
        }
    }
}

/// Writes the commands for one finding.
private struct RepairWriter {
    let finding: SnapshotFinding
    let connection: String
    /// The connection's name, unquoted.
    let name: String
    let ids: [SnapshotKind.ReferenceSpace: [String: String]]

    private var kind: SnapshotKind { finding.kind }
    /// The properties that only the service sets.
    private static let readOnly: Set<String> = ["id", "appId", "@odata.type"]

    func none(_ note: String) -> RepairProposal { proposal(nil, note) }

    func graph() -> [RepairProposal] {
        var place =
            kind.isSingle
            ? kind.collection
            : "\(kind.collection)/\(PercentCoding.encode(finding.id, isPlain: PercentCoding.isSegmentByte))"
        // The object of a collection of one is changed by its id.
        if kind.isInCollection, let id = finding.before?["id"]?.string, GUID.isValid(id) { place += "/\(id)" }
        switch finding.change {
        case .added:
            guard !kind.isSingle else { return [none("it can't be removed")] }
            return [request(place, "DELETE", nil, "removes the new object")]
        case .removed:
            guard let before = restored(finding.before), !kind.isSingle else { return [none("it can't be recreated")] }
            var body: JSONObject = [:]
            for (name, value) in before where !Self.readOnly.contains(name) && !isRelation(name) && value != .null {
                body[name] = value
            }
            if let type = before["@odata.type"] { body["@odata.type"] = type }
            return [
                request(
                    kind.collection, "POST", .object(body),
                    "recreates it with another ID" + (kind.relations.isEmpty ? "" : ", without its relations"))
            ]
        case .changed: return changed(place)
        }
    }

    private func changed(_ place: String) -> [RepairProposal] {
        guard let before = restored(finding.before) else { return [none("the earlier state is unknown")] }
        var body: JSONObject = [:]
        var proposals: [RepairProposal] = []
        var seen: Set<String> = []
        for change in finding.difference.changes {
            guard let name = change.path.first, seen.insert(name).inserted else { continue }
            if name == SnapshotObject.typeProperty { return [none("the object's type has changed")] }
            if isRelation(name) {
                proposals += relation(name, change, place)
            } else if Self.readOnly.contains(name) {
                proposals.append(none("`\(name)` is set by the service"))
            } else {
                body[name] = before[name] ?? .null
            }
        }
        guard !body.isEmpty else { return proposals }
        if let type = before["@odata.type"] { body["@odata.type"] = type }
        return [request(place, "PATCH", .object(body), nil)] + proposals
    }

    private func relation(_ name: String, _ change: ObjectDifference.Change, _ place: String) -> [RepairProposal] {
        guard let relation = kind.relations.first(where: { $0.name == name }), relation.isReference,
            let items = change.changedItems
        else { return [none("`\(name)` must be restored manually")] }
        let back = items.removed.compactMap(\.string).map { who -> RepairProposal in
            guard let id = id(of: who) else { return none("the ID of \(who) is unknown") }
            let target: JSONValue = [
                "@odata.id": .string("https://graph.microsoft.com/v1.0/directoryObjects/\(id)")
            ]
            return request("\(place)/\(name)/$ref", "POST", target, "adds \(who) to \(name) again")
        }
        let out = items.added.compactMap(\.string).map { who -> RepairProposal in
            // The ids in the earlier snapshot may not include a new member.
            guard let id = id(of: who) else { return none("remove \(who) from \(name) manually") }
            return request("\(place)/\(name)/\(id)/$ref", "DELETE", nil, "removes \(who) from \(name)")
        }
        return back + out
    }

    func cmdlets(of service: ExchangeTable.Service) -> [RepairProposal] {
        cmdlets(in: service.module) { ExchangeTable.standard.takes($1, by: $0, in: service) }
    }

    func cmdlets(in module: String, taking takes: (String, String) -> Bool) -> [RepairProposal] {
        finding.cmdletRepairs(taking: takes).map { repair in
            proposal(
                repair.command.map { "mm run \(connection) \(module) \(ShellWord.quoted($0.line))" },
                repair.note,
                calling: repair.command.map {
                    Plan.Call(
                        tool: "run",
                        arguments: [
                            "connection": .string(name), "module": .string(module),
                            "command": .string($0.line),
                        ])
                })
        }
    }

    /// Starts or stops flows; only their owners can restore their definition.
    func flow() -> [RepairProposal] {
        let properties = finding.before?["properties"] ?? finding.difference.changes.first?.after?["properties"]
        guard let environment = properties?["environment"]?["name"]?.string else {
            return [none("its environment is unknown")]
        }
        func state(_ state: String, _ note: String?) -> RepairProposal {
            let place = kind.path.replacing("{parent}", with: environment) + "/\(finding.id)/\(state)"
            return request(place, "POST", nil, note, resource: "flow")
        }
        switch finding.change {
        case .added: return [state("stop", "stops the new flow; its owner decides whether to delete it")]
        case .removed: return [none("an administrator can restore a deleted flow for 21 days")]
        case .changed:
            var proposals: [RepairProposal] = []
            for change in finding.difference.changes {
                if change.path == ["properties", "state"], let old = change.before?.string,
                    ["Started", "Stopped"].contains(old)
                {
                    proposals.append(state(old == "Started" ? "start" : "stop", nil))
                } else {
                    proposals.append(none("`\(change.path.joined(separator: "."))` must be restored by its owner"))
                }
            }
            return proposals
        }
    }

    private func request(
        _ place: String, _ method: String, _ body: JSONValue?, _ note: String?, resource: String? = nil
    ) -> RepairProposal {
        var line = "mm graph \(connection) \(ShellWord.quoted(place)) -X \(method)"
        var arguments: JSONObject = [
            "connection": .string(name), "endpoint": .string(place.hasPrefix("/") ? place : "/" + place),
            "method": .string(method), "unlisted": true,
        ]
        if let body {
            line += " -d \(ShellWord.quoted(JSONWriter.string(body)))"
            arguments["body"] = body
        }
        if let resource {
            line += " --resource \(resource)"
            arguments["resource"] = .string(resource)
        }
        return proposal(line, note, calling: Plan.Call(tool: "graph_request", arguments: arguments))
    }

    private func isRelation(_ name: String) -> Bool { kind.relations.contains { $0.name == name } }

    private func id(of name: String) -> String? {
        GUID.isValid(name) ? name : ids[.objects]?[name]
    }

    /// Returns an object with the ids that the service expects.
    private func restored(_ members: JSONObject?) -> JSONObject? {
        members.flatMap { members in
            Self.typed(.object(kind.mappingReferences(in: members) { text, space in ids[space]?[text] ?? text })).object
        }
    }

    private static func typed(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let members):
            .object(
                JSONObject(
                    members.map { ($0.key == SnapshotObject.typeProperty ? "@odata.type" : $0.key, typed($0.value)) }))
        case .array(let items): .array(items.map(typed))
        default: value
        }
    }

    private func proposal(
        _ command: String?, _ note: String?, calling call: Plan.Call? = nil
    ) -> RepairProposal {
        RepairProposal(kind: kind.name, name: finding.name, command: command, call: call, note: note)
    }
}
