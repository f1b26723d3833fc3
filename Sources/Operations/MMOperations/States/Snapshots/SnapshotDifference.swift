package import MMCore

/// An object that differs between two snapshots.
package struct SnapshotFinding: Sendable, Hashable {
    /// The kind of difference.
    package enum Change: String, Sendable, CaseIterable {
        /// It is new.
        case added
        /// It is gone.
        case removed
        /// It differs.
        case changed
    }

    /// The kind of the object.
    package let kind: SnapshotKind
    /// The object's name, the later one where it still exists.
    package let name: String
    /// The object's id in the later snapshot, or else in the earlier one.
    package let id: String
    /// The path of its file, relative to the folder of the snapshot that has it.
    package let file: String
    /// The kind of difference.
    package let change: Change
    /// The differences, property by property.
    package let difference: ObjectDifference
    /// The object before; `nil` for a new one.
    package let before: JSONObject?

    /// A digest of the finding, by which an acceptance recognises it.
    package var digest: String {
        let changes = difference.changes.map { change in
            JSONWriter.string([
                .string(change.path.joined(separator: ".")), change.before ?? .null, change.after ?? .null,
            ])
        }
        let text = [kind.name, change.rawValue, id, name] + changes
        return Hex.text(SHA256.digest(text.joined(separator: "\n").utf8).prefix(12))
    }
}

