package import MMCore

/// Reads a tenant's configuration and writes it into a folder, one file for each object. Objects are written as their
/// pages arrive; only names are kept in memory.
package struct SnapshotTaking: Sendable {
    private let source: any SnapshotSource
    private let kinds: [SnapshotKind]
    private let explain: @Sendable (MMError, SnapshotKind) async -> SnapshotHeader.LeftOut
    private let progress: @Sendable (SnapshotKind, Int) -> Void

    /// An object that can't be finished until the names of its references and of the other objects of its kind are
    /// known.
    private struct Draft {
        let path: String
        let id: String
        /// The name, if the object contains no reference and so has its final content already.
        let title: String?
    }

    /// The data collected so far.
    private struct State {
        var names = SnapshotNames()
        var drafts: [SnapshotKind: [Draft]] = [:]
        var references: [SnapshotKind.ReferenceSpace: Set<String>] = [:]
    }

    /// Creates a snapshot run.
    /// - Parameters:
    ///   - source: the tenant.
    ///   - kinds: the kinds to read.
    ///   - explain: returns the reason for which a kind is left out.
    ///   - progress: receives the kind and the number of objects read so far.
    package init(
        from source: any SnapshotSource, kinds: [SnapshotKind],
        explain: @escaping @Sendable (MMError, SnapshotKind) async -> SnapshotHeader.LeftOut,
        progress: @escaping @Sendable (SnapshotKind, Int) -> Void = { _, _ in }
    ) {
        (self.source, self.kinds, self.explain, self.progress) = (source, kinds, explain, progress)
    }

    /// Writes the snapshot.
    /// - Parameters:
    ///   - folder: an empty folder.
    ///   - connection: the name of the tenant's connection.
    ///   - excluded: the kinds that must not be read, with the reason.
    /// - Returns: the header, and the number of objects.
    /// - Throws: errors that may not occur at a later attempt: network, throttling, deadline, cancellation. Kinds that
    ///   the service refuses are left out.
    package func write(
        to folder: String, connection: String, excluding excluded: [String: SnapshotHeader.LeftOut] = [:]
    ) async throws(MMError) -> (header: SnapshotHeader, objects: Int) {
        var header = SnapshotHeader(connection: connection, tenant: try await source.tenant(), leftOut: excluded)
        var state = State()
        for kind in kinds where excluded[kind.name] == nil {
            var part = State()
            do throws(MMError) {
                try await read(kind, to: "\(folder)/\(kind.name)", into: &part)
            } catch {
                guard Self.isRefusal(error) else { throw error }
                if SnapshotFiles.exists("\(folder)/\(kind.name)") {
                    try SnapshotFiles.removeTree("\(folder)/\(kind.name)")
                }
                header.leftOut[kind.name] = await explain(error, kind)
                continue
            }
            header.read.append(kind.name)
            state.names.merge(part.names)
            state.drafts.merge(part.drafts) { first, _ in first }
            state.references.merge(part.references) { $0.union($1) }
        }
        try await nameUnknown(&state)
        let names = state.names.unique
        var used: [SnapshotKind.ReferenceSpace: Set<String>] = [:]
        var count = 0
        for kind in kinds {
            guard let drafts = state.drafts[kind] else { continue }
            try finish(drafts, of: kind, in: "\(folder)/\(kind.name)", names, &used)
            count += drafts.count
        }
        try Self.write(names.restricted(to: used).json, to: "\(folder)/\(SnapshotHeader.namesFile)")
        try Self.write(header.json, to: "\(folder)/\(SnapshotHeader.fileName)")
        return (header, count)
    }

    private func read(_ kind: SnapshotKind, to folder: String, into state: inout State) async throws(MMError) {
        var pages = try await source.pages(of: kind)
        var seen: Set<String> = []
        while let page = try await pages.next() {
            // Whether an object is configuration may depend on its relations.
            var objects = page.filter {
                (kind.isConfigured($0) || !kind.relations.isEmpty) && seen.insert(kind.id(of: $0)).inserted
            }
            if kind.isSingle { objects = Array(objects.prefix(1)) }
            for object in objects { state.names.note(object, of: kind) }
            // A page of a thousand groups may have more members than fit into memory, so relations are read for some
            // objects at a time.
            let step = max(1, Self.relationsAtOnce / max(1, kind.relations.count))
            for start in stride(from: 0, to: objects.count, by: step) {
                var some = Array(objects[start..<min(start + step, objects.count)])
                try await addRelations(to: &some, of: kind, &state)
                for object in some where kind.isConfigured(object) {
                    try keep(object, of: kind, in: folder, &state)
                }
            }
            progress(kind, seen.count)
        }
        if state.drafts[kind] == nil { state.drafts[kind] = [] }
    }

    /// Reads the relations of the objects of a page, in as few requests as possible.
    private func addRelations(
        to objects: inout [JSONObject], of kind: SnapshotKind, _ state: inout State
    ) async throws(MMError) {
        var wanted: [(object: Int, relation: SnapshotKind.Relation)] = []
        for index in objects.indices {
            for relation in kind.relations {
                if let unless = relation.unless, let value = objects[index][unless.property],
                    value.string == unless.value || value.array?.contains(.string(unless.value)) == true
                {
                    continue
                }
                wanted.append((index, relation))
            }
        }
        guard !wanted.isEmpty else { return }
        let paths = wanted.map { entry in
            entry.relation.path.replacing("{id}", with: kind.id(of: objects[entry.object]))
        }
        for (entry, items) in zip(wanted, try await source.related(paths, of: kind)) {
            let relation = entry.relation
            let kept = items.filter { item in
                !relation.skipped.contains { item[$0.property] == $0.value }
                    && relation.keeps(item)
            }
            // If the relation has no rows, the object's own property of that name is kept.
            if kept.isEmpty, objects[entry.object][relation.name] != nil { continue }
            objects[entry.object][entry.relation.name] = .array(
                entry.relation.isReference ? kept.compactMap { reference($0, &state) } : kept)
        }
    }

    /// Writes an object with its original ids.
    private func keep(
        _ object: JSONObject, of kind: SnapshotKind, in folder: String, _ state: inout State
    ) throws(MMError) {
        let normal = SnapshotObject.normalized(object, as: kind)
        _ = kind.mappingReferences(in: normal) { text, space in
            if GUID.isValid(text) { state.references[space, default: []].insert(text.lowercased()) }
            return text
        }
        let path = "\(folder)/.\(state.drafts[kind, default: []].count)"
        let isFinal = kind.references.isEmpty
        try Self.write(.object(normal), to: path, layout: isFinal ? .indented(2) : .compact)
        let title = isFinal ? kind.displayName(of: normal) : nil
        state.drafts[kind, default: []].append(Draft(path: path, id: kind.id(of: normal), title: title))
    }

    /// The number of relations in one batch.
    private static let relationsAtOnce = 20
    /// The suffix of a draft in which ids have been replaced by names.
    private static let named = "-named"

    private func reference(_ item: JSONValue, _ state: inout State) -> JSONValue? {
        guard let id = item["id"]?.string else { return nil }
        if let name = item["userPrincipalName"]?.string ?? item["displayName"]?.string { state.names.note(id, name) }
        return .string(id)
    }

    private func nameUnknown(_ state: inout State) async throws(MMError) {
        let unknown = (state.references[.objects] ?? []).filter { !state.names.knows($0, in: .objects) }.sorted()
        guard !unknown.isEmpty else { return }
        do throws(MMError) {
            for (id, name) in try await source.names(of: unknown) { state.names.note(id, name) }
        } catch {
            // Ids whose names can't be read are kept.
            guard Self.isRefusal(error) else { throw error }
        }
    }

    /// Writes the objects of a kind to files named after them.
    private func finish(
        _ drafts: [Draft], of kind: SnapshotKind, in folder: String, _ names: SnapshotNames,
        _ used: inout [SnapshotKind.ReferenceSpace: Set<String>]
    ) throws(MMError) {
        var titles: [(name: String, id: String)] = []
        for draft in drafts {
            if let title = draft.title {
                titles.append((title, draft.id))
                continue
            }
            guard let bytes = try ProtectedFile.read(draft.path), let value = try? JSONParser.parse(bytes),
                let members = value.object
            else { throw MMError(.internalError, "\(draft.path), which was just written, can't be read.") }
            var seen: [(String, SnapshotKind.ReferenceSpace)] = []
            let mapped = kind.mappingReferences(in: members) { text, space in
                guard let name = names.name(of: text, in: space) else { return text }
                seen.append((text.lowercased(), space))
                return name
            }
            for (id, space) in seen { used[space, default: []].insert(id) }
            titles.append((kind.displayName(of: mapped), draft.id))
            try Self.write(SnapshotObject.ordered(.object(mapped)), to: draft.path + Self.named)
            try SnapshotFiles.remove(draft.path)
        }
        // The name of a file depends on the names of all other objects.
        for (draft, stem) in zip(drafts, SnapshotFileName.stems(of: titles)) {
            let written = draft.title == nil ? draft.path + Self.named : draft.path
            try SnapshotFiles.rename(written, to: "\(folder)/\(stem).json")
        }
    }

    private static func write(
        _ value: JSONValue, to path: String, layout: JSONWriter.Layout = .indented(2)
    ) throws(MMError) {
        try ProtectedFile.append(JSONWriter.bytes(value, layout: layout), to: path)
    }

    /// Whether an error means that the kind is unavailable for this connection, also later.
    private static func isRefusal(_ error: MMError) -> Bool {
        switch error.code {
        case .cancelled, .deadlineExceeded, .throttled, .unavailable, .internalError, .sessionLost, .limitExceeded:
            false
        case .remoteFailed: (400..<500).contains(error.details["status"]?.int ?? 0)
        default: true
        }
    }
}

