package import MMCore
package import MMDesk

/// A request that takes a change back.
package struct InverseRequest: Sendable, Hashable {
    /// The method.
    package let method: String
    /// The path with its version.
    package let path: String
    /// The body; `nil` where there is none.
    package let body: JSONValue?

    init(_ method: String, _ path: String, _ body: JSONValue? = nil) {
        self.method = method
        self.path = path
        self.body = body
    }
}

extension Change {
    /// The reason why the change can't be taken back; `nil` if it can.
    package var reasonAgainstUndo: String? {
        if kind == .creation, subject.id.isEmpty { return "the service did not say which object it created" }
        return expectedObstacle
    }

    /// The reason known before sending why the change can't be taken back; `nil` if it can.
    package var expectedObstacle: String? {
        if let obstacle { return obstacle }
        guard isBeforeKnown else { return "its earlier state is unknown" }
        return kind == .properties && keys.isEmpty ? "it changes no property" : nil
    }

    /// Returns the requests that take the change back; empty where that is not possible.
    /// - Parameter base: the service's base URL as references use it: `https://graph.microsoft.com`.
    package func inverse(base: String) -> [InverseRequest] {
        guard reasonAgainstUndo == nil, cmdlet == nil else { return [] }
        if service == .flow { return flowInverse }
        if service == .teams { return teamsInverse }
        let path = versioned(place)
        switch kind {
        case .properties: return [InverseRequest("PATCH", path, .object(restoredProperties))]
        case .licenses:
            let body = Self.assignment(from: after?["assignedLicenses"], to: before?["assignedLicenses"])
            return [InverseRequest("POST", path + "/assignLicense", body)]
        case .link: return others.map { InverseRequest("DELETE", "\(path)/\(Self.step($0.id))/$ref") }
        case .unlink: return others.map { InverseRequest("POST", path + "/$ref", reference($0.id, base)) }
        case .reference:
            guard let kept = before?[relation]?.string else { return [InverseRequest("DELETE", path + "/$ref")] }
            return [InverseRequest("PUT", path + "/$ref", reference(kept, base))]
        case .creation: return [InverseRequest("DELETE", "\(path)/\(Self.step(subject.id))")]
        case .deletion:
            if isRestorable {
                return [InverseRequest("POST", "/\(version)/directory/deletedItems/\(Self.step(subject.id))/restore")]
            }
            guard let body = recreation else { return [] }
            let collection = path.split(separator: "/").dropLast().map { "/" + $0 }.joined()
            return [InverseRequest("POST", collection, body)]
        case .restoration:
            guard let collection = restoredCollection else { return [] }
            return [InverseRequest("DELETE", "/\(version)/\(collection)/\(Self.step(subject.id))")]
        case .content:
            guard let version = before?[Self.versionKey]?.string else { return [] }
            return [InverseRequest("POST", "\(path)/versions/\(Self.step(version))/restoreVersion")]
        case .file, .action: return []
        }
    }

    private func reference(_ id: String, _ base: String) -> JSONValue {
        ["@odata.id": .string("\(base)/\(version)/directoryObjects/\(id)")]
    }

    /// The values to write back. Members that a structured value did not have before are set to null, since services
    /// keep members that a request leaves out.
    private var restoredProperties: JSONObject {
        func restored(_ old: JSONValue, _ new: JSONValue?) -> JSONValue {
            guard var members = old.object, let written = new?.object else { return old }
            for (key, value) in written { members[key] = restored(members[key] ?? .null, value) }
            return .object(members)
        }
        return JSONObject(keys.map { ($0, restored(before?[$0] ?? .null, after?[$0])) })
    }

    /// The changes that are taken back one after the other to take this one back: only itself where one cmdlet or
    /// request is enough.
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

    // MARK: Deleted objects

    /// Whether the directory keeps the object for 30 days after its deletion.
    package var isRestorable: Bool {
        guard isTopLevel else { return false }
        switch collection.lowercased() {
        case "users", "applications", "serviceprincipals", "me": return true
        case "groups": return before?["groupTypes"]?.array?.contains("Unified") ?? false
        default: return false
        }
    }