/// The differences between two snapshots of one tenant at different times, or of two tenants.
package struct SnapshotDifference: Sendable {
    /// A kind that could not be compared.
    package struct Gap: Sendable, Hashable {
        /// The name of the kind.
        package let kind: String
        /// The reason.
        package let reason: String
        /// Whether only one of the snapshots has the kind, so that the comparison is incomplete.
        package let isOneSided: Bool
    }

    /// The objects that differ, by kind and name.
    package private(set) var findings: [SnapshotFinding] = []
    /// The kinds that could not be compared.
    package private(set) var gaps: [Gap] = []
    /// The kinds that were compared.
    package private(set) var compared: [SnapshotKind] = []
    /// Whether these are snapshots of two tenants; their objects are then matched by name instead of by id.
    package let isBetweenTenants: Bool

    /// Compares two snapshots.
    /// - Parameters:
    ///   - before: the earlier snapshot, or the one with the desired state.
    ///   - after: the later snapshot.
    ///   - kinds: the kinds to compare.
    /// - Throws: `MMError` for files that can't be read.
    package init(
        from before: SnapshotFolder, to after: SnapshotFolder, kinds: [SnapshotKind] = SnapshotKind.all
    ) throws(MMError) {
        isBetweenTenants = before.header.tenant.id.lowercased() != after.header.tenant.id.lowercased()
        for kind in kinds {
            let (first, second) = (
                before.header.read.contains(kind.name), after.header.read.contains(kind.name)
            )
            guard first, second else {
                if let gap = Self.gap(kind, before, after, first, second) { gaps.append(gap) }
                continue
            }
            compared.append(kind)
            try compare(kind, before, after)
        }
    }

    private static func gap(
        _ kind: SnapshotKind, _ before: SnapshotFolder, _ after: SnapshotFolder, _ first: Bool, _ second: Bool
    ) -> Gap? {
        let reasons = [(before, first), (after, second)].filter { !$0.1 }.compactMap { $0.0.header.leftOut[kind.name] }
        // The kind was requested for neither snapshot.
        if !first, !second, reasons.isEmpty { return nil }
        let reason = reasons.first?.reason ?? "it is not in the \(first ? "later" : "earlier") snapshot"
        return Gap(kind: kind.name, reason: reason, isOneSided: first != second)
    }

    private mutating func compare(
        _ kind: SnapshotKind, _ before: SnapshotFolder, _ after: SnapshotFolder
    ) throws(MMError) {
        let pairs = pairs(
            try before.entries(of: kind), try after.entries(of: kind), before.header.tenant, after.header.tenant)
        var found: [SnapshotFinding] = []
        for (old, new) in pairs {
            if let old, let new, old.digest == new.digest { continue }
            let (first, second) = (
                try old.map { (entry) throws(MMError) in try before.object(entry) },
                try new.map { (entry) throws(MMError) in try after.object(entry) }
            )
            let difference = difference(of: kind, first, second, before, after)
            guard let entry = new ?? old, !difference.isEmpty else { continue }
            found.append(
                SnapshotFinding(
                    kind: kind, name: entry.name, id: entry.id, file: entry.file,
                    change: old == nil ? .added : new == nil ? .removed : .changed, difference: difference,
                    before: first))
        }
        findings += found.sorted { ($0.name, $0.id) < ($1.name, $1.id) }
    }

    private func pairs(
        _ old: [SnapshotFolder.Entry], _ new: [SnapshotFolder.Entry], _ first: SnapshotTenant, _ second: SnapshotTenant
    ) -> [(SnapshotFolder.Entry?, SnapshotFolder.Entry?)] {
        var left = old
        var right = new
        var pairs: [(SnapshotFolder.Entry?, SnapshotFolder.Entry?)] = []
        // Matched by id within one tenant; the rest by name, such as a policy that was deleted and recreated.
        if !isBetweenTenants { Self.match(&left, &right, &pairs, { $0.id }, { $0.id }) }
        if isBetweenTenants {
            Self.match(
                &left, &right, &pairs, { first.neutral($0.name).lowercased() },
                { second.neutral($0.name).lowercased() })
        } else {
            Self.match(&left, &right, &pairs, { $0.name }, { $0.name })
        }
        return pairs + left.map { ($0, nil) } + right.map { (nil, $0) }
    }

    private static func match(
        _ left: inout [SnapshotFolder.Entry], _ right: inout [SnapshotFolder.Entry],
        _ pairs: inout [(SnapshotFolder.Entry?, SnapshotFolder.Entry?)],
        _ first: (SnapshotFolder.Entry) -> String, _ second: (SnapshotFolder.Entry) -> String
    ) {
        var places: [String: [SnapshotFolder.Entry]] = [:]
        for entry in right.reversed() { places[second(entry), default: []].append(entry) }
        var unmatched: [SnapshotFolder.Entry] = []
        for entry in left {
            if let other = places[first(entry)]?.popLast() {
                pairs.append((entry, other))
            } else {
                unmatched.append(entry)
            }
        }
        left = unmatched
        let open = Set(places.values.joined())
        right = right.filter(open.contains)
    }

    private func difference(
        of kind: SnapshotKind, _ old: JSONObject?, _ new: JSONObject?, _ before: SnapshotFolder,
        _ after: SnapshotFolder
    ) -> ObjectDifference {
        guard let old, let new else {
            return ObjectDifference(before: old.map { .object($0) }, after: new.map { .object($0) })
        }
        if isBetweenTenants {
            return ObjectDifference(
                before: neutral(old, kind, before.header.tenant), after: neutral(new, kind, after.header.tenant)
            ).withoutEmpty
        }
        // References are compared by id, since a renamed object is still the same one.
        let (first, second) = (before.ids, after.ids)
        func same(_ members: JSONObject, _ ids: [SnapshotKind.ReferenceSpace: [String: String]]) -> JSONValue {
            SnapshotObject.ordered(
                .object(kind.mappingReferences(in: members) { text, space in ids[space]?[text] ?? text.lowercased() }))
        }
        let renamed = ObjectDifference(before: same(old, first), after: same(new, second)).withoutEmpty
        guard !renamed.isEmpty else { return renamed }
        return ObjectDifference(before: .object(old), after: .object(new)).limited(to: Set(renamed.changes.map(\.path)))
    }

    /// Returns an object without the values that are specific to its tenant.
    private func neutral(_ members: JSONObject, _ kind: SnapshotKind, _ tenant: SnapshotTenant) -> JSONValue {
        var kind = kind
        kind.leftOut = kind.tenantOwn + (kind.key == "Identity" || kind.isSingle ? ["id"] : [kind.key, "id"])
        return SnapshotObject.ordered(
            tenant.neutral(.object(SnapshotObject.normalized(members, as: kind))))
    }
}

extension ObjectDifference {
    /// Returns only the changes at some paths.
    fileprivate func limited(to paths: Set<[String]>) -> ObjectDifference {
        ObjectDifference(kept: changes.filter { paths.contains($0.path) })
    }

    /// Returns the difference without properties that are missing on one side and null on the other.
    fileprivate var withoutEmpty: ObjectDifference {
        ObjectDifference(kept: changes.filter { ($0.before ?? .null) != ($0.after ?? .null) })
    }