/// File names for the names of objects, which may contain slashes, newlines and control characters, be longer than a
/// file name may be, be equal, or differ only in case.
enum SnapshotFileName {
    /// File systems allow 255 bytes; the id and the extension still have to fit.
    private static let maxBytes = 120
    /// Device names on Windows, where snapshots may be checked out as well.
    private static let devices: Set<String> = Set(
        ["con", "prn", "aux", "nul"] + (0...9).flatMap { ["com\($0)", "lpt\($0)"] })

    /// Returns the file names of the objects of one kind, without the extension, in the same order.
    ///
    /// Objects whose names would be the same have their id added, so that no file name depends on the order of the
    /// objects.
    /// - Parameter objects: the name and the id of each object.
    static func stems(of objects: [(name: String, id: String)]) -> [String] {
        var stems = objects.map { stem($0.name) }
        // A name with an added id may equal the name of another object, so the check is repeated.
        for _ in 0..<2 {
            var count: [String: Int] = [:]
            for stem in stems { count[folded(stem), default: 0] += 1 }
            guard count.values.contains(where: { $0 > 1 }) else { return stems }
            for index in stems.indices where count[folded(stems[index]), default: 0] > 1 {
                stems[index] = "\(stems[index]) (\(plain(objects[index].id)))"
            }
        }
        return zip(stems, objects).map { "\($0) \(Hex.text(SHA256.digest($1.id.utf8).prefix(6)))" }
    }

