package import MMCore

/// What a snapshot says of itself (`snapshot.json`): whose it is, which kinds were read, and why others were not. It holds no
/// time, so that two snapshots of an unchanged tenant are the same to git.
package struct SnapshotHeader: Sendable, Hashable {
    /// Why a kind is not in a snapshot.
    package struct LeftOut: Sendable, Hashable {
        /// The reason, as a sentence.
        package let reason: String
        /// The permission or role that would open it, where it is known.
        package let missing: String?

        /// Creates a reason.
        package init(reason: String, missing: String? = nil) {
            // It stands within a sentence.
            self.reason = reason.hasSuffix(".") ? String(reason.dropLast()) : reason
            self.missing = missing
        }
    }

    /// The file's name.
    package static let fileName = "snapshot.json"
    /// The file with the names of ids.
    package static let namesFile = "names.json"
    private static let format: Int64 = 1

    /// The connection it was taken with.
    package let connection: String
    /// The tenant.
    package let tenant: SnapshotTenant
    /// The kinds that were read, by name.
    package var read: [String]
    /// The kinds that were not, by name.
    package var leftOut: [String: LeftOut]

    /// Creates a header.
    package init(connection: String, tenant: SnapshotTenant, read: [String] = [], leftOut: [String: LeftOut] = [:]) {
        (self.connection, self.tenant, self.read, self.leftOut) = (connection, tenant, read, leftOut)
    }

    /// Reads a header.
    /// - Throws: `invalidInput` when it is none.
    init(_ json: JSONValue, path: String) throws(MMError) {
        guard let format = json["format"]?.int, let id = json["tenant"]?["id"]?.string,
            let kinds = json["kinds"]?.object
        else {
            throw MMError(
                .invalidInput, "\(path) is not the header of a snapshot.",
                hint: "Name a folder that `mm snapshot take CONNECTION --to FOLDER` has written.")
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

    /// As the file holds it.
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