    var deletionObstacle: String? {
        if isRestorable || recreation != nil { return nil }
        switch collection.lowercased() {
        case "groups" where isTopLevel:
            return "only Microsoft 365 groups can be restored, and this is another kind of group"
        default: return "mm can't restore it"
        }
    }

    /// The properties with which objects of a collection are recreated.
    private static let recreated: [(path: [String], properties: [String])] = [
        (["oauth2permissiongrants"], ["clientId", "consentType", "principalId", "resourceId", "scope"]),
        (["directory", "roleassignments"], ["principalId", "roleDefinitionId", "directoryScopeId"]),
        (["approleassignments"], ["principalId", "resourceId", "appRoleId"]),
        (["approleassignedto"], ["principalId", "resourceId", "appRoleId"]),
        (
            ["conditionalaccess", "policies"],
            ["displayName", "state", "conditions", "grantControls", "sessionControls"]
        ),
        (
            ["conditionalaccess", "namedlocations"],
            [
                "@odata.type", "displayName", "isTrusted", "ipRanges", "countriesAndRegions",
                "includeUnknownCountriesAndRegions", "countryLookupMethod",
            ]
        ),
        (["messagerules"], ["displayName", "sequence", "isEnabled", "conditions", "actions", "exceptions"]),
    ]

    /// The body of the request that recreates the deleted object, which gets another id.
    var recreation: JSONValue? {
        let steps = place.lowercased().split(separator: "/").dropLast().map(String.init)
        guard let before = before?.object,
            let found = Self.recreated.first(where: { steps.suffix($0.path.count) == $0.path[...] })
        else { return nil }
        return .object(
            JSONObject(found.properties.compactMap { name in before[name].flatMap { $0.isNull ? nil : (name, $0) } }))
    }

    /// The collection of an object that was brought back.
    private var restoredCollection: String? {
        let type = after?["@odata.type"]?.string?.lowercased() ?? ""
        for (name, collection) in [
            ("user", "users"), ("group", "groups"), ("application", "applications"),
            ("serviceprincipal", "servicePrincipals"),
        ] where type == "#microsoft.graph.\(name)" { return collection }
        if after?["userPrincipalName"]?.string != nil { return "users" }
        if after?["groupTypes"]?.array != nil { return "groups" }
        if after?["servicePrincipalType"]?.string != nil { return "servicePrincipals" }
        return after?["appId"]?.string != nil ? "applications" : nil
    }
}

extension Change {
    /// Determines what an inverse request of this change itself changes.
    /// - Parameters:
    ///   - request: one of the inverse requests.
    ///   - present: what the service answered to `presentPath`.
    package func inverseChange(by request: GraphRequest, _ present: JSONValue?) -> Change? {
        guard var change = Change(request, isAction: nil) else { return nil }
        switch kind {
        case .properties, .licenses, .reference, .deletion:
            return change.isBeforeKnown ? change : change.knowing(present)
        case .link, .unlink:
            change.subject = subject
            change.others = change.others.map { other in others.first { $0.id == other.id } ?? other }
            change.isBeforeKnown = true
            return change
        case .content: return change.knowing(present)
        // Undoing a creation deletes the object; the properties that it was created with are not enough to undo that
        // deletion.
        case .creation, .restoration, .file, .action: return change
        }
    }

    /// The properties with their values now and after taking the change back, as lines.
    package var undoLines: [String] {
        switch kind {
        case .properties, .reference, .licenses: ObjectDifference(before: shown(after), after: shown(before)).lines
        case .link where after != nil, .unlink where after != nil: grantLines(after, before)
        case .link: others.map { "\(relation): - \($0.text)" }
        case .unlink: others.map { "\(relation): + \($0.text)" }
        case .creation: ["\(subject.text) is deleted"]
        case .deletion:
            isRestorable
                ? ["\(subject.text) is restored from the deleted items"]
                : [service == .teams ? "it is recreated" : "it is recreated with another ID"]
        case .restoration: ["\(subject.text) is deleted again"]
        case .file: ["its earlier content is restored, and its current content is kept"]
        case .content: ["version \(before?[Self.versionKey]?.string ?? "") becomes the current version again"]
        case .action: []
        }
    }
}