    /// Returns the part of an object's name that may be used in a file name.
    private static func stem(_ name: String) -> String {
        let text = plain(name)
        return devices.contains(folded(String(text.prefix { $0 != "." }))) ? "_" + text : text
    }

    private static func plain(_ name: String) -> String {
        var text = ""
        for scalar in name.unicodeScalars {
            text.unicodeScalars.append(isAllowed(scalar) ? scalar : "_")
        }
        // A file name must not be hidden, `.` or `..`, or look like a command's option.
        while let first = text.first, first == "." || first == "-" || first == " " { text.removeFirst() }
        if text.utf8.count > maxBytes {
            // Long names often differ only at the end.
            let digest = Hex.text(SHA256.digest(name.utf8).prefix(4))
            while text.utf8.count > maxBytes { text.removeLast() }
            text += "-" + digest
        }
        while let last = text.last, last == "." || last == " " { text.removeLast() }
        return text.isEmpty ? "unnamed" : text
    }

    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "/", "\\", ":", "*", "?", "\"", "<", ">", "|", "%", "$", "`": false
        default:
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: false
            default: true
            }
        }
    }

    /// Folds a name as file systems that ignore case and composition do.
    private static func folded(_ text: String) -> String { text.uppercased().lowercased() }
}

/// The source of a snapshot's objects.
package protocol SnapshotSource: Sendable {
    /// Returns the pages of a kind's objects, as the service returns them.
    /// - Throws: `MMError` when the kind can't be read.
    func pages(of kind: SnapshotKind) async throws(MMError) -> any SnapshotPages

    /// Returns the items at several paths of a kind's relations, in the order of the paths; none for an object that was
    /// deleted meanwhile.
    func related(_ paths: [String], of kind: SnapshotKind) async throws(MMError) -> [[JSONValue]]

    /// Returns the names of directory objects, by id; unknown ids are missing.
    func names(of ids: [String]) async throws(MMError) -> [(id: String, name: String)]

    /// Returns the tenant.
    func tenant() async throws(MMError) -> SnapshotTenant
}

