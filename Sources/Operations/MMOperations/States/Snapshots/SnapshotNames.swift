package import MMCore

/// The names of the objects that others refer to, by id. A name replaces an id only if no other object of the tenant
/// has the same name.
package struct SnapshotNames: Sendable {
    private var names: [SnapshotKind.ReferenceSpace: [String: String]] = [:]

    /// Words that services use in place of an id.
    private static let reserved: Set<String> = [
        "all", "none", "guestsorexternalusers", "alltrusted", "office365", "microsoftadminportals",
    ]

    /// Creates an empty instance.
    package init() {}

    /// Reads the names that a snapshot keeps.
    fileprivate init(_ json: JSONValue) {
        for (space, members) in json.object ?? [:] {
            guard let space = SnapshotKind.ReferenceSpace(rawValue: space) else { continue }
            for (id, name) in members.object ?? [:] { names[space, default: [:]][id] = name.string }
        }
    }

    /// Adds the name of an object.
    package mutating func note(_ id: String, _ name: String, in space: SnapshotKind.ReferenceSpace = .objects) {
        names[space, default: [:]][id.lowercased()] = name
    }

    /// Adds the names that were collected elsewhere.
    mutating func merge(_ other: SnapshotNames) {
        for (space, all) in other.names { names[space, default: [:]].merge(all) { _, new in new } }
    }

    /// Adds the names of an object and its parts.
    mutating func note(_ members: JSONObject, of kind: SnapshotKind) {
        guard kind.isReferredTo, let id = SnapshotObject.text(at: kind.key, in: members),
            let name = kind.named.lazy.compactMap({ SnapshotObject.text(at: $0, in: members) }).first
        else { return }
        note(id, name)
        if let app = kind.appID.flatMap({ SnapshotObject.text(at: $0, in: members) }) { note(app, name, in: .apps) }
        guard let parts = kind.namedParts else { return }
        for part in members[parts.list]?.array ?? [] {
            if let id = part["id"]?.string, let word = part[parts.name]?.string { note(id, "\(name): \(word)") }
        }
    }

    /// Whether the name of an id is known.
    func knows(_ id: String, in space: SnapshotKind.ReferenceSpace) -> Bool { names[space]?[id.lowercased()] != nil }

    /// The names that only one object has, by id; only these replace ids in a snapshot.
    var unique: SnapshotNames {
        var unique = SnapshotNames()
        for (space, all) in names {
            var count: [String: Int] = [:]
            for name in all.values { count[name.lowercased(), default: 0] += 1 }
            unique.names[space] = all.filter { entry in
                let name = entry.value.lowercased()
                return count[name] == 1 && !Self.reserved.contains(name) && !GUID.isValid(name)
            }
        }
        return unique
    }

    /// Returns only the names of some ids.
    func restricted(to used: [SnapshotKind.ReferenceSpace: Set<String>]) -> SnapshotNames {
        var kept = SnapshotNames()
        for (space, ids) in used {
            kept.names[space] = (names[space] ?? [:]).filter { ids.contains($0.key) }
        }
        return kept
    }

    /// The JSON form in a snapshot.
    package var json: JSONValue {
        SnapshotObject.ordered(
            .object(
                JSONObject(
                    names.map { space, names in
                        (space.rawValue, .object(JSONObject(names.map { ($0.key, .string($0.value)) })))
                    })))
    }

    /// Returns the name of an id.
    func name(of id: String, in space: SnapshotKind.ReferenceSpace) -> String? { names[space]?[id.lowercased()] }

    /// The ids by their names, with which a snapshot is read back.
    fileprivate var ids: [SnapshotKind.ReferenceSpace: [String: String]] {
        names.mapValues { Dictionary($0.map { ($0.value, $0.key) }, uniquingKeysWith: { first, _ in first }) }
    }
}

extension SnapshotKind {
    /// Returns an object with its references replaced.
    /// - Parameter change: returns the replacement of a reference.
    package func mappingReferences(
        in members: JSONObject, _ change: (String, ReferenceSpace) -> String
    ) -> JSONObject {
        var members = members
        for reference in references {
            guard let first = reference.path.first, let value = members[first] else { continue }
            members[first] = Self.mapped(value, reference.path.dropFirst(), reference.space, change)
        }
        return members
    }