    private init(kept: [Change]) { changes = kept }
}

/// The tenant of a snapshot, with the values that are specific to it.
package struct SnapshotTenant: Sendable, Hashable {
    /// The tenant's id.
    package let id: String
    /// The default domain, which new accounts get.
    package let defaultDomain: String?
    /// The initial domain, which came with the tenant.
    package let initialDomain: String?

    /// Creates a tenant.
    package init(id: String, defaultDomain: String?, initialDomain: String?) {
        (self.id, self.defaultDomain, self.initialDomain) = (id, defaultDomain, initialDomain)
    }

    /// Reads the response of `/organization`.
    init(id: String, organization: JSONObject) {
        let domains = organization["verifiedDomains"]?.array ?? []
        func domain(_ mark: String) -> String? { domains.first { $0[mark]?.bool == true }?["name"]?.string }
        self.init(
            id: organization["id"]?.string ?? id, defaultDomain: domain("isDefault"),
            initialDomain: domain("isInitial"))
    }

    /// Returns a value with placeholders in place of the tenant's own id and domains.
    fileprivate func neutral(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text): .string(neutral(text))
        case .array(let items): .array(items.map(neutral))
        case .object(let members): .object(members.mapValues { neutral($1) })
        default: value
        }
    }

    /// Returns a text with placeholders in place of the tenant's own id and domains.
    fileprivate func neutral(_ text: String) -> String {
        var text = text
        for (own, name) in [(id, "{tenant}"), (initialDomain, "{initial-domain}"), (defaultDomain, "{domain}")] {
            guard let own, !own.isEmpty else { continue }
            text = Self.replacing(own.lowercased(), with: name, in: text)
        }
        return text
    }

    /// Replaces whole words only: a longer domain name that ends with the word is another domain.
    private static func replacing(_ word: String, with other: String, in text: String) -> String {
        let lower = text.lowercased()
        guard lower.utf8.count == text.utf8.count, lower.contains(word) else { return text }
        let (bytes, small, wanted) = (Array(text.utf8), Array(lower.utf8), Array(word.utf8))
        var result: [UInt8] = []
        var place = 0
        while place < bytes.count {
            let end = place + wanted.count
            if end <= bytes.count, small[place..<end].elementsEqual(wanted),
                place == 0 || !isNamePart(small[place - 1]), end == bytes.count || !isNamePart(small[end])
            {
                result += Array(other.utf8)
                place = end
            } else {
                result.append(bytes[place])
                place += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func isNamePart(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"): true
        default: byte >= 0x80
        }
    }
}

extension SnapshotFinding {
    /// Creates a finding from a `configurationDrift`, the finding of Microsoft Graph's own configuration management.
    /// - Returns: `nil` for a drift that was fixed since, or lacks its type or id.
    package init?(serviceDrift drift: JSONValue) {
        guard drift["status"]?.string != "fixed", let type = drift["resourceType"]?.string, !type.isEmpty,
            let id = drift["id"]?.string
        else { return nil }
        let instance = (drift["resourceInstanceIdentifier"]?.object ?? [:])
            .filter { !$0.key.contains("@") }.compactMap { $0.value.string }.joined(separator: ", ")
        let title = drift["baselineResourceDisplayName"]?.string ?? ""
        var (wanted, present) = (JSONObject(), JSONObject())
        for property in drift["driftedProperties"]?.array ?? [] {
            guard let name = property["propertyName"]?.string else { continue }
            wanted[name] = property["desiredValue"] ?? .null
            present[name] = property["currentValue"] ?? .null
        }
        kind = SnapshotKind(type, "\(type) (watched by the service)", .graph, Self.drifts)
        name = title.isEmpty ? instance : instance.isEmpty ? title : "\(title) (\(instance))"
        self.id = id
        file = "configurationManagement/\(type)"
        let isThere = present["Ensure"]?.string.map { $0.lowercased() != "absent" }
        change = isThere.map { $0 ? Change.added : Change.removed } ?? .changed
        difference = ObjectDifference(before: .object(wanted), after: .object(present))
        before = wanted
    }

    /// The path of the collection of these drifts.
    private static let drifts = "/admin/configurationManagement/configurationDrifts"
}
