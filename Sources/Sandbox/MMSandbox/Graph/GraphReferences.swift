internal import MMCore
internal import MMHTTP

/// The address by which a body names an object, such as `https://…/users('ann@x.y')` or
/// `https://…/directoryObjects/ID`.
enum NamedObject {
    /// Returns the key in an address; `nil` for an empty text.
    static func key(in address: String) -> String? {
        guard let last = address.split(separator: "/").last else { return nil }
        guard last.hasSuffix("')") else { return String(last) }
        return last.split(separator: "'").dropFirst().first.map(String.init)
    }
}

/// Handles `$ref`: adds and removes references between objects.
struct GraphReferences {
    let context: TenantContext
    let store: DirectoryStore

    func answer(_ call: GraphCall, _ place: GraphPlace) throws(GraphFailure) -> HTTPServerResponse {
        switch place.node {
        case .links(_, let address): return try change(call, place, address)
        case .row(.users, let key) where place.label == "users":
            return try manager(call, key)
        default: throw .unknownSegment("$ref")
        }
    }

    private func manager(_ call: GraphCall, _ key: String) throws(GraphFailure) -> HTTPServerResponse {
        guard let record = store.user(key) else { throw .missing(key) }
        switch call.request.method {
        case "GET":
            guard let manager = store.managerID(record.id) else { throw .missing("manager") }
            return GraphAnswers.json([
                "@odata.context": .string("\(context.base)/\(call.version)/$metadata#$ref"),
                "@odata.id": .string("\(context.base)/\(call.version)/directoryObjects/\(manager)"),
            ])
        case "PUT", "DELETE":
            var row = record.members(of: .user)
            row[DirectoryStore.managerKey] = call.request.method == "PUT" ? .string(try target(call).1.id) : .null
            store.replace(record.id, with: row, in: .users)
            return HTTPServerResponse(status: 204)
        default: throw .notAllowed(call.request.method)
        }
    }

    /// Returns the object that the body of a reference names.
    private func target(_ call: GraphCall) throws(GraphFailure) -> (TableAddress, Record) {
        try target(try call.object()["@odata.id"] ?? .null)
    }

    /// Returns the object that an address names.
    private func target(_ address: JSONValue) throws(GraphFailure) -> (TableAddress, Record) {
        guard let key = address.string.flatMap(NamedObject.key) else {
            throw .badRequest("The request body must contain '@odata.id' with the URL of the object.")
        }
        guard let found = store.object(key) else { throw .missing(key) }
        return found
    }

    private func change(_ call: GraphCall, _ place: GraphPlace, _ address: LinkAddress?) throws(GraphFailure)
        -> HTTPServerResponse
    {
        guard case .links(let ids, _) = place.node else { throw .unknownSegment("$ref") }
        if call.request.method == "GET" {
            // A single reference by its key: it exists, or it isn't found.
            let names = call.segments.map(\.name)
            if let key = names.dropLast().last, GUID.isValid(key) {
                guard ids.contains(key.lowercased()) else { throw .missing(key) }
                return GraphAnswers.json([
                    "@odata.context": .string("\(context.base)/\(call.version)/$metadata#$ref"),
                    "@odata.id": .string("\(context.base)/\(call.version)/directoryObjects/\(key.lowercased())"),
                ])
            }
            let rows = ids.prefix(100).map {
                JSONValue.object(["@odata.id": .string("\(context.base)/\(call.version)/directoryObjects/\($0)")])
            }
            return GraphAnswers.json([
                "@odata.context": .string("\(context.base)/\(call.version)/$metadata#Collection($ref)"),
                "value": .array(rows),
            ])
        }
        guard let address else { throw .notAllowed(call.request.method) }
        if store.table(.groups).find(address.owner)?.isKeptByExchange == true { throw .keptByExchange("Update") }
        switch call.request.method {
        case "POST":
            let id = try target(call).1.id
            try check(id, address)
            add(id, address)
            return HTTPServerResponse(status: 204)
        case "DELETE":
            return try unlink(call, address)
        default: throw .notAllowed(call.request.method)
        }
    }

    /// Adds the members and owners that a change of a group names.
    func link(_ body: JSONObject, to group: String) throws(GraphFailure) {
        var links: [(id: String, address: LinkAddress)] = []
        for relation in [LinkAddress.Relation.members, .owners] {
            let address = LinkAddress(owner: group, relation: relation)
            for named in body["\(relation.rawValue)@odata.bind"]?.array ?? [] {
                let id = try target(named).1.id
                try check(id, address)
                links.append((id, address))
            }
        }
        for link in links { add(link.id, link.address) }
    }

    private func check(_ id: String, _ address: LinkAddress) throws(GraphFailure) {
        if let group = store.table(.groups).find(address.owner), address.relation == .members,
            group["groupTypes"]?.array?.contains("DynamicMembership") == true
        {
            throw .badRequest("Insufficient privileges to update the membership of a dynamic group.")
        }
        guard !store.isLinked(id, address) else {
            throw .badRequest(
                "One or more added object references already exist for the following modified properties: '\(address.relation.rawValue)'."
            )
        }
    }

    private func add(_ id: String, _ address: LinkAddress) {
        store.changeLinks(address) { changes in
            if changes.removed.remove(id) == nil { changes.added.append(id) }
        }
    }

    private func unlink(_ call: GraphCall, _ address: LinkAddress) throws(GraphFailure) -> HTTPServerResponse {
        let names = call.segments.map(\.name)
        let key = names.last == "$ref" && names.count >= 2 ? names[names.count - 2] : ""
        let named = call.options.other.first { $0.name == "@id" || $0.name == "$id" }?.value.split(separator: "/").last
            .map(String.init)
        let id = (named ?? key).lowercased()
        guard store.isLinked(id, address) else { throw .missing(id) }
        store.changeLinks(address) { changes in
            if let place = changes.added.firstIndex(of: id) {
                changes.added.remove(at: place)
            } else {
                changes.removed.insert(id)
            }
        }
        return HTTPServerResponse(status: 204)
    }
}
