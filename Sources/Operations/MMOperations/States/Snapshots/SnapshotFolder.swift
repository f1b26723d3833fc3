package import MMCore

/// A snapshot that lies in a folder. Objects are read one by one.
package struct SnapshotFolder: Sendable {
    /// An object's place in the snapshot.
    package struct Entry: Sendable, Hashable {
        /// What it is called.
        package let name: String
        /// What tells it from the others of its tenant.
        package let id: String
        /// The file, below the snapshot's folder.
        package let file: String
        /// The digest of the file.
        let digest: [UInt8]
    }

    /// The folder.
    package let path: String
    /// What the snapshot says of itself.
    package let header: SnapshotHeader
    /// The names that stand in the place of ids.
    package let names: SnapshotNames
    /// The ids behind those names.
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
                .notFound, "\(path) holds no snapshot.",
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

    /// The objects of a kind, in the order of their files.
    package func entries(of kind: SnapshotKind) throws(MMError) -> [Entry] {
        var entries: [Entry] = []
        for name in try FolderListing.names(in: "\(path)/\(kind.name)").sorted() where name.hasSuffix(".json") {
            guard !name.hasPrefix(".") else { continue }
            let file = "\(kind.name)/\(name)"
            let bytes = try read(file)
            guard let members = try Self.parse(bytes, "\(path)/\(file)").object else {
                throw MMError(.invalidInput, "\(path)/\(file) holds no JSON object.", hint: "Restore the file.")
            }
            entries.append(
                Entry(
                    name: kind.displayName(of: members), id: kind.id(of: members), file: file,
                    digest: SHA256.digest(bytes)))
        }
        return entries
    }

    /// An object.
    package func object(_ entry: Entry) throws(MMError) -> JSONObject {
        try Self.parse(try read(entry.file), "\(path)/\(entry.file)").object ?? [:]
    }

    private func read(_ file: String) throws(MMError) -> [UInt8] {
        guard let bytes = try ProtectedFile.read("\(path)/\(file)") else {
            throw MMError(.notFound, "\(path)/\(file) has gone while it was read.", hint: "Try again.")
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