/// Pages that are fetched one by one.
package protocol SnapshotPages {
    /// Returns the next page; `nil` after the last.
    mutating func next() async throws(MMError) -> [JSONObject]?
}

/// The header of a snapshot (`snapshot.json`): the tenant, the kinds that were read, and the reasons why others were
/// not. It contains no time, so that git sees no difference between two snapshots of an unchanged tenant.
package struct SnapshotHeader: Sendable, Hashable {
    /// The reason why a kind is not in a snapshot.
    package struct LeftOut: Sendable, Hashable {
        /// The reason, as a sentence.
        package let reason: String
        /// The missing permission or role, where it is known.
        package let missing: String?

        /// Creates a reason.
        package init(reason: String, missing: String? = nil) {
            // The reason is used within a sentence.
            self.reason = reason.hasSuffix(".") ? String(reason.dropLast()) : reason
            self.missing = missing
        }
    }

    /// The file's name.
    package static let fileName = "snapshot.json"
    /// The name of the file with the names of ids.
    package static let namesFile = "names.json"
    private static let format: Int64 = 1

    /// The name of the connection.
    package let connection: String
    /// The tenant.
    package let tenant: SnapshotTenant
    /// The names of the kinds that were read.
    package var read: [String]
    /// The kinds that were not read, by name, with the reason.
    package var leftOut: [String: LeftOut]

    /// Creates a header.
    package init(connection: String, tenant: SnapshotTenant, read: [String] = [], leftOut: [String: LeftOut] = [:]) {
        (self.connection, self.tenant, self.read, self.leftOut) = (connection, tenant, read, leftOut)
    }

    /// Reads a header.
    /// - Throws: `invalidInput` when the JSON isn't a header.
    init(_ json: JSONValue, path: String) throws(MMError) {
        guard let format = json["format"]?.int, let id = json["tenant"]?["id"]?.string,
            let kinds = json["kinds"]?.object
        else {
            throw MMError(
                .invalidInput, "\(path) is not the header of a snapshot.",
                hint: "Use a folder that `mm snapshot take CONNECTION --to FOLDER` wrote.")
        }
        guard format <= Self.format else {
            throw MMError(
                .unsupported, "\(path) was written by a newer version of mm (format \(format)).", hint: "Update mm.")
        }
        connection = json["connection"]?.string ?? ""
        tenant = SnapshotTenant(
            id: id, defaultDomain: json["tenant"]?["defaultDomain"]?.string,
            initialDomain: json["tenant"]?["initialDomain"]?.string)
        read = kinds.filter { $0.value.string != nil }.map(\.key)
        leftOut = [:]
        for (name, value) in kinds {
            guard let reason = value["leftOut"]?.string else { continue }
            leftOut[name] = LeftOut(reason: reason, missing: value["missing"]?.string)
        }
    }

    /// The JSON form in the file.
    package var json: JSONValue {
        var kinds: [(String, JSONValue)] = read.map { ($0, "read") }
        for (name, value) in leftOut {
            var members: JSONObject = ["leftOut": .string(value.reason)]
            if let missing = value.missing { members["missing"] = .string(missing) }
            kinds.append((name, .object(members)))
        }
        var tenant: JSONObject = ["id": .string(self.tenant.id)]
        if let domain = self.tenant.defaultDomain { tenant["defaultDomain"] = .string(domain) }
        if let domain = self.tenant.initialDomain { tenant["initialDomain"] = .string(domain) }
        return SnapshotObject.ordered([
            "format": .int(Self.format), "connection": .string(connection), "tenant": .object(tenant),
            "kinds": .object(JSONObject(kinds)),
        ])
    }
}