    private static func mapped(
        _ value: JSONValue, _ path: ArraySlice<String>, _ space: ReferenceSpace,
        _ change: (String, ReferenceSpace) -> String
    ) -> JSONValue {
        switch value {
        case .array(let items): return .array(items.map { mapped($0, path, space, change) })
        case .object(var members):
            if let name = path.first {
                if let inner = members[name] { members[name] = mapped(inner, path.dropFirst(), space, change) }
            } else {
                for (key, inner) in members where key != SnapshotObject.typeProperty {
                    members[key] = mapped(inner, path, space, change)
                }
            }
            return .object(members)
        case .string(let text) where path.isEmpty: return .string(change(text, space))
        default: return value
        }
    }
}

/// A snapshot in a folder. Its objects are read one by one.
package struct SnapshotFolder: Sendable {
    /// The listing of an object in the snapshot.
    package struct Entry: Sendable, Hashable {
        package let name: String
        /// The id that distinguishes the object within its tenant.
        package let id: String
        /// The path of the file, relative to the snapshot's folder.
        package let file: String
        /// The digest of the file.
        let digest: [UInt8]
    }

    /// The folder.
    package let path: String
    /// The snapshot's header.
    package let header: SnapshotHeader
    /// The names that replace ids.
    package let names: SnapshotNames
    /// The ids by those names.
    package let ids: [SnapshotKind.ReferenceSpace: [String: String]]

    /// Opens a folder.
    /// - Throws: `notFound` when it holds no snapshot.
    package init(_ path: String) throws(MMError) {
        let destination = SnapshotDestination(path)
        try destination.finishMove()
        self.path = destination.folder
        let headerPath = "\(self.path)/\(SnapshotHeader.fileName)"
        guard let bytes = try ProtectedFile.read(headerPath) else {
            throw MMError(
                .notFound, "\(path) does not contain a snapshot.",
                hint: "`mm snapshot take CONNECTION --to \(ShellWord.quoted(path))` writes one.")
        }
        header = try SnapshotHeader(try Self.parse(bytes, headerPath), path: headerPath)
        let namesPath = "\(self.path)/\(SnapshotHeader.namesFile)"
        names =
            try ProtectedFile.read(namesPath).map { (bytes) throws(MMError) in
                SnapshotNames(try Self.parse(bytes, namesPath))
            } ?? SnapshotNames()
        ids = names.ids
    }

    /// Whether a folder holds a snapshot.
    package static func exists(_ path: String) -> Bool {
        SnapshotFiles.exists("\(SnapshotDestination(path).folder)/\(SnapshotHeader.fileName)")
    }

    /// Returns the objects of a kind, in the order of their files.
    package func entries(of kind: SnapshotKind) throws(MMError) -> [Entry] {
        var entries: [Entry] = []
        for name in try FolderListing.names(in: "\(path)/\(kind.name)").sorted() where name.hasSuffix(".json") {
            guard !name.hasPrefix(".") else { continue }
            let file = "\(kind.name)/\(name)"
            let bytes = try read(file)
            guard let members = try Self.parse(bytes, "\(path)/\(file)").object else {
                throw MMError(
                    .invalidInput, "\(path)/\(file) does not contain a JSON object.", hint: "Restore the file.")
            }
            entries.append(
                Entry(
                    name: kind.displayName(of: members), id: kind.id(of: members), file: file,
                    digest: SHA256.digest(bytes)))
        }
        return entries
    }

    /// Reads an object.
    package func object(_ entry: Entry) throws(MMError) -> JSONObject {
        try Self.parse(try read(entry.file), "\(path)/\(entry.file)").object ?? [:]
    }

    private func read(_ file: String) throws(MMError) -> [UInt8] {
        guard let bytes = try ProtectedFile.read("\(path)/\(file)") else {
            throw MMError(.notFound, "\(path)/\(file) was removed while it was read.", hint: "Try again.")
        }
        return bytes
    }

    private static func parse(_ bytes: [UInt8], _ path: String) throws(MMError) -> JSONValue {
        do throws(JSONError) {
            return try JSONParser.parse(bytes)
        } catch {
            throw MMError(.invalidInput, "\(path) can't be read as JSON: \(error).", hint: "Restore the file.")
        }
    }
}
